//! Instructions for one point, and how they run.
//!
//! One instruction does most of the work: ±(a·b) + c, over slots of one memory, rounded twice. With 1 and −0 as
//! constants, it adds, subtracts, negates and multiplies with the exact bits. So nothing has to be decided between
//! one instruction and the next: a `match` over operations would cost more than the arithmetic in programs without a
//! predictable pattern.

use crate::ProgramScalar;
use crate::program::ir::graph::{List, Reduction};
use crate::program::ir::walk::reduce;
use crate::rules::reductions::empty_sum;
use crate::rules::{Binary, Op, Ternary, Unary, Visitor};

/// `±(memory[a] · memory[b]) + memory[c]`. Results go to consecutive slots, so an instruction need not name its own.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Instruction {
    pub(in crate::program) a: u32,
    pub(in crate::program) b: u32,
    /// The slot of the summand; its highest bit is [`NEGATIVE`] or not.
    pub(in crate::program) c: u32,
}

/// In [`Instruction::c`]: the product changes its sign.
pub(in crate::program) const NEGATIVE: u32 = 1 << 31;

/// How many slots there may be.
pub(in crate::program) const MOST_SLOTS: usize = NEGATIVE as usize;

/// An operand of instructions side by side: the distance of its slots, modulo 2³².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::program) struct Strided {
    pub(in crate::program) first: u32,
    pub(in crate::program) step: u32,
}

impl Strided {
    /// One number, or consecutive ones.
    #[inline(always)]
    fn slice<F>(self, memory: &[F], count: usize) -> &[F] {
        &memory[self.first as usize..][..if self.step == 1 { count } else { 1 }]
    }

    #[inline(always)]
    fn slot(self, index: u32) -> usize {
        self.first.wrapping_add(self.step.wrapping_mul(index)) as usize
    }
}

/// A stretch of a program.
#[derive(Clone, Debug)]
pub(in crate::program) enum Segment {
    /// The given number of instructions, one after the other, with results in consecutive slots from `z` on.
    Instructions {
        z: u32,
        count: u32,
    },
    /// Instructions side by side, with results in consecutive slots from `z` on; the sign is [`NEGATIVE`] or 0.
    Slices {
        operands: [Strided; 3],
        sign: u32,
        z: u32,
        count: u32,
    },
    /// Operations of the table, with results in consecutive slots from `z` on, and their operands in a list.
    Apply {
        op: Op,
        list: u32,
        z: u32,
        count: u32,
    },
    /// Operations of the table with one or two operands, each of them one number or consecutive ones.
    ApplySlices {
        op: Op,
        operands: [Strided; 2],
        z: u32,
        count: u32,
    },
    /// Sines and cosines of the same angles: together they cost little more than one.
    SineAndCosine {
        list: u32,
        sines: u32,
        cosines: u32,
        count: u32,
    },
    /// Sums, or sums of products, each of which reads the same number of slots, with results in consecutive slots
    /// from `z` on.
    Sums {
        products: bool,
        list: u32,
        reads: u32,
        z: u32,
        count: u32,
    },
    Reduce {
        reduction: Reduction,
        list: List,
        z: u32,
    },
}

/// Instructions, and the lists that some of them read.
#[derive(Clone, Debug, Default)]
pub(in crate::program) struct Code {
    pub(in crate::program) segments: Vec<Segment>,
    pub(in crate::program) instructions: Vec<Instruction>,
    pub(in crate::program) lists: Vec<u32>,
}

