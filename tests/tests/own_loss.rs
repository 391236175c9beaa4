//! A model with a loss of its own needs no loss in the settings, and none that stands there counts.

use dualtape::Differentiable;
use dualtape_nn::data::{Dataset, Targets};
use dualtape_nn::{Error, Layer, Loss, Model, Settings, Trainer, evaluate, sample_norms, samples, train};

/// A line with so many outputs, whose own loss is the mean squared error.
#[derive(Debug)]
struct Own(Layer);

/// The same, which says so by the older way: whatever was chosen counts for nothing, but it has to fit the data.
#[derive(Debug)]
struct Instead(Layer);

/// The same without a loss of its own.
#[derive(Debug)]
struct Plain(Layer);

macro_rules! line {
    ($($Name:ident { $($loss:tt)* })*) => { $(
        impl Model for $Name {
            fn inputs(&self) -> usize {
                self.0.inputs
            }
            fn outputs(&self) -> usize {
                self.0.outputs
            }
            fn parameter_count(&self) -> usize {
                self.0.parameter_count()
            }
            fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
                self.0.forward(parameters, input)
            }
            $($loss)*
        }
    )* };
}

line! {
    Own {
        fn own_loss<D: Differentiable>(&self, outputs: &[D], targets: &[D]) -> Option<D> {
            Some(Loss::MeanSquared.of(outputs, targets))
        }
    }
    Instead {
        fn loss<D: Differentiable>(&self, _: Loss, outputs: &[D], targets: &[D]) -> D {
            Loss::MeanSquared.of(outputs, targets)
        }
    }
    Plain {}
}

fn line() -> Layer {
    Layer::linear(1, 1)
}

fn numbers() -> Dataset {
    let x: Vec<f64> = (0..20).map(|i| f64::from(i) / 10.0).collect();
    let y = x.iter().map(|x| 3.0 * x - 1.0).collect();
    Dataset::regression("line", vec!["x".into()], vec!["y".into()], x, y).unwrap()
}

fn classes(count: usize) -> Dataset {
    let names = (0..count).map(|i| i.to_string()).collect();
    let labels = (0..6).map(|i| i % count).collect();
    Dataset::classification("classes", vec!["x".into()], names, vec![0.5; 6], labels).unwrap()
}

fn trained<M: Model>(model: &M, settings: &Settings) -> Vec<u64> {
    let (data, mut parameters) = (numbers(), vec![0.0; model.parameter_count()]);
    train(model, &mut parameters, &data, &data, settings, |_| {}).unwrap();
    parameters.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_loss_of_the_settings_counts_for_nothing() {
    let settings = Settings { epochs: 5, ..Settings::default() };
    let with = |loss| Settings { loss, ..settings.clone() };
    let expected = trained(&Plain(line()), &with(Loss::MeanSquared));
    assert_eq!(trained(&Instead(line()), &with(Loss::L1)), expected);
    for loss in Loss::ALL {
        assert_eq!(trained(&Own(line()), &with(loss)), expected, "{loss}");
    }
    let (data, parameters) = (numbers(), [1.0, 0.5]);
    for loss in Loss::ALL {
        let metrics = evaluate(&Own(line()), &parameters, &data, loss).unwrap();
        assert_eq!(metrics, evaluate(&Plain(line()), &parameters, &data, Loss::MeanSquared).unwrap());
        let norms = sample_norms(&Own(line()), &parameters, &data, loss).unwrap();
        assert_eq!(norms, sample_norms(&Plain(line()), &parameters, &data, Loss::MeanSquared).unwrap());
    }
}

#[test]
fn targets_of_classes_are_1_for_the_class_and_0_for_others_whatever_the_loss() {
    for loss in Loss::ALL {
        let rows = samples(&Own(Layer::linear(1, 3)), &classes(3), loss).unwrap();
        assert_eq!(rows[..12], [0.5, 1.0, 0.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.5, 0.0, 0.0, 1.0], "{loss}");
        let rows = samples(&Own(Layer::linear(1, 2)), &classes(2), loss).unwrap();
        assert_eq!(rows[..6], [0.5, 1.0, 0.0, 0.5, 0.0, 1.0], "{loss}");
        // A single output speaks for the second class.
        let rows = samples(&Own(line()), &classes(2), loss).unwrap();
        assert_eq!(rows[..4], [0.5, 0.0, 0.5, 1.0], "{loss}");
    }
}

#[test]
fn what_does_not_fit_the_data_is_still_refused() {
    let settings = Settings::default();
    let refused = |error: Result<(), Error>| error.unwrap_err().to_string();
    let start = |outputs, data: &Dataset| {
        let model = Own(Layer::linear(1, outputs));
        let parameters = vec![0.0; model.parameter_count()];
        Trainer::new(&model, parameters, data, data, &settings).map(|_| ())
    };
    assert!(start(1, &numbers()).is_ok() && start(3, &classes(3)).is_ok() && start(1, &classes(2)).is_ok());
    assert_eq!(
        refused(start(2, &numbers())),
        "targets of the data, for the model's outputs: 1 given, 2 expected"
    );
    assert_eq!(
        refused(start(1, &classes(3))),
        "classes of the data, for the model's outputs: 3 given, 1 expected"
    );
    let unlabelled = Dataset::unlabelled("new", vec!["x".into()], vec![1.0]).unwrap();
    assert_eq!(
        refused(start(1, &unlabelled)),
        "new: the samples have no targets; expected some, to compare with"
    );
    assert!(matches!(unlabelled.targets(), Targets::None));
    // A loss that is chosen has to fit the data, and one that is out of range is refused in any case.
    let data = numbers();
    for error in [
        Trainer::new(&Plain(line()), vec![0.0; 2], &data, &data, &settings).unwrap_err(),
        Trainer::new(&Instead(line()), vec![0.0; 2], &data, &data, &settings).unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            "the loss is 'cross-entropy'; expected mse, l1 or huber, as the targets are numbers"
        );
    }
    let wrong = Settings { loss: Loss::Huber(-1.0), ..Settings::default() };
    assert!(Trainer::new(&Own(line()), vec![0.0; 2], &data, &data, &wrong).is_err());
}

#[test]
fn a_single_class_is_refused_unless_the_model_has_a_loss_of_its_own() {
    let (data, settings) = (classes(1), Settings::default());
    let expected = "classes: there is 1 class, 0; expected at least 2";
    for loss in [Loss::CrossEntropy, Loss::BinaryCrossEntropy, Loss::Hinge, Loss::MeanSquared] {
        let settings = Settings { loss, ..settings.clone() };
        let started = Trainer::new(&Plain(line()), vec![0.5; 2], &data, &data, &settings).map(|_| ());
        let evaluated = evaluate(&Plain(line()), &[0.5; 2], &data, loss).map(|_| ());
        for refused in [started, evaluated] {
            assert_eq!(refused.unwrap_err().to_string(), expected, "{loss}");
        }
    }
    // With an output on either side of 0, there is one class to predict.
    for parameters in [[0.5, 0.5], [-0.5, -0.5]] {
        let metrics = evaluate(&Own(line()), &parameters, &data, Loss::MeanSquared).unwrap();
        assert_eq!(metrics.accuracy, Some(1.0), "{parameters:?}");
    }
}
