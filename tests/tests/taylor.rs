//! Taylor series: every operation of the rule table compared with nested dual numbers, and with 60-digit arithmetic
//! to order 20 (`fixtures/taylor.csv`), at the edges, recorded, nested, and in reductions, rules, loops and branches.

use dualtape::generic_array::GenericArray;
use dualtape::generic_array::sequence::GenericSequence;
use dualtape::loops::{Step, scan};
use dualtape::rules::Op;
use dualtape::typenum::{U1, U2, U3, U5, U6, U20, U40, Unsigned};
use dualtape::{
    CustomRule, Differentiable, Dual, Error, Float, Lanes, Program, Relation, Scalar, Tape, Taylor, Traced,
    derivatives, gradient,
};
use dualtape_tests::close::{assert_close, close, near};
use dualtape_tests::points::{edges, within};

/// The curves of the fixture: x + t + t²/2 − t³/4 and y − t/2 + t²/8.
const CURVES: [[f64; 3]; 2] = [[1.0, 0.5, -0.25], [-0.5, 0.125, 0.0]];

/// A point that moves along a curve.
fn curve<F: Scalar, N: Lanes<F>>(x: f64, coefficients: &[f64]) -> Taylor<F, N> {
    let order = |i: usize| F::nearest(coefficients.get(i).copied().unwrap_or(0.0));
    Taylor::new(F::nearest(x), GenericArray::generate(order))
}

/// A line of the fixture.
struct Line {
    op: Op,
    x: Vec<f64>,
    /// The number of operands that vary.
    moving: usize,
    coefficients: Vec<f64>,
}

fn lines() -> impl Iterator<Item = Line> {
    include_str!("../fixtures/taylor.csv").lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |text: &&str| text.parse::<f64>().expect("a number");
        let numbers =
            |texts: &[&str]| -> Vec<f64> { texts.iter().filter(|t| !t.is_empty()).map(number).collect() };
        let exponent = numbers(&fields[1..2]);
        let op = match fields[0] {
            "powi" => Op::Powi(exponent[0] as i32),
            "polygamma" => Op::Polygamma(exponent[0] as u32),
            "mul" => Op::Mul,
            "div" => Op::Div,
            name => *Op::ALL.iter().find(|op| op.name() == name).expect("a row of the table"),
        };
        let mut x = numbers(&fields[2..4]);
        let moving = x.len();
        if op == Op::Powf {
            x.extend(exponent);
        }
        Line { op, x, moving, coefficients: numbers(&fields[4..]) }
    })
}

/// The largest error of a line, relative to the coefficient or its neighbours, since a coefficient may be a sum that
/// cancels.
fn error<F: Scalar, N: Lanes<F>>(line: &Line) -> f64 {
    let moving = |(i, &x): (usize, &f64)| {
        if i < line.moving { curve::<F, N>(x, &CURVES[i]) } else { Taylor::lift(F::nearest(x)) }
    };
    let z = line.op.apply(&line.x.iter().enumerate().map(moving).collect::<Vec<_>>());
    let off = |(k, c): (usize, &F)| {
        let near = &line.coefficients[k.saturating_sub(2)..(k + 3).min(line.coefficients.len())];
        let scale = near.iter().fold(0.0_f64, |scale, c| scale.max(c.abs()));
        if scale == 0.0 { c.wide().abs() } else { (c.wide() - line.coefficients[k]).abs() / scale }
    };
    z.coefficients()
        .iter()
        .enumerate()
        .map(off)
        .fold(0.0, |worst, off| if off > worst || off.is_nan() { off } else { worst })
}

#[test]
fn operations_agree_with_60_digits_to_order_20_in_f64() {
    for line in lines() {
        let off = error::<f64, U20>(&line);
        assert!(off < 1e-12, "{:?} at {:?} is off by {off:e}", line.op, line.x);
    }
}

#[test]
fn operations_agree_with_60_digits_to_order_6_in_f32() {
    for line in lines() {
        let off = error::<f32, U6>(&line);
        assert!(off < 3e-5, "{:?} at {:?} is off by {off:e}", line.op, line.x);
    }
}

