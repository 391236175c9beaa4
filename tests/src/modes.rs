//! Differentiates a function in every mode.

use dualtape::rules::Op;
use dualtape::typenum::{U1, U3};
use dualtape::{Differentiable, Dual, Program, Tape, gradient, gradient_lanes};

/// A function generic over the type of number, which a closure cannot be.
pub trait Function {
    /// The value.
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D;
}

impl Function for Op {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        self.apply(x)
    }
}

/// Value and gradient, as computed in one mode.
#[derive(Clone, Debug)]
pub struct First {
    /// The mode.
    pub mode: &'static str,
    /// The value.
    pub value: f64,
    /// The gradient.
    pub gradient: Vec<f64>,
}

/// The Hessian, row by row, as computed by one nesting of modes.
#[derive(Clone, Debug)]
pub struct Second {
    /// The modes, from the outer to the inner.
    pub mode: &'static str,
    /// The Hessian.
    pub hessian: Vec<f64>,
}

/// Value and gradient in every mode and nesting.
pub fn first_order<F: Function>(f: &F, x: &[f64]) -> Vec<First> {
    let plain = |(value, gradient): (f64, Vec<f64>), mode| First { mode, value, gradient };
    let nested = |(value, gradient): (Dual<f64>, Vec<Dual<f64>>), mode| First {
        mode,
        value: value.primal(),
        gradient: gradient.iter().map(Dual::primal).collect(),
    };
    let lifted: Vec<Dual<f64>> = x.iter().map(|&x| Dual::lift(x)).collect();
    vec![
        plain(gradient_lanes::<_, U3, _>(|x| f.call(x), x), "Dual"),
        plain(gradient(|x| f.call(x), x), "Var"),
        nested(gradient_lanes::<_, U3, _>(|x| f.call(x), &lifted), "Dual<Dual>"),
        nested(gradient(|x| f.call(x), &lifted), "Var<Dual>"),
        dual_of_var(f, x),
        replayed(f, x),
    ]
}

fn replayed<F: Function>(f: &F, x: &[f64]) -> First {
    let program = Program::record(|x| f.call(x), x).expect("it is small");
    let mut gradient = vec![0.0; x.len()];
    let value = program.gradient(&mut program.workspace(), x, &mut gradient).expect("it was recorded here");
    First { mode: "Program", value, gradient }
}

fn dual_of_var<F: Function>(f: &F, x: &[f64]) -> First {
    let tape = Tape::new();
    let (value, derivatives) = gradient_lanes::<_, U3, _>(|x| f.call(x), &tape.vars(x));
    First {
        mode: "Dual<Var>",
        value: value.value(),
        gradient: derivatives.iter().map(Differentiable::value).collect(),
    }
}

/// The Hessian by every nesting of two modes.
pub fn second_order<F: Function>(f: &F, x: &[f64]) -> Vec<Second> {
    let along = |j: usize| -> Vec<Dual<f64>> {
        x.iter().enumerate().map(|(i, &x)| Dual::new(x, [f64::from(u8::from(i == j))].into())).collect()
    };
    // The derivative of the gradient along a direction is a column and, by symmetry, a row.
    let tangents =
        |derivatives: Vec<Dual<f64>>| derivatives.into_iter().map(|gradient| gradient.tangent()[0]);
    let rows = |row: &dyn Fn(usize) -> Vec<f64>| (0..x.len()).flat_map(row).collect();
    let forward = |j| tangents(gradient_lanes::<_, U3, _>(|x| f.call(x), &along(j)).1).collect();
    let reverse = |j| tangents(gradient(|x| f.call(x), &along(j)).1).collect();
    let taped = |j: usize| {
        let tape = Tape::new();
        let vars = tape.vars(x);
        let moving = |(i, &x)| if i == j { Dual::along(x, 0) } else { Dual::<_, U1>::lift(x) };
        let inputs: Vec<_> = vars.iter().enumerate().map(moving).collect();
        tape.gradient(f.call(&inputs).tangent()[0]).of(&vars)
    };
    vec![
        Second { mode: "Dual<Dual>", hessian: rows(&forward) },
        Second { mode: "Var<Dual>", hessian: rows(&reverse) },
        Second { mode: "Dual<Var>", hessian: rows(&taped) },
        Second { mode: "Program", hessian: replayed_hessian(f, x) },
    ]
}

fn replayed_hessian<F: Function>(f: &F, x: &[f64]) -> Vec<f64> {
    let program = Program::record(|x| f.call(x), x).expect("it is small");
    let (mut gradient, mut hessian) = (vec![0.0; x.len()], vec![0.0; x.len() * x.len()]);
    program.hessian(&mut program.workspace(), x, &mut gradient, &mut hessian).expect("it was recorded here");
    hessian
}
