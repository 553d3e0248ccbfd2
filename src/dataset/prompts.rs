//! Class prompts: what the text tower reads, one a category, in the order of the category list.

use super::files::read_at_most;
use super::Category;
use serde_json::Value;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The largest prompts file that is read.
const MAX_PROMPTS_BYTES: u64 = 64 << 20;

/// Why class prompts could not be derived or read.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// A category that says nothing of itself.
    #[error("category {category_id}: has neither synonyms nor a name to make a prompt of; give a prompts file")]
    Nameless {
        /// The category.
        category_id: i64,
    },
    /// A category whose synonym is nothing but blanks, underscores or a parenthesis.
    #[error("category {category_id}: {synonym:?} leaves an empty prompt; give a prompts file")]
    EmptySynonym {
        /// The category.
        category_id: i64,
        /// The synonym, or the name in its stead.
        synonym: String,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no JSON list.
    #[error("{}: not a JSON list of prompts: {source}; one prompt a line goes into a `.txt` file", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        source: serde_json::Error,
    },
    /// An entry is neither a string nor a list that starts with one.
    #[error("{}: entry {entry}: neither a string nor a list that starts with one", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Place in the list, from 1.
        entry: usize,
    },
    /// A prompt is blank.
    #[error("{}: entry {entry}: the prompt is blank", path.display())]
    Blank {
        /// The file.
        path: PathBuf,
        /// Place in the list, or line, from 1.
        entry: usize,
    },
    /// Not one prompt a category.
    #[error("{prompts} prompts for {categories} categories: there must be one for each, in the same order")]
    Count {
        /// Number of prompts.
        prompts: usize,
        /// Number of categories.
        categories: usize,
    },
}

/// The prompts of an annotation file's categories: prompt `i`, and with it the detector's label
/// `i`, belongs to the `i`-th category of the list.
///
/// A prompt is the category's first synonym (its name if it has none) up to the first parenthesis,
/// with underscores as spaces. On LVIS v1 that gives the published class texts
/// (`lvis_v1_class_texts.json`, first text of each) for all 1203 categories without an exception:
///
/// | first synonym | prompt | shows |
/// |---|---|---|
/// | `aerosol_can` | `aerosol can` | underscores |
/// | `bow_(weapon)`, `bow_(decorative_ribbons)` | `bow` twice | parentheses go; prompts may repeat |
/// | `monitor_(computer_equipment) computer_monitor` | `monitor` | so does what follows one |
/// | `horned_cow` (named `bull`) | `horned cow` | the synonym counts, not the name |
/// | `CD_player`, `bow-tie` | `CD player`, `bow-tie` | case and hyphens stay |
///
/// # Errors
///
/// A category with neither synonym nor name, or whose prompt would be empty.
pub fn class_prompts(categories: &[Category]) -> Result<Vec<String>, PromptError> {
    categories.iter().map(class_prompt).collect()
}

fn class_prompt(category: &Category) -> Result<String, PromptError> {
    let category_id = category.id;
    let synonym = category.synonyms.first().or(category.name.as_ref()).ok_or(PromptError::Nameless { category_id })?;
    let prompt = prompt_of(synonym);
    if prompt.is_empty() {
        return Err(PromptError::EmptySynonym { category_id, synonym: synonym.clone() });
    }
    Ok(prompt)
}

fn prompt_of(synonym: &str) -> String {
    let before_parenthesis = synonym.split('(').next().unwrap_or_default();
    before_parenthesis.replace('_', " ").trim().to_owned()
}

/// Reads a prompts file, verbatim and in file order: `.txt` has one prompt a line; anything else is
/// a JSON list of strings, or of lists of which the first string counts (the form of the published
/// class texts). See [`check_prompt_count`] for the other half of the check.
///
/// # Errors
///
/// See [`PromptError`].
pub fn read_prompts(path: &Path) -> Result<Vec<String>, PromptError> {
    let text = read_text(path).map_err(|source| PromptError::Read { path: path.to_owned(), source })?;
    let text = text.trim_start_matches('\u{feff}');
    let is_lines = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("txt"));
    let prompts = if is_lines { lines(text) } else { json_list(path, text)? };
    match prompts.iter().position(|prompt| prompt.trim().is_empty()) {
        Some(index) => Err(PromptError::Blank { path: path.to_owned(), entry: index + 1 }),
        None => Ok(prompts),
    }
}

/// Checks that there is one prompt a category.
///
/// # Errors
///
/// [`PromptError::Count`] with both numbers.
pub fn check_prompt_count(prompts: &[String], categories: &[Category]) -> Result<(), PromptError> {
    if prompts.len() == categories.len() {
        return Ok(());
    }
    Err(PromptError::Count { prompts: prompts.len(), categories: categories.len() })
}

fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_at_most(File::open(path)?, MAX_PROMPTS_BYTES)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Blank lines at the end are an editor's, any other is a missing prompt.
fn lines(text: &str) -> Vec<String> {
    text.trim_end().lines().map(|line| line.trim().to_owned()).collect()
}

fn json_list(path: &Path, text: &str) -> Result<Vec<String>, PromptError> {
    let values: Vec<Value> =
        serde_json::from_str(text).map_err(|source| PromptError::Json { path: path.to_owned(), source })?;
    let prompts = values.into_iter().enumerate().map(|(index, value)| {
        first_text(value).ok_or_else(|| PromptError::NotText { path: path.to_owned(), entry: index + 1 })
    });
    prompts.collect()
}

fn first_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(texts) => match texts.into_iter().next() {
            Some(Value::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::prompt_of;

    #[test]
    fn the_rule_on_lvis_spellings() {
        let table = [
            ("aerosol_can", "aerosol can"),
            ("bow_(weapon)", "bow"),
            ("bow_(decorative_ribbons)", "bow"),
            ("monitor_(computer_equipment) computer_monitor", "monitor"),
            ("home_plate_(baseball)", "home plate"),
            ("flip-flop_(sandal)", "flip-flop"),
            ("CD_player", "CD player"),
            ("Loafer_(type_of_shoe)", "Loafer"),
            ("first-aid_kit", "first-aid kit"),
        ];
        for (synonym, prompt) in table {
            assert_eq!(prompt_of(synonym), prompt);
        }
    }
}
