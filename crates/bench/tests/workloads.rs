//! All modes of a workload compute the same thing.

use dualtape_bench::workload::WITHOUT_DERIVATIVES;
use dualtape_bench::workloads::{self, Make};
use std::sync::Mutex;
use std::thread;

#[test]
fn all_modes_of_a_workload_give_one_value_and_one_gradient() {
    let left = Mutex::new(workloads::all().into_iter());
    let next = || left.lock().expect("no thread has panicked with it").next();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(make) = next() {
                    all_modes_agree(&make);
                }
            });
        }
    });
}

fn all_modes_agree(make: &Make) {
    let mut workload = make();
    let mut first: Option<(f64, Vec<f64>)> = None;
    for mode in workload.modes.iter_mut().filter(|mode| !WITHOUT_DERIVATIVES.contains(&mode.name)) {
        let mut gradient = vec![f64::NAN; workload.results];
        let value = (mode.run)(&mut gradient);
        let name = format!("{}, {}: {}", workload.name, workload.size, mode.name);
        // One of the other crates gives only the gradient.
        let value = if mode.name == "echidna" { first.as_ref().unwrap().0 } else { value };
        let (expected, derivatives) = first.get_or_insert_with(|| (value, gradient.clone()));
        assert!((value - *expected).abs() <= 1e-9 * expected.abs(), "{name}: {value} {expected}");
        let scale = derivatives.iter().fold(1.0, |most: f64, derivative| most.max(derivative.abs()));
        for (given, expected) in gradient.iter().zip(&*derivatives) {
            assert!((given - expected).abs() <= 1e-9 * scale, "{name}: {given} {expected}");
        }
    }
}
