//! Sequences of modules give the numbers of PyTorch in `fixtures/torch_modules.json`, under its names, in every mode; what
//! does not fit together is refused.

use dualtape::program::Rows;
use dualtape::{Traced, gradient, gradient_forward};
use dualtape_nn::data::{Dataset, iris};
use dualtape_nn::{
    Activation, Embedding, Error, Layer, LayerNorm, Loss, Method, Mlp, Model, Module, Recorded, Sequential,
    Settings, Trainer, evaluate, load_parameters, predict, save_parameters, train,
};
use serde_json::Value;

/// Largest difference that is allowed, relative to 1 or the larger number.
const TOLERANCE: f64 = 1e-10;

#[track_caller]
fn assert_close(what: &str, given: &[f64], expected: &[f64]) {
    assert_eq!(given.len(), expected.len(), "{what}");
    for (i, (a, b)) in given.iter().zip(expected).enumerate() {
        let fine = (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0);
        assert!(fine, "{what}[{i}]: got {a:e}, expected {b:e}");
    }
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn sequential(modules: Vec<Module>) -> Sequential {
    Sequential::new(modules).unwrap()
}

/// A module of the fixture, for so many inputs.
fn module(spec: &Value, inputs: usize) -> Module {
    if let Value::Array(inner) = spec {
        return Module::Residual(modules(inner, inputs));
    }
    let words: Vec<&str> = spec.as_str().unwrap().split(' ').collect();
    let size = |i: usize| words[i].parse::<usize>().unwrap();
    match words[0] {
        "linear" => Layer::linear(size(1), size(2)).into(),
        "layer_norm" => LayerNorm { size: size(1), epsilon: words[2].parse().unwrap() }.into(),
        "embedding" => Embedding { embeddings: size(1), size: size(2), indices: inputs }.into(),
        // Our rows are flat already; this keeps the numbers of the modules.
        "flatten" => Activation::Identity.into(),
        activation => activation.parse::<Activation>().unwrap().into(),
    }
}

fn modules(specs: &[Value], inputs: usize) -> Sequential {
    sequential(specs.iter().map(|spec| module(spec, inputs)).collect())
}

struct Case {
    name: String,
    model: Sequential,
    parameters: Vec<f64>,
    json: Value,
}

fn cases() -> Vec<Case> {
    let json: Value = serde_json::from_str(include_str!("../fixtures/torch_modules.json")).unwrap();
    let case = |json: &Value| {
        let inputs = json["x"][0].as_array().unwrap().len();
        Case {
            name: json["modules"].to_string(),
            model: modules(json["modules"].as_array().unwrap(), inputs),
            parameters: json["tensors"].as_array().unwrap().iter().flat_map(|t| numbers(&t[2])).collect(),
            json: json.clone(),
        }
    };
    json.as_array().unwrap().iter().map(case).collect()
}

impl Case {
    fn rows(&self, key: &str) -> Vec<Vec<f64>> {
        self.json[key].as_array().unwrap().iter().map(numbers).collect()
    }

    /// Inputs, and then targets.
    fn samples(&self) -> Vec<f64> {
        self.rows("x").into_iter().zip(self.rows("y")).flat_map(|(x, y)| [x, y].concat()).collect()
    }
}

#[test]
fn tensors_have_the_names_shapes_and_order_of_pytorch() {
    for case in cases() {
        let expected: Vec<(String, Vec<usize>)> = case.json["tensors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| {
                (t[0].as_str().unwrap().to_owned(), numbers(&t[1]).into_iter().map(|n| n as usize).collect())
            })
            .collect();
        assert_eq!(case.model.tensors(), expected, "{}", case.name);
        assert_eq!(case.model.parameter_count(), case.parameters.len(), "{}", case.name);
    }
}