/// Dual numbers nested to this depth: they give the derivatives of all orders, at a cost of 2ⁿ or more.
trait Nested {
    type Number: Differentiable<Scalar = f64>;
    const ORDER: usize;
    fn variable(x: f64) -> Self::Number;
    fn read(y: &Self::Number, all: &mut [f64]);
}

impl Nested for U1 {
    type Number = Dual<f64>;
    const ORDER: usize = 1;
    fn variable(x: f64) -> Dual<f64> {
        Dual::variable(x)
    }
    fn read(y: &Dual<f64>, all: &mut [f64]) {
        (all[0], all[1]) = (y.primal(), y.derivative(0));
    }
}

macro_rules! nested {
    ($($N:ty, $Below:ty;)*) => { $(
        impl Nested for $N {
            type Number = Dual<<$Below as Nested>::Number>;
            const ORDER: usize = <$Below as Nested>::ORDER + 1;
            fn variable(x: f64) -> Self::Number {
                Dual::variable(<$Below as Nested>::variable(x))
            }
            fn read(y: &Self::Number, all: &mut [f64]) {
                // The primal has all derivatives except the last; those of the tangent are one order higher.
                <$Below as Nested>::read(&y.primal(), all);
                let mut above = [0.0; 8];
                <$Below as Nested>::read(&y.derivative(0), &mut above);
                all[Self::ORDER] = above[Self::ORDER - 1];
            }
        }
    )* };
}

nested! { U2, U1; U3, U2; }

/// The curve of an operand as a function of t, for any type of number.
fn along<D: Differentiable<Scalar = f64>>(t: D, x: D, coefficients: &[f64]) -> D {
    let powers = std::iter::successors(Some(t), |&power| Some(power * t));
    coefficients.iter().zip(powers).fold(x, |sum, (&c, power)| sum + power * c)
}

/// Curves for up to three operands.
const THREE: [&[f64]; 3] = [&[1.0, 0.5, -0.25], &[-0.5, 0.125], &[0.75, 0.0, 0.5]];

/// The derivatives of a function of operands that move along [`THREE`], by nested dual numbers.
fn nested<N: Nested>(f: &impl Fn1, x: &[f64]) -> Vec<f64> {
    let mut nested = vec![0.0; N::ORDER + 1];
    N::read(&at(f, N::variable(0.0), &constants(x)), &mut nested);
    nested
}

/// The programs of a function of t and its operands, and of its derivatives with respect to t to an order: dual numbers
/// in recordings, one level after the other. Types nested six deep would take minutes to compile.
fn recorded_derivatives(f: &impl Fn1, x: &[f64], order: usize) -> Vec<Program<f64>> {
    let start = [&[0.0], x].concat();
    let mut along_t = vec![Traced::from(0.0); start.len()];
    along_t[0] = Traced::from(1.0);
    let mut programs = vec![Program::record(|z| at(f, z[0], &z[1..]), &start).unwrap()];
    for _ in 0..order {
        let moving = programs.last().unwrap().jvp_program();
        let derivative = |z: &[Traced<f64>]| moving.call(&[z, &along_t].concat()).unwrap()[1];
        programs.push(Program::record(derivative, &start).unwrap());
    }
    programs
}

/// The value and the derivatives at t = 0 by [`recorded_derivatives`].
fn at_start(programs: &[Program<f64>], x: &[f64]) -> Vec<f64> {
    let start = [&[0.0], x].concat();
    programs.iter().map(|program| program.value(&mut program.workspace(), &start).unwrap()).collect()
}

/// The same by Taylor series.
fn by_series<N: Lanes<f64>>(f: &impl Fn1, x: &[f64]) -> Vec<f64> {
    let series = at(f, Taylor::<f64, N>::variable(0.0), &constants(x));
    (0..=<N as Unsigned>::USIZE).map(|order| series.derivative(order)).collect()
}

fn constants<D: Differentiable<Scalar = f64>>(x: &[f64]) -> Vec<D> {
    x.iter().map(|&x| D::constant(x)).collect()
}

/// The function where its operands start from x and move along [`THREE`].
fn at<D: Differentiable<Scalar = f64>>(f: &impl Fn1, t: D, x: &[D]) -> D {
    let operands: Vec<D> = x.iter().enumerate().map(|(i, &x)| along(t, x, THREE[i % 3])).collect();
    f.call(&operands)
}

