//! Files that must be refused, each for the reason that is meant.

use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};
use zip::CompressionMethod;
use zoobench::model::checkpoint::{Checkpoint, Rejection};

use crate::forge::{
    floats, legacy, legacy_head, legacy_of, object, stored, zip, zip_of, zip_with, Pickle, Storage, Tensor,
};

/// The refusal of a file, whose message names the file and what to do.
fn refusal(bytes: Vec<u8>) -> Rejection {
    let error = Checkpoint::from_bytes("hostile.pth", bytes).expect_err("must be refused");
    let message = error.to_string();
    assert!(message.starts_with("hostile.pth: "), "{message}");
    assert!(message.ends_with(error.rejection.remedy()), "{message}");
    error.rejection
}

/// Writes one hostile value.
type Attack = fn(Pickle) -> Pickle;

macro_rules! assert_refused {
    ($bytes:expr, $rejection:pat $(if $guard:expr)?) => {{
        let rejection = refusal($bytes);
        assert!(matches!(&rejection, $rejection $(if $guard)?), "{rejection:?}");
    }};
}

/// `{"state_dict": {"weight": tensor}, "x": <what the closure writes>}` in a zip archive.
fn beside_a_state_dict(attack: impl Fn(Pickle) -> Pickle) -> Vec<u8> {
    let tensor = floats("0", &[7.0]);
    let pickle = Pickle::new().raw(b"}").text("state_dict").state_dict(&[("weight", tensor.clone())]).raw(b"s");
    zip(&attack(pickle.text("x")).raw(b"s").finish(), &[&tensor.storage])
}

#[test]
fn other_names_are_refused_wherever_they_stand() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("__builtin__", "eval"),
        ("__builtin__", "apply"),
        ("builtins", "__import__"),
        ("builtins", "getattr "),
        ("webbrowser", "open"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("torch.nn.modules.conv", "Conv2d"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy", "load"),
        ("collections", "OrderedDict.__init__"),
        ("", ""),
    ] {
        let spelled = format!("{module}.{name}");
        let named = |pickle: Pickle| pickle.global(module, name);
        assert_refused!(beside_a_state_dict(named), Rejection::PickleGlobal { name, .. } if *name == spelled);
        let stacked = |pickle: Pickle| pickle.text(module).text(name).raw(b"\x93");
        assert_refused!(beside_a_state_dict(stacked), Rejection::PickleGlobal { name, .. } if *name == spelled);
    }
}

#[test]
fn calls_within_calls_are_refused_at_the_first_foreign_name() {
    // _rebuild_parameter(os.system("id"), ...)
    let inside = |pickle: Pickle| {
        let call = pickle.global("torch._utils", "_rebuild_parameter").raw(b"(").global("posix", "system");
        call.text("id").raw(b"\x85R\x88NtR")
    };
    assert_refused!(beside_a_state_dict(inside), Rejection::PickleGlobal { .. });
    // The same behind a tensor's hooks.
    let hooks =
        |pickle: Pickle| pickle.global("collections", "OrderedDict").raw(b")R").global("os", "system").raw(b"b");
    assert_refused!(beside_a_state_dict(hooks), Rejection::PickleGlobal { .. });
}

