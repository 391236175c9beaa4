//! The runs whose results are the same at every point, in plain numbers: forward, and in reverse.
//!
//! Values have the bits of the function. So have derivatives, except for the order in which adjoints are added.

use crate::ProgramScalar;
use crate::program::ir::graph::{Affine, List};
use crate::program::ir::walk::{contribution, pull_back_reduction, pull_back_row, reduce};
use crate::program::plan::Wrt;
use crate::program::plan::groups::GROUPS_VARY;
use crate::program::plan::schedule::{Access, Operand, Schedule, Step};
use crate::rules::{Binary, Op, Partial, Ternary, Unary, Visitor};
use std::ops::Range;

/// How many operations are computed together if operands must be gathered first.
const PIECE: usize = 128;

/// Room for the operands of a piece of a run.
#[derive(Clone, Debug)]
pub(in crate::program) struct Scratch<F>([Vec<F>; 4]);

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self([const { Vec::new() }; 4])
    }
}

/// Computes the results of some runs from the values before them.
pub(in crate::program) fn forward<F: ProgramScalar>(
    schedule: &Schedule,
    runs: Range<usize>,
    values: &mut [F],
    scratch: &mut Scratch<F>,
) {
    for run in &schedule.runs[runs] {
        let (before, results) = values.split_at_mut(run.first as usize);
        let results = &mut results[..run.count as usize];
        match run.step {
            Step::Apply(op, operands) => {
                for (start, len) in pieces(&operands, results.len()) {
                    let Scratch([a, b, c, _]) = scratch;
                    let gather =
                        |which: usize, scratch| schedule.gather(operands[which], start, len, before, scratch);
                    let x = [gather(0, a), gather(1, b), gather(2, c)];
                    op.visit(Forward { x, z: &mut results[start..start + len] });
                }
            }
            Step::Reduce(reduction, first, ..) => {
                for (z, terms) in results.iter_mut().zip(&schedule.terms[first as usize..]) {
                    *z = reduce(reduction, schedule.list(terms.list).map(|slot| before[slot]));
                }
            }
            Step::Products(..) => unreachable!("{GROUPS_VARY}"),
            Step::Affine(affine, _) => {
                for (z, row) in results.iter_mut().zip(0..) {
                    let x = schedule.list(affine.x).map(|slot| before[slot]);
                    let (weights, bias) = (affine.row(row), before[(affine.bias + row) as usize]);
                    *z = F::dot_pairs(before[weights].iter().copied().zip(x), Some(bias));
                }
            }
        }
    }
}

/// Propagates adjoints back through some runs.
///
/// Without `POLICY`, a zero does not win over ∞ or NaN: the result then contains a NaN, which the caller must look
/// for.
pub(in crate::program) fn reverse<F: ProgramScalar, const POLICY: bool>(
    schedule: &Schedule,
    runs: Range<usize>,
    wrt: Wrt,
    values: &[F],
    adjoints: &mut [F],
    scratch: &mut Scratch<F>,
) {
    for run in schedule.runs[runs].iter().rev() {
        let (before, own) = adjoints.split_at_mut(run.first as usize);
        let own = &own[..run.count as usize];
        if run.count == 1 && own[0].is_identically_zero() {
            continue;
        }
        let z = &values[run.first as usize..][..run.count as usize];
        match run.step {
            Step::Apply(op, operands) => {
                let sweep = Sweep { schedule, op, operands, values, z, own };
                for (which, operand) in operands.iter().enumerate().take(op.arity()) {
                    if wrt.wants(operand.class) {
                        sweep.operand::<POLICY>(which, before, scratch);
                    }
                }
            }
            Step::Reduce(reduction, first, ..) => {
                for ((&z, &own), terms) in z.iter().zip(own).zip(&schedule.terms[first as usize..]) {
                    if !own.is_identically_zero() {
                        pull_back_reduction::<F, POLICY>(
                            reduction,
                            schedule.list(terms.list),
                            values,
                            z,
                            own,
                            before,
                        );
                    }
                }
            }
            Step::Products(..) => unreachable!("{GROUPS_VARY}"),
            Step::Affine(affine, _) => {
                pull_back_affine::<F, POLICY>(schedule, &affine, values, z, own, before);
            }
        }
    }
}