/// A function generic over the type of number.
trait Fn1 {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D;
}

impl Fn1 for Op {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        self.apply(x)
    }
}

/// Derivatives of order k are compared relative to the largest of the orders up to k.
#[track_caller]
fn assert_derivatives(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    let mut scale = 1.0_f64;
    for (order, (&a, &b)) in got.iter().zip(expected).enumerate() {
        scale = scale.max(b.abs());
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * scale;
        assert!(same, "{what}, order {order}: {a:e}, not {b:e}; {got:?}, {expected:?}");
    }
}

#[test]
fn operations_agree_with_nested_duals_to_order_6() {
    for &op in Op::ALL {
        let first = within(op).next().expect("there are points");
        let recorded = recorded_derivatives(&op, &first, 6);
        for x in within(op) {
            let (what, series) = (format!("{op:?} at {x:?}"), by_series::<U6>(&op, &x));
            assert_derivatives(&what, &series[..=3], &nested::<U3>(&op, &x), 1e-12);
            assert_derivatives(&what, &series, &at_start(&recorded, &x), 1e-12);
        }
    }
}

#[test]
fn the_value_has_the_bits_of_the_function_and_the_first_order_those_of_a_dual_also_at_the_edges() {
    for &op in Op::ALL {
        for x in within(op).chain(edges(op)) {
            for direction in 0..8 {
                // Each operand has the tangent 1, −½ or 0.
                let derivatives = [1.0, -0.5, 0.0, 0.0].iter().cycle().skip(direction).step_by(3);
                let moving = || x.iter().zip(derivatives.clone());
                let dual: Vec<Dual<f64>> = moving().map(|(&x, &s)| Dual::new(x, [s].into())).collect();
                let series: Vec<Taylor<f64, U3>> = moving().map(|(&x, &s)| curve(x, &[s])).collect();
                let (dual, series) = (op.apply(&dual), op.apply(&series));
                let (value, first) = (series.primal(), series.coefficient(1));
                let same = value.to_bits() == op.apply(&x).to_bits() || value.is_nan();
                assert!(same, "{op:?} at {x:?}: {value:e}");
                assert!(
                    near(first, dual.derivative(0), 4.0),
                    "{op:?} at {x:?} along {:?}: {first:e}, not {:e}",
                    derivatives.clone().take(x.len()).collect::<Vec<_>>(),
                    dual.derivative(0)
                );
            }
        }
    }
}

type Cubic = Taylor<f64, U3>;

#[test]
fn singular_points_have_the_coefficients_that_are_stated() {
    let infinity = f64::INFINITY;
    let at_zero = |f: fn(Cubic) -> Cubic| f(Taylor::variable(0.0)).coefficients();
    assert_eq!(at_zero(Float::sqrt)[..], [infinity, -infinity, infinity]);
    assert_eq!(at_zero(Float::ln)[..], [infinity, -infinity, infinity]);
    assert_eq!(at_zero(Float::recip)[..], [-infinity, infinity, -infinity]);
    assert_eq!(at_zero(Float::cbrt)[0], infinity);
    // The square of a number that passes through 0, also as a power with a floating-point exponent.
    let squares: [fn(Cubic) -> Cubic; 3] = [|x| x.powi(2), |x| x.powf(Taylor::lift(2.0)), |x| x * x];
    squares.iter().for_each(|&square| assert_eq!(at_zero(square)[..], [0.0, 1.0, 0.0]));
    assert_eq!(at_zero(|x| x.powf(Taylor::lift(0.5)))[0], infinity);
    // At a kink, the higher coefficients are 0.
    assert_eq!(at_zero(Float::abs)[..], [0.0; 3]);
    assert_eq!(at_zero(|x| x.max(x * 3.0))[..], [2.0, 0.0, 0.0]);
    assert_eq!(at_zero(|x| x.hypot(x * 2.0))[..], [0.0; 3]);
    assert_eq!(at_zero(|x| Taylor::norm(&[x, x]))[..], [0.0; 3]);
    // A power with a varying exponent has no series at 0, so its coefficient of order 2 is NaN.
    assert!(at_zero(|x| x.powf(x + 2.0))[1].is_nan());
}

