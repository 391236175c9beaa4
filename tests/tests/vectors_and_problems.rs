//! Functions of nalgebra's vectors, and recorded functions as argmin's solvers see them, against the drivers of slices.
#![cfg(feature = "integrations")]

use argmin::core::{CostFunction, Gradient, Hessian};
use dualtape::integrations::argmin::Problem;
use dualtape::integrations::nalgebra as vectors;
use dualtape::{Differentiable, Error, Program, gradient, hessian, jacobian_forward};
use dualtape_tests::close::assert_close;
use nalgebra::{DVector, SVector};

/// Lengths below, at and above those that move at a time.
const LENGTHS: [usize; 6] = [0, 1, 7, 8, 9, 20];

fn numbers(len: usize) -> Vec<f64> {
    (0..len).map(|i| 0.3 + (i as f64 * 0.7).sin()).collect()
}

/// A function with every second derivative different from zero.
fn bowl<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    x.iter().enumerate().map(|(i, &x)| x * (1.0 + i as f64)).sum::<D>().sin()
        + x.iter().map(|&x| x * x).sum::<D>().exp()
}

/// One output more than inputs.
fn several<D: Differentiable<Scalar = f64>>(x: &[D]) -> Vec<D> {
    x.iter().map(|&x| x * x).chain([bowl(x)]).collect()
}

#[test]
fn functions_of_vectors_have_the_derivatives_of_functions_of_slices() {
    for len in LENGTHS {
        let x = numbers(len);
        let point = DVector::from_column_slice(&x);
        let (value, first) = vectors::gradient(|x| bowl(x.as_slice()), &point);
        let (expected, by_slices, second_by_slices) = hessian(|x| bowl(x), &x);
        assert_close("value", &[value], &[expected], 1e-14);
        assert_close("gradient", first.as_slice(), &by_slices, 1e-13);
        let (_, first, second) = vectors::hessian(|x| bowl(x.as_slice()), &point);
        assert_close("gradient", first.as_slice(), &by_slices, 1e-13);
        assert_eq!(second.shape(), (len, len));
        assert_close("Hessian", second.transpose().as_slice(), &second_by_slices, 1e-12);
        let (values, matrix) = vectors::jacobian(|x| DVector::from_vec(several(x.as_slice())), &point);
        let (expected, by_slices) = jacobian_forward(several, &x);
        assert_eq!((values.as_slice(), matrix.shape()), (&expected[..], (len + 1, len)));
        assert_eq!(matrix.transpose().as_slice(), by_slices);
    }
}

#[test]
fn a_vector_of_a_known_length_gives_matrices_of_known_shapes() {
    let x = SVector::<f64, 11>::from_iterator(numbers(11));
    let (_, matrix) = vectors::jacobian(|x| SVector::<_, 12>::from_vec(several(x.as_slice())), &x);
    let (_, expected) = jacobian_forward(several, x.as_slice());
    assert_eq!(matrix.transpose().as_slice(), expected);
    let (_, _, second) = vectors::hessian(|x| bowl(x.as_slice()), &x);
    assert_close("transposed", second.transpose().as_slice(), second.as_slice(), 1e-14);
}

/// How far a curve of three numbers misses a point, squared.
fn miss<D: Differentiable<Scalar = f64>>(p: &[D], point: &[D]) -> D {
    (p[0] * (p[1] * point[0]).sin() + p[2] - point[1]).powi(2)
}

fn penalty<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
    p.iter().map(|&p| (p * p + 1.0).sqrt()).sum()
}

