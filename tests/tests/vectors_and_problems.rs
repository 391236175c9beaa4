//! Functions of nalgebra's vectors, and recorded functions as argmin's solvers see them, against the drivers of slices.
#![cfg(feature = "integrations")]

use argmin::core::{CostFunction, Executor, Gradient, Hessian, IterState, Operator, Solver, State};
use argmin::solver::conjugategradient::ConjugateGradient;
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::newton::NewtonCG;
use argmin::solver::trustregion::{CauchyPoint, Steihaug, TrustRegion};
use dualtape::integrations::argmin::{HessianProduct, LeastSquares, MatrixFree, Objective, Problem};
use dualtape::integrations::nalgebra as vectors;
use dualtape::{Differentiable, Error, Function, Program, gradient, hessian, jacobian_forward};
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
        + Hessian<Param = Vec<f64>, Hessian = Vec<Vec<f64>>>
        + HessianProduct,
{
    assert_close("cost", &[summed.cost(at)?], &[alone.cost(at)?], 1e-12);
    assert_close("gradient", &summed.gradient(at)?, &alone.gradient(at)?, 1e-11);
    assert_close("Hessian", &summed.hessian(at)?.concat(), &alone.hessian(at)?.concat(), 1e-11);
    for problem in [summed, alone] {
        assert_products_are_those_of_the_hessian(problem, at)?;
    }
    Ok(())
}

fn assert_products_are_those_of_the_hessian<P>(problem: &P, at: &Vec<f64>) -> Result<(), argmin::core::Error>
where
    P: Hessian<Param = Vec<f64>, Hessian = Vec<Vec<f64>>> + HessianProduct,
{
    let direction: Vec<f64> = (0..at.len()).map(|i| (i as f64 + 0.5).cos()).collect();
    let times = |row: &Vec<f64>| row.iter().zip(&direction).map(|(a, b)| a * b).sum();
    let expected: Vec<f64> = problem.hessian(at)?.iter().map(times).collect();
    assert_close("product", &problem.hessian_product(at, &direction)?, &expected, 1e-11);
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

struct Bowl;

impl Objective for Bowl {
    fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        bowl(x)
    }
}

/// The outputs of `several` as residuals.
struct Several;

impl Function<f64> for Several {
    fn outputs(&self, inputs: usize) -> usize {
        inputs + 1
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        y.copy_from_slice(&several(x));
    }
}

#[test]
fn products_of_problems_are_those_of_their_hessians() -> Result<(), argmin::core::Error> {
    for len in LENGTHS {
        let x = numbers(len);
        assert_products_are_those_of_the_hessian(&Problem(Bowl), &x)?;
        assert_products_are_those_of_the_hessian(&LeastSquares(Several), &x)?;
        let recorded = Problem::from_program(Program::record(bowl, &x)?)?;
        assert_products_are_those_of_the_hessian(&recorded, &x)?;
        // A sum over a program without data counts once.
        let alone = Program::record_with_data(|p, _| bowl(p), &x, &[])?;
        assert_products_are_those_of_the_hessian(&Problem::sum_of_program(alone, vec![])?, &x)?;
    }
    Ok(())
}

#[test]
fn least_squares_have_the_gradient_of_their_cost_and_the_hessian_of_gauss_and_newton()
-> Result<(), argmin::core::Error> {
    let (x, problem) = (numbers(9), LeastSquares(Several));
    let (value, expected) = gradient(|x| several(x).into_iter().map(|y| y * y * 0.5).sum(), &x);
    assert_close("cost", &[problem.cost(&x)?], &[value], 1e-14);
    assert_close("gradient", &problem.gradient(&x)?, &expected, 1e-12);
    let (values, jacobian) = jacobian_forward(several, &x);
    assert_eq!(problem.apply(&x)?, values);
    let entry = |i: usize, j: usize| jacobian.chunks(9).map(|row| row[i] * row[j]).sum();
    let expected: Vec<f64> = (0..81).map(|place| entry(place / 9, place % 9)).collect();
    assert_close("Hessian", &problem.hessian(&x)?.concat(), &expected, 1e-13);
    Ok(())
}

/// Σ i (xᵢ − 1)² + ((xᵢ − 1)⁴)/2 over i = 1, 2, …; the Hessian is diagonal, with 2 i + 6 (xᵢ − 1)².
struct Separate;

impl Objective for Separate {
    fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let term = |(i, &x): (usize, &D)| {
            let square = (x - 1.0).powi(2);
            square * (i % 7 + 1) as f64 + square * square * 0.5
        };
        x.iter().enumerate().map(term).sum()
    }
}

#[test]
fn a_product_has_its_closed_form() -> Result<(), argmin::core::Error> {
    let (x, direction) = (numbers(20), numbers(20));
    let curvature = |i: usize| 2.0 * (i % 7 + 1) as f64 + 6.0 * (x[i] - 1.0).powi(2);
    let expected: Vec<f64> = (0..20).map(|i| curvature(i) * direction[i]).collect();
    let operator = MatrixFree::new(Problem(Separate)).hessian(&x)?;
    assert_close("product", &operator.apply(&direction)?, &expected, 1e-14);
    let recorded = Problem::from_program(Program::record(|x| Separate.value(x), &x)?)?;
    let operator = MatrixFree::new(recorded).hessian(&x)?;
    assert_close("product", &operator.apply(&direction)?, &expected, 1e-14);
    Ok(())
}

