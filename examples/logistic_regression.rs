//! Logistic regression of two generated classes, fitted twice: by gradient descent, with the gradients of a recorded
//! program over all samples, and by Newton's method, with the Hessian of the same loss. Both losses are printed and drawn
//! over each other, beside the decision boundary. The picture goes to the path given as first argument, or to the
//! temporary directory.

use dualtape::{Differentiable, Program, hessian, program::Rows};
use dualtape_plots::{Curves, DecisionBoundary, Figure, Picture, ProbabilityGrid, Window};
use nalgebra::{Matrix3, Vector3};

/// How far a point is on the side of the second class.
fn score<D: Differentiable<Scalar = f64>>(weights: &[D], x: D, y: D) -> D {
    weights[0] * x + weights[1] * y + weights[2]
}

/// The negative logarithm of the probability of a sample's class; a sample is (x, y, class).
fn loss<D: Differentiable<Scalar = f64>>(weights: &[D], sample: &[D]) -> D {
    let score = score(weights, sample[0], sample[1]);
    score.softplus() - sample[2] * score
}

fn mean_loss<D: Differentiable<Scalar = f64>>(weights: &[D], samples: &[[f64; 3]]) -> D {
    let losses = samples.iter().map(|sample| loss(weights, &sample.map(D::constant)));
    losses.sum::<D>() / samples.len() as f64
}

/// Normally distributed numbers, by SplitMix64 and the method of Box and Muller.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = Random(7);
    let samples: Vec<[f64; 3]> = (0..400)
        .map(|i| {
            let class = f64::from(i % 2);
            [random.normal() + 1.6 * class, 0.7 * random.normal() - 1.2 * class, class]
        })
        .collect();

    // Gradient descent: one program for one sample, evaluated for all samples at a time.
    let program = Program::record_with_data(loss, &[0.0; 3], &[0.0; 3])?;
    let (mut workspace, mut gradient, mut descended) = (program.batch_workspace(), [0.0; 3], [0.0; 3]);
    let rows = Rows::new(samples.as_flattened(), 3);
    let mut descent = Vec::new();
    for step in 0..=2000 {
        let loss = program.mean_gradient(&mut workspace, &descended, &rows, &mut gradient)?;
        descent.push((f64::from(step), loss));
        descended = std::array::from_fn(|i| descended[i] - 2.0 * gradient[i]);
    }

    // Newton's method: few weights, so that the whole Hessian is cheap.
    let (mut newton, mut weights) = (Vec::new(), Vector3::zeros());
    for step in 0..=8 {
        let (loss, gradient, second) = hessian(|w| mean_loss(w, &samples), weights.as_slice());
        newton.push((f64::from(step), loss));
        let second = Matrix3::from_row_slice(&second).cholesky().ok_or("the loss is not convex")?;
        weights -= second.solve(&Vector3::from_column_slice(&gradient));
    }
    println!("step  gradient descent          Newton");
    for step in 0..=8 {
        println!("{step:4}  {:16.12}  {:.12}", descent[step].1, newton[step].1);
    }
    println!(
        "2000  {:16.12}\nweights {:.6} {:.6}, bias {:.6}",
        descent[2000].1, weights[0], weights[1], weights[2]
    );

    let window = Window::around(samples.iter().map(|sample| [sample[0], sample[1]]));
    let chance = |[x, y]: [f64; 2]| score(weights.as_slice(), x, y).sigmoid();
    let grid = ProbabilityGrid::new(window, (100, 100), 2, |point| vec![1.0 - chance(point), chance(point)])?;
    let losses = Curves::new("loss", "step", "mean loss")
        .curve("gradient descent", descent[..30].iter().copied())
        .curve("Newton", newton.iter().copied());
    let points = samples.iter().map(|sample| ([sample[0], sample[1]], sample[2] as usize));
    let boundary = DecisionBoundary::new("decision boundary", grid).training(points);
    let figure = Figure::new("logistic regression").with(losses).with(boundary);
    let default = || std::env::temp_dir().join("logistic_regression.png");
    let path = std::env::args_os().nth(1).map_or_else(default, Into::into);
    std::fs::write(&path, figure.png(figure.natural_size())?)?;
    println!("drawn to {}", path.display());

    // At the minimum, the residuals are orthogonal to each column of the data: the gradient, written by hand.
    let residual = |s: &[f64; 3]| score(weights.as_slice(), s[0], s[1]).sigmoid() - s[2];
    let by_hand: Vector3<f64> = samples.iter().map(|s| Vector3::new(s[0], s[1], 1.0) * residual(s)).sum();
    assert!(by_hand.norm() < 1e-10, "{by_hand}");
    assert!((Vector3::from(descended) - weights).norm() < 1e-6, "{descended:?}");
    Ok(())
}
