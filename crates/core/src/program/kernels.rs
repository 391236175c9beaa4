//! The loops over lanes, compiled once for each instruction set and picked at run time.
//!
//! Every kernel is a value with a `with_simd` that is inlined as a whole into a function compiled for the
//! processor's instructions: plain loops over arrays then become vector instructions. A closure in between
//! would be compiled without them.

use super::fast::Fast;
use super::graph::Reduction;
use super::lanes::L;
use super::schedule::Terms;
use super::vector::{self, with_registers};
use crate::Scalar;
use crate::rules::{Binary, Partial, Ternary, Unary, Visitor, reductions};
use pulp::{Arch, Simd, WithSimd};

/// One value at each of the points that go through together.
pub(super) type Lanes<F> = [F; L];

/// Whether `mul_add` is one instruction of an instruction set.
pub(super) const fn contracts<S: Simd>() -> bool {
    !S::IS_SCALAR && cfg!(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))
}

/// Runs the block with `FMA` as a constant that says what the instruction set `S` can do.
macro_rules! with_fma {
    ($S:ident, $FMA:ident, $work:block) => {
        if $crate::program::kernels::contracts::<$S>() {
            const $FMA: bool = true;
            $work
        } else {
            const $FMA: bool = false;
            $work
        }
    };
}

/// Computes the operations of a run, for all lanes. What it visits decides on the loop.
pub(super) struct Apply<'a, F> {
    pub(super) arch: Arch,
    /// For each operand, its slot in each operation. Those that the operation has not repeat the first.
    pub(super) slots: [&'a [u32]; 3],
    pub(super) places: Places<'a, F>,
    pub(super) z: &'a mut [F],
}

/// [`Apply`], with the operation known.
struct ApplyTo<'a, F, O> {
    op: O,
    slots: [&'a [u32]; 3],
    places: Places<'a, F>,
    z: &'a mut [F],
}

/// What an operation of any number of operands is to the loops over lanes.
trait Rule: Copy {
    fn value<F: Scalar, const FMA: bool>(self, x: [Fast<F, FMA>; 3]) -> Fast<F, FMA>;
    fn partial<F: Scalar, const FMA: bool, const WHICH: usize>(
        self,
        x: [Fast<F, FMA>; 3],
        z: Fast<F, FMA>,
    ) -> Partial<Fast<F, FMA>>;
    const ARITY: usize;
}

#[derive(Clone, Copy)]
struct One<O>(O);
#[derive(Clone, Copy)]
struct Two<O>(O);
#[derive(Clone, Copy)]
struct Three<O>(O);

impl<O: Unary> Rule for One<O> {
    const ARITY: usize = 1;
    #[inline(always)]
    fn value<F: Scalar, const FMA: bool>(self, [x, ..]: [Fast<F, FMA>; 3]) -> Fast<F, FMA> {
        crate::Differentiable::unary(x, self.0)
    }
    #[inline(always)]
    fn partial<F: Scalar, const FMA: bool, const WHICH: usize>(
        self,
        [x, ..]: [Fast<F, FMA>; 3],
        z: Fast<F, FMA>,
    ) -> Partial<Fast<F, FMA>> {
        self.0.partial(x, z)
    }
}

impl<O: Binary> Rule for Two<O> {
    const ARITY: usize = 2;
    #[inline(always)]
    fn value<F: Scalar, const FMA: bool>(self, [x, y, _]: [Fast<F, FMA>; 3]) -> Fast<F, FMA> {
        crate::Differentiable::binary(x, self.0, y)
    }
    #[inline(always)]
    fn partial<F: Scalar, const FMA: bool, const WHICH: usize>(
        self,
        [x, y, _]: [Fast<F, FMA>; 3],
        z: Fast<F, FMA>,
    ) -> Partial<Fast<F, FMA>> {
        if WHICH == 0 { self.0.left(x, y, z) } else { self.0.right(x, y, z) }
    }
}

