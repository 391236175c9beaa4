//! Arrays and matrices of other crates carry derivatives.
#![cfg(feature = "integrations")]

use dualtape::integrations::ndarray as arrays;
use dualtape::program::{Compiled, Traced};
use dualtape::{Differentiable, Error, Program, derivative, gradient_forward, jacobian_forward};
use dualtape_tests::close::assert_close;
use nalgebra::{DMatrix, DVector, RealField};
use ndarray::{Array1, array};

/// A symmetric positive definite matrix that depends on four numbers.
fn matrix<D: RealField + Differentiable>(p: &[D]) -> DMatrix<D> {
    let square = DMatrix::from_fn(3, 3, |i, j| {
        p[(i + j) % 4] * D::literal(0.3 + i as f64) + D::literal(if i == j { 2.0 } else { 0.1 * j as f64 })
    });
    &square * square.transpose() + DMatrix::identity(3, 3)
}

fn right<D: RealField + Differentiable>(p: &[D]) -> DVector<D> {
    DVector::from_fn(3, |i, _| p[i] + D::literal(1.0))
}

const POINT: [f64; 4] = [0.4, -0.3, 0.7, 0.2];

/// The derivative of a solution x of A x = b is A⁻¹ (b′ − A′ x), with A′ and b′ from differences.
fn expected_derivatives() -> Vec<f64> {
    let (a, b) = (matrix(&POINT), right(&POINT));
    let inverse = a.clone().try_inverse().unwrap();
    let x = &inverse * &b;
    let columns = (0..4).map(|k| {
        let moved = |step: f64| {
            let mut p = POINT;
            p[k] += step;
            p
        };
        let h = 1e-5;
        let a = (matrix(&moved(h)) - matrix(&moved(-h))) / (2.0 * h);
        let b = (right(&moved(h)) - right(&moved(-h))) / (2.0 * h);
        &inverse * (b - a * &x)
    });
    let columns: Vec<_> = columns.collect();
    (0..3).flat_map(|i| columns.iter().map(move |column| column[i])).collect()
}

#[test]
fn every_solve_has_the_derivative_of_the_solution() {
    let expected = expected_derivatives();
    let x = matrix(&POINT).lu().solve(&right(&POINT)).unwrap();
    macro_rules! check {
        ($what:literal, $solve:expr) => {
            let (values, derivatives) = jacobian_forward(
                |p| {
                    let solution: DVector<_> = $solve(matrix(p), right(p));
                    solution.iter().copied().collect()
                },
                &POINT,
            );
            assert_close($what, &values, x.as_slice(), 1e-12);
            assert_close($what, &derivatives, &expected, 1e-8);
        };
    }
    check!("LU", |a: DMatrix<_>, b: DVector<_>| a.lu().solve(&b).unwrap());
    check!("QR", |a: DMatrix<_>, b: DVector<_>| a.qr().solve(&b).unwrap());
    check!("Cholesky", |a: DMatrix<_>, b: DVector<_>| a.cholesky().unwrap().solve(&b));
    check!("inverse", |a: DMatrix<_>, b: DVector<_>| a.try_inverse().unwrap() * b);
    check!("SVD", |a: DMatrix<_>, b: DVector<_>| a
        .svd(true, true)
        .solve(&b, dualtape::Dual::literal(1e-12))
        .unwrap());
}

#[test]
fn determinants_norms_and_eigenvalues_have_their_derivatives() {
    // d det A = det A · tr(A⁻¹ A′), computed with two factorisations of the same matrix.
    let (value, derivatives) = gradient_forward(|p| matrix(p).determinant(), &POINT);
    let (_, by_cholesky) = gradient_forward(|p| matrix(p).cholesky().unwrap().determinant(), &POINT);
    assert_close("determinant", &derivatives, &by_cholesky, 1e-10);
    let (_, logs) =
        gradient_forward(|p| matrix(p).symmetric_eigenvalues().iter().map(|&e| num_ln(e)).sum(), &POINT);
    let expected: Vec<_> = derivatives.iter().map(|gradient| gradient / value).collect();
    assert_close("Σ ln of the eigenvalues", &logs, &expected, 1e-10);

    let (norm, derivatives) = gradient_forward(|p| DVector::from_row_slice(p).norm(), &[3.0, 4.0]);
    assert_close("norm", &[norm, derivatives[0], derivatives[1]], &[5.0, 0.6, 0.8], 1e-15);
}

fn num_ln<D: Differentiable>(x: D) -> D {
    x.ln()
}

#[test]
fn nested_duals_go_through_nalgebra() {
    // 1 / x by solving one equation: the second derivative at 2 is 2 / 8.
    let inverse = |x| DMatrix::from_element(1, 1, x).try_inverse().unwrap()[(0, 0)];
    let (_, second) = derivative(|x| derivative(inverse, x).1, 2.0);
    assert_close("1/x", &[second], &[0.25], 1e-15);
}

