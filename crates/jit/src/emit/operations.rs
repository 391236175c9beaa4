//! Operations: instructions where a few of them give the bits of the rule table's values, otherwise calls.

use super::{Emitter, checks::condition};
use crate::Error;
use crate::functions::function;
use crate::number::Number;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{self, BlockArg, Endianness, InstBuilder, MemFlagsData};
use dualtape::codegen::Value;
use dualtape::rules::Op;

/// Powers up to this exponent are products.
const LARGEST_POWER: u32 = 64;

impl<F: Number> Emitter<'_, '_, F> {
    /// The value of an operation.
    pub(super) fn apply(&mut self, op: Op, operands: &[Value; 3], value: Value) -> Result<ir::Value, Error> {
        match *operands {
            [x, y, _] if let Op::Compare(relation) = op => {
                let operands = [x, y].map(|operand| self.operand(operand));
                let mask = self.mask(condition(relation, true), operands);
                self.masks.insert(value, mask);
                let one = self.constant(F::one());
                Ok(self.where_set(mask, one))
            }
            [predicate, x, y] if op == Op::Select => Ok(self.select(predicate, [x, y])),
            [x, y, w] => {
                let x = self.operand(x);
                match op.arity() {
                    1 => self.unary(op, x),
                    2 => {
                        let y = self.operand(y);
                        self.binary(op, [x, y])
                    }
                    _ => {
                        let [y, w] = [y, w].map(|operand| self.operand(operand));
                        self.ternary(op, [x, y, w])
                    }
                }
            }
        }
    }

    fn unary(&mut self, op: Op, x: ir::Value) -> Result<ir::Value, Error> {
        let rounds = self.shared.features.rounds;
        Ok(match op {
            Op::StopGradient => x,
            Op::Neg => self.of_bits(x, -F::zero(), |builder, x, sign| builder.bxor(x, sign)),
            Op::Abs => self.magnitude(x),
            Op::Signum => self.signum(x),
            Op::Sqrt => self.builder.ins().sqrt(x),
            Op::Recip => {
                let one = self.constant(F::one());
                self.builder.ins().fdiv(one, x)
            }
            Op::Floor if rounds => self.builder.ins().floor(x),
            Op::Ceil if rounds => self.builder.ins().ceil(x),
            Op::Trunc if rounds => self.builder.ins().trunc(x),
            Op::Fract => {
                let whole = self.unary(Op::Trunc, x)?;
                self.builder.ins().fsub(x, whole)
            }
            Op::Relu => {
                let zero = self.constant(F::zero());
                let mask = self.mask(FloatCC::UnorderedOrGreaterThan, [x, zero]);
                self.where_set(mask, x)
            }
            Op::Powi(n) if n.unsigned_abs() <= LARGEST_POWER => self.power(x, n),
            _ => self.called(op, &[x])?,
        })
    }

    fn binary(&mut self, op: Op, [x, y]: [ir::Value; 2]) -> Result<ir::Value, Error> {
        Ok(match op {
            Op::Add => self.builder.ins().fadd(x, y),
            Op::Sub => self.builder.ins().fsub(x, y),
            Op::Mul => self.builder.ins().fmul(x, y),
            Op::Div => self.builder.ins().fdiv(x, y),
            Op::Max => self.larger(FloatCC::LessThan, [x, y]),
            Op::Min => self.larger(FloatCC::GreaterThan, [x, y]),
            Op::Copysign => self.with_sign(x, y),
            _ => self.called(op, &[x, y])?,
        })
    }

    fn ternary(&mut self, op: Op, [x, y, w]: [ir::Value; 3]) -> Result<ir::Value, Error> {
        Ok(match op {
            Op::MulAdd if self.shared.features.fused => self.builder.ins().fma(x, y, w),
            Op::Clamp => {
                let below = self.mask(FloatCC::LessThan, [x, y]);
                let above = self.mask(FloatCC::GreaterThan, [x, w]);
                let not_below = self.choose(above, [w, x]);
                self.choose(below, [y, not_below])
            }
            _ => self.called(op, &[x, y, w])?,
        })
    }

