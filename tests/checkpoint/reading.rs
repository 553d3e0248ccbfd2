//! What is read from well-formed files: element types, layouts, containers, kinds of contents.

use safetensors::tensor::TensorView as Stored;
use zoobench::model::checkpoint::{Checkpoint, Container, Dtype, Rejection};

use crate::forge::{floats, legacy, legacy_of, object, stored, zip, zip_of, zip_with, Pickle, Storage, Tensor};

fn open(bytes: Vec<u8>) -> Checkpoint {
    Checkpoint::from_bytes("forged.pth", bytes).unwrap()
}

fn f32s(checkpoint: &Checkpoint, name: &str) -> Vec<f32> {
    checkpoint.f32(name).unwrap().unwrap()
}

#[test]
fn both_containers_give_the_same_tensors_in_file_order() {
    let tensors = [("b", floats("0", &[1.0, -2.5])), ("a", floats("1", &[f32::MIN_POSITIVE]))];
    for (bytes, container) in [(zip_of(&tensors), Container::Zip), (legacy_of(&tensors), Container::Legacy)] {
        let checkpoint = open(bytes);
        assert_eq!(checkpoint.container(), container);
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(f32s(&checkpoint, "b"), [1.0, -2.5]);
        assert_eq!(f32s(&checkpoint, "a"), [f32::MIN_POSITIVE]);
        assert!(checkpoint.get("c").is_none() && checkpoint.f32("c").is_none());
    }
}

#[test]
fn floats_of_every_width_become_float32() {
    for (class, element, dtype, value) in [
        ("DoubleStorage", 0.1_f64.to_le_bytes().to_vec(), Dtype::F64, 0.1_f32),
        ("FloatStorage", 0.1_f32.to_le_bytes().to_vec(), Dtype::F32, 0.1),
        ("HalfStorage", vec![0x00, 0xc5], Dtype::F16, -5.0),
        ("BFloat16Storage", vec![0xa0, 0xc0], Dtype::Bf16, -5.0),
    ] {
        let storage = Storage { class, key: "0".to_owned(), numel: 1, bytes: element };
        let tensor = Tensor { storage, offset: 0, shape: vec![], strides: vec![] };
        let checkpoint = open(zip_of(&[("t", tensor)]));
        assert_eq!(checkpoint.get("t").unwrap().dtype(), dtype);
        assert_eq!(f32s(&checkpoint, "t"), [value], "{class}");
    }
}

#[test]
fn integers_are_kept_and_are_no_floats() {
    for (class, dtype) in [
        ("LongStorage", Dtype::I64),
        ("IntStorage", Dtype::I32),
        ("ShortStorage", Dtype::I16),
        ("CharStorage", Dtype::I8),
        ("ByteStorage", Dtype::U8),
        ("BoolStorage", Dtype::Bool),
    ] {
        let bytes = vec![1; dtype.size()];
        let storage = Storage { class, key: "0".to_owned(), numel: 1, bytes: bytes.clone() };
        let tensor = Tensor { storage, offset: 0, shape: vec![1], strides: vec![1] };
        let checkpoint = open(legacy_of(&[("steps", tensor)]));
        let view = checkpoint.get("steps").unwrap();
        assert_eq!((view.dtype(), view.bytes().into_owned()), (dtype, bytes));
        let error = checkpoint.f32("steps").unwrap().unwrap_err();
        assert!(matches!(error.rejection, Rejection::NotFloat { .. }));
        assert!(error.to_string().contains("forged.pth: tensor \"steps\" holds"), "{error}");
    }
}