/// Solutions of the same equations by each decomposition, for any type of number.
macro_rules! solves {
    ($D:ty) => {{
        type Solve = fn(DMatrix<$D>, DVector<$D>) -> DVector<$D>;
        let solves: [(&str, Solve); 4] = [
            ("LU", |a, b| a.lu().solve(&b).unwrap()),
            ("QR", |a, b| a.qr().solve(&b).unwrap()),
            ("Cholesky", |a, b| a.cholesky().unwrap().solve(&b)),
            ("inverse", |a, b| a.try_inverse().unwrap() * b),
        ];
        solves
    }};
}

#[test]
fn a_recorded_solve_replays_in_reverse_at_other_points() {
    let expected = expected_derivatives();
    let elsewhere = POINT.map(|p| p + 0.01);
    for (what, solve) in solves!(Traced<f64>) {
        let f = |p: &[Traced<f64>]| solve(matrix(p), right(p)).as_slice().to_vec();
        let program = Program::record(f, &POINT).unwrap();
        let (mut values, mut derivatives) = ([0.0; 3], [0.0; 12]);
        let workspace = &mut program.workspace();
        program.jacobian(workspace, &POINT, &mut values, &mut derivatives).unwrap();
        assert_close(what, &derivatives, &expected, 1e-8);
        program.evaluate(workspace, &elsewhere, &mut values).unwrap();
        let x = matrix(&elsewhere).lu().solve(&right(&elsewhere)).unwrap();
        assert_close(what, &values, x.as_slice(), 1e-12);
    }
}

#[test]
fn another_pivot_is_another_branch() {
    // The first unknown of [p0 1; 1 p1] x = (1, 0) is p1 / (p0 p1 − 1); LU takes the larger of p0 and 1 as pivot.
    fn first<D: RealField + Differentiable>(p: &[D]) -> D {
        let one = D::literal(1.0);
        let right = nalgebra::Vector2::new(one, D::literal(0.0));
        nalgebra::Matrix2::new(p[0], one, one, p[1]).lu().solve(&right).unwrap()[0]
    }
    let points = [[2.0, 3.0], [0.5, 3.0], [-4.0, 0.25]];
    let program = Program::record(first, &points[0]).unwrap();
    let answer = program.value(&mut program.workspace(), &points[1]);
    assert!(matches!(answer, Err(Error::BranchChanged { .. })), "{answer:?}");

    let mut compiled = Compiled::new(|p: &[Traced<f64>], _: &[Traced<f64>]| first(p));
    for p in points {
        let (value, derivatives) = gradient_forward(first, &p);
        let mut by_program = [0.0; 2];
        assert_close("value", &[compiled.gradient(&p, &[], &mut by_program).unwrap()], &[value], 1e-15);
        assert_close("derivatives", &by_program, &derivatives, 1e-14);
    }
    assert_eq!(compiled.paths(), 2);
}

#[test]
fn duals_of_a_recording_go_through_nalgebra() {
    // The derivative of 1/x by forward mode, recorded: the gradient of the replay is the second derivative, 2 / 8 at 2.
    let gradient = |x: &[Traced<f64>]| {
        derivative(|x| DMatrix::from_element(1, 1, x).try_inverse().unwrap()[(0, 0)], x[0]).1
    };
    let program = Program::record(gradient, &[2.0]).unwrap();
    let mut second = [0.0];
    let first = program.gradient(&mut program.workspace(), &[2.0], &mut second).unwrap();
    assert_close("1/x", &[first, second[0]], &[-0.25, 0.25], 1e-15);
}

#[test]
fn arrays_of_several_inputs_and_outputs() {
    let inputs = [array![[1.0, 2.0], [3.0, 4.0]], array![[0.5, -1.0], [2.0, 0.0]]];
    let (value, derivatives) =
        arrays::gradient(|v| arrays::dot(&v[0].view(), &v[1].view()).iter().sum(), &inputs);
    let product = inputs[0].dot(&inputs[1]);
    assert_eq!(value, product.sum());
    let ones = array![[1.0, 1.0], [1.0, 1.0]];
    assert_eq!(derivatives, [ones.dot(&inputs[1].t()), inputs[0].t().dot(&ones)]);
}

#[test]
fn weights_of_the_wrong_shape_are_errors_that_name_both() {
    let input = [array![1.0, 2.0]];
    let run = |weights: &[Array1<f64>]| arrays::vjp(|v| vec![&v[0] * &v[0]], &input, weights);
    assert_eq!(
        run(&[]).unwrap_err().to_string(),
        "the list of weights needs 1 numbers, one for each result, not 0"
    );
    assert!(run(&[array![1.0]]).unwrap_err().to_string().contains("needs 2 numbers"));
    assert_eq!(run(&[array![1.0, 10.0]]).unwrap().1, [array![2.0, 40.0]]);
}
