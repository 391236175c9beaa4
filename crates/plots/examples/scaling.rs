//! Draws the speed-up of a training step with several processes, by the model of `docs/guide/src/scaling.md`:
//! `cargo run -p dualtape-plots --example scaling docs/guide/src/scaling.png`.

use dualtape_plots::{Curves, Picture};

/// Measured on one core: seconds of a step per parameter, and per parameter and sample.
const STEP: f64 = 1.5e-9;
const SAMPLE: f64 = 1.12e-10;

/// A network between the processes: seconds per message, bytes per second.
struct Network {
    latency: f64,
    bandwidth: f64,
}

const FAST: Network = Network { latency: 2e-6, bandwidth: 1e10 };
const SLOW: Network = Network { latency: 2e-5, bandwidth: 1e9 };

/// The time of a step in seconds.
fn seconds(ranks: f64, parameters: f64, batch: f64, network: &Network) -> f64 {
    const POINTS_PER_CHUNK: f64 = 32.0;
    let chunks = (batch / POINTS_PER_CHUNK).floor().clamp(1.0, (batch / 256.0).max(64.0));
    let own = (chunks / ranks).ceil() * (batch / chunks);
    let bytes = 2.0 * 8.0 * parameters * (ranks - 1.0) / ranks;
    let messages = if ranks > 1.0 { ranks - 1.0 + 2.0 * ranks.log2() } else { 0.0 };
    STEP * parameters + SAMPLE * parameters * own + bytes / network.bandwidth + messages * network.latency
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "scaling.png".to_owned());
    let mut curves = Curves::new(
        "speed-up of a step: 2 µs a message, 10 GB/s",
        "processes, as a power of two",
        "times as fast as one process",
    )
    .log_axis(true)
    .smoothing(0);
    println!("parameters | batch | network | 8 | 64 | 512");
    for (name, parameters) in [("10⁵", 1e5), ("10⁷", 1e7)] {
        for batch in [256.0, 4096.0, 65536.0, 1048576.0] {
            let speed_up = |ranks: f64, network: &Network| {
                seconds(1.0, parameters, batch, network) / seconds(ranks, parameters, batch, network)
            };
            let points = (0..=9).map(|power| (f64::from(power), speed_up(2.0_f64.powi(power), &FAST)));
            if batch < 1e6 {
                curves = curves.curve(&format!("{name} parameters, batch {batch}"), points);
            }
            for (network, speed) in [("fast", &FAST), ("slow", &SLOW)] {
                let gains = [8.0, 64.0, 512.0].map(|ranks| format!("{:.1}", speed_up(ranks, speed)));
                println!("{name} | {batch} | {network} | {}", gains.join(" | "));
            }
        }
    }
    std::fs::write(path, curves.png(curves.natural_size())?)?;
    Ok(())
}