#[test]
fn outputs_losses_and_gradients_are_those_of_pytorch_by_tape_and_by_program() {
    for case in cases() {
        let (model, parameters, name) = (&case.model, &case.parameters, &case.name);
        for (x, outputs) in case.rows("x").iter().zip(case.rows("outputs")) {
            assert_close(name, &model.forward(parameters, x), &outputs);
        }
        let expected = (numbers(&case.json["loss"]), numbers(&case.json["gradient"]));

        let (x, y) = (case.rows("x"), case.rows("y"));
        let (loss, by_tape) = gradient(
            |p| {
                let one = |(x, y): (&Vec<f64>, &Vec<f64>)| {
                    let constants = |row: &[f64]| row.iter().map(|&x| x.into()).collect::<Vec<_>>();
                    Loss::MeanSquared.of(&model.forward(p, &constants(x)), &constants(y))
                };
                x.iter().zip(&y).map(one).sum::<dualtape::Var<'_, f64>>() / x.len() as f64
            },
            parameters,
        );
        assert_close(&format!("{name} by tape"), &[loss], &expected.0);
        assert_close(&format!("{name} by tape"), &by_tape, &expected.1);

        let mut recorded = record(model);
        let (samples, mut by_program) = (case.samples(), vec![0.0; parameters.len()]);
        let rows = Rows::new(&samples, model.inputs() + model.outputs());
        let batch = recorded.mean(parameters, &rows, None, &mut by_program).unwrap();
        assert_close(&format!("{name} by program"), &[batch.loss], &expected.0);
        assert_close(&format!("{name} by program"), &by_program, &expected.1);
    }
}

/// The squared error of one sample.
fn record(model: &Sequential) -> Recorded<f64> {
    let width = model.inputs() + model.outputs();
    let loss = |p: &[Traced<f64>], sample: &[Traced<f64>]| {
        let (x, y) = sample.split_at(model.inputs());
        Loss::MeanSquared.of(&model.forward(p, x), y)
    };
    Recorded::new(model.parameter_count(), width, loss).unwrap()
}

