//! One function at one size, and the ways to compute its derivatives.

use crate::generated::Gradient;
use crate::machine_code::with_machine_code;
use crate::objective::{Objective, Summed};
use dualtape::program::Rows;
use dualtape::typenum::{U1, U4, U8, U10, U16};
use dualtape::{Error, Forward, Lanes, Program, Reverse};

/// Writes the derivatives and returns the value. It runs inside a pool of threads, like a library in a parallel program.
pub type Run = Box<dyn FnMut(&mut [f64]) -> f64 + Send>;

/// A gradient written by hand: takes a function and a point.
pub(crate) type ByHand<O> = fn(&O, &[f64], &mut [f64]) -> f64;

/// A way to compute value and derivatives.
pub struct Mode {
    /// The name in tables.
    pub name: &'static str,
    /// The number of threads of the pool in which it runs.
    pub threads: usize,
    /// Computes.
    pub run: Run,
}

/// One function at one size.
pub struct Workload {
    /// The name in tables.
    pub name: &'static str,
    /// A description of the size.
    pub size: String,
    /// The number of derivatives.
    pub results: usize,
    /// The ways to compute them.
    pub modes: Vec<Mode>,
}

/// Computes only the value; leaves the derivatives untouched.
pub const VALUE: &str = "value";
/// Records the function for later replay; computes nothing.
pub const RECORD: &str = "record";
/// The same with a loop kept as one operation.
pub const RECORD_LOOP: &str = "record loop";
/// Finds the sparsity pattern of a matrix.
pub const PATTERN: &str = "pattern";
/// The same with echidna.
pub const PEER_PATTERN: &str = "echidna: pattern";
/// Colours a pattern.
pub const COLOURING: &str = "colouring";
/// Does all one-time work for a sparse matrix.
pub const PLAN: &str = "plan";
/// The gradient of a workload whose derivatives are second derivatives.
pub const GRADIENT: &str = "gradient: replay";
/// The modes that leave the derivatives of a workload untouched.
pub const WITHOUT_DERIVATIVES: [&str; 10] =
    [VALUE, RECORD, RECORD_LOOP, PATTERN, PEER_PATTERN, COLOURING, PLAN, GRADIENT, COMPILE, COMPILE_LOOP];
/// The gradient written by hand.
pub const BY_HAND: &str = "by hand";

/// The gradient as source code generated from a recording.
pub const GENERATED: &str = "generated";

/// The gradient as machine code, compiled at run time.
pub const MACHINE_CODE: &str = "machine code";
/// The same for a loop that is kept as one operation.
pub const LOOP_MACHINE_CODE: &str = "machine code: loop";
/// Compiles that machine code; computes nothing.
pub const COMPILE: &str = "compile";
/// The same for a loop that is kept as one operation.
pub const COMPILE_LOOP: &str = "compile: loop";

/// With more inputs than this, forward mode takes too long to measure.
pub(crate) const MOST_FORWARD: usize = 200;

impl Workload {
    pub(crate) fn new(name: &'static str, size: String, results: usize) -> Self {
        Self { name, size, results, modes: Vec::new() }
    }

    /// Adds a mode, on one thread.
    pub(crate) fn mode(
        self,
        name: &'static str,
        run: impl FnMut(&mut [f64]) -> f64 + Send + 'static,
    ) -> Self {
        self.mode_on(1, name, run)
    }

    /// Adds a mode, on a number of threads.
    fn mode_on(
        mut self,
        threads: usize,
        name: &'static str,
        run: impl FnMut(&mut [f64]) -> f64 + Send + 'static,
    ) -> Self {
        self.modes.push(Mode { name, threads, run: Box::new(run) });
        self
    }

