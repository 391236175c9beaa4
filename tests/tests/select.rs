//! `select` is a branch with the derivatives of the selected side, in every mode; a recording contains both sides.

use dualtape::program::Rows;
use dualtape::{Differentiable, Program, Relation, gradient, hessian};
use dualtape_tests::close::near;
use dualtape_tests::modes::{Function, first_order, second_order};
use dualtape_tests::points::EDGES;

/// A root on one side and a quotient on the other; each is NaN or has infinite derivatives somewhere.
#[derive(Debug)]
struct Piecewise(Relation);

fn sides<D: Differentiable<Scalar = f64>>(x: &[D]) -> [D; 2] {
    [x[0].sqrt() * x[1], x[0] / x[1]]
}

impl Function for Piecewise {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let [then, otherwise] = sides(x);
        D::select(self.0, x[0], x[1], then, otherwise)
    }
}

/// The same with an `if` on the innermost value, which takes one side and drops the other.
fn branch<D: Differentiable<Scalar = f64>>(relation: Relation, x: &[D]) -> D {
    sides(x)[usize::from(!relation.holds(x[0].value(), x[1].value()))]
}

fn points() -> impl Iterator<Item = [f64; 2]> {
    EDGES.into_iter().flat_map(|a| EDGES.map(|b| [a, b]))
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| near(a, b, 4.0))
}

#[test]
fn every_mode_gives_what_an_if_gives() {
    for relation in Relation::ALL {
        for x in points() {
            let (value, derivatives) = gradient(|x| branch(relation, x), &x);
            for got in first_order(&Piecewise(relation), &x) {
                let fits = near(got.value, value, 0.0) && same(&got.gradient, &derivatives);
                assert!(fits, "{relation:?} at {x:?}: {got:?}, not {value:e} and {derivatives:?}");
            }
            let (_, _, curvatures) = hessian(|x| branch(relation, x), &x);
            for got in second_order(&Piecewise(relation), &x).iter().filter(|got| got.mode == "Var<Dual>") {
                assert!(
                    same(&got.hessian, &curvatures),
                    "{relation:?} at {x:?}: {got:?}, not {curvatures:?}"
                );
            }
        }
    }
}

#[test]
fn a_recording_is_right_on_both_sides_at_one_point_and_at_many() {
    for relation in Relation::ALL {
        let program = Program::record(|x| Piecewise(relation).call(x), &[2.0, 3.0]).unwrap();
        assert_eq!(program.guards(), 0);
        let (mut workspace, mut derivatives) = (program.workspace(), [0.0; 2]);
        let all: Vec<f64> = points().flatten().collect();
        let (mut values, mut jacobians) = (vec![0.0; all.len() / 2], vec![0.0; all.len()]);
        let rows = Rows::new(&all, 2);
        let wrt = dualtape::program::Wrt::Data;
        program
            .jacobians(&mut program.batch_workspace(), &[], &rows, wrt, &mut values, &mut jacobians)
            .unwrap();
        for (k, x) in points().enumerate() {
            let (value, expected) = gradient(|x| branch(relation, x), &x);
            let replayed = program.gradient(&mut workspace, &x, &mut derivatives).unwrap();
            assert!(near(replayed, value, 0.0) && same(&derivatives, &expected), "{relation:?} at {x:?}");
            assert!(near(values[k], value, 0.0), "{relation:?} at {x:?}, in a batch");
            assert!(same(&jacobians[2 * k..][..2], &expected), "{relation:?} at {x:?}, in a batch");
        }
    }
}

#[test]
fn a_stopped_gradient_is_zero_also_where_the_number_is_not() {
    struct Stopped;
    impl Function for Stopped {
        fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
            x[0].stop_gradient() * x[1]
        }
    }
    for x in points().filter(|[a, b]| !(a * b).is_nan()) {
        for got in first_order(&Stopped, &x) {
            assert!(same(&got.gradient, &[0.0, x[0]]), "at {x:?}: {got:?}");
        }
    }
    assert_eq!(gradient(|x| x[0].stop_gradient(), &[f64::NAN]).1, [0.0]);
}
