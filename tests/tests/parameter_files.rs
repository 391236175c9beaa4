//! The parameters of any model come back from a file bit by bit, under the names of its tensors, or the file is refused.

use dualtape::Differentiable;
use dualtape_nn::data::iris;
use dualtape_nn::{
    Activation, Error, Loss, Mlp, Model, SavedModel, Settings, Trainer, load_parameters, save_parameters,
};
use std::path::{Path, PathBuf};

/// A model of nothing but tensors.
struct Tensors(Vec<(&'static str, Vec<usize>)>, usize);

impl Tensors {
    fn new(tensors: &[(&'static str, &[usize])]) -> Self {
        let count = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        Self(tensors.iter().map(|&(name, shape)| (name, shape.to_vec())).collect(), count)
    }
}

impl Model for Tensors {
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        self.1
    }
    fn forward<D: Differentiable>(&self, _: &[D], x: &[D]) -> Vec<D> {
        x.to_vec()
    }
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.0.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone())).collect()
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A safetensors file as its format says, written without our code: the length of the header, the header, the numbers.
    fn foreign(&self, header: &str, numbers: &[u8]) -> PathBuf {
        let path = self.path("foreign.safetensors");
        let length = (header.len() as u64).to_le_bytes();
        std::fs::write(&path, [&length[..], header.as_bytes(), numbers].concat()).unwrap();
        path
    }
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// What is said about the file, without its path.
fn refused(model: &impl Model, path: &Path) -> String {
    let error = load_parameters(model, path).unwrap_err();
    assert!(matches!(error, Error::Checkpoint { .. }), "{error:?}");
    let text = error.to_string();
    let start = format!("{} cannot be used: ", path.display());
    text.strip_prefix(&start).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn every_bit_of_the_parameters_comes_back() {
    let folder = Folder::new();
    let path = folder.path("parameters.safetensors");
    let odd = [f64::NAN, -f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE / 4.0, f64::MAX];
    let models = [
        Tensors::new(&[("a", &[2, 3])]),
        Tensors::new(&[("z", &[3]), ("a", &[1, 1, 2]), ("a.b", &[])]),
        Tensors::new(&[("", &[6]), ("none", &[0, 7])]),
    ];
    for model in &models {
        save_parameters(model, &odd, &path).unwrap();
        assert_eq!(bits(&load_parameters(model, &path).unwrap()), bits(&odd), "{:?}", model.0);
    }
    let nothing = Tensors::new(&[]);
    save_parameters(&nothing, &[], &path).unwrap();
    assert_eq!(load_parameters(&nothing, &path).unwrap(), [0.0; 0]);
    let large = Mlp::new(&[300, 300], Activation::Tanh).unwrap();
    let parameters = large.initialize(1);
    save_parameters(&large, &parameters, &path).unwrap();
    assert_eq!(load_parameters(&large, &path).unwrap(), parameters);
}

#[test]
fn a_file_of_another_program_is_read_by_name_whatever_the_order_and_precision() {
    let model = Mlp::new(&[2, 1], Activation::Tanh).unwrap();
    let folder = Folder::new();
    let f32s = [1.5_f32, -0.1, 3.0e38].map(f32::to_le_bytes).concat();
    let f64s = [0.1_f64, -1e300].map(f64::to_le_bytes).concat();
    // The bias comes first, in another precision than the weights.
    let header = r#"{"layers.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"layers.0.weight":{"dtype":"F64","shape":[1,2],"data_offsets":[4,20]}}"#;
    let path = folder.foreign(header, &[&f32s[4..8], &f64s].concat());
    assert_eq!(load_parameters(&model, &path).unwrap(), [0.1, -1e300, f64::from(-0.1_f32)]);
    // What programs say of themselves is let be; widening loses nothing.
    let header = r#"{"__metadata__":{"format":"pt"},"layers.0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"layers.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#;
    let path = folder.foreign(header, &f32s);
    let expected = [1.5, f64::from(-0.1_f32), f64::from(3.0e38_f32)];
    assert_eq!(load_parameters(&model, &path).unwrap(), expected);
}

#[test]
fn tensors_that_do_not_fit_are_refused_by_name() {
    let folder = Folder::new();
    let path = folder.path("parameters.safetensors");
    let saved = Tensors::new(&[("a", &[2]), ("b", &[1]), ("c", &[1])]);
    save_parameters(&saved, &[1.0; 4], &path).unwrap();
    let exactly = "expected exactly the tensors of the model";
    let cases = [
        (&[("a", &[2][..])][..], format!("it also has 'b', 'c'; {exactly}")),
        (
            &[("a", &[2]), ("b", &[1]), ("c", &[1]), ("d", &[1]), ("e", &[5])],
            format!("it does not have 'd', 'e'; {exactly}"),
        ),
        (&[("a", &[2]), ("B", &[1]), ("c", &[1])], format!("it does not have 'B', but has 'b'; {exactly}")),
        (&[("a", &[2, 1]), ("b", &[1]), ("c", &[1])], "'a' has the shape [2]; expected [2, 1]".to_owned()),
        (&[("a", &[2]), ("b", &[]), ("c", &[1])], "'b' has the shape [1]; expected []".to_owned()),
    ];
    for (tensors, expected) in cases {
        assert_eq!(refused(&Tensors::new(tensors), &path), expected);
    }
    let names: Vec<String> = (0..20).map(|i| format!("t{i:02}")).collect();
    let many: Vec<(&'static str, &[usize])> =
        names.iter().map(|name| (&*Box::leak(name.clone().into_boxed_str()), &[1][..])).collect();
    let error = refused(&Tensors::new(&many), &path);
    assert!(error.contains("'t07' and 12 more, but has 'a', 'b', 'c'"), "{error}");
}

#[test]
fn numbers_of_another_type_are_refused_by_name() {
    let folder = Folder::new();
    let model = Tensors::new(&[("w", &[2])]);
    for (dtype, size) in [("BF16", 2), ("F16", 2), ("I64", 8), ("BOOL", 1)] {
        let end = 2 * size;
        let header = format!(r#"{{"w":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{end}]}}}}"#);
        let path = folder.foreign(&header, &vec![0; end]);
        let expected = format!("'w' has numbers of type {dtype}; expected F64 or F32");
        assert_eq!(refused(&model, &path), expected);
    }
}

#[test]
fn a_file_changed_in_any_byte_or_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let path = folder.path("parameters.safetensors");
    let model = Tensors::new(&[("w", &[2])]);
    save_parameters(&model, &[1.0, 2.0], &path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        for flip in [1, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            std::fs::write(&path, &changed).unwrap();
            assert!(load_parameters(&model, &path).is_err(), "byte {at} of {}, {flip}", bytes.len());
        }
        std::fs::write(&path, &bytes[..at]).unwrap();
        refused(&model, &path);
    }
    std::fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
    refused(&model, &path);
}

#[test]
fn what_is_no_file_of_parameters_is_refused() {
    let folder = Folder::new();
    let model = Tensors::new(&[("w", &[1])]);
    let missing = load_parameters(&model, folder.path("nowhere.safetensors")).unwrap_err();
    assert!(matches!(missing, Error::Read { .. }), "{missing}");
    let of_folder = load_parameters(&model, folder.0.path()).unwrap_err();
    assert!(matches!(of_folder, Error::Read { .. }), "{of_folder}");

    let path = folder.path("something");
    for text in ["", "w", "something else that is long enough to have a header"] {
        std::fs::write(&path, text).unwrap();
        let error = refused(&model, &path);
        assert!(error.starts_with("it is not a whole safetensors file: "), "{error}");
    }
    // A length of the header that nothing could hold.
    std::fs::write(&path, [0xFF; 64]).unwrap();
    refused(&model, &path);
    // Numbers that the file does not have.
    let header = r#"{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#;
    refused(&model, &folder.foreign(header, &[0; 4]));
}

#[test]
fn other_files_of_ours_are_told_apart() {
    let folder = Folder::new();
    let path = folder.path("file.safetensors");
    let model = Mlp::new(&[4, 3], Activation::Tanh).unwrap();
    SavedModel::new(model.clone(), model.initialize(1), &iris(), Loss::CrossEntropy).save(&path).unwrap();
    assert_eq!(refused(&model, &path), "it holds a model; expected a set of parameters");
    let (training, validation) = iris().split(0.2, 1).unwrap();
    let trainer =
        Trainer::new(&model, model.initialize(1), &training, &validation, &Settings::default()).unwrap();
    trainer.save_checkpoint(&path).unwrap();
    assert_eq!(refused(&model, &path), "it holds a checkpoint; expected a set of parameters");
    save_parameters(&model, &model.initialize(1), &path).unwrap();
    let error = SavedModel::load(&path).unwrap_err().to_string();
    assert!(error.contains("it holds a set of parameters; expected a model"), "{error}");
}

#[test]
fn what_cannot_be_saved_leaves_the_old_file() {
    let folder = Folder::new();
    let path = folder.path("parameters.safetensors");
    let model = Tensors::new(&[("w", &[2])]);
    save_parameters(&model, &[1.0, 2.0], &path).unwrap();
    let huge = usize::MAX;
    let cases = [
        (Tensors::new(&[("w", &[2])]), 3, "parameters of the model: 3 given, 2 expected".to_owned()),
        (
            Tensors(vec![("w", vec![2])], 3),
            3,
            "numbers in the tensors of the model: 2 given, 3 expected".to_owned(),
        ),
        (
            Tensors(vec![("v", vec![huge, huge]), ("w", vec![2])], 2),
            2,
            format!("numbers in the tensors of the model: {huge} given, 2 expected"),
        ),
        (
            Tensors::new(&[("w", &[1]), ("w", &[1])]),
            2,
            "the model has a tensor named 'w'; expected a different name for each, other than '__metadata__', and none that \
             begins with 'trainer/'"
                .to_owned(),
        ),
        (
            Tensors::new(&[("__metadata__", &[2])]),
            2,
            "the model has a tensor named '__metadata__'; expected a different name for each, other than \
             '__metadata__', and none that begins with 'trainer/'"
                .to_owned(),
        ),
    ];
    for (wrong, count, expected) in cases {
        assert_eq!(save_parameters(&wrong, &vec![0.0; count], &path).unwrap_err().to_string(), expected);
        assert_eq!(load_parameters(&model, &path).unwrap(), [1.0, 2.0]);
    }
    let nowhere = folder.path("no folder").join("parameters.safetensors");
    let error = save_parameters(&model, &[1.0, 2.0], nowhere).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
}
