//! Dot products and multiply-add chains over lanes.

use super::{Adjoints, Frame, L, UniformValues, add_to_accumulator, add_to_row};
use crate::ProgramScalar;
use crate::program::plan::schedule::Terms;
use crate::program::simd::vector::{self, with_constant};
use pulp::{Simd, WithSimd};

/// The operands of reductions, one after the other.
#[derive(Clone, Copy)]
pub(in crate::program) struct Lists<'a> {
    pub(in crate::program) operands: &'a [u32],
    pub(in crate::program) terms: &'a [Terms],
}

impl<'a> Lists<'a> {
    #[inline(always)]
    pub(in crate::program) fn slots(&self, index: usize) -> &'a [u32] {
        &self.operands[self.terms[index].list.range()]
    }

    /// The start of a chain, if it is one, and the pairs.
    #[inline(always)]
    pub(in crate::program) fn pairs(&self, chain: bool, index: usize) -> (Option<u32>, &'a [[u32; 2]]) {
        let (start, pairs) = self.slots(index).split_at(usize::from(chain));
        (start.first().copied(), pairs.as_chunks().0)
    }

    /// Where the consecutive pairs of a dot product are: the first uniform slot, the first place among varying
    /// values, and their number; and the other pairs.
    #[inline(always)]
    fn ranges<'b>(
        &self,
        pairs: &'b [[u32; 2]],
        first_varying: u32,
        index: usize,
    ) -> (InLine, &'b [[u32; 2]]) {
        match self.terms[index].in_line as usize {
            0 => (None, pairs),
            len => {
                let [a, b] = pairs[0];
                (Some((a as usize, (b - first_varying) as usize, len)), &pairs[len..])
            }
        }
    }
}

type InLine = Option<(usize, usize, usize)>;

/// Σ aᵢbᵢ over pairs of slots; a chain also has a start.
pub(in crate::program) struct Dot<'a, F> {
    pub(in crate::program) chain: bool,
    pub(in crate::program) lists: Lists<'a>,
    pub(in crate::program) uniform: UniformValues<'a, F>,
    pub(in crate::program) frame: Frame,
    /// All blocks.
    pub(in crate::program) values: &'a mut [F],
}

impl<F: ProgramScalar> Dot<'_, F> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Self { chain, lists, uniform, frame, values } = self;
        for block in 0..frame.blocks {
            let (before, z) = frame.split(block, values);
            let places = uniform.and(before);
            for (index, z) in z.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                let (start, pairs) = lists.pairs(chain, index);
                let mut sum = match start {
                    Some(start) => places.registers::<S, N>(simd, start),
                    None => [F::splat(simd, -F::zero()); N],
                };
                let (in_line, others) = lists.ranges(pairs, uniform.first_varying, index);
                if let Some((a, b, len)) = in_line {
                    let rows = &before.as_chunks::<L>().0[b..b + len];
                    for (&a, b) in uniform.values[a..a + len].iter().zip(rows) {
                        let (a, b) = (F::splat(simd, a), vector::row::<F, S, N>(b));
                        for r in 0..N {
                            sum[r] = F::multiply_add(simd, a, b[r], sum[r]);
                        }
                    }
                }
                for &[a, b] in others {
                    let (a, b) = (places.registers::<S, N>(simd, a), places.registers::<S, N>(simd, b));
                    for r in 0..N {
                        sum[r] = F::multiply_add(simd, a[r], b[r], sum[r]);
                    }
                }
                F::load_mut::<S>(z).copy_from_slice(&sum);
            }
        }
    }
}

impl<F: ProgramScalar> WithSimd for Dot<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_constant!(N = F::registers::<S>(), { self.run::<S, N>(simd) });
    }
}

/// Adds to the adjoints of the operands of dot products.
pub(in crate::program) struct DotBack<'a, 'b, F, const W: usize> {
    pub(in crate::program) chain: bool,
    pub(in crate::program) lists: Lists<'a>,
    pub(in crate::program) uniform: UniformValues<'a, F>,
    pub(in crate::program) frame: Frame,
    /// All blocks.
    pub(in crate::program) values: &'a [F],
    pub(in crate::program) adjoints: &'a mut Adjoints<'b, F, W>,
}

impl<F: ProgramScalar, const W: usize> DotBack<'_, '_, F, W> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        for block in 0..self.frame.blocks {
            let (mut adjoints, own) = self.adjoints.block(block, &self.frame);
            let values = self.frame.block(block, self.values);
            for (index, own) in own.as_chunks::<L>().0.iter().enumerate() {
                let own = vector::row::<F, S, N>(own);
                let (start, pairs) = self.lists.pairs(self.chain, index);
                if let Some(start) = start {
                    adjoints.add_product::<S, N>(simd, start, &[F::splat(simd, F::one()); N], &own);
                }
                let (in_line, mut others) = self.lists.ranges(pairs, self.uniform.first_varying, index);
                let accumulators = in_line.and_then(|(a, _, len)| adjoints.accumulator_range(a, len));
                match (in_line, accumulators) {
                    (Some((a, b, len)), Some(accumulators)) => {
                        let rows = &values.as_chunks::<L>().0[b..b + len];
                        if adjoints.to.varying {
                            let factors = &self.uniform.values[a..a + len];
                            let back = &mut adjoints.varying.as_chunks_mut::<L>().0[b..b + len];
                            for (&a, back) in factors.iter().zip(back) {
                                add_to_row::<F, S, N>(simd, back, &[F::splat(simd, a); N], &own);
                            }
                        }
                        if adjoints.to.uniform {
                            let accumulators =
                                &mut adjoints.accumulators.as_chunks_mut::<W>().0[accumulators];
                            for (b, accumulators) in rows.iter().zip(accumulators) {
                                add_to_accumulator::<F, S, N, W>(
                                    simd,
                                    accumulators,
                                    &vector::row::<F, S, N>(b),
                                    &own,
                                );
                            }
                        }
                    }
                    _ => others = pairs,
                }
                let places = self.uniform.and(values);
                for &[a, b] in others {
                    let x = places.registers::<S, N>(simd, a);
                    // A square adds to its operand once, since a second time would have to wait for the first.
                    if a == b {
                        let twice = x.map(|x| F::plus(simd, x, x));
                        adjoints.add_product::<S, N>(simd, a, &twice, &own);
                        continue;
                    }
                    let y = places.registers::<S, N>(simd, b);
                    adjoints.add_product::<S, N>(simd, a, &y, &own);
                    adjoints.add_product::<S, N>(simd, b, &x, &own);
                }
            }
        }
    }
}

impl<F: ProgramScalar, const W: usize> WithSimd for DotBack<'_, '_, F, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_constant!(N = F::registers::<S>(), { self.run::<S, N>(simd) });
    }
}