    fn called(&mut self, op: Op, operands: &[ir::Value]) -> Result<ir::Value, Error> {
        match function::<F>(op) {
            Some(function) => Ok(self.call(function, operands)),
            None => Err(Error::Unknown { operation: format!("{op:?}") }),
        }
    }

    /// The second value if the first is not 0, otherwise the third.
    fn select(&mut self, predicate: Value, sides: [Value; 2]) -> ir::Value {
        let [then, otherwise] = sides.map(|side| self.operand(side));
        if let Some(&mask) = self.masks.get(&predicate) {
            return self.choose(mask, [then, otherwise]);
        }
        let (predicate, zero) = (self.operand(predicate), self.constant(F::zero()));
        let is_zero = self.mask(FloatCC::Equal, [predicate, zero]);
        self.choose(is_zero, [otherwise, then])
    }

    /// `max` and `min`: a number rather than NaN, and the first of two equal numbers.
    fn larger(&mut self, second_wins: FloatCC, [x, y]: [ir::Value; 2]) -> ir::Value {
        let wins = self.mask(second_wins, [x, y]);
        let nan = self.mask(FloatCC::Unordered, [x, x]);
        let second = self.builder.ins().bor(wins, nan);
        self.choose(second, [y, x])
    }

    fn signum(&mut self, x: ir::Value) -> ir::Value {
        let one = self.constant(F::one());
        let sign = self.with_sign(one, x);
        let nan = self.mask(FloatCC::Unordered, [x, x]);
        self.choose(nan, [x, sign])
    }

    /// A power by repeated squaring, in the order of `f64::powi`.
    fn power(&mut self, x: ir::Value, n: i32) -> ir::Value {
        let (mut left, mut square, mut power) = (n.unsigned_abs(), x, None);
        while left > 0 {
            if left & 1 == 1 {
                power = Some(power.map_or(square, |power| self.builder.ins().fmul(power, square)));
            }
            left >>= 1;
            if left > 0 {
                square = self.builder.ins().fmul(square, square);
            }
        }
        match power {
            None => self.constant(F::one()),
            Some(power) if n > 0 => power,
            Some(power) => {
                let one = self.constant(F::one());
                self.builder.ins().fdiv(one, power)
            }
        }
    }

