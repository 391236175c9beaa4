//! Checks: collected over a block, with a single branch at its end that leaves if one failed.

use super::Emitter;
use crate::number::Number;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder};
use dualtape::Relation;
use dualtape::codegen::{Check, Property, Requirement};

/// The failed checks of a block.
#[derive(Default)]
pub(super) struct Refusals {
    /// Bits that are set in the first lane if a check failed.
    lanes: Option<ir::Value>,
    /// The same as an integer, for checks on bits.
    integer: Option<ir::Value>,
    /// A number that must not be NaN and waits for a second one, since one instruction checks two numbers.
    waiting: Option<ir::Value>,
}

/// The condition on two numbers for a relation to hold, or not to hold.
pub(super) fn condition(relation: Relation, holds: bool) -> FloatCC {
    let (where_it_holds, elsewhere) = match relation {
        Relation::Less => (FloatCC::LessThan, FloatCC::UnorderedOrGreaterThanOrEqual),
        Relation::AtMost => (FloatCC::LessThanOrEqual, FloatCC::UnorderedOrGreaterThan),
        Relation::Greater => (FloatCC::GreaterThan, FloatCC::UnorderedOrLessThanOrEqual),
        Relation::AtLeast => (FloatCC::GreaterThanOrEqual, FloatCC::UnorderedOrLessThan),
        Relation::Equal => (FloatCC::Equal, FloatCC::NotEqual),
    };
    if holds { where_it_holds } else { elsewhere }
}

impl<F: Number> Emitter<'_, '_, F> {
    pub(super) fn check(&mut self, check: &Check<F>, refusals: &mut Refusals) {
        match *check {
            Check::NotNan(value) => {
                let value = self.operand(value);
                self.refuse_nan(value, refusals);
            }
            Check::Ordered(operands) => {
                let operands = operands.map(|operand| self.operand(operand));
                self.refuse_where(condition(Relation::AtMost, false), operands, refusals);
            }
            Check::Relation { relation, operands, outcome, .. } => {
                let operands = operands.map(|operand| self.operand(operand));
                self.refuse_where(condition(relation, !outcome), operands, refusals);
            }
            Check::Property { property, operand, outcome, .. } => {
                let operand = self.operand(operand);
                self.check_property(property, operand, outcome, refusals);
            }
            Check::Same { operand, number, .. } => {
                let operand = self.operand(operand);
                if number.is_nan() {
                    self.refuse_where(FloatCC::Ordered, [operand; 2], refusals);
                } else {
                    let bits = self.bits(operand);
                    let other =
                        self.builder.ins().icmp_imm_u(IntCC::NotEqual, bits, number.bits().cast_signed());
                    self.refuse_if(other, refusals);
                }
            }
        }
    }

    /// Checks an output.
    pub(super) fn require(&mut self, required: Requirement, x: ir::Value, refusals: &mut Refusals) {
        match required {
            Requirement::Anything => {}
            Requirement::NotNan => self.refuse_nan(x, refusals),
            Requirement::Finite => {
                // The difference of infinite numbers is NaN.
                let zero = self.builder.ins().fsub(x, x);
                self.refuse_nan(zero, refusals);
            }
        }
    }

    fn refuse_nan(&mut self, x: ir::Value, refusals: &mut Refusals) {
        match refusals.waiting.take() {
            None => refusals.waiting = Some(x),
            Some(other) => self.refuse_where(FloatCC::Unordered, [other, x], refusals),
        }
    }

    fn check_property(&mut self, property: Property, x: ir::Value, outcome: bool, refusals: &mut Refusals) {
        let magnitude = self.magnitude(x);
        let (normal, infinite) = (F::SMALLEST_NORMAL, F::infinity());
        let below = |limit| (FloatCC::LessThan, limit);
        let from = |limit| (FloatCC::GreaterThanOrEqual, limit);
        // The number has the property if all of these hold.
        let conditions = match property {
            Property::Positive | Property::Negative => {
                let bits = self.bits(x);
                let refused = if (property == Property::Negative) == outcome {
                    IntCC::SignedGreaterThanOrEqual
                } else {
                    IntCC::SignedLessThan
                };
                let refused = self.builder.ins().icmp_imm_u(refused, bits, 0);
                return self.refuse_if(refused, refusals);
            }
            Property::Nan => {
                let refused = if outcome { FloatCC::Ordered } else { FloatCC::Unordered };
                return self.refuse_where(refused, [x; 2], refusals);
            }
            Property::Infinite => vec![(FloatCC::Equal, infinite)],
            Property::Finite => vec![below(infinite)],
            Property::Normal => vec![from(normal), below(infinite)],
            Property::Subnormal => vec![(FloatCC::GreaterThan, F::zero()), below(normal)],
        };
        let mut holds = None;
        for (condition, limit) in conditions {
            let limit = self.constant(limit);
            let this = self.mask(condition, [magnitude, limit]);
            holds = Some(holds.map_or(this, |others| self.builder.ins().band(others, this)));
        }
        let holds = holds.expect("there is a condition");
        let refused = if outcome { self.builder.ins().bnot(holds) } else { holds };
        self.refuse_lanes(refused, refusals);
    }

    fn bits(&mut self, x: ir::Value) -> ir::Value {
        self.builder.ins().bitcast(F::BITS, ir::MemFlagsData::new(), x)
    }

    fn refuse_where(&mut self, condition: FloatCC, operands: [ir::Value; 2], refusals: &mut Refusals) {
        let refused = self.mask(condition, operands);
        self.refuse_lanes(refused, refusals);
    }

    fn refuse_lanes(&mut self, refused: ir::Value, refusals: &mut Refusals) {
        let others = refusals.lanes;
        refusals.lanes = Some(others.map_or(refused, |others| self.builder.ins().bor(others, refused)));
    }

    fn refuse_if(&mut self, refused: ir::Value, refusals: &mut Refusals) {
        let others = refusals.integer;
        refusals.integer = Some(others.map_or(refused, |others| self.builder.ins().bor(others, refused)));
    }

    /// Leaves the function if a check failed.
    pub(super) fn refuse_if_any(&mut self, mut refusals: Refusals) {
        if let Some(value) = refusals.waiting.take() {
            self.refuse_where(FloatCC::Unordered, [value; 2], &mut refusals);
        }
        let lanes = refusals.lanes.map(|lanes| self.builder.ins().extractlane(lanes, 0));
        for refused in lanes.into_iter().chain(refusals.integer) {
            let next = self.builder.create_block();
            let elsewhere = *self.refused.get_or_insert_with(|| self.builder.create_block());
            self.builder.ins().brif(refused, elsewhere, &[], next, &[]);
            self.builder.switch_to_block(next);
        }
    }
}