impl<O: Ternary> Rule for Three<O> {
    const ARITY: usize = 3;
    #[inline(always)]
    fn value<F: Scalar, const FMA: bool>(self, x: [Fast<F, FMA>; 3]) -> Fast<F, FMA> {
        <Fast<F, FMA> as crate::Differentiable>::ternary(self.0, x)
    }
    #[inline(always)]
    fn partial<F: Scalar, const FMA: bool, const WHICH: usize>(
        self,
        x: [Fast<F, FMA>; 3],
        z: Fast<F, FMA>,
    ) -> Partial<Fast<F, FMA>> {
        self.0.partials(x, z)[WHICH]
    }
}

impl<F: Scalar> Apply<'_, F> {
    #[inline(always)]
    fn to<O: Rule>(self, op: O) {
        let Self { arch, slots, places, z } = self;
        arch.dispatch(ApplyTo { op, slots, places, z });
    }
}

impl<F: Scalar> Visitor for Apply<'_, F> {
    type Output = ();
    #[inline(always)]
    fn unary<O: Unary>(self, op: O) {
        self.to(One(op));
    }
    #[inline(always)]
    fn binary<O: Binary>(self, op: O) {
        self.to(Two(op));
    }
    #[inline(always)]
    fn ternary<O: Ternary>(self, op: O) {
        self.to(Three(op));
    }
}

/// The operands of an operation, lane by lane.
#[inline(always)]
fn operands<F: Scalar, O: Rule>(
    _: O,
    slots: [&[u32]; 3],
    places: &Places<'_, F>,
    index: usize,
) -> [Lanes<F>; 3] {
    let x = places.lanes(slots[0][index]);
    let other = |which: usize| if which < O::ARITY { places.lanes(slots[which][index]) } else { x };
    [x, other(1), other(2)]
}

impl<F: Scalar, O: Rule> WithSimd for ApplyTo<'_, F, O> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        with_fma!(S, FMA, {
            for (index, z) in self.z.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                let [x, y, w] = operands(self.op, self.slots, &self.places, index);
                for lane in 0..L {
                    let operands = [Fast::<F, FMA>(x[lane]), Fast(y[lane]), Fast(w[lane])];
                    z[lane] = self.op.value(operands).0;
                }
            }
        });
    }
}

/// Adds what one operand of the operations of a run gains. What it visits decides on the loop.
pub(super) struct Gain<'a, 'b, F, const W: usize> {
    pub(super) arch: Arch,
    pub(super) slots: [&'a [u32]; 3],
    pub(super) places: Places<'a, F>,
    pub(super) z: &'a [F],
    pub(super) own: &'a [F],
    pub(super) which: usize,
    pub(super) adjoints: &'a mut Adjoints<'b, F, W>,
}

/// [`Gain`], with the operation and the operand known.
struct GainOf<'a, 'b, F, O, const W: usize, const WHICH: usize> {
    op: O,
    gain: Gain<'a, 'b, F, W>,
}

impl<F: Scalar, const W: usize> Visitor for Gain<'_, '_, F, W> {
    type Output = ();
    #[inline(always)]
    fn unary<O: Unary>(self, op: O) {
        self.arch.dispatch(GainOf::<F, _, W, 0> { op: One(op), gain: self });
    }
    #[inline(always)]
    fn binary<O: Binary>(self, op: O) {
        match self.which {
            0 => self.arch.dispatch(GainOf::<F, _, W, 0> { op: Two(op), gain: self }),
            _ => self.arch.dispatch(GainOf::<F, _, W, 1> { op: Two(op), gain: self }),
        }
    }
    #[inline(always)]
    fn ternary<O: Ternary>(self, op: O) {
        match self.which {
            0 => self.arch.dispatch(GainOf::<F, _, W, 0> { op: Three(op), gain: self }),
            1 => self.arch.dispatch(GainOf::<F, _, W, 1> { op: Three(op), gain: self }),
            _ => self.arch.dispatch(GainOf::<F, _, W, 2> { op: Three(op), gain: self }),
        }
    }
}

impl<F: Scalar, O: Rule, const W: usize, const WHICH: usize> WithSimd for GainOf<'_, '_, F, O, W, WHICH> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        with_fma!(S, FMA, {
            let Gain { slots, places, z, own, adjoints, .. } = self.gain;
            for (index, own) in own.as_chunks::<L>().0.iter().enumerate() {
                let [x, y, w] = operands(self.op, slots, &places, index);
                let z = &z.as_chunks::<L>().0[index];
                let mut gain = [F::zero(); L];
                for lane in 0..L {
                    let operands = [Fast::<F, FMA>(x[lane]), Fast(y[lane]), Fast(w[lane])];
                    let partial = self.op.partial::<F, FMA, WHICH>(operands, Fast(z[lane]));
                    gain[lane] = partial.scale(Fast(own[lane])).0;
                }
                adjoints.add(slots[WHICH][index], |lane| gain[lane]);
            }
        });
    }
}

