//! A random program: how it is drawn, evaluated in any numbers, and how large the contributions to its derivatives are.

use crate::flows::{Flow, METHODS};
use crate::loops::{Loop, STORED};
use crate::random::Random;
use dualtape::rules::Op;
use dualtape::{
    CustomRule, Differentiable, Dual, Error, Float, Piecewise, Program, ProgramScalar, Relation, Scalar,
};
use dualtape_search::Equation;
use std::marker::PhantomData;
use std::sync::Arc;

/// Two weights and two biases.
pub(crate) const PARAMETERS: usize = 4;
pub(crate) const INPUTS: usize = 6;

/// Operations without a derivative that propagate NaN.
const STEPS: [Op; 7] =
    [Op::Signum, Op::Floor, Op::Ceil, Op::Round, Op::Trunc, Op::DivEuclid, Op::StopGradient];

/// The operation of an instruction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Op(Op),
    Constant(f64),
    /// The third or the fourth operand, selected by the first two.
    Select(Relation),
    /// The same with an `if`, for which a recording has a guard.
    Branch(Relation),
    Sum,
    Dot,
    LogSumExp,
    Norm,
    /// Two rows of weights, which are parameters, times the operand and a datum; the result of the second row.
    Affine,
    /// An output of a smooth custom rule, with or without a jvp.
    Rule {
        output: usize,
        with_jvp: bool,
    },
    /// A loop whose steps are random programs; the first two operands are the initial state, the others are parameters.
    Loop(Loop),
    /// A call of a large program, which stays a call in recordings.
    Call(Arc<Case>),
    /// A differential equation with a random right-hand side; the operands are the initial state, a parameter, and the
    /// time at the end.
    Flow(Flow),
    /// A table, evaluated at the sine of the operand.
    Table,
    /// The unknown of an equation.
    Equation(Equation),
    /// A derivative of its own, as a constant: of √y², whose parts are infinite at 0, or of max(y, b) · y, which may meet
    /// a tie. Its own derivatives cancel, which no scale tells.
    Derivative {
        of_root: bool,
    },
}

/// A program made large by operations whose results are not used.
fn called<F: ProgramScalar>(case: &Case) -> Program<F> {
    let f = |x: &[_]| {
        let unread: Vec<dualtape::Traced<F>> = vec![x[0]; 1100];
        Differentiable::sum_of(&unread);
        case.call(x)
    };
    Program::record(f, &[F::nearest(0.5); INPUTS]).expect("it compares nothing")
}

/// A value, the magnitudes of all contributions to its derivatives for each input, and the largest intermediate value.
pub(crate) struct Followed<F> {
    pub(crate) value: F,
    pub(crate) size: Vec<f64>,
    pub(crate) largest: f64,
}

fn derivative<D: Differentiable>(of: &[D], of_root: bool) -> D {
    let y = Dual::<D>::variable(of[0]);
    let z = if of_root { (y * y).sqrt() } else { y.max(Dual::lift(of[1])) * y };
    // The sign of a derivative that is zero may be another one in another mode.
    z.derivative(0).stop_gradient().abs()
}

/// The sine of a product, and its hyperbolic tangent times the first factor.
#[derive(Clone)]
struct OfProduct<F> {
    with_jvp: bool,
    scalar: PhantomData<fn() -> F>,
}

impl<F: Scalar> CustomRule for OfProduct<F> {
    type Scalar = F;

    fn inputs(&self) -> usize {
        2
    }

    fn outputs(&self) -> usize {
        2
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        let product = x[0] * x[1];
        (z[0], z[1]) = (product.sin(), product.tanh() * x[0]);
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = F>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        let (cosine, tanh) = ((x[0] * x[1]).cos(), (x[0] * x[1]).tanh());
        let derivative = w[0] * cosine + w[1] * x[0] * (D::one() - tanh * tanh);
        Ok(vec![derivative * x[1] + w[1] * tanh, derivative * x[0]])
    }

    fn jvp<D: Differentiable<Scalar = F>>(&self, x: &[D], _: &[D], t: &[D]) -> Option<Result<Vec<D>, Error>> {
        let product = x[0] * x[1];
        let moved = t[0] * x[1] + x[0] * t[1];
        let tanh = product.tanh();
        let second = moved * (D::one() - tanh * tanh) * x[0] + tanh * t[0];
        self.with_jvp.then(|| Ok(vec![moved * product.cos(), second]))
    }
}

