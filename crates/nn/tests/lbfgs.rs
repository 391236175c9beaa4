//! L-BFGS finds minima, and reports when it does not.
#![cfg(feature = "argmin")]

use dualtape::program::Rows;
use dualtape_nn::minimize::{Lbfgs, lbfgs};
use dualtape_nn::{Activation, Error, Mlp, Recorded, loss};

/// The squared loss of a network that fits a wave, with an L2 penalty that makes the minimum a single point.
fn wave() -> (Recorded<f64>, Vec<f64>, Vec<f64>) {
    let model = Mlp::new(&[1, 6, 1], Activation::Tanh).unwrap();
    let recorded = Recorded::new(model.parameter_count(), 2, |p, s| {
        let ridge = p.iter().map(|&p| p * p).sum::<dualtape::Traced<f64>>() * 3e-3;
        loss::squared(model.forward(p, &s[..1])[0], s[1]) + ridge
    });
    let samples = (0..50).flat_map(|i| [f64::from(i) / 10.0 - 2.5, (f64::from(i) / 10.0 - 2.5).sin()]);
    (recorded.unwrap(), samples.collect(), model.initialize(1))
}

#[test]
fn a_network_is_fitted_until_its_gradient_vanishes() {
    let (mut recorded, samples, mut parameters) = wave();
    let samples = Rows::new(&samples, 2);
    let mut gradient = vec![0.0; parameters.len()];
    let before = recorded.mean(&parameters, &samples, None, &mut gradient).unwrap().loss;
    let settings = Lbfgs { iterations: 2000, tolerance: 1e-6, ..Lbfgs::default() };
    let found = lbfgs(&mut recorded, &mut parameters, &samples, settings).unwrap();
    let after = recorded.mean(&parameters, &samples, None, &mut gradient).unwrap().loss;
    assert_eq!(found.loss, after);
    assert!(found.converged && after < 0.6 * before, "{found:?}, from {before}");
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!(norm < 1e-5, "{norm}");
}

#[test]
fn what_cannot_be_minimised_is_refused_and_leaves_the_parameters() {
    let (mut recorded, samples, start) = wave();
    let samples = Rows::new(&samples, 2);
    for settings in [Lbfgs { memory: 0, ..Lbfgs::default() }, Lbfgs { iterations: 0, ..Lbfgs::default() }] {
        let mut parameters = start.clone();
        let error = lbfgs(&mut recorded, &mut parameters, &samples, settings).unwrap_err();
        assert!(matches!(error, Error::Setting { .. }), "{error}");
    }
    let tolerance = Lbfgs { tolerance: -1.0, ..Lbfgs::default() };
    let mut parameters = start.clone();
    assert!(lbfgs(&mut recorded, &mut parameters, &samples, tolerance).is_err());
    assert_eq!(parameters, start);
    let mut parameters = vec![f64::NAN; start.len()];
    let error = lbfgs(&mut recorded, &mut parameters, &samples, Lbfgs::default()).unwrap_err();
    assert!(matches!(error, Error::Minimize { .. }), "{error}");
    assert!(parameters.iter().all(|p| p.is_nan()));
    assert!(lbfgs(&mut recorded, &mut [0.0; 2], &samples, Lbfgs::default()).is_err());
}