impl Code {
    /// Computes all results from the constants and inputs in the memory.
    // A call costs a fifth of a gradient of two inputs.
    #[inline(always)]
    pub(in crate::program) fn run<F: ProgramScalar>(&self, memory: &mut [F]) {
        let mut instructions = &self.instructions[..];
        for segment in &self.segments {
            match *segment {
                Segment::Instructions { z, count } => {
                    let (now, later) = instructions.split_at(count as usize);
                    one_by_one(now, memory, z as usize);
                    instructions = later;
                }
                Segment::Slices { operands, sign, z, count } => {
                    let (before, z) = memory.split_at_mut(z as usize);
                    side_by_side(operands, sign, before, &mut z[..count as usize]);
                }
                Segment::Apply { op, list, z, count } => {
                    let (before, z) = memory.split_at_mut(z as usize);
                    let slots = &self.lists[list as usize..];
                    op.visit(ApplySlots { slots, before, z: &mut z[..count as usize] });
                }
                Segment::ApplySlices { op, operands, z, count } => {
                    let (before, z) = memory.split_at_mut(z as usize);
                    let [x, y] = operands.map(|operand| operand.slice(before, count as usize));
                    op.visit(ApplySlices { x, y, z: &mut z[..count as usize] });
                }
                Segment::SineAndCosine { list, sines, cosines, count } => {
                    let angles = &self.lists[list as usize..][..count as usize];
                    for ((&angle, sine), cosine) in angles.iter().zip(sines..).zip(cosines..) {
                        let (sin, cos) = memory[angle as usize].sin_cos();
                        (memory[sine as usize], memory[cosine as usize]) = (sin, cos);
                    }
                }
                Segment::Sums { products, list, reads, z, count } => {
                    let (before, z) = memory.split_at_mut(z as usize);
                    let slots = &self.lists[list as usize..][..(reads * count) as usize];
                    let sums = if products { sums::<F, true> } else { sums::<F, false> };
                    sums(slots, reads as usize, before, &mut z[..count as usize]);
                }
                Segment::Reduce { reduction, list, z } => {
                    let terms = self.lists[list.range()].iter();
                    memory[z as usize] = reduce(reduction, terms.map(|&slot| memory[slot as usize]));
                }
            }
        }
    }
}

#[inline(always)]
fn one_by_one<F: ProgramScalar>(instructions: &[Instruction], memory: &mut [F], z: usize) {
    for (&Instruction { a, b, c }, z) in instructions.iter().zip(z..) {
        let product = memory[a as usize] * memory[b as usize];
        memory[z] = product.negated_by(c) + memory[(c & (NEGATIVE - 1)) as usize];
    }
}

#[inline(always)]
fn side_by_side<F: ProgramScalar>(operands: [Strided; 3], sign: u32, memory: &[F], z: &mut [F]) {
    if operands.iter().any(|operand| operand.step > 1) {
        let [a, b, c] = operands;
        for (z, i) in z.iter_mut().zip(0..) {
            *z = (memory[a.slot(i)] * memory[b.slot(i)]).negated_by(sign) + memory[c.slot(i)];
        }
        return;
    }
    let [a, b, c] = operands.map(|operand| operand.slice(memory, z.len()));
    match operands.map(|operand| operand.step == 1) {
        [true, true, true] => strided::<F, true, true, true>(a, b, c, sign, z),
        [true, true, false] => strided::<F, true, true, false>(a, b, c, sign, z),
        [true, false, true] => strided::<F, true, false, true>(a, b, c, sign, z),
        [true, false, false] => strided::<F, true, false, false>(a, b, c, sign, z),
        [false, true, true] => strided::<F, false, true, true>(a, b, c, sign, z),
        [false, true, false] => strided::<F, false, true, false>(a, b, c, sign, z),
        [false, false, true] => strided::<F, false, false, true>(a, b, c, sign, z),
        [false, false, false] => strided::<F, false, false, false>(a, b, c, sign, z),
    }
}

#[inline(always)]
fn strided<F: ProgramScalar, const A: bool, const B: bool, const C: bool>(
    a: &[F],
    b: &[F],
    c: &[F],
    sign: u32,
    z: &mut [F],
) {
    let count = z.len();
    let (a, b, c) =
        (&a[..if A { count } else { 1 }], &b[..if B { count } else { 1 }], &c[..if C { count } else { 1 }]);
    for (i, z) in z.iter_mut().enumerate() {
        let product = a[if A { i } else { 0 }] * b[if B { i } else { 0 }];
        *z = product.negated_by(sign) + c[if C { i } else { 0 }];
    }
}

