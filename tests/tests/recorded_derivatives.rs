//! A recorded derivative has no additional guards, and its replay at any point equals the derivative taken at that point.

use dualtape::rules::Op;
use dualtape::typenum::{U1, U3};
use dualtape::{Differentiable, Dual, Program, Tape, gradient, gradient_lanes, hessian};
use dualtape_tests::close::near;
use dualtape_tests::points::{edges, within};

/// A way to compute derivatives with any type of number, so that it can be recorded.
trait Derivative {
    const NAME: &'static str;
    fn of<D: Differentiable<Scalar = f64>>(op: Op, x: &[D]) -> Vec<D>;
}

struct Reverse;
struct Forward;
struct ForwardOverReverse;
struct ForwardTwice;
struct ReverseOverForward;

impl Derivative for Reverse {
    const NAME: &'static str = "Var";
    fn of<D: Differentiable<Scalar = f64>>(op: Op, x: &[D]) -> Vec<D> {
        gradient(|x| op.apply(x), x).1
    }
}

impl Derivative for Forward {
    const NAME: &'static str = "Dual";
    fn of<D: Differentiable<Scalar = f64>>(op: Op, x: &[D]) -> Vec<D> {
        gradient_lanes::<_, U3, _>(|x| op.apply(x), x).1
    }
}

impl Derivative for ForwardOverReverse {
    const NAME: &'static str = "Var<Dual>";
    fn of<D: Differentiable<Scalar = f64>>(op: Op, x: &[D]) -> Vec<D> {
        hessian(|x| op.apply(x), x).2
    }
}

/// The inputs, one of which has a tangent in the first lane.
fn along<D: Differentiable>(x: &[D], moving: usize) -> Vec<Dual<D>> {
    let lifted = |(i, &x)| if i == moving { Dual::<D, U1>::variable(x) } else { Dual::lift(x) };
    x.iter().enumerate().map(lifted).collect()
}

impl Derivative for ForwardTwice {
    const NAME: &'static str = "Dual<Dual>";
    fn of<D: Differentiable<Scalar = f64>>(op: Op, x: &[D]) -> Vec<D> {
        let row = |moving| gradient_lanes::<_, U3, _>(|x| op.apply(x), &along(x, moving)).1;
        (0..x.len()).flat_map(row).map(|gradient| gradient.derivative(0)).collect()
    }
}

impl Derivative for ReverseOverForward {
    const NAME: &'static str = "Dual<Var>";
    fn of<D: Differentiable<Scalar = f64>>(op: Op, x: &[D]) -> Vec<D> {
        let row = |moving| {
            let tape = Tape::new();
            let vars = tape.vars(x);
            let gradient = op.apply(&along(&vars, moving)).derivative(0);
            tape.gradient(gradient).of(&vars)
        };
        (0..x.len()).flat_map(row).collect()
    }
}

/// Points at which to record: some inside the domain, some at edges.
fn places(op: Op) -> Vec<Vec<f64>> {
    let edges: Vec<_> = edges(op).collect();
    let spread = edges.len().div_ceil(12);
    within(op).take(2).chain(edges.into_iter().step_by(spread)).collect()
}

fn assert_replays<M: Derivative>() {
    for &op in Op::ALL {
        let everywhere: Vec<_> = within(op).chain(edges(op)).collect();
        let expected: Vec<_> = everywhere.iter().map(|x| M::of(op, x)).collect();
        for place in places(op) {
            let program = Program::record(|x| M::of(op, x), &place).expect("it is small");
            assert_eq!(program.guards(), 0, "{} of {op:?} recorded at {place:?}", M::NAME);
            let (outputs, mut workspace) = (program.outputs(), program.workspace());
            let (mut one, mut all) = (vec![0.0; outputs], vec![0.0; outputs * everywhere.len()]);
            program
                .values(&mut program.batch_workspace(), &[], &everywhere, &mut all)
                .expect("there are no guards");
            for (k, (x, expected)) in everywhere.iter().zip(&expected).enumerate() {
                program.evaluate(&mut workspace, x, &mut one).expect("there are no guards");
                let in_batch = &all[k * outputs..][..outputs];
                for (how, got) in [("at one point", &one[..]), ("in a batch", in_batch)] {
                    for (got, expected) in got.iter().zip(expected) {
                        assert!(
                            near(*got, *expected, 64.0),
                            "{} of {op:?}, recorded at {place:?}, replayed {how} at {x:?}: {got:e}, not {expected:e}",
                            M::NAME
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn of_first_order_in_reverse() {
    assert_replays::<Reverse>();
}

#[test]
fn of_first_order_forward() {
    assert_replays::<Forward>();
}

#[test]
fn of_second_order_forward_over_reverse() {
    assert_replays::<ForwardOverReverse>();
}

#[test]
fn of_second_order_forward_twice() {
    assert_replays::<ForwardTwice>();
}

#[test]
fn of_second_order_reverse_over_forward() {
    assert_replays::<ReverseOverForward>();
}