impl Kind {
    /// Its value, given the inputs and its operands.
    fn apply<D: Differentiable<Scalar: ProgramScalar>>(&self, x: &[D], of: &[D]) -> D {
        match *self {
            Self::Op(op) => op.apply(of),
            Self::Constant(value) => D::literal(value),
            Self::Select(relation) => D::select(relation, of[0], of[1], of[2], of[3]),
            Self::Loop(ref inner) => inner.apply(of),
            Self::Flow(ref inner) => inner.apply(of),
            Self::Call(ref inner) => called(inner).call(of).expect("there are no branches")[0],
            Self::Table => {
                let table = [-1.0, -0.3, 0.2, 1.0].map(Scalar::nearest);
                let heights = [0.5, -1.0, 0.25, 0.75].map(Scalar::nearest);
                let table = Piecewise::linear(&table, &heights).expect("the points rise");
                table.at(of[0].sin()).expect("a sine is in the table")
            }
            Self::Equation(equation) => equation.solve(of),
            Self::Derivative { of_root } => derivative(of, of_root),
            Self::Branch(Relation::Less) => {
                if of[0] < of[1] {
                    of[2]
                } else {
                    of[3]
                }
            }
            Self::Branch(Relation::AtMost) => {
                if of[0] <= of[1] {
                    of[2]
                } else {
                    of[3]
                }
            }
            Self::Branch(Relation::Greater) => {
                if of[0] > of[1] {
                    of[2]
                } else {
                    of[3]
                }
            }
            Self::Branch(_) => {
                if of[0] >= of[1] {
                    of[2]
                } else {
                    of[3]
                }
            }
            Self::Sum => D::sum_of(of),
            Self::Dot => D::dot(&of[..2], &of[2..]),
            Self::LogSumExp => D::log_sum_exp(of),
            Self::Norm => D::norm(of),
            Self::Affine => D::affine(&x[..2], &x[2..PARAMETERS], &[of[0] + x[PARAMETERS]])[1],
            Self::Rule { output, with_jvp } => {
                let rule = OfProduct { with_jvp, scalar: PhantomData };
                D::call(&rule, of).expect("it has a value everywhere")[output]
            }
        }
    }

    /// Whether lanes give the same bits as single points.
    pub(crate) fn is_exact_in_lanes(&self) -> bool {
        use Op::{Cos, Exp, ExpM1, Ln, Ln1p, Sigmoid, Sin, Softplus, Tanh};
        match self {
            Self::Op(op) => !matches!(op, Exp | ExpM1 | Ln | Ln1p | Tanh | Sigmoid | Softplus | Sin | Cos),
            Self::Dot | Self::LogSumExp | Self::Norm | Self::Affine | Self::Rule { .. } => false,
            Self::Table | Self::Equation(_) => false,
            _ => true,
        }
    }

    /// Whether it has no derivative, and propagates NaN.
    pub(crate) fn is_step(&self) -> bool {
        match self {
            Self::Op(op) => STEPS.contains(op),
            Self::Derivative { .. } => true,
            _ => false,
        }
    }

    /// Whether an exact zero wins over ∞ in its derivatives; custom rules have to ensure this themselves.
    pub(crate) fn keeps_zeros(&self) -> bool {
        !matches!(self, Self::Rule { .. } | Self::Table | Self::Equation(_))
    }

