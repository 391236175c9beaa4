//! Robertson's three reactions differ in speed by nine orders of magnitude, so that an explicit method would need steps
//! of less than a thousandth of a second to the end. The crate diffsol follows them for 10¹¹ seconds by backward
//! differentiation formulas, which solve equations with the Jacobian in each step. Products with the Jacobian come from
//! dualtape, from the same function as the rates. The concentrations are drawn, to the path given as first argument or to
//! the temporary directory; the last ones are compared with published values.
//!
//! `cargo run --release -p dualtape-examples --example stiff_reactions`

use diffsol::{MatrixCommon, NalgebraLU, NalgebraMat, OdeBuilder, OdeSolverMethod};
use dualtape::{Differentiable, jvp};
use dualtape_plots::{Curves, Picture};

/// How fast the concentrations of A, B and C change: A → B slowly, 2 B → B + C fast, and B + C → A + C.
fn rates<D: Differentiable<Scalar = f64>>(y: &[D]) -> Vec<D> {
    let (slow, fast, back) = (y[0] * 0.04, y[1] * y[1] * 3e7, y[1] * y[2] * 1e4);
    vec![back - slow, slow - back - fast, fast]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = OdeBuilder::<NalgebraMat<f64>>::new()
        .rtol(1e-8)
        .atol([1e-14, 1e-18, 1e-14])
        .rhs_implicit(
            |y: &[f64], _parameters, _time, change| change.copy_from_slice(&rates(y)),
            |y: &[f64], _parameters, _time, direction, product| {
                let (_, moves) =
                    jvp(rates, y, direction).expect("a direction has a number for each concentration");
                product.copy_from_slice(&moves);
            },
        )
        .init(|_parameters, _time, y| y.copy_from_slice(&[1.0, 0.0, 0.0]), 3)
        .build()?;

    // Sixteen times in each decade, from 10⁻⁶ to 10¹¹ seconds.
    let decades: Vec<f64> = (-96..=176).map(|i| f64::from(i) / 16.0).collect();
    let times: Vec<f64> = decades.iter().map(|decade| 10_f64.powf(*decade)).collect();
    let mut solver = problem.bdf::<NalgebraLU<f64>>()?;
    let (solution, _) = solver.solve_dense(&times)?;
    let states = solution.inner();
    println!("{} steps to {:.0e} s", solver.get_statistics().number_of_steps, times[times.len() - 1]);

    println!("    time       A           B           C");
    for (i, time) in times.iter().enumerate().skip(96).step_by(32) {
        println!("{time:8.0e} {:11.4e} {:11.4e} {:11.4e}", states[(0, i)], states[(1, i)], states[(2, i)]);
    }

    let mut picture = Curves::new("Robertson's reactions", "decimal logarithm of the time", "concentration");
    for (row, name, scale) in [(0, "A", 1.0), (1, "B · 10⁴", 1e4), (2, "C", 1.0)] {
        let curve = decades.iter().enumerate().map(|(i, decade)| (*decade, states[(row, i)] * scale));
        picture = picture.curve(name, curve);
    }
    let default = || std::env::temp_dir().join("stiff_reactions.png");
    let path = std::env::args_os().nth(1).map_or_else(default, Into::into);
    std::fs::write(&path, picture.png(picture.natural_size())?)?;
    println!("drawn to {}", path.display());

    // Nothing is lost, and the end is that of the Test Set for IVP Solvers (Mazzia and Magherini, 2008).
    let end = states.column(times.len() - 1);
    let published = [0.208_334_014_970_125_5e-7, 0.833_336_077_033_471_3e-13, 0.999_999_979_166_505];
    for (found, expected) in end.iter().zip(published) {
        assert!((found / expected - 1.0).abs() < 1e-4, "{end} {published:?}");
    }
    assert!(states.column_iter().all(|state| (state.sum() - 1.0).abs() < 1e-9));
    Ok(())
}