/// Where the operands of a reduction are: uniform values as plain numbers, varying ones lane by lane.
#[derive(Clone, Copy)]
pub(super) struct Places<'a, F> {
    pub(super) first_varying: u32,
    pub(super) uniform: &'a [F],
    pub(super) values: &'a [F],
}

impl<F: Scalar> Places<'_, F> {
    /// The lanes of a slot.
    #[inline(always)]
    fn lanes(&self, slot: u32) -> Lanes<F> {
        match slot.checked_sub(self.first_varying) {
            Some(place) => *row(self.values, place),
            None => [self.uniform[slot as usize]; L],
        }
    }
}

impl<F: Scalar> Places<'_, F> {
    /// The registers of a slot.
    #[inline(always)]
    fn registers<S: Simd, const N: usize>(&self, simd: S, slot: u32) -> [F::Vector<S>; N] {
        match slot.checked_sub(self.first_varying) {
            Some(place) => vector::row::<F, S, N>(row(self.values, place)),
            None => [F::splat(simd, self.uniform[slot as usize]); N],
        }
    }
}

/// A row of lanes among many.
#[inline(always)]
fn row<F>(all: &[F], place: u32) -> &Lanes<F> {
    &all.as_chunks::<L>().0[place as usize]
}

#[inline(always)]
fn row_mut<F>(all: &mut [F], place: u32) -> &mut Lanes<F> {
    &mut all.as_chunks_mut::<L>().0[place as usize]
}

/// The operands of reductions, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Lists<'a> {
    pub(super) operands: &'a [u32],
    pub(super) terms: &'a [Terms],
}

impl<'a> Lists<'a> {
    #[inline(always)]
    fn slots(&self, index: usize) -> &'a [u32] {
        &self.operands[self.terms[index].list.range()]
    }

    /// The start of a chain, if it is one, and the pairs.
    #[inline(always)]
    fn pairs(&self, chain: bool, index: usize) -> (Option<u32>, &'a [[u32; 2]]) {
        let (start, pairs) = self.slots(index).split_at(usize::from(chain));
        (start.first().copied(), pairs.as_chunks().0)
    }

    /// Where the pairs of a dot product lie that are in line: the first uniform slot, the first place among
    /// varying values, and how many they are.
    #[inline(always)]
    fn ranges(&self, pairs: &[[u32; 2]], first_varying: u32, index: usize) -> Option<(usize, usize, usize)> {
        let [a, b] = *pairs.first().filter(|_| self.terms[index].in_line)?;
        Some((a as usize, (b - first_varying) as usize, pairs.len()))
    }
}

/// Σ aᵢbᵢ over pairs of slots; a chain has a start, too.
pub(super) struct Dot<'a, F> {
    pub(super) chain: bool,
    pub(super) lists: Lists<'a>,
    pub(super) places: Places<'a, F>,
    pub(super) z: &'a mut [F],
}