#[test]
fn what_does_not_move_contributes_exactly_zero_and_a_nan_moves_from_its_first_order_on() {
    let (still, slow) = (Taylor::<f64, U3>::lift(0.0), Taylor::<f64, U3>::new(0.0, [0.0, 1.0, 0.0].into()));
    assert_eq!(still.sqrt().coefficients()[..], [0.0; 3]);
    assert_eq!((still.recip() * 2.0).coefficients()[..], [0.0; 3]);
    assert_eq!((still.ln() + Taylor::variable(1.0)).coefficients()[..], [1.0, 0.0, 0.0]);
    // √t² of t² from 0: no derivative, then infinite.
    assert_eq!(slow.sqrt().coefficients()[..2], [0.0, f64::INFINITY]);
    for nan in [(slow - 1.0).ln(), (slow - 1.0).sqrt(), (slow - 1.0).ln() * 0.0, (slow + 1.0) - f64::NAN] {
        let [first, second, third] = nan.coefficients().into();
        assert!(nan.primal().is_nan() && first == 0.0 && second.is_nan(), "{nan:?}");
        assert!(third == 0.0 || third.is_nan(), "{nan:?}");
    }
    // The dropped side has no effect.
    assert_eq!((slow - 1.0).ln().max(Taylor::variable(1.0)).coefficients()[..], [1.0, 0.0, 0.0]);
    let infinite = Taylor::<f64, U3>::variable(f64::INFINITY);
    assert!((infinite - infinite).coefficients().iter().take(1).all(|c| c.is_nan()));
}

/// Reductions, branches and selections of three numbers.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Sum,
    Dot,
    Affine,
    Norm,
    LogSumExp,
    Select,
    Branch,
    Stop,
    Rule,
    RuleOfOutput,
    Loop,
    Mixed,
}

const SHAPES: [Shape; 12] = [
    Shape::Sum,
    Shape::Dot,
    Shape::Affine,
    Shape::Norm,
    Shape::LogSumExp,
    Shape::Select,
    Shape::Branch,
    Shape::Stop,
    Shape::Rule,
    Shape::RuleOfOutput,
    Shape::Loop,
    Shape::Mixed,
];

impl Fn1 for Shape {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let [a, b, c] = [x[0], x[1], x[2]];
        match self {
            Shape::Sum => [a, b * b, c.sin()].into_iter().sum(),
            Shape::Dot => D::dot(&[a, b, c], &[b, c, a]),
            Shape::Affine => D::affine(&[a, b, c, a], &[c, b], &[a, b])[1],
            Shape::Norm => D::norm(x),
            Shape::LogSumExp => D::log_sum_exp(x),
            Shape::Select => D::select(Relation::Less, a, b, a * c, b.exp()),
            Shape::Branch if a < b => (a * c).sqrt(),
            Shape::Branch => b.exp() * c,
            Shape::Stop => a * b.stop_gradient() + c,
            Shape::Rule => D::call(&Root, &[a * b]).expect("there is a root")[0] * c,
            Shape::RuleOfOutput => D::call(&Pair, &[a, c]).expect("there is a value").into_iter().sum(),
            Shape::Loop => scan(&Turn, 5, &[a, b], &[], &[c]).expect("it runs").state[1],
            Shape::Mixed => (a * b).tanh() / (c.powi(3) + 2.0) + (a - c).powf(b),
        }
    }
}

/// The real root z of z³ + z = x, by a vjp that uses it.
#[derive(Clone)]
struct Root;

impl CustomRule for Root {
    type Scalar = f64;
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        z[0] = x[0].cbrt();
        (0..100).for_each(|_| z[0] -= (z[0].powi(3) + z[0] - x[0]) / (3.0 * z[0] * z[0] + 1.0));
        Ok(())
    }
    fn vjp<D: Differentiable<Scalar = f64>>(&self, _: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![w[0] / (z[0] * z[0] * 3.0 + 1.0)])
    }
}

/// exp(xy) and x/y, by vjp and jvp.
#[derive(Clone)]
struct Pair;

