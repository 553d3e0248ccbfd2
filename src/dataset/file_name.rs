//! Which file names of a data set are followed: those that lead down from the data root.

use super::image_error::NameFault;

/// Checks that `path` leads down from the root it will be joined to, on every platform.
pub(super) fn check_path(path: &str) -> Result<(), NameFault> {
    check_characters(path)?;
    if path.starts_with('/') {
        return Err(NameFault::Absolute);
    }
    if has_drive_letter(path) {
        return Err(NameFault::DriveLetter);
    }
    if path.split('/').next().is_some_and(|first| first.ends_with(':')) {
        return Err(NameFault::Scheme);
    }
    if path.split('/').any(climbs) {
        return Err(NameFault::ClimbsOut);
    }
    match path.rsplit('/').next() {
        None | Some("" | ".") => Err(NameFault::NamesNoFile),
        Some(_) => Ok(()),
    }
}

/// The path part of a COCO address: `http://host/val2017/1.jpg` gives `val2017/1.jpg`. An address
/// without a scheme is a path already.
pub(super) fn url_path(url: &str) -> Result<&str, NameFault> {
    let path = match url.split_once("://") {
        Some((scheme, rest)) if is_http(scheme) => rest.split_once('/').ok_or(NameFault::NamesNoFile)?.1,
        Some(_) => return Err(NameFault::Scheme),
        None => url,
    };
    check_path(path).map(|()| path)
}

/// The last `count` parts of a path, or the whole if it has fewer.
pub(super) fn last_parts(path: &str, count: usize) -> &str {
    match path.rmatch_indices('/').nth(count - 1) {
        Some((slash, _)) => &path[slash + 1..],
        None => path,
    }
}

fn check_characters(path: &str) -> Result<(), NameFault> {
    if path.chars().any(char::is_control) {
        return Err(NameFault::ControlCharacter);
    }
    if path.contains('\\') {
        return Err(NameFault::Backslash);
    }
    let lower = path.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "%00"].iter().any(|escape| lower.contains(escape)) {
        return Err(NameFault::PercentEscape);
    }
    Ok(())
}

fn has_drive_letter(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Windows drops trailing dots and spaces, so that `.. ` and `...` may climb as `..` does.
fn climbs(part: &str) -> bool {
    part.matches('.').count() >= 2 && part.chars().all(|c| c == '.' || c == ' ')
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_parts_of_short_paths_are_the_whole() {
        assert_eq!(last_parts("a/b/c.jpg", 1), "c.jpg");
        assert_eq!(last_parts("a/b/c.jpg", 2), "b/c.jpg");
        assert_eq!(last_parts("c.jpg", 2), "c.jpg");
    }

    #[test]
    fn an_address_loses_scheme_and_host() {
        assert_eq!(url_path("http://images.cocodataset.org/val2017/1.jpg"), Ok("val2017/1.jpg"));
        assert_eq!(url_path("HTTPS://host:8080/a/b.jpg"), Ok("a/b.jpg"));
        assert_eq!(url_path("synthetic/val2017/1.jpg"), Ok("synthetic/val2017/1.jpg"));
        assert_eq!(url_path("http://host"), Err(NameFault::NamesNoFile));
        assert_eq!(url_path("http:/host/a.jpg"), Err(NameFault::Scheme));
    }

    #[test]
    fn ordinary_names_pass() {
        for name in ["1.jpg", "val2017/1.jpg", "./val2017/1.jpg", "a//b.jpg", "a b/..c.jpg", "12:30.jpg", "é.png"] {
            assert_eq!(check_path(name), Ok(()), "{name}");
        }
    }
}
