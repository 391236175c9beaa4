//! A custom training loop over MPI, without the trainer of this crate: each process takes the gradient of its own
//! points, and one all-reduce adds the gradients. Build it, then start any number of processes:
//!
//! ```sh
//! cargo build --release -p dualtape-nn --features mpi --example mpi
//! mpirun -np 4 target/release/examples/mpi
//! ```
//!
//! The bits of such a sum depend on the number of processes; use `SumTree` and `Trainer::over` for sums that do not.

use dualtape::{Float, Program, program::Rows};
use mpi::{collective::SystemOperation, traits::*};

fn main() -> Result<(), dualtape::Error> {
    let universe = mpi::initialize().expect("MPI is started once");
    let world = universe.world();
    // Points on y = 2x + 1; each process has different points.
    let x = (0..1000).map(|i| f64::from(world.rank() + i * world.size()) / 1000.0);
    let points: Vec<f64> = x.flat_map(|x| [x, 2.0 * x + 1.0]).collect();
    let miss = Program::record_with_data(|p, x| (p[0] * x[0] + p[1] - x[1]).powi(2), &[0.0; 2], &[0.0; 2])?;
    let (mut batch, mut line, mut own, mut all) = (miss.batch_workspace(), [0.0; 2], [0.0; 2], [0.0; 2]);
    for _ in 0..2000 {
        miss.sum_gradient(&mut batch, &line, &Rows::new(&points, 2), &mut own)?;
        world.all_reduce_into(&own, &mut all, SystemOperation::sum());
        let rate = 0.05 / f64::from(1000 * world.size() * world.size());
        line = [line[0] - rate * all[0], line[1] - rate * all[1]];
    }
    if world.rank() == 0 {
        println!("found {line:.3?} with {} processes, expected [2.000, 1.000]", world.size());
    }
    Ok(())
}
