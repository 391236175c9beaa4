//! High-order derivatives and Laplacians, computed in several ways.

use crate::objective::Objective;
use crate::workload::{VALUE, Workload, sound};
use dualtape::typenum::{U2, U4, U8, U16, U32};
use dualtape::{
    Differentiable, Dual, ForwardLaplacian, Lanes, Order, Program, SecondOrder, derivatives, laplacian_lanes,
};
use std::hint::black_box;

/// A function of one variable with most kinds of elementary operations.
fn wave<D: Differentiable<Scalar = f64>>(x: D) -> D {
    (x * x + 1.0).sqrt().ln() * (x * 3.0).sin() / (x.exp() + 2.0) + (x * 0.5).tanh()
}

/// The highest derivative, by a Taylor series of this order.
fn by_series<N: Order<f64>>(results: &mut [f64]) -> f64 {
    let all = derivatives::<N, f64>(wave, black_box(0.7));
    results[0] = all[N::USIZE];
    all[0]
}

type Dual2 = Dual<Dual<f64>>;
type Dual4 = Dual<Dual<Dual2>>;
type Dual8 = Dual<Dual<Dual<Dual<Dual4>>>>;

/// Derivatives of one function by Taylor series and by nested dual numbers.
pub(crate) fn orders(order: usize) -> Workload {
    let workload = Workload::new("high orders", format!("order {order}"), 1);
    let workload = workload.mode(VALUE, |_| wave(black_box(0.7)));
    let x = || black_box(0.7);
    match order {
        2 => workload.mode("Taylor", by_series::<U2>).mode("nested duals", move |derivatives| {
            let y = wave(Dual2::variable(Dual::variable(x())));
            derivatives[0] = y.derivative(0).derivative(0);
            y.value()
        }),
        4 => workload.mode("Taylor", by_series::<U4>).mode("nested duals", move |derivatives| {
            let y = wave(Dual4::variable(Dual::variable(Dual::variable(Dual::variable(x())))));
            derivatives[0] = y.derivative(0).derivative(0).derivative(0).derivative(0);
            y.value()
        }),
        8 => workload.mode("Taylor", by_series::<U8>).mode("nested duals", move |derivatives| {
            let inner = Dual::variable(Dual::variable(Dual::variable(Dual::variable(x()))));
            let y = wave(Dual8::variable(Dual::variable(Dual::variable(Dual::variable(inner)))));
            let half = y.derivative(0).derivative(0).derivative(0).derivative(0);
            derivatives[0] = half.derivative(0).derivative(0).derivative(0).derivative(0);
            y.value()
        }),
        16 => workload.mode("Taylor", by_series::<U16>),
        _ => workload.mode("Taylor", by_series::<U32>),
    }
}

/// The Laplacian of a function: with nested dual numbers for one input after the other, from the diagonal of its
/// Hessian, and by forward Laplacian.
pub(crate) fn laplacian<O: Objective + Clone + Send + 'static>(size: String, f: &O, x: &[f64]) -> Workload {
    let (plain, point) = (f.clone(), x.to_vec());
    let workload = Workload::new("laplacian", size, 1).mode(VALUE, move |_| plain.call(&point));
    let (looped, point) = (f.clone(), x.to_vec());
    let workload = workload.mode("loop of second derivatives", move |derivatives| {
        let mut value = 0.0;
        derivatives[0] = 0.0;
        for moving in 0..point.len() {
            let input = |(i, &x)| {
                if i == moving { Dual::variable(Dual::variable(x)) } else { Dual::lift(Dual::lift(x)) }
            };
            let y: Dual2 = looped.call(&point.iter().enumerate().map(input).collect::<Vec<_>>());
            derivatives[0] += y.derivative(0).derivative(0);
            value = y.value();
        }
        value
    });
    let (diagonal, point, mut second) = (f.clone(), x.to_vec(), SecondOrder::<f64>::new());
    let (mut gradient, mut all) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let workload = workload.mode("diagonal of the Hessian", move |derivatives| {
        let value = sound(second.hessian_diagonal(|x| diagonal.call(x), &point, &mut gradient, &mut all));
        derivatives[0] = all.iter().sum();
        value
    });
    let workload = workload.forward::<O, U8>("forward: 8", f, x).forward::<O, U16>("forward: 16", f, x);
    let record = |x: &[_]| {
        let (value, _, laplacian) = laplacian_lanes::<_, U8, _>(|x| f.call(x), x);
        [value, laplacian]
    };
    let (program, point) = (sound(Program::record(record, x)).optimized(), x.to_vec());
    let mut workspace = program.workspace();
    workload.mode("forward: replay", move |derivatives| {
        let mut outputs = [0.0; 2];
        sound(program.evaluate(&mut workspace, &point, &mut outputs));
        derivatives[0] = outputs[1];
        outputs[0]
    })
}

impl Workload {
    fn forward<O: Objective + Clone + Send + 'static, N: Lanes<f64> + 'static>(
        self,
        name: &'static str,
        f: &O,
        x: &[f64],
    ) -> Self {
        let (f, x) = (f.clone(), x.to_vec());
        self.mode(name, move |derivatives| {
            let (value, _, laplacian) =
                laplacian_lanes::<_, N, _>(|x: &[ForwardLaplacian<f64, N>]| f.call(x), &x);
            derivatives[0] = laplacian;
            value
        })
    }
}
