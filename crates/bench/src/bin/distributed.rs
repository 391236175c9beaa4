//! Times training steps that are shared by several processes, with sums in tree order, and for comparison the engine's own
//! all-reduce of the same number of values. Rank 0 prints a JSON line for each batch size.
//!
//! Usage: `mpirun -np 4 target/release/distributed [BATCH SIZES]`, after
//! `cargo build --release -p dualtape-bench --features mpi --bin distributed`; one thread per process.

use dualtape_bench::network::{IMAGE_LAYERS, images};
use dualtape_nn::parallel::{AllReduce, InOrder, Mpi};
use dualtape_nn::{Activation, Error, Event, Mlp, Recorded, Settings, Trainer};
use std::time::Instant;

const STEPS: usize = 40;

fn main() -> Result<(), Error> {
    let engine = Mpi::start()?;
    let sizes: Vec<usize> =
        std::env::args().skip(1).map(|text| text.parse().expect("batch sizes are whole numbers")).collect();
    for batch_size in if sizes.is_empty() { vec![64, 256, 1024] } else { sizes } {
        report(&engine, batch_size)?;
    }
    Ok(())
}

fn report(engine: &Mpi, batch_size: usize) -> Result<(), Error> {
    let data = images(batch_size * 4);
    let validation = images(10);
    let model = Mlp::new(&IMAGE_LAYERS, Activation::Tanh)?;
    let settings = Settings { epochs: usize::MAX, rate: 1e-4, threads: 1, batch_size, ..Settings::default() };
    let trainer = Trainer::new(&model, model.initialize(1), &data, &validation, &settings)?;
    let mut trainer = trainer.over(engine.clone())?;
    let mut steps = Vec::new();
    while steps.len() < STEPS {
        let start = Instant::now();
        if let Some(Event::Batch(_)) = trainer.advance()? {
            steps.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    let [in_order, plain] = sums(engine, &model, batch_size)?;
    if engine.rank() == 0 {
        let line = serde_json::json!({
            "ranks": engine.size(),
            "batch_size": batch_size,
            "us_per_step": median(steps),
            "us_sum_in_order": in_order,
            "us_all_reduce": plain,
        });
        println!("{line}");
    }
    Ok(())
}

/// The time of a sum over all processes once all have arrived: in tree order, and by the engine's own all-reduce.
fn sums(engine: &Mpi, model: &Mlp, batch_size: usize) -> Result<[f64; 2], Error> {
    let [inputs, .., outputs] = IMAGE_LAYERS;
    let recorded = Recorded::<f64>::new(model.parameter_count(), inputs + outputs, |p, x| {
        dualtape_nn::loss::cross_entropy(&model.forward(p, &x[..inputs]), 0)
    })?;
    let (mut engine, mut in_order) = (engine.clone(), InOrder::default());
    let (tree, width) = (recorded.program().sum_tree(batch_size), recorded.program().partial_len());
    let own = vec![1.0; tree.subtrees(tree.share(engine.rank(), engine.size())).len() * width];
    let mut total = vec![1.0; width];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..STEPS {
        engine.sum(&mut [0.0])?;
        let start = Instant::now();
        in_order.sum(&mut engine, &tree, &own, &mut total)?;
        times[0].push(start.elapsed().as_secs_f64() * 1e6);
        engine.sum(&mut [0.0])?;
        let start = Instant::now();
        engine.sum(&mut total)?;
        times[1].push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times.map(median))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
