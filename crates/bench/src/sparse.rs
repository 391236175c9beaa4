//! Workloads whose derivatives are sparse matrices, in every mode: the derivatives are the entries, row by row.

use crate::scenarios::rosenbrock;
#[cfg(feature = "peers")]
use crate::workload::PEER_PATTERN;
use crate::workload::{BY_HAND, COLOURING, GRADIENT, PATTERN, PLAN, VALUE, Workload, sound};
use dualtape::program::Wrt;
use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, SparseHessian, SparseJacobian};
use dualtape::typenum::U16;
use dualtape::{Differentiable, Float, Forward, Program};
#[cfg(feature = "peers")]
use std::sync::{Arc, Mutex};

/// The Brusselator, a reaction of two substances that diffuse on a square grid, without flow across its edges:
/// du/dt = 1 + u²v − 4.4u + αΔu and dv/dt = 3.4u − u²v + αΔv. First all u, row by row, then all v.
#[derive(Clone, Copy)]
pub(crate) struct Brusselator {
    /// The number of grid points on a side.
    pub(crate) side: usize,
}

/// α, for grid points at distance 1.
const SPREAD: f64 = 10.0;

impl Brusselator {
    fn places(self) -> usize {
        self.side * self.side
    }

    /// The four neighbours of a grid point; beyond an edge, the point itself.
    fn neighbours(self, place: usize) -> [usize; 4] {
        let (side, row, column) = (self.side, place / self.side, place % self.side);
        [
            row.saturating_sub(1) * side + column,
            (row + 1).min(side - 1) * side + column,
            row * side + column.saturating_sub(1),
            row * side + (column + 1).min(side - 1),
        ]
    }

    /// The function for the number types of any crate.
    fn call<T: Float>(self, x: &[T], rates: &mut [T]) {
        let number = |number: f64| T::from(number).expect("it has a value in every type");
        let (u, v) = x.split_at(self.places());
        for place in 0..self.places() {
            let around = self.neighbours(place);
            let flow = |w: &[T]| {
                let [a, b, c, d] = around.map(|neighbour| w[neighbour]);
                (a + b + c + d - w[place] * number(4.0)) * number(SPREAD)
            };
            let reaction = u[place] * u[place] * v[place];
            rates[place] = reaction + number(1.0) - u[place] * number(4.4) + flow(u);
            rates[self.places() + place] = u[place] * number(3.4) - reaction + flow(v);
        }
    }

    /// The jvp, written by hand.
    fn jvp(self, x: &[f64], tangent: &[f64], product: &mut [f64]) {
        let ((u, v), (du, dv)) = (x.split_at(self.places()), tangent.split_at(self.places()));
        for place in 0..self.places() {
            let around = self.neighbours(place);
            let flow = |w: &[f64]| {
                let [a, b, c, d] = around.map(|neighbour| w[neighbour]);
                (a + b + c + d - w[place] * 4.0) * SPREAD
            };
            let reaction = u[place] * (2.0 * v[place] * du[place] + u[place] * dv[place]);
            product[place] = reaction - 4.4 * du[place] + flow(du);
            product[self.places() + place] = 3.4 * du[place] - reaction + flow(dv);
        }
    }

    /// A colour for each input: five for u and five for v, such that no grid point has two neighbours of the same colour.
    fn colour(self, input: usize) -> usize {
        let (substance, place) = (input / self.places(), input % self.places());
        5 * substance + (place / self.side + 2 * (place % self.side)) % 5
    }

    fn point(self) -> Vec<f64> {
        (0..2 * self.places()).map(|i| 1.0 + 0.5 * (i as f64 * 0.37).sin()).collect()
    }

    fn program(self) -> Program<f64> {
        let f = |x: &[_]| {
            let mut rates = x.to_vec();
            self.call(x, &mut rates);
            rates
        };
        sound(Program::record(f, &self.point()))
    }
}

