//! Runs the filter on a simulated pendulum, and shows how it finds angle and speed from noisy measurements of the
//! angle only.

#![forbid(unsafe_code)]

use dualtape_example_controller::Filter;
use dualtape_example_controller::pendulum::{Refusal, values_and_jacobian};

fn main() -> Result<(), Refusal> {
    let mut truth = [0.8_f32, 0.0];
    let mut filter = Filter { state: [0.0, 1.0], covariance: [[1.0, 0.0], [0.0, 1.0]] };
    println!("step   angle  found    speed  found");
    for step in 0..500 {
        let torque = if step % 100 < 50 { 2.0 } else { -2.0 };
        let mut next = [0.0; 2];
        values_and_jacobian(&[truth[0], truth[1], torque], &mut next, &mut [0.0; 6])?;
        truth = next;
        // Pseudo-random noise of ±0.05 rad, the same in every run.
        let noise = ((step as f32 * 78.233).sin() * 43_758.547).fract() * 0.05;
        filter.step(torque, truth[0] + noise, 8e-4)?;
        if step % 100 == 99 {
            let [angle, speed] = filter.state;
            println!("{:4}  {:6.3} {angle:6.3}   {:6.3} {speed:6.3}", step + 1, truth[0], truth[1]);
        }
    }
    let off = [0, 1].map(|i| (filter.state[i] - truth[i]).abs());
    assert!(off[0] < 0.02 && off[1] < 0.1, "the filter is off by {off:?}");
    Ok(())
}
