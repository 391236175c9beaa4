//! Sums, norms and log-sum-exps over lanes.

use super::{Adjoints, Frame, L, Lanes, Lists, Places, UniformValues};
use crate::ProgramScalar;
use crate::program::ir::graph::Reduction;
use crate::rules::reductions;
use pulp::{Simd, WithSimd};

/// The message for sums of products, which are not folds.
const PRODUCTS: &str = "sums of products have their own kernels";

/// Sums, norms or log-sum-exps over slots. Returns whether a result needs more care.
pub(in crate::program) struct Fold<'a, F> {
    pub(in crate::program) reduction: Reduction,
    pub(in crate::program) lists: Lists<'a>,
    pub(in crate::program) uniform: UniformValues<'a, F>,
    pub(in crate::program) frame: Frame,
    /// All blocks.
    pub(in crate::program) values: &'a mut [F],
}

/// The terms of one reduction.
#[derive(Clone, Copy)]
struct Slots<'a, F> {
    slots: &'a [u32],
    places: Places<'a, F>,
}

impl<F: ProgramScalar> Slots<'_, F> {
    /// Folds a function of all terms, lane by lane.
    #[inline(always)]
    fn fold(&self, start: F, step: impl Fn(F, F, usize) -> F) -> Lanes<F> {
        let mut folded = [start; L];
        for &slot in self.slots {
            let x = self.places.lanes(slot);
            for lane in 0..L {
                folded[lane] = step(folded[lane], x[lane], lane);
            }
        }
        folded
    }

    /// The largest term and Σ exp(x − max), lane by lane.
    #[inline(always)]
    fn soft_total<const FMA: bool>(&self) -> (Lanes<F>, Lanes<F>) {
        let max = self.fold(F::neg_infinity(), |max, x, _| if x > max { x } else { max });
        let total = self.fold(F::zero(), |sum, x, lane| sum + (x - max[lane]).exp_lane::<FMA>());
        (max, total)
    }

    /// The value of the reduction, and whether it needs more care.
    #[inline(always)]
    fn reduce<const FMA: bool>(&self, reduction: Reduction) -> (Lanes<F>, bool) {
        match reduction {
            Reduction::LogSumExp => {
                let (max, total) = self.soft_total::<FMA>();
                let z: Lanes<F> = std::array::from_fn(|lane| max[lane] + total[lane].ln_lane::<FMA>());
                // An infinite largest term, or no term, needs limits.
                (z, z.iter().any(|z| !z.is_finite()))
            }
            Reduction::Norm => {
                let squares = self.fold(F::zero(), |sum, x, _| x.contract::<FMA>(x, sum));
                // Squares that overflow or underflow need scaling.
                (squares.map(num_traits::Float::sqrt), squares.iter().any(|square| !square.is_normal()))
            }
            Reduction::Sum => (self.fold(-F::zero(), |sum, x, _| sum + x), false),
            Reduction::Dot | Reduction::MultiplyAddChain | Reduction::ChainRule => unreachable!("{PRODUCTS}"),
        }
    }

    /// Adds to the adjoint of each term.
    #[inline(always)]
    fn gain<const FMA: bool, const W: usize>(
        &self,
        reduction: Reduction,
        z: &Lanes<F>,
        own: &Lanes<F>,
        adjoints: &mut Adjoints<'_, F, W>,
    ) {
        match reduction {
            Reduction::LogSumExp => {
                let (max, total) = self.soft_total::<FMA>();
                let share: Lanes<F> = std::array::from_fn(|lane| own[lane] / total[lane]);
                for &slot in self.slots {
                    let x = self.places.lanes(slot);
                    adjoints.add(slot, |lane| (x[lane] - max[lane]).exp_lane::<FMA>() * share[lane]);
                }
            }
            Reduction::Norm => {
                for &slot in self.slots {
                    let x = self.places.lanes(slot);
                    adjoints.add(slot, |lane| reductions::norm_derivative(x[lane], z[lane]).scale(own[lane]));
                }
            }
            Reduction::Sum => {
                for &slot in self.slots {
                    adjoints.add_lanes(slot, *own);
                }
            }
            Reduction::Dot | Reduction::MultiplyAddChain | Reduction::ChainRule => unreachable!("{PRODUCTS}"),
        }
    }
}

impl<F: ProgramScalar> WithSimd for Fold<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let Self { reduction, lists, uniform, frame, values } = self;
        with_fma!(S, FMA, {
            let mut careful = false;
            for block in 0..frame.blocks {
                let (before, z) = frame.split(block, values);
                let places = uniform.and(before);
                for (index, z) in z.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                    let slots = Slots { slots: lists.slots(index), places };
                    let (value, doubtful) = slots.reduce::<FMA>(reduction);
                    *z = value;
                    careful |= doubtful;
                }
            }
            careful
        })
    }
}

/// Adds to the adjoints of the terms of sums, norms or log-sum-exps.
pub(in crate::program) struct FoldBack<'a, 'b, F, const W: usize> {
    pub(in crate::program) reduction: Reduction,
    pub(in crate::program) lists: Lists<'a>,
    pub(in crate::program) uniform: UniformValues<'a, F>,
    pub(in crate::program) frame: Frame,
    /// All blocks.
    pub(in crate::program) values: &'a [F],
    pub(in crate::program) adjoints: &'a mut Adjoints<'b, F, W>,
}

impl<F: ProgramScalar, const W: usize> FoldBack<'_, '_, F, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for block in 0..self.frame.blocks {
            let (mut adjoints, own) = self.adjoints.block(block, &self.frame);
            let values = self.frame.block(block, self.values);
            let z = self.frame.of(values).as_chunks::<L>().0.iter();
            for (index, (own, z)) in own.as_chunks::<L>().0.iter().zip(z).enumerate() {
                let slots = Slots { slots: self.lists.slots(index), places: self.uniform.and(values) };
                slots.gain::<FMA, W>(self.reduction, z, own, &mut adjoints);
            }
        }
    }
}

impl<F: ProgramScalar, const W: usize> WithSimd for FoldBack<'_, '_, F, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        with_fma!(S, FMA, { self.run::<FMA>() });
    }
}
