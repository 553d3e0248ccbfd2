//! Where images are looked for, and which names are not followed.

use std::collections::BTreeMap;
use zoobench::dataset::{
    load_image, locate, read_image_file, FileSource, Folder, ImageError, ImageRecord, MemoryFiles, NameFault,
};

fn record(file_name: Option<&str>, coco_url: Option<&str>) -> ImageRecord {
    ImageRecord {
        id: 139,
        file_name: file_name.map(str::to_owned),
        coco_url: coco_url.map(str::to_owned),
        height: None,
        width: None,
        neg_category_ids: None,
        not_exhaustive_category_ids: None,
    }
}

fn memory(names: &[&str]) -> MemoryFiles {
    MemoryFiles(names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect::<BTreeMap<_, _>>())
}

const URL: &str = "http://images.cocodataset.org/zips/val2017/000000000139.jpg";

#[test]
fn places_are_tried_in_order() {
    let places = ["COCO_139.jpg", "zips/val2017/000000000139.jpg", "val2017/000000000139.jpg", "000000000139.jpg"];
    for first in 0..places.len() {
        let found = locate(&memory(&places[first..]), &record(Some("COCO_139.jpg"), Some(URL)));
        assert_eq!(found.expect("one of the places"), places[first]);
    }
}

#[test]
fn either_name_will_do() {
    let files = memory(&["val2017/1.jpg"]);
    assert_eq!(locate(&files, &record(Some("val2017/1.jpg"), None)).expect("there"), "val2017/1.jpg");
    assert_eq!(locate(&files, &record(None, Some("https://h/val2017/1.jpg"))).expect("there"), "val2017/1.jpg");
    assert_eq!(locate(&files, &record(None, Some("synthetic/val2017/1.jpg"))).expect("there"), "val2017/1.jpg");
}

#[test]
fn a_record_without_a_name_is_an_error() {
    let error = locate(&memory(&[]), &record(None, None)).expect_err("nameless");
    assert!(matches!(error, ImageError::NoName { image_id: 139 }), "{error:?}");
}

#[test]
fn a_missing_file_names_every_place_once() {
    let error =
        locate(&memory(&[]), &record(Some("val2017/1.jpg"), Some("http://h/val2017/1.jpg"))).expect_err("missing");
    let text = error.to_string();
    assert!(text.contains("image 139") && text.contains("memory:val2017/1.jpg, memory:1.jpg;"), "{text}");
}

/// Names that could lead out of the data root, on one platform or another.
const ATTACKS: [(&str, NameFault); 34] = [
    ("", NameFault::NamesNoFile),
    (".", NameFault::NamesNoFile),
    ("val2017/", NameFault::NamesNoFile),
    ("./", NameFault::NamesNoFile),
    ("/etc/passwd", NameFault::Absolute),
    ("//etc/passwd", NameFault::Absolute),
    ("/", NameFault::Absolute),
    ("//server/share/1.jpg", NameFault::Absolute),
    ("..", NameFault::ClimbsOut),
    ("../1.jpg", NameFault::ClimbsOut),
    ("../../../../etc/passwd", NameFault::ClimbsOut),
    ("val2017/../../1.jpg", NameFault::ClimbsOut),
    ("val2017/../1.jpg", NameFault::ClimbsOut),
    ("val2017/..", NameFault::ClimbsOut),
    ("./../1.jpg", NameFault::ClimbsOut),
    ("val2017//../1.jpg", NameFault::ClimbsOut),
    (".../1.jpg", NameFault::ClimbsOut),
    (".. /1.jpg", NameFault::ClimbsOut),
    (" ../1.jpg", NameFault::ClimbsOut),
    ("..\\1.jpg", NameFault::Backslash),
    ("val2017\\1.jpg", NameFault::Backslash),
    ("\\\\server\\share\\1.jpg", NameFault::Backslash),
    ("C:\\1.jpg", NameFault::Backslash),
    ("C:/1.jpg", NameFault::DriveLetter),
    ("c:1.jpg", NameFault::DriveLetter),
    ("file:/etc/passwd", NameFault::Scheme),
    ("https:/1.jpg", NameFault::Scheme),
    ("1.jpg\0", NameFault::ControlCharacter),
    ("1\0.jpg", NameFault::ControlCharacter),
    ("val2017/1.jpg\n", NameFault::ControlCharacter),
    ("\u{1b}[2J.jpg", NameFault::ControlCharacter),
    ("%2e%2e/1.jpg", NameFault::PercentEscape),
    ("val2017/..%2F1.jpg", NameFault::PercentEscape),
    ("1.jpg%00", NameFault::PercentEscape),
];