impl CustomRule for Pair {
    type Scalar = f64;
    fn inputs(&self) -> usize {
        2
    }
    fn outputs(&self) -> usize {
        2
    }
    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        (z[0], z[1]) = ((x[0] * x[1]).exp(), x[0] / x[1]);
        Ok(())
    }
    fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![w[0] * z[0] * x[1] + w[1] / x[1], w[0] * z[0] * x[0] - w[1] * z[1] / x[1]])
    }
    fn jvp<D: Differentiable<Scalar = f64>>(
        &self,
        x: &[D],
        z: &[D],
        t: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        let product = x[1] * t[0] + x[0] * t[1];
        Some(Ok(vec![z[0] * product, (t[0] - z[1] * t[1]) / x[1]]))
    }
}

#[derive(Clone)]
struct Turn;

impl Step for Turn {
    type Scalar = f64;
    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        state[1] -= state[0].sin() * parameters[0] * 0.1;
        state[0] += state[1] * 0.1;
        Ok(())
    }
}

const POINT: [f64; 3] = [1.5, 0.75, 0.625];

#[test]
fn reductions_branches_rules_and_loops_agree_with_nested_duals_to_order_5() {
    for shape in SHAPES {
        for x in [POINT, [0.75, 1.5, 0.25]] {
            if matches!(shape, Shape::Mixed) && x[0] < x[1] {
                continue;
            }
            let (what, series) = (format!("{shape:?} at {x:?}"), by_series::<U5>(&shape, &x));
            assert_derivatives(&what, &series[..=3], &nested::<U3>(&shape, &x), 1e-12);
            assert_derivatives(&what, &series, &at_start(&recorded_derivatives(&shape, &x, 5), &x), 1e-12);
        }
    }
}

/// The derivatives of orders 0 to 3 along the curves, for any type of number.
fn series<D: Differentiable<Scalar = f64>>(shape: &impl Fn1, x: &[D]) -> Vec<D> {
    let t = Taylor::<D, U3>::variable(D::zero());
    let operand = |(i, &x): (usize, &D)| along(t, Taylor::lift(x), THREE[i % 3]);
    let z = shape.call(&x.iter().enumerate().map(operand).collect::<Vec<_>>());
    (0..=3).map(|order| z.derivative(order)).collect()
}

#[test]
fn series_nest_with_duals_and_tapes_either_way() {
    // A stopped derivative differs from the actual change, so finite differences do not apply.
    for shape in SHAPES.into_iter().filter(|shape| !matches!(shape, Shape::Stop)) {
        let direction = [0.5, -1.0, 0.25];
        let h = 1e-5;
        let moved = |h: f64| -> Vec<f64> { (0..3).map(|i| POINT[i] + h * direction[i]).collect() };
        let [up, down] = [h, -h].map(|h| series(&shape, &moved(h)));
        let differences: Vec<f64> = up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * h)).collect();
        let inner: Vec<Dual<f64>> = (0..3).map(|i| Dual::new(POINT[i], [direction[i]].into())).collect();
        let inside: Vec<f64> = series(&shape, &inner).iter().map(|y| y.derivative(0)).collect();
        assert_derivatives(&format!("{shape:?} by differences"), &inside, &differences, 1e-6);
        // Dual numbers over series.
        let outer = |i: usize| {
            let curve: Taylor<f64, U3> = along(Taylor::variable(0.0), Taylor::lift(POINT[i]), THREE[i]);
            Dual::<Taylor<f64, U3>>::new(curve, [Taylor::lift(direction[i])].into())
        };
        let moved = shape.call(&[outer(0), outer(1), outer(2)]).derivative(0);
        let outside: Vec<f64> = (0..=3).map(|order| moved.derivative(order)).collect();
        assert_derivatives(&format!("{shape:?}, Dual<Taylor>"), &outside, &inside, 1e-12);
        // A tape over series, and series over a tape.
        let curves: Vec<Taylor<f64, U3>> = (0..3).map(|i| outer(i).primal()).collect();
        let (_, derivatives) = gradient(|x| shape.call(x), &curves);
        let along_direction =
            |order: usize| (0..3).map(|i| derivatives[i].derivative(order) * direction[i]).sum();
        let taped: Vec<f64> = (0..=3).map(along_direction).collect();
        assert_derivatives(&format!("{shape:?}, Var<Taylor>"), &taped, &inside, 1e-12);
        for (order, &inside) in inside.iter().enumerate() {
            let tape = Tape::new();
            let vars = tape.vars(&POINT);
            let derivatives = tape.gradient(series(&shape, &vars)[order]).of(&vars);
            let got: f64 = derivatives.iter().zip(direction).map(|(a, b)| a * b).sum();
            let close = close(got, inside, 1e-11);
            assert!(close, "{shape:?}, Taylor<Var> of order {order}: {got}, not {inside}");
        }
    }
}