impl<F: Scalar> Dot<'_, F> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Self { chain, lists, places, z } = self;
        for (index, z) in z.as_chunks_mut::<L>().0.iter_mut().enumerate() {
            let (start, pairs) = lists.pairs(chain, index);
            let mut sum = match start {
                Some(start) => places.registers::<S, N>(simd, start),
                None => [F::splat(simd, -F::zero()); N],
            };
            if let Some((a, b, len)) = lists.ranges(pairs, places.first_varying, index) {
                let rows = &places.values.as_chunks::<L>().0[b..b + len];
                for (&a, b) in places.uniform[a..a + len].iter().zip(rows) {
                    let (a, b) = (F::splat(simd, a), vector::row::<F, S, N>(b));
                    for r in 0..N {
                        sum[r] = F::multiply_add(simd, a, b[r], sum[r]);
                    }
                }
            } else {
                for &[a, b] in pairs {
                    let (a, b) = (places.registers::<S, N>(simd, a), places.registers::<S, N>(simd, b));
                    for r in 0..N {
                        sum[r] = F::multiply_add(simd, a[r], b[r], sum[r]);
                    }
                }
            }
            F::load_mut::<S>(z).copy_from_slice(&sum);
        }
    }
}

impl<F: Scalar> WithSimd for Dot<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_registers!(F, S, N, { self.run::<S, N>(simd) });
    }
}

/// Sums, norms or log-sum-exps over slots. Says whether a result needs more care.
pub(super) struct Fold<'a, F> {
    pub(super) reduction: Reduction,
    pub(super) lists: Lists<'a>,
    pub(super) places: Places<'a, F>,
    pub(super) z: &'a mut [F],
}

/// The terms of one reduction.
#[derive(Clone, Copy)]
struct Slots<'a, F> {
    slots: &'a [u32],
    places: Places<'a, F>,
}

impl<F: Scalar> Slots<'_, F> {
    /// Folds something of all terms, lane by lane.
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

    /// The reduction's value, and whether it needs more care.
    #[inline(always)]
    fn reduce<const FMA: bool>(&self, reduction: Reduction) -> (Lanes<F>, bool) {
        match reduction {
            Reduction::LogSumExp => {
                let (max, total) = self.soft_total::<FMA>();
                let z: Lanes<F> = std::array::from_fn(|lane| max[lane] + total[lane].ln_lane::<FMA>());
                // An infinite term, or none, is a matter of limits.
                (z, z.iter().any(|z| !z.is_finite()))
            }
            Reduction::Norm => {
                let squares = self.fold(F::zero(), |sum, x, _| x.contract::<FMA>(x, sum));
                // Squares that overflow or vanish need scaling.
                (squares.map(num_traits::Float::sqrt), squares.iter().any(|square| !square.is_normal()))
            }
            _ => (self.fold(-F::zero(), |sum, x, _| sum + x), false),
        }
    }
}

impl<F: Scalar> WithSimd for Fold<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let Self { reduction, lists, places, z } = self;
        with_fma!(S, FMA, {
            let mut careful = false;
            for (index, z) in z.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                let slots = Slots { slots: lists.slots(index), places };
                let (value, doubtful) = slots.reduce::<FMA>(reduction);
                *z = value;
                careful |= doubtful;
            }
            careful
        })
    }
}

/// Whose adjoints a sweep adds to.
#[derive(Clone, Copy, Debug)]
pub(super) struct To {
    pub(super) varying: bool,
    pub(super) uniform: bool,
}

/// Where adjoints go: those of varying values lane by lane, those of uniform values `W` numbers wide.
pub(super) struct Adjoints<'a, F, const W: usize> {
    pub(super) first_varying: u32,
    pub(super) to: To,
    pub(super) varying: &'a mut [F],
    /// Of each uniform slot, the place among the wide adjoints; constants share one that nobody reads.
    pub(super) wide_of: &'a [u32],
    pub(super) wide: &'a mut [F],
}

