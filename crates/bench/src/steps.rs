//! Training steps, as a part of the record.

use crate::network::{ByHand, Mode, Replayed, Training, Workload};
use crate::record::{Line, lines_of};
use crate::timing::{self, Timed, measure_all};
use dualtape::ProgramScalar;
use std::hint::black_box;
use std::time::Duration;

/// The name of the workloads in the record.
pub const NAME: &str = "training step";

/// The names of the modes: how gradients are treated, with a recorded program and with a loop written by hand.
pub const MODES: [&str; 6] = [
    "mean gradient",
    "clipped by norm",
    "each sample clipped",
    "mean gradient, by hand",
    "clipped by norm, by hand",
    "each sample clipped, by hand",
];

/// Measures a step of each network in each mode, on one thread; each turn takes about as long as given.
pub fn measure(turn: Duration) -> Vec<Line> {
    timing::pool(1).install(|| {
        let mut lines = of(&Workload::moons(), "2-16-16-1, 100, f64", turn);
        lines.extend(of(&Workload::digits(), "64-32-10, 32, f64", turn));
        lines.extend(of(&Workload::mnist(), "784-128-10, 64, f32", turn));
        lines
    })
}

fn of<F: ProgramScalar>(workload: &Workload<F>, size: &str, turn: Duration) -> Vec<Line> {
    let mut functions: Vec<Timed<'_>> = Vec::new();
    for (mode, name) in Mode::ALL.into_iter().zip(MODES) {
        let mut training = Training::new(workload, mode, Replayed::new(workload));
        functions.push((
            name,
            Box::new(move || {
                black_box(training.step());
            }),
        ));
    }
    for (mode, name) in Mode::ALL.into_iter().zip(&MODES[Mode::ALL.len()..]) {
        let mut training = Training::new(workload, mode, ByHand::new(workload));
        functions.push((
            name,
            Box::new(move || {
                black_box(training.step());
            }),
        ));
    }
    lines_of(NAME, size, &measure_all(&mut functions, turn))
}