    /// Adds the value, forward mode in lanes, the tape and a replay at one point.
    pub(crate) fn of<O: Objective + Clone + Send + 'static>(
        name: &'static str,
        size: String,
        f: &O,
        x: &[f64],
        by_hand: Option<ByHand<O>>,
    ) -> Self {
        let mut workload = Self::new(name, size, x.len());
        let (plain, point) = (f.clone(), x.to_vec());
        workload = workload.mode(VALUE, move |_| plain.call(&point));
        if let Some(by_hand) = by_hand {
            let (f, x) = (f.clone(), x.to_vec());
            workload = workload.mode(BY_HAND, move |gradient| by_hand(&f, &x, gradient));
        }
        if x.len() <= MOST_FORWARD {
            workload = workload
                .lanes::<O, U1>("lanes: 1", f, x)
                .lanes::<O, U4>("lanes: 4", f, x)
                .lanes::<O, U8>("lanes: 8", f, x)
                .lanes::<O, U16>("lanes: 16", f, x);
        }
        if x.len() == 10 {
            workload = workload.lanes::<O, U10>("lanes: 10", f, x);
        }
        let (on_tape, point, mut reverse) = (f.clone(), x.to_vec(), Reverse::new());
        workload = workload
            .mode("tape", move |derivative| sound(reverse.gradient(|x| on_tape.call(x), &point, derivative)));
        let (recorded, point) = (f.clone(), x.to_vec());
        workload = workload
            .mode(RECORD, move |_| sound(Program::record(|x| recorded.call(x), &point)).outputs() as f64);
        let (point, program) = (x.to_vec(), sound(Program::record(|x| f.call(x), x)).optimized());
        let workload = with_machine_code(workload, [MACHINE_CODE, COMPILE], &program, x);
        let mut workspace = program.workspace();
        workload.mode("replay", move |derivative| sound(program.gradient(&mut workspace, &point, derivative)))
    }

    fn lanes<O: Objective + Clone + Send + 'static, N: Lanes<f64> + 'static>(
        self,
        name: &'static str,
        f: &O,
        x: &[f64],
    ) -> Self {
        let (f, x, mut forward) = (f.clone(), x.to_vec(), Forward::<f64, N>::with_lanes());
        self.mode(name, move |gradient| sound(forward.gradient(|x| f.call(x), &x, gradient)))
    }

    /// Adds the gradient as generated code.
    pub(crate) fn generated(self, code: Option<Gradient>, x: &[f64]) -> Self {
        let Some(mut gradient) = code else { return self };
        let x = x.to_vec();
        self.mode(GENERATED, move |derivative| gradient(&x, derivative))
    }

    /// Adds the function with its loop kept as one operation: on a tape, and replayed.
    pub(crate) fn looped<O: Objective + Clone + Send + 'static>(self, f: &O, x: &[f64]) -> Self {
        let (on_tape, point, mut reverse) = (f.clone(), x.to_vec(), Reverse::new());
        let this = self.mode("loop: tape", move |gradient| {
            sound(reverse.gradient(|x| on_tape.call(x), &point, gradient))
        });
        let (recorded, point) = (f.clone(), x.to_vec());
        let this = this.mode(RECORD_LOOP, move |_| {
            sound(Program::record(|x| recorded.call(x), &point)).outputs() as f64
        });
        let (point, program) = (x.to_vec(), sound(Program::record(|x| f.call(x), x)));
        let this = with_machine_code(this, [LOOP_MACHINE_CODE, COMPILE_LOOP], &program, x);
        let mut workspace = program.workspace();
        this.mode("loop: replay", move |gradient| sound(program.gradient(&mut workspace, &point, gradient)))
    }

    /// Adds the batch, with points in lanes, on one thread and on two.
    pub(crate) fn batched<O: Summed + Clone + Send + 'static>(self, f: &O, x: &[f64]) -> Self {
        self.mode("batch", batch(f, x)).mode_on(2, "batch on 2 threads", batch(f, x))
    }
}

/// The gradient of a sum by replay of a batch.
fn batch<O: Summed + Clone>(f: &O, x: &[f64]) -> impl FnMut(&mut [f64]) -> f64 + Send + use<O> {
    let (points, width) = f.points();
    let (points, x) = (points.to_vec(), x.to_vec());
    let program = sound(Program::record_with_data(|x, point| f.point(x, point), &x, &points[..width]));
    let rest = sound(Program::record(|x| f.rest(x), &x));
    let (mut batch, mut workspace) = (program.batch_workspace(), rest.workspace());
    let mut more = vec![0.0; x.len()];
    move |gradient| {
        let sum = sound(program.sum_gradient(&mut batch, &x, &Rows::new(&points, width), gradient));
        let value = sound(rest.gradient(&mut workspace, &x, &mut more));
        gradient.iter_mut().zip(&more).for_each(|(gradient, more)| *gradient += more);
        sum + value
    }
}

pub(crate) fn sound<T>(result: Result<T, Error>) -> T {
    result.expect("the workload fits itself")
}