    /// Whether the same operands always give the same bits.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Equation(equation) if !equation.is_repeatable())
    }

    /// Whether it is smooth everywhere, and moderate for moderate operands.
    pub(crate) fn is_smooth(&self) -> bool {
        use Op::{
            Add, Atan, Cos, Erf, Exp, ExpM1, Mul, MulAdd, Neg, Powi, Sigmoid, Sin, Softplus, Sub, Tanh,
        };
        match *self {
            Self::Op(op) => matches!(
                op,
                Add | Sub
                    | Mul
                    | MulAdd
                    | Neg
                    | Atan
                    | Cos
                    | Erf
                    | Exp
                    | ExpM1
                    | Powi(2)
                    | Sigmoid
                    | Sin
                    | Softplus
                    | Tanh
            ),
            Self::Constant(_)
            | Self::Sum
            | Self::Dot
            | Self::LogSumExp
            | Self::Affine
            | Self::Rule { .. }
            | Self::Table
            | Self::Equation(_) => true,
            Self::Loop(ref inner) => !inner.ends,
            Self::Call(_) | Self::Flow(_) => true,
            Self::Select(_) | Self::Branch(_) | Self::Norm | Self::Derivative { .. } => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case(pub(crate) Vec<(Kind, Vec<usize>)>);

/// The depth to which loops are nested.
const DEPTH: usize = 2;

impl Case {
    /// Adds an instruction, and returns the place of its result.
    pub(crate) fn push(&mut self, kind: Kind, operands: &[usize]) -> usize {
        self.0.push((kind, operands.to_vec()));
        INPUTS + self.0.len() - 1
    }

    /// The place of y plus the width times the weighted sum of the derivatives.
    pub(crate) fn moved(
        &mut self,
        y: usize,
        derivatives: impl Iterator<Item = usize>,
        weights: &[f64],
        width: usize,
    ) -> usize {
        let mut moved = y;
        for (derivative, &weight) in derivatives.zip(weights).filter(|&(_, &weight)| weight != 0.0) {
            let weight = self.push(Kind::Constant(weight), &[]);
            let weighted = self.push(Kind::Op(Op::Mul), &[derivative, weight]);
            moved = self.push(Kind::Op(Op::MulAdd), &[weighted, width, moved]);
        }
        moved
    }

    /// A random case of instructions that `wanted` accepts.
    pub(crate) fn draw(random: &mut Random, edges: bool, wanted: impl Fn(&Kind) -> bool) -> Self {
        Self::draw_nested(random, edges, &wanted, 0)
    }

    pub(crate) fn draw_nested(
        random: &mut Random,
        edges: bool,
        wanted: &dyn Fn(&Kind) -> bool,
        depth: usize,
    ) -> Self {
        let mut instructions: Vec<(Kind, Vec<usize>)> = Vec::new();
        let count = 1 + random.below(if depth == 0 { 14 } else { 5 });
        // A step is recorded once for all iterations. Its weights are not parameters of a program, so an affine map is
        // recorded as a product and a sum: a derivative of 0 in the product hides a NaN in the sum.
        let in_part = |kind: &Kind| {
            wanted(kind) && !(matches!(kind, Kind::Branch(_)) || edges && *kind == Kind::Affine)
        };
        while instructions.len() < count {
            let kind = match random.below(24) {
                0 => Kind::Constant(random.number(edges)),
                1 => Kind::Select(random.pick(&Relation::ALL)),
                2 => Kind::Branch(random.pick(&Relation::ALL)),
                3 => Kind::Sum,
                4 => Kind::Dot,
                5 => Kind::LogSumExp,
                6 => Kind::Norm,
                7 => Kind::Affine,
                8 => Kind::Rule { output: random.below(2), with_jvp: random.below(2) == 0 },
                9 if depth < DEPTH => {
                    let step = Arc::new(Self::draw_nested(random, edges, &in_part, depth + 1));
                    let turns = random.pick(&[0, 1, 2, 3, 5, 17]);
                    Kind::Loop(Loop { step, turns, ends: random.below(2) == 0, stored: random.pick(&STORED) })
                }
                10 => Kind::Table,
                13 if depth < DEPTH && random.below(4) == 0 => {
                    Kind::Call(Arc::new(Self::draw_nested(random, edges, &in_part, depth + 1)))
                }
                11 | 12 | 14 if !Equation::ALL.is_empty() => Kind::Equation(random.pick(&Equation::ALL)),
                17 if depth < DEPTH && random.below(4) == 0 => {
                    let in_flow = |kind: &Kind| in_part(kind) && !matches!(kind, Kind::Flow(_));
                    let flow = Arc::new(Self::draw_nested(random, edges, &in_flow, depth + 1));
                    let steps = random.pick(&[1, 2]);
                    Kind::Flow(Flow { flow, steps, method: random.pick(&METHODS).0 })
                }
                15 | 16 => Kind::Derivative { of_root: random.below(2) == 0 },
                _ => Kind::Op(random.pick(Op::ALL)),
            };
            // The bounds of a clamp must not be in the wrong order; the sign of a NaN depends on the processor.
            if matches!(kind, Kind::Op(Op::Clamp | Op::Copysign)) || !wanted(&kind) {
                continue;
            }
            let operands = match kind {
                Kind::Op(op) => op.arity(),
                Kind::Constant(_) => 0,
                Kind::Select(_) | Kind::Branch(_) | Kind::Dot | Kind::Loop(_) | Kind::Flow(_) => 4,
                Kind::Sum | Kind::LogSumExp | Kind::Norm => 1 + random.below(4),
                Kind::Affine | Kind::Table => 1,
                Kind::Rule { .. } | Kind::Equation(_) | Kind::Derivative { .. } => 2,
                Kind::Call(_) => INPUTS,
            };
            let among = INPUTS + instructions.len();
            // Late values are preferred as operands, so that programs are deep.
            let mut place = || match random.below(3) {
                0 => random.below(among),
                _ => among - 1 - random.below(3),
            };
            let operands = (0..operands).map(|_| place()).collect();
            instructions.push((kind, operands));
        }
        Self(instructions)
    }

    /// Whether any instruction satisfies `wanted`, including those in the steps of loops.
    pub(crate) fn has(&self, wanted: fn(&Kind) -> bool) -> bool {
        self.0.iter().any(|(kind, _)| match kind {
            Kind::Loop(inner) => inner.step.has(wanted),
            Kind::Call(inner) | Kind::Flow(Flow { flow: inner, .. }) => inner.has(wanted),
            kind => wanted(kind),
        })
    }

    /// Whether NaN propagates exactly where there is a derivative. Step functions also propagate it, and comparisons
    /// turn it into a different answer.
    pub(crate) fn hands_nan_on(&self) -> bool {
        self.0.iter().all(|(kind, _)| match kind {
            Kind::Op(op) => !(STEPS.contains(op) || matches!(op, Op::Compare(_) | Op::Select)),
            Kind::Branch(_) | Kind::Select(_) | Kind::Derivative { .. } => false,
            Kind::Loop(inner) => !inner.ends && inner.step.hands_nan_on(),
            Kind::Call(inner) | Kind::Flow(Flow { flow: inner, .. }) => inner.hands_nan_on(),
            _ => true,
        })
    }

    /// Whether it has a loop or a call, whose adjoints may be added up in a different order.
    pub(crate) fn has_loop(&self) -> bool {
        self.0.iter().any(|(kind, _)| matches!(kind, Kind::Loop(_) | Kind::Call(_) | Kind::Flow(_)))
    }

    pub(crate) fn call<D: Differentiable<Scalar: ProgramScalar>>(&self, x: &[D]) -> D {
        let values = self.call_all(x);
        values[values.len() - 1]
    }

    /// The inputs and all results.
    pub(crate) fn call_all<D: Differentiable<Scalar: ProgramScalar>>(&self, x: &[D]) -> Vec<D> {
        let mut values = x.to_vec();
        for (kind, operands) in &self.0 {
            let of: Vec<D> = operands.iter().map(|&place| values[place]).collect();
            values.push(kind.apply(x, &of));
        }
        values
    }

    /// For each input, the sum of the magnitudes of all contributions to its derivative, to which rounding is
    /// relative; and the largest intermediate value. They are not finite where something is singular.
    pub(crate) fn scale<F: ProgramScalar>(&self, x: &[F]) -> (Vec<f64>, f64) {
        let unit = |j: usize| (0..INPUTS).map(move |i| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        let Followed { size, largest, .. } = self.follow(x, &(0..INPUTS).map(unit).collect::<Vec<_>>());
        (size, largest)
    }

    pub(crate) fn follow<F: ProgramScalar>(&self, x: &[F], sizes: &[Vec<f64>]) -> Followed<F> {
        let (mut values, mut sizes) = (x.to_vec(), sizes.to_vec());
        let (mut largest, far) = (0.0_f64, F::max_value().wide().cbrt());
        let lift = |x: &[F], moving: Option<usize>| -> Vec<Dual<F>> {
            let lifted = |(j, &x)| if Some(j) == moving { Dual::variable(x) } else { Dual::lift(x) };
            x.iter().enumerate().map(lifted).collect()
        };
        for (kind, operands) in &self.0 {
            let of: Vec<F> = operands.iter().map(|&place| values[place]).collect();
            if let Kind::Loop(_) | Kind::Call(_) | Kind::Flow(_) = kind {
                let of_operands: Vec<_> = operands.iter().map(|&place| sizes[place].clone()).collect();
                let followed = match kind {
                    Kind::Loop(inner) => inner.follow(&of, &of_operands),
                    Kind::Call(inner) => inner.follow(&of, &of_operands),
                    Kind::Flow(inner) => inner.follow(&of, &of_operands),
                    _ => unreachable!("it is one of the three"),
                };
                largest = largest.max(followed.largest);
                values.push(followed.value);
                sizes.push(followed.size);
                continue;
            }
            let direct =
                (0..of.len()).map(|j| (operands[j], kind.apply(&lift(x, None), &lift(&of, Some(j)))));
            let weights = if *kind == Kind::Affine { PARAMETERS + 1 } else { 0 };
            let by_input = (0..weights).map(|j| (j, kind.apply(&lift(x, Some(j)), &lift(&of, None))));
            let mut size = vec![0.0_f64; INPUTS];
            for (place, moved) in direct.chain(by_input) {
                let derivative = moved.derivative(0).wide().abs();
                for (size, of) in size.iter_mut().zip(&sizes[place]) {
                    let part = if derivative == 0.0 || *of == 0.0 { 0.0 } else { derivative * of };
                    // Numbers that are far out may overflow or vanish in one order of operations, but not in another.
                    let moves = derivative != 0.0 && *of != 0.0;
                    let far = moves && !(derivative.max(part) < far && derivative.min(part) > 1.0 / far);
                    *size += if far { f64::INFINITY } else { part };
                }
            }
            let value = kind.apply(x, &of);
            largest = if value.is_finite() { largest.max(value.wide().abs()) } else { f64::INFINITY };
            values.push(value);
            sizes.push(size);
        }
        let last = "there is an instruction";
        Followed { value: values.pop().expect(last), size: sizes.pop().expect(last), largest }
    }
}