/// The Jacobian of the Brusselator.
pub(crate) fn brusselator(side: usize) -> Workload {
    let (f, x) = (Brusselator { side }, Brusselator { side }.point());
    let (n, program) = (x.len(), f.program());
    let plan = sound(SparseJacobian::new(&program, Wrt::Both));
    let entries = plan.pattern().len();
    let workload = Workload::new("brusselator", format!("{side} × {side}, Jacobian"), entries);

    let (point, mut rates) = (x.clone(), vec![0.0; n]);
    let workload = workload.mode(VALUE, move |_| {
        f.call(&point, &mut rates);
        rates[0]
    });
    let workload = workload.mode(BY_HAND, by_hand(f, &x, plan.pattern()));
    let workload = if n > 3000 { workload } else { dense(workload, f, &x, plan.pattern()) };

    let (mut workspace, mut rates, point) = (plan.workspace(), vec![0.0; n], x.clone());
    let written_out = plan.clone();
    let workload = workload.mode("sparse", move |values| {
        sound(written_out.evaluate(&mut workspace, &point, &mut rates, values));
        rates[0]
    });
    let planned = program.clone();
    let workload = workload.mode(PATTERN, move |_| sound(planned.jacobian_pattern(Wrt::Both)).len() as f64);
    let pattern = plan.pattern().clone();
    let workload = workload.mode(COLOURING, move |_| {
        sound(Colouring::best(&pattern, ColouringKind::Columns, &Order::ALL)).products() as f64
    });
    let workload =
        workload.mode(PLAN, move |_| sound(SparseJacobian::new(&program, Wrt::Both)).pattern().len() as f64);
    with_echidna(workload, f, &x)
}

/// The rates, and a loop of jvps over ten colours, all written by hand.
fn by_hand(f: Brusselator, x: &[f64], pattern: &Pattern) -> impl FnMut(&mut [f64]) -> f64 + 'static {
    let (x, n, mut product, mut rates) = (x.to_vec(), x.len(), vec![0.0; x.len()], vec![0.0; x.len()]);
    let mut seeds = vec![0.0; 10 * n];
    (0..n).for_each(|input| seeds[f.colour(input) * n + input] = 1.0);
    let mut of_colour = vec![Vec::new(); 10];
    for (entry, (row, column)) in pattern.entries().enumerate() {
        of_colour[f.colour(column)].push((entry, row));
    }
    move |values| {
        f.call(&x, &mut rates);
        for (seed, entries) in seeds.chunks(n).zip(&of_colour) {
            f.jvp(&x, seed, &mut product);
            entries.iter().for_each(|&(entry, row)| values[entry] = product[row]);
        }
        rates[0]
    }
}

/// The dense Jacobian in sixteen lanes, from which the entries are taken.
fn dense(workload: Workload, f: Brusselator, x: &[f64], pattern: &Pattern) -> Workload {
    let (x, n, mut forward) = (x.to_vec(), x.len(), Forward::<f64, U16>::with_lanes());
    let (mut rates, mut matrix, pattern) = (vec![0.0; n], vec![0.0; n * n], pattern.clone());
    workload.mode("dense lanes: 16", move |values| {
        sound(forward.jacobian(|x, y| f.call(x, y), &x, &mut rates, &mut matrix));
        values.iter_mut().zip(pattern.entries()).for_each(|(value, (i, j))| *value = matrix[i * n + j]);
        rates[0]
    })
}