#[test]
fn getattr_reaches_nothing_but_the_statistics() {
    for (module, name) in [("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("numpy", "ndarray")]
    {
        let attack =
            |pickle: Pickle| pickle.global("builtins", "getattr").global(module, name).text("__init__").raw(b"\x86R");
        assert_refused!(beside_a_state_dict(attack), Rejection::PickleCall { callable: "getattr", .. });
    }
}

#[test]
fn allowed_names_take_only_their_own_arguments() {
    let cases: [(&str, Attack); 6] = [
        ("OrderedDict", |pickle| pickle.global("collections", "OrderedDict").text("x").raw(b"\x85R")),
        ("OrderedDict", |pickle| pickle.global("collections", "OrderedDict").raw(b")\x81")),
        ("HistoryBuffer", |pickle| pickle.global("mmengine.logging.history_buffer", "HistoryBuffer").raw(b")R")),
        ("a storage class", |pickle| pickle.global("torch", "FloatStorage").raw(b")R")),
        ("_rebuild_parameter", |pickle| pickle.global("torch._utils", "_rebuild_parameter").raw(b"N\x88N\x87R")),
        ("_rebuild_tensor_v2", |pickle| pickle.global("torch._utils", "_rebuild_tensor_v2").raw(b"N\x85R")),
    ];
    for (label, attack) in cases {
        assert_refused!(beside_a_state_dict(attack), Rejection::PickleCall { callable, .. } if *callable == label);
    }
    let number = |pickle: Pickle| pickle.int(1).raw(b")R");
    assert_refused!(beside_a_state_dict(number), Rejection::PickleMalformed { .. });
}

#[test]
fn short_tuples_are_refused() {
    let tensor = floats("0", &[7.0]);
    let rebuild = |pickle: Pickle| pickle.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
    for length in 0..6 {
        let attack = |pickle: Pickle| {
            let parts: [&dyn Fn(Pickle) -> Pickle; 6] = [
                &|pickle| pickle.storage(&tensor.storage),
                &|pickle| pickle.long(0),
                &|pickle| pickle.tuple(&[1]),
                &|pickle| pickle.tuple(&[1]),
                &|pickle| pickle.raw(b"\x89"),
                &|pickle| pickle.raw(b"N"),
            ];
            parts[..length].iter().fold(rebuild(pickle), |pickle, part| part(pickle)).raw(b"tR")
        };
        assert_refused!(beside_a_state_dict(attack), Rejection::PickleCall { .. });
    }
    for length in 0..5 {
        let attack = |pickle: Pickle| (0..length).fold(pickle.raw(b"("), |pickle, _| pickle.text("storage")).raw(b"tQ");
        assert_refused!(beside_a_state_dict(attack), Rejection::PickleMalformed { .. });
    }
    assert_refused!(beside_a_state_dict(|pickle| pickle.text("storage").raw(b"Q")), Rejection::PickleMalformed { .. });
}

#[test]
fn negative_and_oversized_numbers_are_refused() {
    let base = floats("0", &[1.0, 2.0]);
    let cases = [
        Tensor { offset: -1, ..base.clone() },
        Tensor { shape: vec![-2], ..base.clone() },
        Tensor { strides: vec![-1], ..base.clone() },
        Tensor { shape: vec![1; 9], strides: vec![1; 9], ..base.clone() },
    ];
    for tensor in cases {
        assert_refused!(zip_of(&[("t", tensor)]), Rejection::PickleCall { callable: "_rebuild_tensor_v2", .. });
    }
    let negative = Storage { numel: -1, ..base.storage.clone() };
    assert_refused!(zip_of(&[("t", Tensor { storage: negative, ..base })]), Rejection::PickleMalformed { .. });
    // An offset of 2^63, as nine bytes.
    let attack = |pickle: Pickle| {
        let pickle =
            pickle.global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage(&floats("0", &[7.0]).storage);
        pickle.raw(b"\x8a\x09\0\0\0\0\0\0\0\x80\0").tuple(&[1]).tuple(&[1]).raw(b"\x89NtR")
    };
    assert_refused!(beside_a_state_dict(attack), Rejection::PickleCall { .. });
}

#[test]
fn tensors_outside_their_storage_are_refused() {
    let base = floats("0", &[1.0, 2.0, 3.0, 4.0]);
    let cases = [
        (0, vec![5], vec![1]),
        (1, vec![4], vec![1]),
        (4, vec![], vec![]),
        (0, vec![2, 2], vec![4, 1]),
        (0, vec![1 << 40], vec![0]),
        (0, vec![1 << 32, 1 << 32], vec![0, 0]),
        (0, vec![2], vec![i64::MAX]),
        (i64::MAX, vec![2], vec![i64::MAX]),
        (5, vec![0], vec![1]),
    ];
    for (offset, shape, strides) in cases {
        let tensor = Tensor { offset, shape, strides, ..base.clone() };
        for bytes in [zip_of(&[("t", tensor.clone())]), legacy_of(&[("t", tensor.clone())])] {
            assert_refused!(bytes, Rejection::TensorOutside { tensor, capacity: 4, .. } if tensor == "t");
        }
    }
    let uneven = Tensor { strides: vec![1, 1], ..base };
    assert_refused!(zip_of(&[("t", uneven)]), Rejection::TensorRank { shape: 1, strides: 2, .. });
}

#[test]
fn storages_that_are_not_there_are_refused() {
    let tensor = floats("0", &[1.0, 2.0]);
    let pickle = object(&[("t", tensor.clone())]);
    assert_refused!(zip(&pickle, &[]), Rejection::StorageMissing { key } if key == "0");
    assert_refused!(legacy(&pickle, &[]), Rejection::StorageMissing { key } if key == "0");
    let short = Storage { bytes: vec![0; 7], ..tensor.storage.clone() };
    assert_refused!(zip(&pickle, &[&short]), Rejection::StorageShort { numel: 2, held: 7, .. });
    assert_refused!(legacy(&pickle, &[&short]), Rejection::StorageShort { numel: 2, held: 7, .. });
    for numel in [1 << 40, i64::MAX] {
        let huge = Tensor { storage: Storage { numel, ..tensor.storage.clone() }, ..tensor.clone() };
        assert_refused!(zip_of(&[("t", huge.clone())]), Rejection::StorageShort { .. });
        assert_refused!(legacy_of(&[("t", huge)]), Rejection::StorageShort { .. });
    }
}

#[test]
fn storages_that_contradict_themselves_are_refused() {
    let (one, other) = (floats("0", &[1.0, 2.0]), floats("0", &[1.0]));
    let pickle = object(&[("one", one.clone()), ("other", other)]);
    assert_refused!(zip(&pickle, &[&one.storage]), Rejection::StorageConflict { .. });
    let pickle = object(&[("one", one.clone())]);
    let stranger = floats("1", &[3.0]);
    assert_refused!(legacy(&pickle, &[&one.storage, &stranger.storage]), Rejection::StorageUnreferenced { key } if key == "1");
    assert_refused!(legacy(&pickle, &[&one.storage, &one.storage]), Rejection::StorageUnreferenced { key } if key == "0");
    for numel in [1, 3, -1, i64::MAX] {
        let storage = Storage { numel, ..one.storage.clone() };
        assert_refused!(legacy(&pickle, &[&storage]), Rejection::StorageLength { found, declared: 2, .. } if *found == numel);
    }
}

#[test]
fn a_memo_bomb_stays_small_and_is_refused() {
    // x0 = []; x1 = [x0, x0]; ... each level doubles what a reader that copies would hold.
    let bomb = |levels: u8| {
        let level =
            |pickle: Pickle, level: u8| pickle.raw(&[b']', b'q', level + 1, b'(', b'h', level, b'h', level, b'e']);
        move |pickle: Pickle| (0..levels).fold(pickle.raw(b"]q\x00"), level)
    };
    assert_refused!(beside_a_state_dict(bomb(200)), Rejection::PickleDepth { limit: 64, .. });
    // 2^50 leaves that nothing depends on cost what the file holds: a few hundred bytes.
    let harmless = beside_a_state_dict(|pickle| bomb(50)(pickle).raw(&[b'0'; 50]));
    assert!(Checkpoint::from_bytes("bomb.pth", harmless).is_ok());
}

#[test]
fn lengths_that_the_file_does_not_hold_are_refused() {
    let four_gib = 0xffff_ffff_u32.to_le_bytes();
    let cases: [(&[u8], &[u8]); 7] = [
        (b"X", &four_gib),
        (b"X", &0x00ff_ffff_u32.to_le_bytes()),
        (b"\x8d", &u64::MAX.to_le_bytes()),
        (b"B", &four_gib),
        (b"\x8e", &u64::MAX.to_le_bytes()),
        (b"\x8a", &[255]),
        (b"\x8b", &i32::MAX.to_le_bytes()),
    ];
    for (opcode, length) in cases {
        let bytes = beside_a_state_dict(|pickle| pickle.raw(opcode).raw(length));
        assert_refused!(bytes, Rejection::PickleTruncated { .. } | Rejection::PickleText { .. });
    }
    let negative = |pickle: Pickle| pickle.raw(b"\x8b").raw(&(-1_i32).to_le_bytes());
    assert_refused!(beside_a_state_dict(negative), Rejection::PickleMalformed { .. });
}

#[test]
fn malformed_pickles_are_refused() {
    let malformed: [Attack; 12] = [
        |pickle| pickle.raw(b"00000"),
        |pickle| pickle.raw(b"t"),
        |pickle| pickle.raw(b"(0"),
        |pickle| pickle.raw(b"((N"),
        |pickle| pickle.raw(b")Na"),
        |pickle| pickle.raw(b"]NNs"),
        |pickle| pickle.raw(b"}(Nu"),
        |pickle| pickle.raw(b"](N\x90"),
        |pickle| pickle.raw(b")}b"),
        |pickle| pickle.raw(b"NN\x93"),
        |pickle| pickle.raw(b"N)\x81"),
        |pickle| pickle.raw(b"NN"),
    ];
    for attack in malformed {
        assert_refused!(beside_a_state_dict(attack), Rejection::PickleMalformed { .. });
    }
    assert_refused!(beside_a_state_dict(|pickle| pickle.raw(b"h\x09")), Rejection::PickleMemo { index: 9, .. });
    assert_refused!(beside_a_state_dict(|pickle| pickle.raw(b"j\0\0\0\x80")), Rejection::PickleMemo { .. });
    assert_refused!(beside_a_state_dict(|pickle| pickle.raw(b"\x8c\x01\xff")), Rejection::PickleUtf8 { .. });
    assert_refused!(
        beside_a_state_dict(|pickle| pickle.raw(b"\x80\x06N")),
        Rejection::PickleProtocol { protocol: 6, .. }
    );
    assert_refused!(
        beside_a_state_dict(|pickle| pickle.raw(b"\x80\x01N")),
        Rejection::PickleProtocol { protocol: 1, .. }
    );
    let endless_name = |pickle: Pickle| pickle.raw(b"c").raw(&[b'a'; 300]).raw(b"\nb\n");
    assert_refused!(beside_a_state_dict(endless_name), Rejection::PickleTruncated { .. });
}

#[test]
fn opcodes_that_no_checkpoint_needs_are_refused() {
    for opcode in *b"IFLSTUVPgpio\x82\x83\x84\x92\x97\x98\xff\0" {
        let attack = |pickle: Pickle| pickle.raw(&[opcode]);
        assert_refused!(beside_a_state_dict(attack), Rejection::PickleOpcode { opcode: found, .. } if *found == opcode);
    }
}

#[test]
fn contents_that_are_no_weights_are_refused() {
    let tensor = floats("0", &[7.0]);
    let file = |pickle: Pickle| zip(&pickle.finish(), &[&tensor.storage]);
    let entry = |pickle: Pickle| pickle.text("t").tensor(&tensor).raw(b"s");
    let section = |name: &str| Pickle::new().raw(b"}").text(name);
    assert_refused!(file(Pickle::new().raw(b"]")), Rejection::NoStateDict { .. });
    assert_refused!(file(Pickle::new().tensor(&tensor)), Rejection::NoStateDict { .. });
    assert_refused!(file(section("model").raw(b"}s")), Rejection::NoStateDict { found } if found.contains("model"));
    assert_refused!(file(section("state_dict").raw(b"}s")), Rejection::EmptySection { section: "state_dict" });
    assert_refused!(file(section("state_dict").raw(b"]s")), Rejection::NotAMapping { section: "state_dict" });
    assert_refused!(file(section("state_dict").raw(b"}K\x01Nss")), Rejection::NotAName { position: 0, .. });
    assert_refused!(
        file(entry(section("state_dict").raw(b"}")).text("n").raw(b"Nss")),
        Rejection::NotATensor { name, .. } if name == "n"
    );
    assert_refused!(file(entry(Pickle::new().raw(b"}")).text("n").raw(b"Ns")), Rejection::NotATensor { .. });
    assert_refused!(
        file(entry(entry(section("state_dict").raw(b"}"))).raw(b"s")),
        Rejection::DuplicateName { name } if name == "t"
    );
    let twice = entry(section("state_dict").raw(b"}")).raw(b"s").text("state_dict");
    assert_refused!(file(entry(twice.raw(b"}")).raw(b"s")), Rejection::DuplicateName { name } if name == "state_dict");
    let ema = entry(section("state_dict").raw(b"}")).raw(b"s").text("ema_state_dict").raw(b"}s");
    assert_refused!(file(ema), Rejection::EmptySection { section: "ema_state_dict" });
}

#[test]
fn files_of_no_container_are_refused() {
    for bytes in
        [&b""[..], b"P", b"<!DOCTYPE html>", b"version https://git-lfs.github.com/spec/v1", b"\xff\xd8\xff\xe0"]
    {
        assert_refused!(bytes.to_vec(), Rejection::UnknownContainer { .. });
    }
    assert_refused!(Pickle::new().raw(b"N").finish(), Rejection::NotTorch { part: "its magic number" });
    let magic = legacy_head(true)[..15].to_vec();
    let version = Pickle::new().int(1002).finish();
    assert_refused!([magic.clone(), version].concat(), Rejection::NotTorch { part: "version 1001" });
    let nothing = [Pickle::new().int(1001).finish(), Pickle::new().raw(b"}").finish()].concat();
    assert_refused!([magic, nothing].concat(), Rejection::NotTorch { part: "the byte order" });
    let keys = |keys: &[u8]| {
        let object = object(&[("t", floats("0", &[7.0]))]);
        [legacy_head(true), object, Pickle::new().raw(keys).finish()].concat()
    };
    assert_refused!(keys(b"N"), Rejection::NotTorch { part: "the list of storages" });
    assert_refused!(keys(b"]K\x00a"), Rejection::NotTorch { part: "the key of a storage" });
}

#[test]
fn the_other_byte_order_is_refused() {
    assert_refused!(legacy_head(false), Rejection::BigEndian { .. });
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut stream = legacy_of(&[("t", floats("0", &[7.0]))]);
    stream.push(0);
    assert_refused!(stream, Rejection::TrailingBytes { part: "storages", count: 1, .. });
    let tensor = floats("0", &[7.0]);
    let pickle = [object(&[("t", tensor.clone())]), b"cos\nsystem\n".to_vec()].concat();
    assert_refused!(zip(&pickle, &[&tensor.storage]), Rejection::TrailingBytes { part: "pickle", count: 11, .. });
}

#[test]
fn compressed_entries_are_refused() {
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let bomb = vec![0; 8 << 20];
    let bytes = zip_with(deflated, &[("archive/data.pkl", b"."), ("archive/data/0", &bomb)]);
    assert!(bytes.len() < 64 << 10);
    assert_refused!(bytes, Rejection::ZipCompressed { entry } if entry == "archive/data.pkl");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("archive/data.pkl", stored()).unwrap();
    writer.write_all(&object(&[("t", floats("0", &[7.0]))])).unwrap();
    writer.start_file("archive/data/0", deflated).unwrap();
    writer.write_all(&bomb).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert_refused!(bytes, Rejection::ZipCompressed { entry } if entry == "archive/data/0");
}

#[test]
fn names_that_leave_the_archive_are_refused() {
    for name in ["../evil", "a/../../evil", "/etc/passwd", "C:/evil", "..\\evil"] {
        let bytes = zip_with(stored(), &[("archive/data.pkl", b"."), (name, b"x")]);
        assert_refused!(bytes, Rejection::ZipName { .. });
    }
}

#[test]
fn archives_without_one_pickle_are_refused() {
    assert_refused!(zip_with(stored(), &[]), Rejection::ZipPickles { count: 0 });
    assert_refused!(zip_with(stored(), &[("data.pkl", b".")]), Rejection::ZipPickles { count: 0 });
    assert_refused!(zip_with(stored(), &[("a/b/data.pkl", b".")]), Rejection::ZipPickles { count: 0 });
    let two: [(&str, &[u8]); 2] = [("a/data.pkl", b"."), ("b/data.pkl", b".")];
    assert_refused!(zip_with(stored(), &two), Rejection::ZipPickles { count: 2 });
}

/// The one place of these bytes in a file.
fn find(file: &[u8], needle: &[u8]) -> usize {
    let mut places = file.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle);
    let place = places.next().expect("present").0;
    assert!(places.next().is_none(), "ambiguous");
    place
}

#[test]
fn changed_bytes_of_an_entry_are_noticed() {
    let values = [1.25, 2.5, 3.75];
    let mut bytes = zip_of(&[("t", floats("0", &values))]);
    let weights: Vec<u8> = values.iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
    let place = find(&bytes, &weights);
    bytes[place] ^= 1;
    assert_refused!(bytes, Rejection::ZipDamaged { entry, .. } if entry == "archive/data/0");
}

/// Fields of the central directory's record of an entry, by their offset before its name.
const STORED_SIZE: usize = 46 - 20;
const DECLARED_SIZE: usize = 46 - 24;
const LOCAL_HEADER: usize = 46 - 42;

fn forged() -> Vec<u8> {
    zip_of(&[("t", floats("0", &[1.0, 2.0])), ("u", floats("1", &[3.0, 4.0]))])
}

/// An archive whose directory says something else in some fields of one entry.
fn with_fields(name: &str, fields: &[(usize, u32)]) -> Vec<u8> {
    let mut bytes = forged();
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let name = directory + find(&bytes[directory..], name.as_bytes());
    for (before_name, value) in fields {
        bytes[name - before_name..][..4].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

#[test]
fn directories_that_lie_about_sizes_are_refused() {
    assert_refused!(with_fields("archive/data/0", &[(DECLARED_SIZE, 1 << 30)]), Rejection::ZipSize { .. });
    assert_refused!(with_fields("archive/data/0", &[(STORED_SIZE, 4)]), Rejection::ZipSize { .. });
    assert_refused!(with_fields("archive/data/0", &[(STORED_SIZE, 1 << 30)]), Rejection::ZipSize { .. });
    assert_refused!(with_fields("archive/data/0", &[(LOCAL_HEADER, 0)]), Rejection::ZipMalformed { .. });
    assert_refused!(
        with_fields("archive/data/1", &[(LOCAL_HEADER, 1 << 30)]),
        Rejection::ZipMalformed { offset: 0x4000_0000, .. }
    );
}

#[test]
fn entries_that_reach_into_the_directory_or_each_other_are_refused() {
    let grown = |name, size| with_fields(name, &[(STORED_SIZE, size), (DECLARED_SIZE, size)]);
    assert_refused!(grown("archive/data/0", 20), Rejection::ZipOverlap { entry } if entry == "archive/data/1");
    assert_refused!(grown("archive/data/1", 100), Rejection::ZipOutside { entry } if entry == "archive/data/1");
    assert_refused!(grown("archive/data/1", 1 << 31), Rejection::ZipOutside { .. });
    assert_refused!(grown("archive/data/1", u32::MAX), Rejection::ZipMalformed { .. });
}

#[test]
fn archives_with_a_second_reading_are_refused() {
    let archive = forged();
    let end = archive.len() - 22;
    let with_u16 = |at: usize, value: u16| {
        let mut bytes = archive.clone();
        bytes[end + at..end + at + 2].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let [comment, count, size, start] = [20, 10, 12, 16];
    let commented = [with_u16(comment, 7), b"comment".to_vec()].concat();
    for bytes in [commented, with_u16(count, 3), with_u16(count, 9), with_u16(size, 1), with_u16(start, 1)] {
        assert_refused!(bytes, Rejection::ZipMalformed { .. });
    }
    let mut renamed = archive.clone();
    let local_name = renamed.windows(14).position(|window| window == b"archive/data/1").unwrap();
    renamed[local_name + 13] = b'2';
    assert_refused!(renamed, Rejection::ZipMalformed { .. });
}

#[test]
fn encrypted_entries_are_refused() {
    let flags = 46 - 8;
    assert_refused!(with_fields("archive/data/0", &[(flags, 1)]), Rejection::ZipCompressed { entry } if entry == "archive/data/0");
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let mut bytes = forged();
    let places: Vec<usize> = (0..bytes.len()).filter(|&place| bytes[place..].starts_with(b"archive/data/1")).collect();
    for place in places {
        bytes[place + b"archive/data/".len()] = b'0';
    }
    assert_refused!(bytes, Rejection::ZipDuplicate { entry } if entry == "archive/data/0");
}

#[test]
fn bytes_before_the_archive_are_refused() {
    let archive = zip_of(&[("t", floats("0", &[1.0]))]);
    let bytes = [b"PK\x03\x04 and other things".to_vec(), archive].concat();
    assert_refused!(bytes, Rejection::ZipMalformed { .. });
}

#[test]
fn too_many_entries_are_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..=100_000 {
        writer.start_file(format!("a/data/{index}"), stored()).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    assert_refused!(bytes, Rejection::ZipEntries { count: 100_001, limit: 100_000 });
}

#[test]
fn damaged_safetensors_are_refused() {
    let file = |header: &str, data: usize| {
        [(header.len() as u64).to_le_bytes().to_vec(), header.as_bytes().to_vec(), vec![0; data]].concat()
    };
    let header = |dtype: &str, shape: &str, end: usize| {
        format!(r#"{{"t":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
    };
    assert!(Checkpoint::from_bytes("ok", file(&header("F32", "[2]", 8), 8)).is_ok());
    assert_refused!(file(&header("F32", "[2]", 8), 7), Rejection::Safetensors { .. });
    assert_refused!(file(&header("F32", "[2]", 8), 9), Rejection::Safetensors { .. });
    assert_refused!(file(&header("F32", "[3]", 8), 8), Rejection::Safetensors { .. });
    assert_refused!(file(&header("F32", "[4294967296,4294967296]", 8), 8), Rejection::Safetensors { .. });
    assert_refused!(file("{\"t\":", 0), Rejection::Safetensors { .. });
    assert_refused!(file("{}", 0), Rejection::EmptySection { .. });
    assert_refused!(file(&header("U64", "[1]", 8), 8), Rejection::TensorDtype { dtype, .. } if dtype == "U64");
    assert_refused!([&[0xff; 8], b"{".as_slice()].concat(), Rejection::Safetensors { .. });
}