impl Schedule {
    /// The slots of a list.
    pub(in crate::program) fn list(&self, list: List) -> impl Iterator<Item = usize> + Clone + '_ {
        self.operands[list.range()].iter().map(|&slot| slot as usize)
    }

    /// The slot of an operand in one operation of a run.
    #[inline(always)]
    fn slot(&self, operand: Operand, index: usize) -> usize {
        self.operands[operand.list as usize + index] as usize
    }

    /// The operands of a piece of a run, one after the other.
    #[inline(always)]
    fn gather<'a, F: Copy>(
        &self,
        operand: Operand,
        start: usize,
        len: usize,
        values: &'a [F],
        scratch: &'a mut Vec<F>,
    ) -> &'a [F] {
        if len == 1 && operand.access != Access::None {
            return std::slice::from_ref(&values[self.slot(operand, start)]);
        }
        match operand.access {
            Access::Range(first) => &values[first as usize + start..][..len],
            Access::One(slot) => {
                scratch.clear();
                scratch.resize(len, values[slot as usize]);
                scratch
            }
            Access::None => &[],
            Access::List => {
                scratch.clear();
                let slots = &self.operands[operand.list as usize + start..][..len];
                scratch.extend(slots.iter().map(|&slot| values[slot as usize]));
                scratch
            }
        }
    }
}

/// The parts of a run: the whole run if nothing must be gathered.
fn pieces(operands: &[Operand; 3], count: usize) -> impl Iterator<Item = (usize, usize)> {
    let in_place = operands.iter().all(|operand| matches!(operand.access, Access::Range(_) | Access::None));
    let piece = if in_place { count } else { PIECE };
    // `step_by` would divide, which takes longer than a run of one operation.
    let mut done = 0;
    std::iter::from_fn(move || {
        let start = done;
        done = count.min(start + piece);
        (start < done).then_some((start, done - start))
    })
}

/// Computes one operation, side by side with similar ones.
pub(in crate::program) struct Forward<'a, F> {
    pub(in crate::program) x: [&'a [F]; 3],
    pub(in crate::program) z: &'a mut [F],
}

// Each operation has its own function: all of them in one would exhaust the registers of the loop over runs.
impl<F: ProgramScalar> Visitor for Forward<'_, F> {
    type Output = ();

    #[inline(never)]
    fn unary<O: Unary>(self, op: O) {
        for (z, &x) in self.z.iter_mut().zip(self.x[0]) {
            *z = x.unary(op);
        }
    }

    #[inline(never)]
    fn binary<O: Binary>(self, op: O) {
        for (z, (&x, &y)) in self.z.iter_mut().zip(self.x[0].iter().zip(self.x[1])) {
            *z = x.binary(op, y);
        }
    }

    #[inline(never)]
    fn ternary<O: Ternary>(self, op: O) {
        for (i, z) in self.z.iter_mut().enumerate() {
            *z = F::ternary(op, self.x.map(|x| x[i]));
        }
    }
}

/// The reverse sweep through one run.
struct Sweep<'a, F> {
    schedule: &'a Schedule,
    op: Op,
    operands: [Operand; 3],
    values: &'a [F],
    z: &'a [F],
    own: &'a [F],
}