#[test]
fn tensors_of_pytorch_are_loaded_from_a_file_and_saved_under_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state_dict.safetensors");
    for case in cases() {
        // As the format says: the length of the header, the header, the numbers; here with the last tensor first.
        let (mut header, mut data) = (Vec::new(), Vec::new());
        for tensor in case.json["tensors"].as_array().unwrap().iter().rev() {
            let first = data.len();
            data.extend(numbers(&tensor[2]).into_iter().flat_map(f64::to_le_bytes));
            let (name, shape, last) = (&tensor[0], &tensor[1], data.len());
            header
                .push(format!(r#"{name}:{{"dtype":"F64","shape":{shape},"data_offsets":[{first},{last}]}}"#));
        }
        let header = format!("{{{}}}", header.join(","));
        let length = (header.len() as u64).to_le_bytes();
        std::fs::write(&path, [&length[..], header.as_bytes(), &data].concat()).unwrap();
        assert_eq!(load_parameters(&case.model, &path).unwrap(), case.parameters, "{}", case.name);
        save_parameters(&case.model, &case.parameters, &path).unwrap();
        assert_eq!(load_parameters(&case.model, &path).unwrap(), case.parameters, "{}", case.name);
    }
}

#[test]
fn layers_in_sequence_are_a_perceptron_bit_by_bit() {
    let mlp = Mlp::new(&[4, 6, 3], Activation::Relu).unwrap();
    let layer = |i: usize| Module::from(mlp.layers()[i]);
    let linear = |i: usize| Module::from(Layer { activation: Activation::Identity, ..mlp.layers()[i] });
    let (training, validation) = iris().split(0.2, 3).unwrap();
    let settings =
        Settings { epochs: 3, l2: 0.01, clip: "per-layer:1".parse().unwrap(), ..Settings::default() };
    let run = |parameters: Vec<f64>, train: &dyn Fn(&mut [f64])| {
        let mut parameters = parameters;
        train(&mut parameters);
        bits(&parameters)
    };
    let expected = run(mlp.initialize(3), &|p| {
        train(&mlp, p, &training, &validation, &settings, |_| {}).unwrap();
    });
    for model in [
        sequential(vec![layer(0), layer(1)]),
        sequential(vec![linear(0), Activation::Relu.into(), linear(1)]),
    ] {
        assert_eq!(model.initialize::<f64>(3), mlp.initialize::<f64>(3));
        assert_eq!(model.initialize::<f32>(3), mlp.initialize::<f32>(3));
        assert_eq!(model.weights(), mlp.weights());
        let got = run(model.initialize(3), &|p| {
            train(&model, p, &training, &validation, &settings, |_| {}).unwrap();
        });
        assert_eq!(got, expected, "{model}");
    }
}

#[test]
fn fresh_parameters_of_each_module_are_as_documented() {
    let block = sequential(vec![LayerNorm::new(4).into(), Layer::linear(4, 4).into()]);
    let model = sequential(vec![
        Embedding { embeddings: 500, size: 2, indices: 2 }.into(),
        Module::Residual(block),
        Module::Dropout(0.5),
    ]);
    let parameters: Vec<f64> = model.initialize(1);
    assert_eq!(parameters.len(), model.parameter_count());
    assert_eq!(parameters, model.initialize::<f64>(1));
    assert_ne!(parameters, model.initialize::<f64>(2));
    let (table, rest) = parameters.split_at(1000);
    let mean = table.iter().sum::<f64>() / 1000.0;
    let variance = table.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1000.0;
    assert!(mean.abs() < 5.0 / 1000.0_f64.sqrt() && (variance - 1.0).abs() < 0.25, "{mean} {variance}");
    assert_eq!((&rest[..8], &rest[24..]), (&[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0][..], &[0.0; 4][..]));
    assert!(rest[8..24].iter().all(|w| *w != 0.0 && w.abs() <= (6.0_f64 / 8.0).sqrt()));
    // The table and the layer; neither the norm nor biases.
    assert_eq!(model.weights(), [0..1000, 1008..1024]);
}

#[test]
fn a_layer_norm_forgets_shift_and_scale_at_any_magnitude() {
    let norm = LayerNorm { size: 4, epsilon: 1e-300 };
    let plain = [[1.0; 4], [0.0; 4]].concat();
    let x = [1.0, -2.0, 0.5, 4.0];
    let expected = norm.forward(&plain, &x);
    assert!(expected.iter().sum::<f64>().abs() < 1e-14);
    assert!((expected.iter().map(|y| y * y).sum::<f64>() - 4.0).abs() < 1e-14);
    for scale in [1e-100, 1e-3, 1.0, 1e8, 1e150, 1e300] {
        for shift in [0.0, 3.0 * scale] {
            let moved: Vec<f64> = x.iter().map(|x| x * scale + shift).collect();
            assert_close(&format!("{scale} {shift}"), &norm.forward(&plain, &moved), &expected);
        }
    }
    // Equal numbers have no direction: what is left is the bias.
    let with_bias = [[2.0; 4], [7.0; 4]].concat();
    assert_eq!(LayerNorm::new(4).forward(&with_bias, &[0.1; 4]), [7.0; 4]);
    // What is not a number is not hidden.
    for odd in [f64::NAN, f64::INFINITY] {
        assert!(norm.forward(&plain, &[1.0, odd, 2.0, 3.0]).iter().all(|y| y.is_nan()));
    }
}

#[test]
fn an_embedding_gives_the_rows_of_its_table_and_moves_no_other() {
    let embedding = Embedding { embeddings: 3, size: 2, indices: 2 };
    let table = [0.1, -0.2, 0.3, f64::MAX, 0.5, -0.6];
    let at = |x: [f64; 2]| embedding.forward(&table, &x);
    for (i, j) in [(0, 0), (0, 2), (1, 0), (2, 1)] {
        let expected = [&table[2 * i..2 * i + 2], &table[2 * j..2 * j + 2]].concat();
        assert_eq!(at([i as f64, j as f64]), expected);
        let (_, moved) = gradient(|p| embedding.forward(p, &[i as f64, j as f64].map(Into::into))[0], &table);
        let expected: Vec<f64> = (0..6).map(|k| f64::from(k == 2 * i)).collect();
        assert_eq!(moved, expected, "{i} {j}");
    }
    assert_eq!(at([-0.0, 0.0]), [0.1, -0.2, 0.1, -0.2]);
    // An index picks by its value also where it is what a derivative is taken in: steps are flat.
    let constants = table.map(Into::into);
    let by_tape = gradient(|x| embedding.forward(&constants, x)[2], &[0.0, 1.0]);
    assert_eq!(by_tape, (0.3, vec![0.0; 2]));
    let constants = table.map(Into::into);
    let by_dual = gradient_forward(|x| embedding.forward(&constants, x)[2], &[0.0, 1.0]);
    assert_eq!(by_dual, (0.3, vec![0.0; 2]));
}

/// Recorded at numbers that are no indices, and replayed at indices and at others.
#[test]
fn what_is_no_index_gives_nan_in_every_mode() {
    let model = sequential(vec![Embedding { embeddings: 3, size: 1, indices: 1 }.into()]);
    let table = [10.0, 20.0, 30.0];
    let mut recorded = record(&model);
    for (index, expected) in [
        (0.0, 10.0),
        (2.0, 30.0),
        (3.0, f64::NAN),
        (-1.0, f64::NAN),
        (0.5, f64::NAN),
        (f64::INFINITY, f64::NAN),
        (f64::NAN, f64::NAN),
    ] {
        let output = model.forward(&table, &[index])[0];
        assert!(output == expected || (output.is_nan() && expected.is_nan()), "{index}: {output}");
        let mut derivative = [0.0; 3];
        let sample = [index, 0.0];
        let batch = recorded.mean(&table, &Rows::new(&sample, 2), None, &mut derivative).unwrap();
        let loss = expected * expected;
        assert!(batch.loss == loss || (batch.loss.is_nan() && loss.is_nan()), "{index}: {}", batch.loss);
        // Nothing of the table is in a NaN that stands for no row.
        let at = |row: usize| if index == row as f64 { 2.0 * expected } else { 0.0 };
        assert_eq!(derivative, [at(0), at(1), at(2)], "{index}");
    }
}

#[test]
fn data_without_indices_are_refused_by_sample_before_anything_is_trained() {
    let model =
        sequential(vec![Embedding { embeddings: 3, size: 4, indices: 2 }.into(), Layer::linear(8, 2).into()]);
    let data = |inputs: Vec<f64>| {
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        Dataset::classification("here", names(["a", "b"]), names(["no", "yes"]), inputs, vec![0, 1]).unwrap()
    };
    let (good, parameters) = (data(vec![0.0, 1.0, 2.0, 0.0]), model.initialize(1));
    assert!(predict(&model, &parameters, &good).is_ok());
    for (inputs, problem) in [
        (vec![0.0, 1.0, 3.0, 0.0], "sample 2, feature 1 is 3; expected a whole number from 0 to 2"),
        (vec![0.0, -1.0, 2.0, 0.0], "sample 1, feature 2 is -1; expected a whole number from 0 to 2"),
        (vec![0.0, 1.0, 2.0, 1.5], "sample 2, feature 2 is 1.5; expected a whole number from 0 to 2"),
        (vec![1e300, 1.0, 2.0, 1.0], "sample 1, feature 1 is 1"),
    ] {
        let bad = data(inputs);
        let settings = Settings::default();
        let refused = [
            predict(&model, &parameters, &bad).unwrap_err(),
            evaluate(&model, &parameters, &bad, Loss::CrossEntropy).unwrap_err(),
            Trainer::new(&model, parameters.clone(), &bad, &good, &settings).unwrap_err(),
            Trainer::new(&model, parameters.clone(), &good, &bad, &settings).unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, Error::Data { .. }), "{error}");
            assert!(error.to_string().starts_with(&format!("here: {problem}")), "{error}");
        }
    }
}

