//! Differential equations by the fourth-order Runge–Kutta method: y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁.

use dualtape::Differentiable;

/// The time span of the solution.
const SPAN: f64 = 2.0;

/// The number of stages of a step, which is also the number of components that a value of y reaches in one step.
pub(crate) const STAGES: usize = 4;

/// The number of components that go through all stages of a step while they are in the cache.
const BLOCK: usize = 512;

/// Solves in blocks, with memory kept between steps: the derivatives of a block, and of the components before it that
/// it depends on, at each stage.
pub(crate) struct Solver<D> {
    derivatives: [Vec<D>; STAGES],
}

impl<D: Differentiable<Scalar = f64>> Solver<D> {
    /// A solver for at most this many components.
    pub(crate) fn new(count: usize) -> Self {
        let most = count.min(BLOCK) + STAGES;
        Self { derivatives: std::array::from_fn(|_| vec![D::zero(); most]) }
    }

    /// Writes y after a number of steps.
    #[inline(always)]
    pub(crate) fn solve(&mut self, x: &[D], steps: usize, y: &mut [D]) {
        y.fill(D::zero());
        // Loops, because closures would not be compiled for the instructions of this processor.
        for _ in 0..steps {
            self.step(x, y, SPAN / steps as f64);
        }
    }

    /// Moves y forward by a step of length h. The last block goes first, since no block depends on what comes after it.
    #[inline(always)]
    fn step(&mut self, x: &[D], y: &mut [D], h: f64) {
        for start in (0..x.len()).step_by(BLOCK).rev() {
            let (first, end) = (start.saturating_sub(STAGES), x.len().min(start + BLOCK));
            self.find_derivatives(&x[first..end], &y[first..end], h, start == 0);
            self.advance(start - first, &mut y[start..end], h);
        }
    }

    /// The derivatives at the four stages. Unless the block is the first, the derivatives at its first places are
    /// wrong, but none of the block's own components needs them.
    #[inline(always)]
    fn find_derivatives(&mut self, x: &[D], y: &[D], h: f64, is_first: bool) {
        let [k1, k2, k3, k4] = &mut self.derivatives;
        if is_first {
            for k in [&mut *k1, k2, k3, k4] {
                k[0] = x[0];
            }
        }
        for (k, (&y, &x)) in k1[1..].iter_mut().zip(y.iter().zip(&x[1..])) {
            *k = x * y;
        }
        later_stage(x, y, k1, k2, h / 2.0);
        later_stage(x, y, k2, k3, h / 2.0);
        later_stage(x, y, k3, k4, h);
    }

    /// Moves the block forward, along the mean of the derivatives. `before` is the number of places before the block.
    #[inline(always)]
    fn advance(&self, before: usize, y: &mut [D], h: f64) {
        let [k1, k2, k3, k4] = &self.derivatives;
        let [k1, k2, k3, k4] = [&k1[before..], &k2[before..], &k3[before..], &k4[before..]];
        let (outer, inner) = (k1.iter().zip(k4), k2.iter().zip(k3));
        for (y, ((&k1, &k4), (&k2, &k3))) in y.iter_mut().zip(outer.zip(inner)) {
            *y += (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0);
        }
    }
}

/// The solution after a number of steps.
pub(crate) fn solve<D: Differentiable<Scalar = f64>>(x: &[D], steps: usize) -> Vec<D> {
    let mut y = vec![D::zero(); x.len()];
    Solver::new(x.len()).solve(x, steps, &mut y);
    y
}

/// The derivatives at a stage, given those at the previous stage and how far along them the stage is.
#[inline(always)]
fn later_stage<D: Differentiable<Scalar = f64>>(x: &[D], y: &[D], before: &[D], after: &mut [D], h: f64) {
    for ((after, &k), (&y, &x)) in after[1..].iter_mut().zip(before).zip(y.iter().zip(&x[1..])) {
        *after = x * (y + k * h);
    }
}