impl<F: ProgramScalar> Sweep<'_, F> {
    /// Adds to the adjoints of one operand.
    fn operand<const POLICY: bool>(&self, which: usize, before: &mut [F], scratch: &mut Scratch<F>) {
        // One by one, if an operation may have the same operand twice; see `Pullback::twin`.
        let one_by_one = POLICY && self.op.arity() == 2;
        let (single, together) = if one_by_one { (self.z.len(), 0) } else { (0, self.z.len()) };
        let ones = (0..single).map(|start| (start, 1));
        for (start, len) in ones.chain(pieces(&self.operands, together)) {
            let slot = |which: usize| self.schedule.slot(self.operands[which], start);
            let twin = one_by_one && slot(0) == slot(1);
            let Scratch([a, b, c, gain]) = scratch;
            let gather = |which: usize, scratch| {
                self.schedule.gather(self.operands[which], start, len, self.values, scratch)
            };
            let x = [gather(0, a), gather(1, b), gather(2, c)];
            let (z, own) = (&self.z[start..start + len], &self.own[start..start + len]);
            let operand = self.operands[which];
            if len == 1 || matches!(operand.access, Access::Range(_)) {
                let gain = &mut before[self.schedule.slot(operand, start)..][..len];
                self.op.visit(Pullback::<F, POLICY> { x, z, own, which, twin, gain });
                continue;
            }
            gain.clear();
            gain.resize(len, F::zero());
            self.op.visit(Pullback::<F, POLICY> { x, z, own, which, twin, gain });
            match self.operands[which].access {
                Access::List => {
                    let list = self.operands[which].list as usize;
                    let slots = &self.schedule.operands[list + start..][..len];
                    for (&slot, &gain) in slots.iter().zip(&*gain) {
                        before[slot as usize] += gain;
                    }
                }
                Access::Range(_) | Access::None => {}
                Access::One(slot) => {
                    before[slot as usize] += gain.iter().copied().fold(F::zero(), |sum, gain| sum + gain);
                }
            }
        }
    }
}

/// The chain rule for one operand of one operation, side by side with similar ones.
struct Pullback<'a, F, const POLICY: bool> {
    x: [&'a [F]; 3],
    z: &'a [F],
    own: &'a [F],
    which: usize,
    /// Whether both operands are the same. Their partial derivatives are then added before they are multiplied, as on
    /// a tape, so that terms which cancel do not contribute to an infinite adjoint.
    twin: bool,
    gain: &'a mut [F],
}

impl<F: ProgramScalar, const POLICY: bool> Pullback<'_, F, POLICY> {
    #[inline(always)]
    fn add(self, partial: impl Fn(usize, F) -> Partial<F>) {
        for (i, ((gain, &own), &z)) in self.gain.iter_mut().zip(self.own).zip(self.z).enumerate() {
            *gain += contribution::<F, POLICY>(&z, own, || partial(i, z));
        }
    }
}

impl<F: ProgramScalar, const POLICY: bool> Visitor for Pullback<'_, F, POLICY> {
    type Output = ();

    #[inline(never)]
    fn unary<O: Unary>(self, op: O) {
        if O::STOPS {
            return;
        }
        let x = &self.x[0][..self.z.len()];
        self.add(|i, z| op.partial(x[i], z));
    }

    #[inline(never)]
    fn binary<O: Binary>(self, op: O) {
        let [x, y] = [0, 1].map(|which| &self.x[which][..self.z.len()]);
        match self.which {
            0 if self.twin => {
                self.add(|i, z| {
                    Partial::Of(op.left(x[i], y[i], z).number() + op.right(x[i], y[i], z).number())
                });
            }
            1 if self.twin => {}
            0 => self.add(|i, z| op.left(x[i], y[i], z)),
            _ => self.add(|i, z| op.right(x[i], y[i], z)),
        }
    }

    #[inline(never)]
    fn ternary<O: Ternary>(self, op: O) {
        let (x, which) = (self.x, self.which);
        let partial = |i: usize, z| op.partials(x.map(|x| x[i]), z)[which];
        if O::SELECTS {
            // The operand that is not selected has no effect, even if the result is NaN.
            for (i, ((gain, &own), &z)) in self.gain.iter_mut().zip(self.own).zip(self.z).enumerate() {
                *gain += partial(i, z).times(own);
            }
            return;
        }
        self.add(partial);
    }
}

/// Adds to the adjoints of the weights, the biases and the vector of an affine map.
fn pull_back_affine<F: ProgramScalar, const POLICY: bool>(
    schedule: &Schedule,
    affine: &Affine,
    values: &[F],
    z: &[F],
    own: &[F],
    adjoints: &mut [F],
) {
    for (row, (&z, &own)) in (0..affine.rows).zip(z.iter().zip(own)) {
        if !own.is_identically_zero() {
            pull_back_row::<F, POLICY>(affine, row, schedule.list(affine.x), values, z, own, adjoints);
        }
    }
}