#[test]
fn a_problem_is_the_sum_over_its_points_and_the_penalty() -> Result<(), argmin::core::Error> {
    let parameters = vec![1.2, 0.8, -0.4];
    let program = Program::record_with_data(miss, &[0.1; 3], &[0.2; 2])?;
    // None, one, and more than are in memory at a time.
    for count in [0, 1, 255, 256, 257, 600] {
        let data: Vec<f64> = numbers(2 * count);
        let total = |p: &[_]| {
            data.chunks(2).map(|x| miss(p, &[x[0].into(), x[1].into()])).sum::<dualtape::Traced<f64>>()
        };
        let alone = Problem::from_program(Program::record(total, &parameters)?)?;
        let summed = Problem::sum_of_program(program.clone(), data.clone())?;
        assert_problems_agree(&summed, &alone, &parameters)?;
        let with_penalty = |p: &[_]| total(p) + penalty(p);
        let alone = Problem::from_program(Program::record(with_penalty, &parameters)?)?;
        let summed = summed.penalized_by(Program::record(penalty, &[0.5; 3])?)?;
        assert_problems_agree(&summed, &alone, &parameters)?;
    }
    Ok(())
}

fn assert_problems_agree<P>(summed: &P, alone: &P, at: &Vec<f64>) -> Result<(), argmin::core::Error>
where
    P: CostFunction<Param = Vec<f64>, Output = f64>
        + Gradient<Param = Vec<f64>, Gradient = Vec<f64>>
        + Hessian<Param = Vec<f64>, Hessian = Vec<Vec<f64>>>,
{
    assert_close("cost", &[summed.cost(at)?], &[alone.cost(at)?], 1e-12);
    assert_close("gradient", &summed.gradient(at)?, &alone.gradient(at)?, 1e-11);
    assert_close("Hessian", &summed.hessian(at)?.concat(), &alone.hessian(at)?.concat(), 1e-11);
    Ok(())
}

#[test]
fn a_problem_from_a_program_has_the_derivatives_of_the_drivers() -> Result<(), argmin::core::Error> {
    let x = numbers(9);
    let problem = Problem::from_program(Program::record(bowl, &[0.1; 9])?)?;
    let (value, first, second) = hessian(|x| bowl(x), &x);
    assert_close("cost", &[problem.cost(&x)?], &[value], 1e-14);
    assert_close("gradient", &problem.gradient(&x)?, &gradient(|x| bowl(x), &x).1, 1e-13);
    assert_close("gradient", &problem.gradient(&x)?, &first, 1e-13);
    assert_close("Hessian", &problem.hessian(&x)?.concat(), &second, 1e-12);
    Ok(())
}

#[test]
fn what_does_not_fit_a_problem_is_an_error_that_names_both() {
    let program = Program::record_with_data(miss, &[0.1; 3], &[0.2; 2]).unwrap();
    let without_points = Problem::from_program(program.clone()).unwrap_err();
    assert!(without_points.to_string().contains("sum_of_program"), "{without_points}");
    assert!(matches!(without_points, Error::Length { expected: 2, given: 0, .. }));
    let uneven = Problem::sum_of_program(program.clone(), vec![0.0; 5]).unwrap_err();
    assert!(matches!(uneven, Error::Length { expected: 4, given: 5, .. }), "{uneven}");
    let two = Program::record(|x| [x[0], x[0]], &[1.0]).unwrap();
    assert!(matches!(Problem::from_program(two.clone()), Err(Error::NotOneOutput { given: 2 })));
    let problem = || Problem::sum_of_program(program.clone(), vec![0.0; 4]).unwrap();
    assert!(matches!(problem().penalized_by(two), Err(Error::NotOneOutput { given: 2 })));
    let narrow = Program::record(penalty, &[1.0; 2]).unwrap();
    assert!(matches!(problem().penalized_by(narrow), Err(Error::Length { expected: 3, given: 2, .. })));
    for result in [problem().gradient(&vec![1.0; 2]).map(drop), problem().hessian(&vec![1.0; 4]).map(drop)] {
        let error = result.unwrap_err().downcast::<Error>().unwrap();
        assert!(matches!(error, Error::Length { expected: 3, .. }), "{error}");
    }
    assert!(problem().cost(&vec![]).is_err());
}
