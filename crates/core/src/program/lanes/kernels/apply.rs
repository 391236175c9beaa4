//! Operations of the rule table over lanes: their values, and the adjoints of their operands.

use super::{Adjoints, Frame, L, Lanes, Places, UniformValues};
use crate::ProgramScalar;
use crate::program::simd::fast::Fast;
use crate::rules::{Binary, Partial, Ternary, Unary, Visitor};
use pulp::{Arch, Simd, WithSimd};

/// Computes the operations of a run, for all lanes. The visited operation selects the loop.
pub(in crate::program) struct Apply<'a, F> {
    pub(in crate::program) arch: Arch,
    /// For each operand, its slot in each operation. Missing operands repeat the first.
    pub(in crate::program) slots: [&'a [u32]; 3],
    pub(in crate::program) uniform: UniformValues<'a, F>,
    pub(in crate::program) frame: Frame,
    /// All blocks.
    pub(in crate::program) values: &'a mut [F],
}

/// [`Apply`], with the operation known.
struct ApplyTo<'a, F, O> {
    op: O,
    slots: [&'a [u32]; 3],
    uniform: UniformValues<'a, F>,
    frame: Frame,
    values: &'a mut [F],
}

/// How the loops over lanes see an operation with any number of operands.
trait Rule: Copy {
    fn value<F: ProgramScalar, const FMA: bool>(self, x: [Fast<F, FMA>; 3]) -> Fast<F, FMA>;
    fn partial<F: ProgramScalar, const FMA: bool, const WHICH: usize>(
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
    fn value<F: ProgramScalar, const FMA: bool>(self, [x, ..]: [Fast<F, FMA>; 3]) -> Fast<F, FMA> {
        crate::Differentiable::unary(x, self.0)
    }
    #[inline(always)]
    fn partial<F: ProgramScalar, const FMA: bool, const WHICH: usize>(
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
    fn value<F: ProgramScalar, const FMA: bool>(self, [x, y, _]: [Fast<F, FMA>; 3]) -> Fast<F, FMA> {
        crate::Differentiable::binary(x, self.0, y)
    }
    #[inline(always)]
    fn partial<F: ProgramScalar, const FMA: bool, const WHICH: usize>(
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
    fn value<F: ProgramScalar, const FMA: bool>(self, x: [Fast<F, FMA>; 3]) -> Fast<F, FMA> {
        <Fast<F, FMA> as crate::Differentiable>::ternary(self.0, x)
    }
    #[inline(always)]
    fn partial<F: ProgramScalar, const FMA: bool, const WHICH: usize>(
        self,
        x: [Fast<F, FMA>; 3],
        z: Fast<F, FMA>,
    ) -> Partial<Fast<F, FMA>> {
        self.0.partials(x, z)[WHICH]
    }
}

impl<F: ProgramScalar> Apply<'_, F> {
    // A function for each operation: all of them in one would exhaust the registers of the loop over runs.
    #[inline(never)]
    fn to<O: Rule>(self, op: O) {
        let Self { arch, slots, uniform, frame, values } = self;
        arch.dispatch(ApplyTo { op, slots, uniform, frame, values });
    }
}

impl<F: ProgramScalar> Visitor for Apply<'_, F> {
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
fn operands<F: ProgramScalar, O: Rule>(
    _: O,
    slots: [&[u32]; 3],
    places: &Places<'_, F>,
    index: usize,
) -> [Lanes<F>; 3] {
    let x = places.lanes(slots[0][index]);
    let other = |which: usize| if which < O::ARITY { places.lanes(slots[which][index]) } else { x };
    [x, other(1), other(2)]
}

impl<F: ProgramScalar, O: Rule> WithSimd for ApplyTo<'_, F, O> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        with_fma!(S, FMA, {
            for block in 0..self.frame.blocks {
                let (before, z) = self.frame.split(block, self.values);
                let places = self.uniform.and(before);
                for (index, z) in z.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                    let [x, y, w] = operands(self.op, self.slots, &places, index);
                    for lane in 0..L {
                        let operands = [Fast::<F, FMA>(x[lane]), Fast(y[lane]), Fast(w[lane])];
                        z[lane] = self.op.value(operands).0;
                    }
                }
            }
        });
    }
}

/// Adds to the adjoints of one operand of the operations of a run. The visited operation selects the loop.
pub(in crate::program) struct ApplyBack<'a, 'b, F, const W: usize> {
    pub(in crate::program) arch: Arch,
    pub(in crate::program) slots: [&'a [u32]; 3],
    pub(in crate::program) uniform: UniformValues<'a, F>,
    pub(in crate::program) frame: Frame,
    /// All blocks.
    pub(in crate::program) values: &'a [F],
    pub(in crate::program) which: usize,
    pub(in crate::program) adjoints: &'a mut Adjoints<'b, F, W>,
}

/// [`ApplyBack`], with the operation and the operand known.
struct GainOf<'a, 'b, F, O, const W: usize, const WHICH: usize> {
    op: O,
    gain: ApplyBack<'a, 'b, F, W>,
}

impl<F: ProgramScalar, const W: usize> ApplyBack<'_, '_, F, W> {
    // See `Apply::to`.
    #[inline(never)]
    fn of<O: Rule>(self, op: O) {
        let arch = self.arch;
        match self.which {
            0 => arch.dispatch(GainOf::<F, O, W, 0> { op, gain: self }),
            1 if O::ARITY > 1 => arch.dispatch(GainOf::<F, O, W, 1> { op, gain: self }),
            _ if O::ARITY > 2 => arch.dispatch(GainOf::<F, O, W, 2> { op, gain: self }),
            _ => unreachable!("an operation has no more operands than its arity"),
        }
    }
}

impl<F: ProgramScalar, const W: usize> Visitor for ApplyBack<'_, '_, F, W> {
    type Output = ();
    #[inline(always)]
    fn unary<O: Unary>(self, op: O) {
        self.of(One(op));
    }
    #[inline(always)]
    fn binary<O: Binary>(self, op: O) {
        self.of(Two(op));
    }
    #[inline(always)]
    fn ternary<O: Ternary>(self, op: O) {
        self.of(Three(op));
    }
}

impl<F: ProgramScalar, O: Rule, const W: usize, const WHICH: usize> WithSimd
    for GainOf<'_, '_, F, O, W, WHICH>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        with_fma!(S, FMA, {
            let ApplyBack { slots, uniform, frame, values, adjoints, .. } = self.gain;
            for block in 0..frame.blocks {
                let (mut adjoints, own) = adjoints.block(block, &frame);
                let values = frame.block(block, values);
                let (places, z) = (uniform.and(values), frame.of(values).as_chunks::<L>().0);
                for (index, own) in own.as_chunks::<L>().0.iter().enumerate() {
                    let [x, y, w] = operands(self.op, slots, &places, index);
                    let z = &z[index];
                    let mut gain = [F::zero(); L];
                    for lane in 0..L {
                        let operands = [Fast::<F, FMA>(x[lane]), Fast(y[lane]), Fast(w[lane])];
                        let partial = self.op.partial::<F, FMA, WHICH>(operands, Fast(z[lane]));
                        gain[lane] = partial.scale(Fast(own[lane])).0;
                    }
                    adjoints.add(slots[WHICH][index], |lane| gain[lane]);
                }
            }
        });
    }
}
