//! Warm drivers allocate nothing.

use dualtape::typenum::U1;
use dualtape::{Differentiable, Float, Forward, Function, Jacobian, Reverse, SecondOrder, derivatives};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

/// Runs once to warm up, and then counts.
#[track_caller]
fn assert_no_allocation(mut run: impl FnMut()) {
    run();
    let measured = allocation_counter::measure(run);
    assert_eq!(measured.count_total, 0, "{measured:?}");
}

/// A function of 20 inputs and the given number of outputs.
struct Outputs(usize);

impl Function<f64> for Outputs {
    fn outputs(&self, _: usize) -> usize {
        self.0
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        for (i, y) in y.iter_mut().enumerate() {
            *y = D::dot(x, x).sin() * x[i % x.len()];
        }
    }
}

#[test]
fn gradients() {
    let x = rosenbrock_point(100);
    let mut slope = vec![0.0; x.len()];
    let mut reverse = Reverse::new();
    assert_no_allocation(|| {
        reverse.gradient(|x| rosenbrock(x), &x, &mut slope).unwrap();
    });
    let mut forward: Forward<f64> = Forward::new();
    assert_no_allocation(|| {
        forward.gradient(rosenbrock, &x, &mut slope).unwrap();
    });
}

#[test]
fn jacobians_and_products() {
    let x = rosenbrock_point(20);
    for outputs in [3, 30] {
        let f = Outputs(outputs);
        let (mut values, mut matrix) = (vec![0.0; outputs], vec![0.0; outputs * 20]);
        let (mut forward, mut reverse, mut either) = (Forward::<f64>::new(), Reverse::new(), Jacobian::new());
        assert_no_allocation(|| {
            forward.jacobian(|x, y| f.call(x, y), &x, &mut values, &mut matrix).unwrap();
            reverse.jacobian(|x, y| f.call(x, y), &x, &mut values, &mut matrix).unwrap();
            either.evaluate(&f, &x, &mut values, &mut matrix).unwrap();
        });
        let (weights, mut moved, mut product) = (vec![1.0; outputs], vec![0.0; outputs], vec![0.0; 20]);
        assert_no_allocation(|| {
            forward.jvp(|x, y| f.call(x, y), &x, &x, &mut values, &mut moved).unwrap();
            reverse.vjp(|x, y| f.call(x, y), &x, &weights, &mut values, &mut product).unwrap();
        });
    }
}

#[test]
fn second_derivatives() {
    let x = rosenbrock_point(20);
    let (mut slope, mut hessian, mut product) = (vec![0.0; 20], vec![0.0; 400], vec![0.0; 20]);
    let (mut second, mut one) = (SecondOrder::<f64>::new(), SecondOrder::<f64, U1>::new());
    assert_no_allocation(|| {
        second.hessian(|x| rosenbrock(x), &x, &mut slope, &mut hessian).unwrap();
        second.hessian_diagonal(|x| rosenbrock(x), &x, &mut slope, &mut product).unwrap();
        one.hvp(|x| rosenbrock(x), &x, &x, &mut slope, &mut product).unwrap();
    });
    assert_no_allocation(|| {
        let all = derivatives::<dualtape::typenum::U4, f64>(|x| x.exp() * x.sin(), 1.0);
        assert!((all[2] - 2.9373878798317703).abs() < 1e-12);
    });
}

#[test]
fn memory_stays_flat_over_2000_points() {
    let mut reverse = Reverse::new();
    let mut slope = [0.0; 2];
    assert_no_allocation(|| {
        let points = (0..2000).map(f64::from);
        let loss = reverse.sum_gradient(&[2.0, 1.0], points, |p, x| (p[0] * x + p[1]).powi(2), &mut slope);
        assert!(loss.unwrap() > 0.0);
    });
}
