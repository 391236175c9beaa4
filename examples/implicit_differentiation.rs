//! A cable of springs hangs where its energy is least. The Jacobian of its joints' heights with respect to the weights on
//! them follows from the minimum alone, not from the iterations that found it. It is printed, and serves Newton's method
//! to find the weights under which the cable hangs along a circle. Theorems of mechanics (Maxwell, Castigliano) and
//! differences confirm it.

use dualtape::implicit::{Objective, minimum};
use dualtape::{Differentiable, Error, gradient_forward, hessian, jacobian_forward};
use nalgebra::{DMatrix, DVector, SMatrix, SVector};

const JOINTS: usize = 5;
type Weights = SVector<f64, JOINTS>;
type Matrix = SMatrix<f64, JOINTS, JOINTS>;

/// Springs from (0, 0) over the joints to (1, 0). Unknowns: x and y of each joint. Parameters: the weights.
#[derive(Clone)]
struct Cable;

impl Objective for Cable {
    type Scalar = f64;
    fn unknowns(&self) -> usize {
        2 * JOINTS
    }
    fn value<D: Differentiable<Scalar = f64>>(&self, z: &[D], weights: &[D]) -> D {
        let mut points = vec![[D::zero(), D::zero()]];
        points.extend(z.chunks_exact(2).map(|joint| [joint[0], joint[1]]));
        points.push([D::one(), D::zero()]);
        // Each spring has stiffness 20, and is 0.1 long when nothing pulls.
        let stretch = |w: &[[D; 2]]| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1]) - 0.1;
        let elastic = points.windows(2).map(|w| stretch(w).powi(2) * 10.0).sum::<D>();
        elastic + weights.iter().zip(&points[1..]).map(|(&weight, point)| weight * point[1]).sum::<D>()
    }
    /// By Newton's method, from a straight cable.
    fn minimize(&self, weights: &[f64]) -> Result<Vec<f64>, Error> {
        let straight = (1..=JOINTS).flat_map(|i| [i as f64 / (JOINTS + 1) as f64, 0.0]);
        let mut z = DVector::from_iterator(2 * JOINTS, straight);
        for _ in 0..30 {
            let (_, first, second) = hessian(
                |z| self.value(z, &weights.iter().map(|&weight| weight.into()).collect::<Vec<_>>()),
                z.as_slice(),
            );
            let second = DMatrix::from_row_slice(2 * JOINTS, 2 * JOINTS, &second);
            let slack = || Error::Rule { rule: "cable", reason: "it is slack".into() };
            z -= second.lu().solve(&DVector::from_vec(first)).ok_or_else(slack)?;
        }
        Ok(z.as_slice().to_vec())
    }
}

/// The heights of the joints.
fn heights<D: Differentiable<Scalar = f64>>(weights: &[D]) -> Vec<D> {
    let joints = minimum(&Cable, weights).expect("the energy has a minimum");
    joints.chunks_exact(2).map(|joint| joint[1]).collect()
}

fn main() {
    // A circle through both ends, with its centre above the cable: 0.25 deep and of radius 0.625.
    let places = Weights::from_fn(|i, _| (i + 1) as f64 / (JOINTS + 1) as f64 - 0.5);
    let target = places.map(|x| 0.375 - (0.625_f64.powi(2) - x * x).sqrt());
    let mut weights = Weights::repeat(0.5);
    let mut jacobian = Matrix::zeros();
    println!("step     miss  weights");
    for step in 0..5 {
        let (at, rows) = jacobian_forward(heights, weights.as_slice());
        jacobian = Matrix::from_row_slice(&rows);
        let miss = Weights::from_vec(at) - target;
        println!("{step:4}  {:7.1e}  {:.4?}", miss.norm(), weights.as_slice());
        weights -= jacobian.lu().solve(&miss).expect("each weight lowers its joint");
    }
    println!("derivatives of the heights with respect to the weights:{jacobian:.4}");
    let reached = Weights::from_vec(heights(weights.as_slice()));
    assert!((reached - target).norm() < 1e-12);

    // Maxwell: the height of one joint moves with the weight on another as the other way round.
    assert!((jacobian - jacobian.transpose()).amax() < 1e-12);
    // Castigliano: the derivative of the least energy with respect to a weight is the height of its joint.
    let least = |w: &[_]| Cable.value(&minimum(&Cable, w).expect("the energy has a minimum"), w);
    let (_, derivatives) = gradient_forward(least, weights.as_slice());
    assert!((Weights::from_vec(derivatives) - reached).amax() < 1e-12);
    for joint in 0..JOINTS {
        let moved = |by: f64| Weights::from_vec(heights((weights + Weights::ith(joint, by)).as_slice()));
        let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((difference - jacobian.column(joint)).amax() < 1e-8, "joint {joint}");
    }
}