#[test]
fn a_recorded_series_has_no_guard_of_its_own_and_replays_elsewhere() {
    let elsewhere = vec![vec![1.75, 0.5, 0.25], vec![2.0, 1.25, 0.5]];
    for shape in SHAPES.into_iter().filter(|shape| !matches!(shape, Shape::Branch)) {
        let program = Program::record(|x| series(&shape, x), &POINT).expect("it is small");
        assert_eq!(program.guards(), 0, "{shape:?}");
        let (mut workspace, mut batch) = (program.workspace(), program.batch_workspace());
        let mut all = [0.0; 8];
        program.values(&mut batch, &[], &elsewhere, &mut all).expect("there are no guards");
        for (x, in_batch) in elsewhere.iter().zip(all.chunks(4)) {
            let mut got = [0.0; 4];
            program.evaluate(&mut workspace, x, &mut got).expect("there are no guards");
            let expected = series(&shape, x);
            assert_close(&format!("{shape:?} at one point"), &got, &expected, 1e-12);
            assert_close(&format!("{shape:?} in a batch"), in_batch, &expected, 1e-12);
        }
    }
}

#[test]
fn every_operation_records_as_a_series_and_replays_anywhere_in_its_domain() {
    for &op in Op::ALL {
        let points: Vec<_> = within(op).collect();
        let program = Program::record(|x| series(&op, x), &points[0]).expect("it is small");
        assert_eq!(program.guards(), 0, "{op:?}");
        let mut workspace = program.workspace();
        for x in &points {
            let (mut got, expected) = ([0.0; 4], series(&op, x));
            program.evaluate(&mut workspace, x, &mut got).expect("there are no guards");
            assert_derivatives(&format!("{op:?} at {x:?}"), &got, &expected, 1e-12);
        }
    }
}

#[test]
fn derivatives_of_order_40_are_exact_where_the_function_is() {
    use dualtape::typenum::U40;
    // 1/(1 − x) at 0 has the coefficient 1 at every order.
    let all = Taylor::<f64, U40>::variable(0.0);
    assert!((1.0 - all).recip().coefficients().iter().all(|&c| c == 1.0));
    let all = derivatives::<U40, f64>(|x| (x * 0.5).exp(), 0.0);
    assert!(all.iter().enumerate().all(|(k, d)| (d * 2.0_f64.powi(k as i32) - 1.0).abs() < 1e-14));
}

#[test]
fn derivatives_are_right_where_the_factorial_of_their_order_overflows() {
    // 36! exceeds the range of f32.
    let cube = derivatives::<U40, f32>(|x| x.powi(3), 2.0);
    assert_eq!((cube[3], cube[36], cube[40]), (6.0, 0.0, 0.0));
    // The coefficient has few digits left, but the derivative is 1.
    let exponential = derivatives::<U40, f32>(Float::exp, 0.0);
    assert!((exponential[36] - 1.0).abs() < 1e-2, "{}", exponential[36]);
}

#[test]
fn powers_with_a_moving_exponent_are_right_for_large_and_small_bases() {
    use dualtape::typenum::U2;
    for (base, at) in [(1e200, 0.9), (1e-160, 1.0), (3.0, 2.0), (1e-300, 0.5)] {
        let series = dualtape::derivatives::<U2, f64>(|y| Taylor::lift(base).powf(y), at);
        let nested = dualtape::second_derivative(|y| Dual::lift(Dual::lift(base)).powf(y), at);
        for (ours, expected) in series.iter().zip([nested.0, nested.1, nested.2]) {
            assert!((ours / expected - 1.0).abs() < 1e-12, "{base}: {series:?} {nested:?}");
        }
    }
    let single = dualtape::derivatives::<U2, f32>(|y| Taylor::lift(1e13_f32).powf(y), 2.0);
    let expected = 1e26 * 1e13_f64.ln().powi(2);
    assert!((f64::from(single[2]) / expected - 1.0).abs() < 1e-5, "{single:?} {expected}");
}