    /// √Σ xᵢ² with the same steps as the rule: scaled by the largest if the squares overflow or vanish.
    pub(super) fn norm(&mut self, terms: &[Value]) -> ir::Value {
        let terms: Vec<ir::Value> = terms.iter().map(|&term| self.operand(term)).collect();
        let squares = self.sum_of_squares(&terms);
        let [smallest, infinity, zero] =
            [F::SMALLEST_NORMAL, F::infinity(), F::zero()].map(|limit| self.constant(limit));
        let [scaled, done] = [(); 2].map(|()| self.builder.create_block());
        let result = self.builder.append_block_param(done, F::TYPE);
        let root = self.builder.ins().sqrt(squares);
        let large = self.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, squares, smallest);
        let finite = self.builder.ins().fcmp(FloatCC::LessThan, squares, infinity);
        let normal = self.builder.ins().band(large, finite);
        self.builder.ins().brif(normal, done, &[BlockArg::Value(root)], scaled, &[]);
        self.builder.set_cold_block(scaled);
        self.builder.switch_to_block(scaled);
        let magnitudes: Vec<ir::Value> = terms.iter().map(|&term| self.builder.ins().fabs(term)).collect();
        let largest = magnitudes.into_iter().fold(zero, |largest, x| {
            let larger = self.builder.ins().fcmp(FloatCC::GreaterThan, x, largest);
            self.builder.ins().select(larger, x, largest)
        });
        let shares: Vec<ir::Value> =
            terms.iter().map(|&term| self.builder.ins().fdiv(term, largest)).collect();
        let shares = self.sum_of_squares(&shares);
        let shares = self.builder.ins().sqrt(shares);
        let norm = self.builder.ins().fmul(largest, shares);
        let nothing = self.builder.ins().fcmp(FloatCC::Equal, largest, zero);
        let infinite = self.builder.ins().fcmp(FloatCC::Equal, largest, infinity);
        let limit = self.builder.ins().bor(nothing, infinite);
        let norm = self.builder.ins().select(limit, largest, norm);
        // The sum of squares is NaN if a term is.
        let nan = self.builder.ins().fcmp(FloatCC::Unordered, squares, squares);
        let norm = self.builder.ins().select(nan, squares, norm);
        self.builder.ins().jump(done, &[BlockArg::Value(norm)]);
        self.builder.switch_to_block(done);
        result
    }

    fn sum_of_squares(&mut self, terms: &[ir::Value]) -> ir::Value {
        let mut sum = None;
        for &term in terms {
            let square = self.builder.ins().fmul(term, term);
            sum = Some(sum.map_or(square, |sum| self.builder.ins().fadd(sum, square)));
        }
        sum.unwrap_or_else(|| self.constant(F::zero()))
    }

    pub(super) fn magnitude(&mut self, x: ir::Value) -> ir::Value {
        self.of_bits(x, F::of_bits((-F::zero()).bits() - 1), |builder, x, mask| builder.band(x, mask))
    }

    fn with_sign(&mut self, x: ir::Value, sign: ir::Value) -> ir::Value {
        let magnitude = self.magnitude(x);
        let sign = self.of_bits(sign, -F::zero(), |builder, sign, mask| builder.band(sign, mask));
        let [x, sign] = [magnitude, sign].map(|number| self.lanes(number));
        let both = self.builder.ins().bor(x, sign);
        self.number(both)
    }

    /// Combines the bits of a number with those of a constant.
    fn of_bits(
        &mut self,
        x: ir::Value,
        constant: F,
        of: impl FnOnce(cranelift_frontend::FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        let constant = self.constant(constant);
        let [x, constant] = [x, constant].map(|number| self.lanes(number));
        let bits = of(self.builder.ins(), x, constant);
        self.number(bits)
    }

    /// A mask in the first lane: all bits if a condition holds, otherwise none. There are no branches in lanes.
    pub(super) fn mask(&mut self, condition: FloatCC, operands: [ir::Value; 2]) -> ir::Value {
        let [x, y] = operands.map(|operand| self.builder.ins().splat(F::LANES, operand));
        self.builder.ins().fcmp(condition, x, y)
    }

    /// The first number if a mask is set, otherwise the second.
    fn choose(&mut self, mask: ir::Value, sides: [ir::Value; 2]) -> ir::Value {
        let [then, otherwise] = sides.map(|side| self.lanes(side));
        let bits = self.builder.ins().bitselect(mask, then, otherwise);
        self.number(bits)
    }

    /// A number if a mask is set, otherwise 0.
    fn where_set(&mut self, mask: ir::Value, x: ir::Value) -> ir::Value {
        let x = self.lanes(x);
        let bits = self.builder.ins().band(mask, x);
        self.number(bits)
    }

    /// The bits of a number in the first lane.
    fn lanes(&mut self, x: ir::Value) -> ir::Value {
        let lanes = self.builder.ins().splat(F::LANES, x);
        self.builder.ins().bitcast(F::BIT_LANES, in_memory_order(), lanes)
    }

    /// The number in the first lane.
    fn number(&mut self, bits: ir::Value) -> ir::Value {
        let lanes = self.builder.ins().bitcast(F::LANES, in_memory_order(), bits);
        self.builder.ins().extractlane(lanes, 0)
    }
}

fn in_memory_order() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}