#[test]
fn modules_that_do_not_go_together_are_refused_by_number() {
    let linear = |inputs, outputs| Module::from(Layer::linear(inputs, outputs));
    let tanh = || Module::from(Activation::Tanh);
    let embedding = |embeddings, size, indices| Module::from(Embedding { embeddings, size, indices });
    let residual = |modules| Module::Residual(sequential(modules));
    let place = "expected it as module 0, outside of residual blocks, as it takes indices";
    let without =
        "expected at least a layer, a layer norm, an embedding or a residual block among the modules";
    let cases = [
        (vec![], format!("the sequence of modules is 0 modules without sizes; {without}")),
        (
            vec![tanh(), Module::Dropout(0.1)],
            format!("the sequence of modules is 2 modules without sizes; {without}"),
        ),
        (
            vec![linear(2, 3), tanh(), linear(4, 1)],
            "inputs of module 2 (layer 4 -> 1), after module 1 (tanh): 4 given, 3 expected".to_owned(),
        ),
        (
            vec![tanh(), linear(2, 3), LayerNorm::new(2).into()],
            "inputs of module 2 (layer norm of 2), after module 1 (layer 2 -> 3): 2 given, 3 expected"
                .to_owned(),
        ),
        (
            vec![linear(2, 3), residual(vec![linear(3, 2)])],
            "outputs of module 1 (residual 3 -> 2), which are added to its inputs: 2 given, 3 expected"
                .to_owned(),
        ),
        (
            vec![linear(2, 3), embedding(4, 2, 3)],
            format!("the place of an embedding is in module 1 (embedding of 3 indices, 4 -> 2); {place}"),
        ),
        (
            vec![residual(vec![embedding(4, 1, 3)])],
            format!("the place of an embedding is in module 0 (residual 3 -> 3); {place}"),
        ),
        (
            vec![linear(0, 3)],
            "the layer sizes are [0, 3]; expected at least two sizes, none of them 0".to_owned(),
        ),
        (vec![LayerNorm::new(0).into()], "the size of a layer norm is 0; expected at least 1".to_owned()),
        (
            vec![LayerNorm { size: 2, epsilon: 0.0 }.into()],
            "the ε of a layer norm is 0; expected a positive number".to_owned(),
        ),
        (
            vec![LayerNorm { size: 2, epsilon: f64::NAN }.into()],
            "the ε of a layer norm is NaN; expected a positive number".to_owned(),
        ),
        (vec![embedding(0, 2, 3)], "the number of rows of an embedding is 0; expected at least 1".to_owned()),
        (vec![embedding(2, 0, 3)], "the size of an embedding is 0; expected at least 1".to_owned()),
        (
            vec![embedding(2, 3, 0)],
            "the number of indices of an embedding is 0; expected at least 1".to_owned(),
        ),
        (
            vec![linear(2, 3), Module::Dropout(1.0)],
            "the dropout is 1; expected a probability of 0 or more, and less than 1".to_owned(),
        ),
        (
            vec![linear(2, 3), Module::Dropout(f64::NAN)],
            "the dropout is NaN; expected a probability of 0 or more, and less than 1".to_owned(),
        ),
    ];
    for (modules, expected) in cases {
        assert_eq!(Sequential::new(modules).unwrap_err().to_string(), expected);
    }
    let huge = usize::MAX / 2;
    for module in [linear(huge, huge), linear(1 << 28, 1), embedding(huge, huge, 1), embedding(1, huge, huge)]
    {
        let error = Sequential::new(vec![module]).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
    let norm = Sequential::new(vec![LayerNorm::new(usize::MAX).into()]).unwrap_err();
    assert!(matches!(norm, Error::TooLarge { .. }), "{norm}");
}

#[test]
fn wrong_lengths_panic_with_the_module() {
    let model = sequential(vec![LayerNorm::new(2).into()]);
    for (parameters, input, words) in [(3, 2, "has 4 parameters, not 3"), (4, 3, "takes 2 inputs, not 3")] {
        let outcome = std::panic::catch_unwind(|| model.forward(&vec![0.0; parameters], &vec![0.0; input]));
        let panic = outcome.unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains(words) && text.contains("layer norm of 2"), "{text}");
    }
}