/// The Hessian of the chained Rosenbrock function.
pub(crate) fn chained_rosenbrock(n: usize) -> Workload {
    let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.1).sin()).collect();
    let program = sound(Program::record(rosenbrock, &x)).optimized();
    let plan = sound(SparseHessian::new(&program, Wrt::Both));
    let entries = plan.pattern().len();
    let (mut workspace, mut derivative, point) = (program.workspace(), vec![0.0; n], x.clone());
    let replayed = program.clone();
    let workload = Workload::new("chained rosenbrock", format!("{n} inputs, Hessian"), entries);
    let point_of_value = x.clone();
    let workload = workload
        .mode(VALUE, move |_| rosenbrock(&point_of_value))
        .mode(GRADIENT, move |_| sound(replayed.gradient(&mut workspace, &point, &mut derivative)));
    let (mut workspace, mut gradient, point) = (plan.workspace(), vec![0.0; n], x);
    let workload = workload
        .mode("sparse", move |values| sound(plan.evaluate(&mut workspace, &point, &mut gradient, values)));
    let planned = program.clone();
    let workload = workload.mode(PATTERN, move |_| sound(planned.hessian_pattern(Wrt::Both)).len() as f64);
    workload.mode(PLAN, move |_| sound(SparseHessian::new(&program, Wrt::Both)).pattern().len() as f64)
}

/// Bratu's problem on a square grid: Δu + eᵘ, with the five-point stencil and zero beyond the edges.
pub(crate) fn five_points(side: usize) -> Workload {
    fn call<D: Differentiable<Scalar = f64>>(side: usize, u: &[D], y: &mut [D]) {
        for place in 0..side * side {
            let (row, column) = (place / side, place % side);
            let mut sum = u[place].exp() - u[place] * 4.0;
            let inside = [(row > 0, place.wrapping_sub(side)), (row + 1 < side, place + side)];
            let beside = [(column > 0, place.wrapping_sub(1)), (column + 1 < side, place + 1)];
            for (exists, neighbour) in inside.into_iter().chain(beside) {
                if exists {
                    sum += u[neighbour];
                }
            }
            y[place] = sum;
        }
    }
    let n = side * side;
    let x: Vec<f64> = (0..n).map(|i| 0.1 * (i as f64 * 0.1).sin()).collect();
    let f = |x: &[_]| {
        let mut y = x.to_vec();
        call(side, x, &mut y);
        y
    };
    let program = sound(Program::record(f, &x));
    let pattern = sound(program.jacobian_pattern(Wrt::Both));
    let workload = Workload::new("five points", format!("{side} × {side}, Jacobian"), pattern.len());
    let (point, mut y) = (x.clone(), vec![0.0; n]);
    let workload = workload.mode(VALUE, move |_| {
        call(side, &point, &mut y);
        y[0]
    });
    let workload = workload.mode(PATTERN, move |_| sound(program.jacobian_pattern(Wrt::Both)).len() as f64);
    workload.mode(COLOURING, move |_| {
        sound(Colouring::best(&pattern, ColouringKind::Columns, &[Order::Natural])).products() as f64
    })
}

/// echidna with a recording, a pattern and a colouring, each computed once.
#[cfg(feature = "peers")]
fn with_echidna(workload: Workload, f: Brusselator, x: &[f64]) -> Workload {
    let call = |x: &[echidna::BReverse<f64>]| {
        let mut rates = x.to_vec();
        f.call(x, &mut rates);
        rates
    };
    let (tape, _) = echidna::record_multi(call, x);
    let pattern = tape.detect_jacobian_sparsity();
    let (colours, count) = echidna::sparse::column_coloring(&pattern);
    let (tape, x) = (Arc::new(Mutex::new(tape)), x.to_vec());
    let again = Arc::clone(&tape);
    workload
        .mode("echidna: sparse", move |values| {
            let mut tape = tape.lock().expect("no thread has failed");
            let (rates, entries) = tape.sparse_jacobian_with_pattern(&x, &pattern, &colours, count, true);
            values.copy_from_slice(&entries);
            rates[0]
        })
        .mode(PEER_PATTERN, move |_| {
            again.lock().expect("no thread has failed").detect_jacobian_sparsity().nnz() as f64
        })
}

/// Without the feature `peers`, there is no such mode.
#[cfg(not(feature = "peers"))]
fn with_echidna(workload: Workload, _: Brusselator, _: &[f64]) -> Workload {
    workload
}