type Search<P> = IterState<Vec<f64>, Vec<f64>, (), <P as Hessian>::Hessian, (), f64>;

/// The best point that a solver finds from `start`.
fn minimum<P, S>(problem: P, solver: S, start: &[f64]) -> Result<Vec<f64>, argmin::core::Error>
where
    P: Hessian,
    P::Hessian: Clone,
    S: Solver<P, Search<P>>,
{
    let begin = |state: Search<P>| state.param(start.to_vec()).max_iters(30);
    let done = Executor::new(problem, solver).configure(begin).run()?;
    Ok(done.state().get_best_param().expect("there was an iteration").clone())
}

#[test]
fn solvers_that_take_products_find_the_minimum_where_a_dense_hessian_is_refused()
-> Result<(), argmin::core::Error> {
    let start = vec![0.5; 8193];
    let program = Program::record(|x| Separate.value(x), &start)?;
    let problem = || Problem::from_program(program.clone());
    assert!(problem()?.hessian(&start).is_err());
    let line_search = MoreThuenteLineSearch::<Vec<f64>, Vec<f64>, f64>::new();
    let by_newton = minimum(MatrixFree::new(problem()?), NewtonCG::<_, f64>::new(line_search), &start)?;
    let region = TrustRegion::new(Steihaug::new()).with_radius(100.0)?; // wider than the way to the minimum
    let by_region = minimum(MatrixFree::new(problem()?), region, &start)?;
    for found in [by_newton, by_region] {
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-4), "{:?}", &found[..9]);
    }
    Ok(())
}

#[test]
fn a_solver_finds_the_same_by_products_as_by_matrices() -> Result<(), argmin::core::Error> {
    let start = numbers(6);
    let matrix = minimum(Problem(Bowl), TrustRegion::new(Steihaug::new()), &start)?;
    let products = minimum(MatrixFree::new(Problem(Bowl)), TrustRegion::new(Steihaug::new()), &start)?;
    assert_close("minimum", &products, &matrix, 1e-9);
    let matrix = minimum(LeastSquares(Several), TrustRegion::new(CauchyPoint::new()), &start)?;
    let by_products = MatrixFree::new(LeastSquares(Several));
    let products = minimum(by_products, TrustRegion::new(CauchyPoint::new()), &start)?;
    assert_close("minimum", &products, &matrix, 1e-9);
    Ok(())
}

#[test]
fn conjugate_gradients_solve_with_the_hessian() -> Result<(), argmin::core::Error> {
    let x = numbers(20);
    let hessian = MatrixFree::new(Problem(Separate)).hessian(&x)?;
    let right = hessian.apply(&numbers(20))?;
    let begin = |state: IterState<_, (), (), (), Vec<f64>, f64>| state.param(vec![0.0; 20]).max_iters(20);
    let done = Executor::new(hessian, ConjugateGradient::<_, f64>::new(right)).configure(begin).run()?;
    assert_close("solution", done.state().get_best_param().unwrap(), &numbers(20), 1e-9);
    Ok(())
}

#[test]
fn a_product_at_a_point_of_another_branch_or_length_is_an_error() -> Result<(), argmin::core::Error> {
    let branching = |x: &[dualtape::Traced<f64>]| if x[0] > 0.0.into() { x[0] * x[0] } else { x[0] };
    let problem = Problem::from_program(Program::record(branching, &[1.0])?)?;
    let error = problem.hessian_product(&[-1.0], &[1.0]).unwrap_err().downcast::<Error>()?;
    assert!(matches!(error, Error::BranchChanged { .. }), "{error}");
    let free = MatrixFree::new(problem);
    let error = free.hessian(&vec![-1.0]).unwrap_err().downcast::<Error>()?;
    assert!(matches!(error, Error::BranchChanged { .. }), "{error}");
    let operator = free.hessian(&vec![1.0])?;
    for refused in [operator.apply(&vec![1.0; 2]), Problem(Bowl).hessian_product(&[1.0], &[1.0; 2])] {
        let error = refused.unwrap_err().downcast::<Error>()?;
        assert!(matches!(error, Error::Length { expected: 1, given: 2, .. }), "{error}");
    }
    let summed = Program::record_with_data(miss, &[0.1; 3], &[0.2; 2])?;
    let summed = Problem::sum_of_program(summed, vec![0.0; 4])?;
    for (x, direction) in [(vec![1.0; 2], vec![1.0; 2]), (vec![1.0; 3], vec![1.0; 2])] {
        let error = summed.hessian_product(&x, &direction).unwrap_err().downcast::<Error>()?;
        assert!(matches!(error, Error::Length { expected: 3, given: 2, .. }), "{error}");
    }
    let squares = LeastSquares(Several).hessian_product(&[1.0], &[1.0; 2]).unwrap_err();
    assert!(matches!(squares.downcast::<Error>()?, Error::Length { expected: 1, given: 2, .. }));
    Ok(())
}

#[test]
#[should_panic(expected = "a Hessian cannot be multiplied by a vector")]
fn a_product_that_argmin_cannot_be_told_has_failed_panics() {
    use argmin_math::ArgminDot;
    let operator = MatrixFree::new(Problem(Bowl)).hessian(&vec![1.0]).unwrap();
    let _: Vec<f64> = operator.dot(&vec![1.0; 2]);
}