/// How many sums are computed together: a single sum would wait for each of its additions.
const TOGETHER: usize = 4;

/// Sums with the given number of reads each, each sum from left to right.
#[inline(never)]
fn sums<F: ProgramScalar, const PRODUCTS: bool>(slots: &[u32], reads: usize, before: &[F], z: &mut [F]) {
    let term = |slots: &[u32], index: usize| match PRODUCTS {
        true => before[slots[2 * index] as usize] * before[slots[2 * index + 1] as usize],
        false => before[slots[index] as usize],
    };
    let terms = if PRODUCTS { reads / 2 } else { reads };
    let mut rest = slots;
    for z in z.chunks_mut(TOGETHER) {
        let (now, later) = rest.split_at(reads * z.len());
        rest = later;
        if let Ok(z) = <&mut [F; TOGETHER]>::try_from(&mut *z) {
            let lists: [&[u32]; TOGETHER] = std::array::from_fn(|sum| &now[sum * reads..][..reads]);
            let mut sums = [empty_sum(); TOGETHER];
            for index in 0..terms {
                for (sum, list) in sums.iter_mut().zip(lists) {
                    *sum += term(list, index);
                }
            }
            *z = sums;
            continue;
        }
        for (z, list) in z.iter_mut().zip(now.chunks_exact(reads.max(1))) {
            *z = (0..terms).fold(empty_sum(), |sum, index| sum + term(list, index));
        }
    }
}

/// Computes operations of the table, one after the other.
struct ApplySlots<'a, F> {
    /// The operands of the first operation, then those of the next.
    slots: &'a [u32],
    before: &'a [F],
    z: &'a mut [F],
}

impl<F: ProgramScalar> Visitor for ApplySlots<'_, F> {
    type Output = ();

    #[inline(never)]
    fn unary<O: Unary>(self, op: O) {
        for (z, &x) in self.z.iter_mut().zip(self.slots) {
            *z = op.value(self.before[x as usize]);
        }
    }

    #[inline(never)]
    fn binary<O: Binary>(self, op: O) {
        for (z, &[x, y]) in self.z.iter_mut().zip(self.slots.as_chunks().0) {
            *z = op.value(self.before[x as usize], self.before[y as usize]);
        }
    }

    #[inline(never)]
    fn ternary<O: Ternary>(self, op: O) {
        for (z, x) in self.z.iter_mut().zip(self.slots.as_chunks::<3>().0) {
            *z = F::ternary(op, x.map(|x| self.before[x as usize]));
        }
    }
}

/// Computes operations of the table over slices; an operand of one number is used for all.
struct ApplySlices<'a, F> {
    x: &'a [F],
    y: &'a [F],
    z: &'a mut [F],
}

impl<F: ProgramScalar> Visitor for ApplySlices<'_, F> {
    type Output = ();

    #[inline(never)]
    fn unary<O: Unary>(self, op: O) {
        for (z, &x) in self.z.iter_mut().zip(self.x) {
            *z = op.value(x);
        }
    }

    #[inline(never)]
    fn binary<O: Binary>(self, op: O) {
        match (self.x, self.y) {
            (x, &[y]) => self.z.iter_mut().zip(x).for_each(|(z, &x)| *z = op.value(x, y)),
            (&[x], y) => self.z.iter_mut().zip(y).for_each(|(z, &y)| *z = op.value(x, y)),
            (x, y) => self.z.iter_mut().zip(x).zip(y).for_each(|((z, &x), &y)| *z = op.value(x, y)),
        }
    }

    fn ternary<O: Ternary>(self, _: O) {
        unreachable!("operations of three operands are not run as slices")
    }
}