impl<F: Scalar, const W: usize> Adjoints<'_, F, W> {
    /// Adds to the adjoint of a slot, lane by lane.
    #[inline(always)]
    fn add_lanes(&mut self, slot: u32, gain: &Lanes<F>) {
        match slot.checked_sub(self.first_varying) {
            Some(place) if self.to.varying => {
                for (adjoint, gain) in row_mut(self.varying, place).iter_mut().zip(gain) {
                    *adjoint += *gain;
                }
            }
            None if self.to.uniform => {
                let wide = &mut self.wide.as_chunks_mut::<W>().0[self.wide_of[slot as usize] as usize];
                for gain in gain.as_chunks::<W>().0 {
                    for lane in 0..W {
                        wide[lane] += gain[lane];
                    }
                }
            }
            _ => {}
        }
    }

    /// The same, of a gain that is computed lane by lane.
    #[inline(always)]
    pub(super) fn add(&mut self, slot: u32, gain: impl Fn(usize) -> F) {
        self.add_lanes(slot, &std::array::from_fn(gain));
    }

    /// Adds a product to the adjoint of a slot.
    #[inline(always)]
    fn add_product<S: Simd, const N: usize>(
        &mut self,
        simd: S,
        slot: u32,
        a: &[F::Vector<S>; N],
        b: &[F::Vector<S>; N],
    ) {
        match slot.checked_sub(self.first_varying) {
            Some(place) if self.to.varying => {
                add_to_row::<F, S, N>(simd, row_mut(self.varying, place), a, b);
            }
            None if self.to.uniform => {
                let wide = &mut self.wide.as_chunks_mut::<W>().0[self.wide_of[slot as usize] as usize];
                add_to_wide::<F, S, N, W>(simd, wide, a, b);
            }
            _ => {}
        }
    }

    /// The places of consecutive uniform slots among the wide adjoints, if they are consecutive, too.
    #[inline(always)]
    fn wide_range(&self, first: usize, len: usize) -> Option<std::ops::Range<usize>> {
        let (start, end) = (self.wide_of[first] as usize, self.wide_of[first + len - 1] as usize + 1);
        (start + len == end).then_some(start..end)
    }
}

/// Adds what the operands of dot products gain.
pub(super) struct DotBack<'a, 'b, F, const W: usize> {
    pub(super) chain: bool,
    pub(super) lists: Lists<'a>,
    pub(super) places: Places<'a, F>,
    pub(super) own: &'a [F],
    pub(super) adjoints: &'a mut Adjoints<'b, F, W>,
}

impl<F: Scalar, const W: usize> DotBack<'_, '_, F, W> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Self { chain, lists, places, own, adjoints } = self;
        for (index, own) in own.as_chunks::<L>().0.iter().enumerate() {
            let own = vector::row::<F, S, N>(own);
            let (start, pairs) = lists.pairs(chain, index);
            if let Some(start) = start {
                adjoints.add_product::<S, N>(simd, start, &[F::splat(simd, F::one()); N], &own);
            }
            if let Some((a, b, len)) = lists.ranges(pairs, places.first_varying, index)
                && adjoints.to.varying
                && let Some(wide) = adjoints.wide_range(a, len)
            {
                let uniform = &places.uniform[a..a + len];
                let rows = &places.values.as_chunks::<L>().0[b..b + len];
                let back = &mut adjoints.varying.as_chunks_mut::<L>().0[b..b + len];
                for (&a, back) in uniform.iter().zip(back) {
                    add_to_row::<F, S, N>(simd, back, &[F::splat(simd, a); N], &own);
                }
                if adjoints.to.uniform {
                    for (b, wide) in rows.iter().zip(&mut adjoints.wide.as_chunks_mut::<W>().0[wide]) {
                        add_to_wide::<F, S, N, W>(simd, wide, &vector::row::<F, S, N>(b), &own);
                    }
                }
                continue;
            }
            for &[a, b] in pairs {
                let (x, y) = (places.registers::<S, N>(simd, a), places.registers::<S, N>(simd, b));
                adjoints.add_product::<S, N>(simd, a, &y, &own);
                adjoints.add_product::<S, N>(simd, b, &x, &own);
            }
        }
    }
}