fn assert_refused(record: &ImageRecord, field: &str, fault: NameFault) {
    // The other name would be found: a refused name is an error all the same.
    let error = locate(&memory(&["good.jpg", "1.jpg"]), record).expect_err("an attack");
    let ImageError::UnsafeName { image_id, field: told, fault: found, .. } = &error else {
        panic!("{record:?}: {error:?}");
    };
    assert_eq!((*image_id, *told, *found), (139, field, fault), "{record:?}");
    assert!(!error.to_string().contains(char::is_control), "the message is printable: {error}");
}

#[test]
fn names_that_lead_out_are_refused_in_either_field() {
    for (name, fault) in ATTACKS {
        assert_refused(&record(Some(name), Some("http://h/good.jpg")), "file_name", fault);
        assert_refused(&record(Some("good.jpg"), Some(name)), "coco_url", fault);
        let after_host = format!("http://host/{name}");
        assert_refused(&record(Some("good.jpg"), Some(&after_host)), "coco_url", fault);
    }
}

#[test]
fn addresses_of_other_schemes_are_refused() {
    for url in ["file:///etc/passwd", "ftp://h/1.jpg", "://1.jpg", "data:image/jpeg://a/1.jpg", "s3://b/1.jpg"] {
        assert_refused(&record(Some("good.jpg"), Some(url)), "coco_url", NameFault::Scheme);
    }
    assert_refused(&record(Some("http://h/1.jpg"), None), "file_name", NameFault::Scheme);
    assert_refused(&record(None, Some("http://host")), "coco_url", NameFault::NamesNoFile);
}

#[test]
fn a_folder_follows_links_and_reads_files_only() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(root.path().join("elsewhere/5.jpg")).expect("a folder named like a file");
    std::fs::write(root.path().join("elsewhere/4.jpg"), b"four").expect("a file");
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.path().join("elsewhere"), root.path().join("val2017")).expect("a link");
    #[cfg(not(unix))]
    std::fs::rename(root.path().join("elsewhere"), root.path().join("val2017")).expect("a rename");

    let folder = Folder(root.path().to_owned());
    let (name, bytes) = read_image_file(&folder, &record(Some("val2017/4.jpg"), None)).expect("linked");
    assert_eq!((name, bytes), (root.path().join("val2017/4.jpg").display().to_string(), b"four".to_vec()));
    assert!(!folder.exists("val2017/5.jpg"));
    assert!(folder.read("val2017/5.jpg").is_err());
    assert!(matches!(locate(&folder, &record(Some("val2017/5.jpg"), None)), Err(ImageError::NotFound { .. })));
}

#[test]
fn memory_is_read_by_name() {
    let files = memory(&["a.jpg"]);
    assert_eq!(files.read("a.jpg").expect("there"), b"a.jpg");
    assert_eq!(files.read("b.jpg").expect_err("missing").kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn an_image_is_found_read_and_decoded() {
    let root = Folder(crate::common::fixture("images"));
    let image = load_image(&root, &record(Some("jpeg/420_q75.jpg"), None)).expect("a valid image");
    assert_eq!((image.height, image.width), (123, 161));
    let error = load_image(&root, &record(Some("preprocess.json"), None)).expect_err("no image");
    assert!(error.to_string().contains("images/preprocess.json: neither a JPEG nor a PNG"), "{error}");
}

/// A file that vanishes between the search and the reading.
struct Vanishing;

impl FileSource for Vanishing {
    fn exists(&self, _: &str) -> bool {
        true
    }

    fn read(&self, _: &str) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn describe(&self, path: &str) -> String {
        path.to_owned()
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = read_image_file(&Vanishing, &record(Some("1.jpg"), None)).expect_err("vanished");
    assert!(error.to_string().starts_with("1.jpg: cannot be read: "), "{error}");
}
