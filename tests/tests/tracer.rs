//! Patterns without recording: they have the entries of dense Jacobians and those through which NaN passes, and are
//! valid for other points on the same branches.

use dualtape::loops::{Step, scan};
use dualtape::rules::Op;
use dualtape::sparse::{Pattern, Tracer, hessian_pattern, jacobian_pattern};
use dualtape::{
    CustomRule, Differentiable, Error, Float, Function, Relation, Scalar, gradient, hessian, jacobian,
    jacobian_reverse,
};
use dualtape_tests::points;
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};
use dualtape_tests::sparse::{SPARSE, Sparse};
use std::marker::PhantomData;

fn traced(f: Sparse, x: &[f64]) -> (Vec<f64>, Pattern) {
    jacobian_pattern(
        |x| {
            let mut y = vec![Tracer::constant(0.0); x.len()];
            f.call(x, &mut y);
            y
        },
        x,
    )
    .unwrap()
}

/// The positions of the nonzero entries of a dense matrix.
fn filled(matrix: &[f64], columns: usize) -> Pattern {
    let rows = matrix.chunks(columns).map(|row| (0..columns).filter(|&column| row[column] != 0.0));
    Pattern::from_rows(columns, rows).unwrap()
}

#[test]
fn patterns_are_those_of_dense_jacobians() {
    for f in SPARSE {
        let x: Vec<f64> = rosenbrock_point(f.inputs()).iter().map(|x| x + 0.013).collect();
        let (values, pattern) = traced(f, &x);
        let (expected, dense) = jacobian(f, &x);
        assert_eq!(values, expected, "{f:?}");
        assert_eq!(pattern, filled(&dense, x.len()), "{f:?}");
    }
}

#[test]
fn patterns_are_where_nan_goes() {
    for f in SPARSE.into_iter().filter(|f| !matches!(f, Sparse::Resting)) {
        let x = rosenbrock_point(f.inputs());
        let mut reached = vec![Vec::new(); x.len()];
        for input in 0..x.len() {
            let mut spoilt = x.clone();
            spoilt[input] = f64::NAN;
            let mut y = vec![0.0; x.len()];
            f.call(&spoilt, &mut y);
            y.iter().zip(&mut reached).filter(|(y, _)| y.is_nan()).for_each(|(_, row)| row.push(input));
        }
        assert_eq!(traced(f, &x).1, Pattern::from_rows(x.len(), reached).unwrap(), "{f:?}");
    }
}

#[test]
fn an_operand_of_the_table_counts_if_and_only_if_it_has_a_derivative_somewhere() {
    for &op in Op::ALL {
        let mut moves = vec![false; op.arity()];
        for x in points::within(op).chain(points::edges(op)) {
            let (value, derivatives) = gradient(|x| op.apply(x), &x);
            // At NaN, even a step function has the derivative NaN.
            let counts = |gradient: f64| gradient != 0.0 && !(value.is_nan() && gradient.is_nan());
            moves.iter_mut().zip(derivatives).for_each(|(moves, gradient)| *moves |= counts(gradient));
        }
        for x in points::within(op).chain(points::edges(op)) {
            let (values, pattern) = jacobian_pattern(|x| vec![op.apply(x)], &x).unwrap();
            let same = values[0].to_bits() == op.apply(&x).to_bits() || values[0].is_nan();
            assert!(same, "{op:?} at {x:?}: {values:?}");
            let entries: Vec<bool> = (0..x.len()).map(|i| pattern.position(0, i).is_some()).collect();
            assert_eq!(entries, moves, "{op:?} at {x:?}");
        }
    }
}

#[test]
fn a_branch_has_the_pattern_of_the_side_taken_and_a_selection_that_of_both() {
    let pattern = |x: [f64; 3]| {
        jacobian_pattern(
            |x| {
                let one = Tracer::constant(1.0);
                vec![
                    if x[0] < x[1] { x[1] } else { x[2] },
                    Tracer::select(Relation::Less, x[0], x[1], x[1], x[2]),
                    Tracer::select(Relation::Less, x[0].floor(), one, x[1], x[2]),
                    Tracer::select(Relation::Less, one, one + 1.0, x[1], x[2]),
                    x[0].max(x[1]),
                    x[2].relu(),
                ]
            },
            &x,
        )
        .unwrap()
        .1
    };
    let rows = |taken: usize| vec![vec![taken], vec![1, 2], vec![1, 2], vec![1], vec![0, 1], vec![2]];
    assert_eq!(pattern([1.0, 2.0, -3.0]), Pattern::from_rows(3, rows(1)).unwrap());
    assert_eq!(pattern([2.0, 1.0, -3.0]), Pattern::from_rows(3, rows(2)).unwrap());
}