/// Adds a product to a row of lanes.
#[inline(always)]
fn add_to_row<F: Scalar, S: Simd, const N: usize>(
    simd: S,
    row: &mut [F],
    a: &[F::Vector<S>; N],
    b: &[F::Vector<S>; N],
) {
    for (r, register) in F::load_mut::<S>(row).iter_mut().enumerate() {
        *register = F::multiply_add(simd, a[r], b[r], *register);
    }
}

/// Adds a product to a wide adjoint, into which the lanes are folded.
#[inline(always)]
fn add_to_wide<F: Scalar, S: Simd, const N: usize, const W: usize>(
    simd: S,
    wide: &mut [F; W],
    a: &[F::Vector<S>; N],
    b: &[F::Vector<S>; N],
) {
    let registers = N * W / L;
    for (r, register) in F::load_mut::<S>(wide).iter_mut().enumerate() {
        for part in 0..L / W {
            let from = part * registers + r;
            *register = F::multiply_add(simd, a[from], b[from], *register);
        }
    }
}

impl<F: Scalar, const W: usize> WithSimd for DotBack<'_, '_, F, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_registers!(F, S, N, { self.run::<S, N>(simd) });
    }
}

/// Adds what the terms of sums, norms or log-sum-exps gain.
pub(super) struct FoldBack<'a, 'b, F, const W: usize> {
    pub(super) reduction: Reduction,
    pub(super) lists: Lists<'a>,
    pub(super) places: Places<'a, F>,
    pub(super) z: &'a [F],
    pub(super) own: &'a [F],
    pub(super) adjoints: &'a mut Adjoints<'b, F, W>,
}

impl<F: Scalar, const W: usize> WithSimd for FoldBack<'_, '_, F, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { reduction, lists, places, z, own, adjoints } = self;
        with_fma!(S, FMA, {
            let z = z.as_chunks::<L>().0.iter();
            for (index, (own, z)) in own.as_chunks::<L>().0.iter().zip(z).enumerate() {
                let slots = Slots { slots: lists.slots(index), places };
                match reduction {
                    Reduction::LogSumExp => {
                        let (max, total) = slots.soft_total::<FMA>();
                        let share: Lanes<F> = std::array::from_fn(|lane| own[lane] / total[lane]);
                        for &slot in slots.slots {
                            let x = places.lanes(slot);
                            adjoints.add(slot, |lane| (x[lane] - max[lane]).exp_lane::<FMA>() * share[lane]);
                        }
                    }
                    Reduction::Norm => {
                        for &slot in slots.slots {
                            let x = places.lanes(slot);
                            adjoints
                                .add(slot, |lane| reductions::norm_slope(x[lane], z[lane]).scale(own[lane]));
                        }
                    }
                    _ => {
                        for &slot in slots.slots {
                            adjoints.add_lanes(slot, own);
                        }
                    }
                }
            }
        });
    }
}

/// Whether all numbers are finite.
pub(super) struct AllFinite<'a, F>(pub(super) &'a [F]);

impl<F: Scalar> WithSimd for AllFinite<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        // Without a way out in between, it is one comparison a register.
        self.0.iter().fold(true, |all, x| all & (x.abs() < F::infinity()))
    }
}

/// Adds numbers to others, one by one.
pub(super) struct AddTo<'a, F> {
    pub(super) sums: &'a mut [F],
    pub(super) terms: &'a [F],
}

impl<F: Scalar> WithSimd for AddTo<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (sum, &term) in self.sums.iter_mut().zip(self.terms) {
            *sum += term;
        }
    }
}