/// All modules at once: a rule of two categories is learnt, and a training that was interrupted ends with the same bits.
#[test]
fn a_sequence_learns_categories_and_resumes() {
    let block =
        sequential(vec![LayerNorm::new(6).into(), Layer::linear(6, 6).into(), Activation::Gelu.into()]);
    let model = sequential(vec![
        Embedding { embeddings: 5, size: 3, indices: 2 }.into(),
        Module::Residual(block),
        Module::Dropout(0.1),
        Layer::linear(6, 2).into(),
    ]);
    let pairs = || (0..5).flat_map(|a| (0..5).map(move |b| (a, b)));
    let inputs = pairs().flat_map(|(a, b)| [f64::from(a), f64::from(b)]).collect();
    let labels = pairs().map(|(a, b)| usize::from((a + b) % 3 == 0)).collect();
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let data =
        Dataset::classification("sums", names(["a", "b"]), names(["no", "yes"]), inputs, labels).unwrap();
    let settings = Settings {
        epochs: 150,
        batch_size: 5,
        rate: 0.01,
        optimizer: Method::adam(),
        keep_best: false,
        ..Settings::default()
    };
    let start = || Trainer::new(&model, model.initialize(1), &data, &data, &settings).unwrap();
    let mut whole = start();
    while whole.advance().unwrap().is_some() {}
    let accuracy = evaluate(&model, whole.result(), &data, Loss::CrossEntropy).unwrap().accuracy;
    assert!(accuracy > Some(0.95), "{accuracy:?}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    let mut first = start();
    for _ in 0..77 {
        first.advance().unwrap();
    }
    first.save_checkpoint(&path).unwrap();
    let mut second = Trainer::resume(&path, &model, &data, &data, &settings).unwrap();
    while second.advance().unwrap().is_some() {}
    assert_eq!(bits(second.result()), bits(whole.result()));
}