#[test]
fn numbers_that_move_are_equal_only_to_themselves() {
    let entries = |x: &[f64]| {
        let f = jacobian_pattern(
            |x| {
                let choose = |equal| if equal { Tracer::constant(1.0) } else { x[2] };
                [
                    x[0] == 0.0.into(),
                    x[0] == x[1],
                    x[0] == x[0],
                    x[0] + 0.0 == x[0],
                    x[0].floor() == x[1].floor(),
                    x[0].stop_gradient() == Tracer::constant(0.0),
                ]
                .map(choose)
                .to_vec()
            },
            x,
        );
        f.unwrap().1.entries().map(|(row, _)| row).collect::<Vec<_>>()
    };
    assert_eq!(entries(&[0.0, 0.0, 5.0]), [0, 1]);
    // As on a tape.
    let (_, derivatives) = jacobian_reverse(
        |x| {
            let choose = |equal| if equal { dualtape::Var::constant(1.0) } else { x[2] };
            [x[0] == 0.0.into(), x[0] == x[1], x[0] == x[0], x[0] + 0.0 == x[0]].map(choose).to_vec()
        },
        &[0.0, 0.0, 5.0],
    );
    assert_eq!(filled(&derivatives, 3).entries().map(|(row, _)| row).collect::<Vec<_>>(), [0, 1]);
}

/// Two products, for any types of numbers.
#[derive(Clone)]
struct Rule<F>(PhantomData<fn() -> F>);

impl<F: Scalar> CustomRule for Rule<F> {
    type Scalar = F;

    fn inputs(&self) -> usize {
        2
    }

    fn outputs(&self) -> usize {
        2
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        if x[0] < F::zero() {
            return Err(Error::Rule { rule: "Rule", reason: "it is negative".into() });
        }
        (z[0], z[1]) = (x[0], x[0] * x[1]);
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = F>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![w[0] + w[1] * x[1], w[1] * x[0]])
    }
}

#[test]
fn each_output_of_a_rule_depends_on_all_its_inputs_and_its_errors_come_through() {
    let rule = Rule(PhantomData);
    let pattern = |x: [f32; 2]| {
        let mut refused = None;
        let (values, pattern) = jacobian_pattern(
            |x| {
                let outputs = Tracer::call(&rule, &[x[1], Tracer::constant(2.0)]);
                outputs.unwrap_or_else(|error| {
                    refused = Some(error);
                    vec![]
                })
            },
            &x,
        )?;
        refused.map_or(Ok((values, pattern)), Err)
    };
    let expected = Pattern::from_rows(2, [[1], [1]]).unwrap();
    assert_eq!(pattern([1.0, 3.0]).unwrap(), (vec![3.0, 6.0], expected));
    assert!(matches!(pattern([1.0, -3.0]), Err(Error::Rule { .. })));
}

/// States along a line: in each iteration, the second follows the first.
#[derive(Clone)]
struct Follow;

impl Step for Follow {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        (state[0], state[1]) = (state[0] * parameters[0], state[1] + parameters[1]);
        Ok(())
    }
}

#[test]
fn loops_are_followed_turn_by_turn() {
    let (_, pattern) = jacobian_pattern(
        |x| scan(&Follow, 100, &x[..2], &[], &x[2..]).expect("nothing is refused").state,
        &[1.0, 2.0, 0.9, 0.1],
    )
    .unwrap();
    assert_eq!(pattern, Pattern::from_rows(4, [[0, 2], [1, 3]]).unwrap());
}

#[test]
fn hessians_have_no_entries_for_what_is_linear() {
    for n in [0, 1, 2, 3, 50] {
        let x = rosenbrock_point(n);
        let (value, derivatives, pattern) = hessian_pattern(|x| rosenbrock(x), &x).unwrap();
        let (expected, of_tape, dense) = hessian(|x| rosenbrock(x), &x);
        assert_eq!((value, derivatives), (expected, of_tape));
        let places = (0..n * n).filter(|&place| dense[place] != 0.0).map(|place| (place / n, place % n));
        assert_eq!(pattern, Pattern::from_entries(n, n, places).unwrap(), "{n}");
        assert!(pattern.is_symmetric());
    }
    let (_, _, pattern) = hessian_pattern(
        |x| x[0] * 3.0 + x[1] - x[2] / 2.0 + x[3].relu() + x[4].abs() + x[5].floor() * x[0],
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    )
    .unwrap();
    assert!(pattern.is_empty(), "{pattern:?}");
}

#[test]
#[should_panic(expected = "belong to two evaluations")]
fn numbers_of_two_evaluations_do_not_mix() {
    let _ = jacobian_pattern(
        |x| {
            let outer = x[0];
            let inner = jacobian_pattern(|y| vec![mixed(outer, y[0])], &[1.0]);
            vec![x[0] * inner.unwrap().0[0]]
        },
        &[1.0],
    );
}

fn mixed<'t>(outer: Tracer<'_, f64>, inner: Tracer<'t, f64>) -> Tracer<'t, f64> {
    fn add<'s>(a: Tracer<'s, f64>, b: Tracer<'s, f64>) -> f64 {
        (a + b).value()
    }
    inner * add(outer, inner)
}

#[test]
fn a_triangle_of_sums_takes_the_memory_of_its_terms() {
    let n = 3000;
    let (values, pattern) = traced(Sparse::Chained, &vec![1.0; n]);
    assert_eq!((values[n - 1], pattern.len()), ((n * n) as f64, n * (n + 1) / 2));
}
