//! Differential equations by Runge and Kutta's method of fourth order: y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁.

use dualtape::Differentiable;

/// The time the solution spans.
const SPAN: f64 = 2.0;

/// The stages of a step, and so how many places on a step carries a value of y.
pub(crate) const STAGES: usize = 4;

/// How many numbers go through all stages of a step while they are in cache.
const BLOCK: usize = 512;

/// Solves in blocks, with memory kept between steps: the derivatives of a block, and of the places before it that it depends
/// on, at each stage.
pub(crate) struct Solver<D> {
    derivatives: [Vec<D>; STAGES],
}

impl<D: Differentiable<Scalar = f64>> Solver<D> {
    /// For so many numbers at most.
    pub(crate) fn new(count: usize) -> Self {
        let most = count.min(BLOCK) + STAGES;
        Self { derivatives: std::array::from_fn(|_| vec![D::zero(); most]) }
    }

    /// Writes y after so many steps.
    #[inline(always)]
    pub(crate) fn solve(&mut self, x: &[D], steps: usize, y: &mut [D]) {
        y.fill(D::zero());
        // Loops rather than closures, which would not be compiled for the processor at hand.
        for _ in 0..steps {
            self.step(x, y, SPAN / steps as f64);
        }
    }

    /// Moves y on by a step of length h. The last block goes first, since the others depend on nothing behind them.
    #[inline(always)]
    fn step(&mut self, x: &[D], y: &mut [D], h: f64) {
        for start in (0..x.len()).step_by(BLOCK).rev() {
            let (first, end) = (start.saturating_sub(STAGES), x.len().min(start + BLOCK));
            self.find_derivatives(&x[first..end], &y[first..end], h, start == 0);
            self.advance(start - first, &mut y[start..end], h);
        }
    }

    /// The derivatives at the four stages. Where a block is not the first, those at its first places are not right, and needed
    /// for none of its own.
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

    /// Moves the block on, along the mean of the derivatives. So many places come before it.
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

/// The solution after so many steps.
pub(crate) fn solve<D: Differentiable<Scalar = f64>>(x: &[D], steps: usize) -> Vec<D> {
    let mut y = vec![D::zero(); x.len()];
    Solver::new(x.len()).solve(x, steps, &mut y);
    y
}

/// The derivatives at a stage, given those at the stage before and how far along them it is.
#[inline(always)]
fn later_stage<D: Differentiable<Scalar = f64>>(x: &[D], y: &[D], before: &[D], after: &mut [D], h: f64) {
    for ((after, &k), (&y, &x)) in after[1..].iter_mut().zip(before).zip(y.iter().zip(&x[1..])) {
        *after = x * (y + k * h);
    }
}
