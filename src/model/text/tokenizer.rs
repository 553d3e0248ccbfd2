//! CLIP's byte-level byte-pair encoding.

use instant_clip_tokenizer::{Token, Tokenizer as ClipTokenizer};

/// Turns prompts into token ids of CLIP's vocabulary of 49,408.
///
/// Ids equal those of the reference's tokenizer but for one case: it reads its own marks
/// (`<|endoftext|>`) as marks when they occur in a prompt, here they are text like any other.
pub struct Tokenizer(ClipTokenizer);

impl Tokenizer {
    /// Most tokens the text encoder reads, begin and end marks included.
    pub const MAX_TOKENS: usize = 77;
    /// Entries of the vocabulary.
    pub const VOCABULARY: usize = 49_408;

    /// With CLIP's vocabulary. Expensive: some ten milliseconds.
    pub fn new() -> Self {
        Self(ClipTokenizer::new())
    }

    /// Ids of a prompt between begin and end mark. Upper case counts as lower case; no length limit.
    pub fn encode(&self, prompt: &str) -> Vec<u32> {
        let mut tokens = vec![self.0.start_of_text()];
        self.0.encode(&Self::without_marks(prompt), &mut tokens);
        tokens.push(self.0.end_of_text());
        tokens.into_iter().map(|token: Token| u32::from(token.to_u16())).collect()
    }

    /// Sets a space into what the tokenizer library, but not CLIP, takes for marks. Punctuation and
    /// letters are never joined in a token, so that the space changes nothing else.
    fn without_marks(prompt: &str) -> String {
        let lower = prompt.to_lowercase();
        lower.replace("<start_of_text>", "< start_of_text>").replace("<end_of_text>", "< end_of_text>")
    }
}

impl Default for Tokenizer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Tokenizer;

    #[test]
    fn the_librarys_own_marks_are_text() {
        let tokenizer = Tokenizer::new();
        for mark in ["<end_of_text>", "<START_OF_TEXT>", "a <end_of_text> b"] {
            let tokens = tokenizer.encode(mark);
            let inner = &tokens[1..tokens.len() - 1];
            assert!(inner.iter().all(|&token| token < 49_406), "{mark}: {tokens:?}");
        }
        let spaced = tokenizer.encode("< end_of_text>");
        assert_eq!(tokenizer.encode("<end_of_text>"), spaced);
    }
}