#[test]
fn views_into_one_storage_honour_strides_and_offsets() {
    let base = floats("0", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let view = |offset, shape: &[i64], strides: &[i64]| Tensor {
        offset,
        shape: shape.to_vec(),
        strides: strides.to_vec(),
        ..base.clone()
    };
    let tensors = [
        ("rows", view(0, &[2, 3], &[3, 1])),
        ("transposed", view(0, &[3, 2], &[1, 3])),
        ("tail", view(4, &[2], &[1])),
        ("odd", view(1, &[3], &[2])),
        ("expanded", view(5, &[2, 2], &[0, 0])),
        ("empty", view(6, &[0, 4], &[4, 1])),
    ];
    let pickle = object(&tensors);
    for bytes in [zip(&pickle, &[&base.storage]), legacy(&pickle, &[&base.storage])] {
        let checkpoint = open(bytes);
        assert_eq!(f32s(&checkpoint, "rows"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(f32s(&checkpoint, "transposed"), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(f32s(&checkpoint, "tail"), [4.0, 5.0]);
        assert_eq!(f32s(&checkpoint, "odd"), [1.0, 3.0, 5.0]);
        assert_eq!(f32s(&checkpoint, "expanded"), [5.0; 4]);
        assert!(f32s(&checkpoint, "empty").is_empty());
    }
}

#[test]
fn a_mapping_of_tensors_is_a_state_dict_itself() {
    let tensor = floats("0", &[7.0]);
    let pickle = Pickle::new().state_dict(&[("weight", tensor.clone())]).finish();
    let checkpoint = open(zip(&pickle, &[&tensor.storage]));
    assert_eq!(f32s(&checkpoint, "weight"), [7.0]);
    assert_eq!(checkpoint.section("state_dict").unwrap().len(), 1);
}

#[test]
fn module_versions_are_ignored() {
    let tensor = floats("0", &[7.0]);
    let versions = Pickle::new().raw(b"}").text("state_dict").state_dict(&[("weight", tensor.clone())]);
    let built = versions.clone().raw(b"}").text("_metadata").raw(b"}sbs").finish();
    let inserted = versions.text("_metadata").raw(b"}ss").finish();
    for pickle in [built, inserted] {
        assert_eq!(open(zip(&pickle, &[&tensor.storage])).names().collect::<Vec<_>>(), ["weight"]);
    }
}

#[test]
fn parameters_are_tensors() {
    let tensor = floats("0", &[7.0]);
    let pickle = Pickle::new().raw(b"}").text("weight").global("torch._utils", "_rebuild_parameter").raw(b"(");
    let pickle = pickle.tensor(&tensor).raw(b"\x88").global("collections", "OrderedDict").raw(b")RtRs").finish();
    assert_eq!(f32s(&open(zip(&pickle, &[&tensor.storage])), "weight"), [7.0]);
}

#[test]
fn protocol_4_writes_the_same_with_other_opcodes() {
    let tensor = floats("0", &[7.0]);
    let short = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let named =
        |module: &str, name: &str| [short(module), b"\x94".to_vec(), short(name), b"\x94\x93\x94".to_vec()].concat();
    let body = [
        b"}\x94".to_vec(),
        short("weight"),
        named("torch._utils", "_rebuild_tensor_v2"),
        b"((".to_vec(),
        short("storage"),
        named("torch", "FloatStorage"),
        short("0"),
        short("cpu"),
        b"K\x01tQK\x00K\x01\x85K\x01\x85\x89".to_vec(),
        named("collections", "OrderedDict"),
        b")Rt\x94R\x94s.".to_vec(),
    ]
    .concat();
    let pickle = [b"\x80\x04\x95".as_slice(), &(body.len() as u64).to_le_bytes(), &body].concat();
    assert_eq!(f32s(&open(zip(&pickle, &[&tensor.storage])), "weight"), [7.0]);
}

#[test]
fn a_training_runs_statistics_are_passed_over() {
    let tensor = floats("0", &[7.0]);
    let history = |pickle: Pickle| pickle.global("mmengine.logging.history_buffer", "HistoryBuffer");
    let pickle = Pickle::new().raw(b"}").text("state_dict").state_dict(&[("weight", tensor.clone())]).raw(b"s");
    let pickle = history(pickle.text("message_hub")).raw(b")\x81}").text("mean").global("__builtin__", "getattr");
    let pickle = history(pickle).text("mean").raw(b"\x86Rsbs").finish();
    assert_eq!(f32s(&open(zip(&pickle, &[&tensor.storage])), "weight"), [7.0]);
}

#[test]
fn safetensors_come_back_as_they_were_written() {
    let values: Vec<u8> = [1.5_f32, -2.0, 0.25, 8.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let steps = 12_i64.to_le_bytes();
    let view = |dtype, shape: &[usize], data| Stored::new(dtype, shape.to_vec(), data).unwrap();
    let tensors = [
        ("weight", view(safetensors::Dtype::F32, &[2, 2], &values)),
        ("bias", view(safetensors::Dtype::F16, &[2], &[0x00, 0x3c, 0x00, 0xc5])),
        ("steps", view(safetensors::Dtype::I64, &[], &steps)),
    ];
    let checkpoint = open(safetensors::serialize(tensors, None).unwrap());
    assert_eq!((checkpoint.container(), checkpoint.len()), (Container::Safetensors, 3));
    assert_eq!(checkpoint.get("weight").unwrap().shape(), [2, 2]);
    assert_eq!(f32s(&checkpoint, "weight"), [1.5, -2.0, 0.25, 8.0]);
    assert_eq!(f32s(&checkpoint, "bias"), [1.0, -5.0]);
    assert_eq!(*checkpoint.get("steps").unwrap().bytes(), steps);
}

#[test]
fn archives_with_64_bit_records_are_read() {
    let tensor = floats("0", &[7.0]);
    let pickle = object(&[("weight", tensor.clone())]);
    let entries: [(&str, &[u8]); 2] = [("m/data.pkl", &pickle), ("m/data/0", &tensor.storage.bytes)];
    let bytes = zip_with(stored().large_file(true), &entries);
    assert_eq!(f32s(&open(bytes), "weight"), [7.0]);
}

#[test]
fn the_byte_order_of_new_archives_is_read() {
    let tensor = floats("0", &[7.0]);
    let pickle = object(&[("weight", tensor.clone())]);
    let entries = |order| {
        let data: &[u8] = &tensor.storage.bytes;
        zip_with(stored(), &[("m/data.pkl", &pickle), ("m/byteorder", order), ("m/data/0", data)])
    };
    assert_eq!(f32s(&open(entries(b"little")), "weight"), [7.0]);
    let refused = Checkpoint::from_bytes("forged.pth", entries(b"big")).unwrap_err();
    assert!(matches!(refused.rejection, Rejection::BigEndian { .. }));
}

#[test]
fn files_are_read_whatever_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.jpg");
    std::fs::write(&path, zip_of(&[("weight", floats("0", &[7.0]))])).unwrap();
    assert_eq!(f32s(&Checkpoint::read(&path).unwrap(), "weight"), [7.0]);
    let folder = Checkpoint::read(folder.path()).unwrap_err();
    assert!(matches!(folder.rejection, Rejection::NotAFile));
    let absent = Checkpoint::read(&path.with_extension("png")).unwrap_err();
    assert!(matches!(absent.rejection, Rejection::Unreadable { .. }));
    assert!(absent.to_string().contains("weights.png"), "{absent}");
}
