//! Class prompts, prompts files and lists of image ids.

use std::path::{Path, PathBuf};
use zoobench::dataset::{
    check_prompt_count, class_prompts, read_image_ids, read_prompts, Category, ImageListError, PromptError,
};

fn category(id: i64, name: Option<&str>, synonyms: &[&str]) -> Category {
    Category {
        id,
        name: name.map(str::to_owned),
        frequency: None,
        synonyms: synonyms.iter().map(|synonym| (*synonym).to_owned()).collect(),
        image_count: None,
    }
}

/// A file of that name with that content, in a folder that lives as long as the first value.
fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a file");
    (folder, path)
}

#[test]
fn prompts_follow_the_category_list() {
    let categories = [
        category(162, Some("bull"), &["horned_cow"]),
        category(3, Some("ignored"), &["aerosol_can", "spray_can"]),
        category(2, Some("bow_(weapon)"), &[]),
        category(1, None, &["monitor_(computer_equipment) computer_monitor"]),
    ];
    assert_eq!(class_prompts(&categories).expect("valid"), ["horned cow", "aerosol can", "bow", "monitor"]);
}

#[test]
fn categories_that_give_no_prompt_are_named() {
    let error = class_prompts(&[category(7, None, &[])]).expect_err("nameless");
    assert!(matches!(error, PromptError::Nameless { category_id: 7 }), "{error:?}");
    for blank in ["", "_", "(shape)", " _(x)"] {
        let error = class_prompts(&[category(1, None, &["cat"]), category(8, Some("dog"), &[blank])]);
        assert!(matches!(error, Err(PromptError::EmptySynonym { category_id: 8, .. })), "{blank:?}: {error:?}");
    }
}

#[test]
fn the_three_forms_of_a_prompts_file() {
    let expected = ["a photo of a cat", "dog_(animal)"];
    let forms: [(&str, &[u8]); 4] = [
        ("p.json", br#"["a photo of a cat", "dog_(animal)"]"#),
        ("p.json", br#"[["a photo of a cat", "kitten"], ["dog_(animal)"]]"#),
        ("p.txt", b"a photo of a cat\r\ndog_(animal)\r\n\r\n"),
        ("P.TXT", b"\xef\xbb\xbfa photo of a cat\ndog_(animal)"),
    ];
    for (name, content) in forms {
        let (_folder, path) = file(name, content);
        assert_eq!(read_prompts(&path).expect("valid"), expected, "{content:?}");
    }
}

#[test]
fn prompts_files_that_are_refused() {
    type Check = fn(&PromptError) -> bool;
    let table: [(&str, &[u8], Check); 10] = [
        ("p.json", b"{\"cat\": 1}", |error| matches!(error, PromptError::Json { .. })),
        ("p.json", b"cat\ndog", |error| matches!(error, PromptError::Json { .. })),
        ("p.json", b"[\"cat\"", |error| matches!(error, PromptError::Json { .. })),
        ("p.json", b"[\"cat\", 5]", |error| matches!(error, PromptError::NotText { entry: 2, .. })),
        ("p.json", b"[[]]", |error| matches!(error, PromptError::NotText { entry: 1, .. })),
        ("p.json", b"[[[\"cat\"]]]", |error| matches!(error, PromptError::NotText { entry: 1, .. })),
        ("p.json", b"[\"cat\", \" \"]", |error| matches!(error, PromptError::Blank { entry: 2, .. })),
        ("p.txt", b"cat\n\ndog\n", |error| matches!(error, PromptError::Blank { entry: 2, .. })),
        ("p.txt", b"\xff\xfe", |error| matches!(error, PromptError::Read { .. })),
        ("p.json", &[b'['; 100_000], |error| matches!(error, PromptError::Json { .. })),
    ];
    for (name, content, expected) in table {
        let (_folder, path) = file(name, content);
        let error = read_prompts(&path).expect_err("refused");
        assert!(expected(&error), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(matches!(read_prompts(Path::new("no such file.txt")), Err(PromptError::Read { .. })));
}

#[test]
fn prompts_are_counted() {
    let categories = [category(1, None, &["cat"]), category(2, None, &["dog"])];
    assert!(check_prompt_count(&["a".to_owned(), "b".to_owned()], &categories).is_ok());
    let error = check_prompt_count(&["a".to_owned()], &categories).expect_err("one is missing");
    assert!(error.to_string().starts_with("1 prompts for 2 categories"), "{error}");
}

#[test]
fn the_forms_of_an_image_list() {
    let forms: [(&str, &[u8]); 5] = [
        ("ids.txt", b"139\n285\n\n0\n"),
        ("ids.json", b"[139, 285, 0]"),
        ("ids.json", b" [\"139\", \"val2017/000000000285.jpg\", 0]"),
        ("minival.txt", b"./images/val2017/000000000139.jpg\r\nval2017/000000000285.jpg\r\n0.png"),
        ("ids.txt", b"\xef\xbb\xbf  139  \n285\n0"),
    ];
    for (name, content) in forms {
        let (_folder, path) = file(name, content);
        assert_eq!(read_image_ids(&path).expect("valid"), [139, 285, 0], "{content:?}");
    }
}

#[test]
fn image_lists_that_are_refused() {
    type Check = fn(&ImageListError) -> bool;
    let table: [(&[u8], Check); 8] = [
        (b"", |error| matches!(error, ImageListError::Empty { .. })),
        (b"[]", |error| matches!(error, ImageListError::Empty { .. })),
        (b"[1, 2", |error| matches!(error, ImageListError::Json { .. })),
        (b"1\n\ncat\n", |error| matches!(error, ImageListError::NoId { entry: 3, .. })),
        (b"[1, 1.5]", |error| matches!(error, ImageListError::NoId { entry: 2, .. })),
        (b"[1, null]", |error| matches!(error, ImageListError::NoId { entry: 2, .. })),
        (b"139\nval2017/000000000139.jpg", |error| matches!(error, ImageListError::Twice { entry: 2, id: 139, .. })),
        (b"\xff", |error| matches!(error, ImageListError::Read { .. })),
    ];
    for (content, expected) in table {
        let (_folder, path) = file("ids.txt", content);
        let error = read_image_ids(&path).expect_err("refused");
        assert!(expected(&error), "{error:?}");
        assert!(error.to_string().contains("ids.txt"), "{error}");
    }
    assert!(matches!(read_image_ids(Path::new("no such file")), Err(ImageListError::Read { .. })));
}
