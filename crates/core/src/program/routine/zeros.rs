//! Drops sums that only make 0 of −0 where nobody can tell, and turns products of negated numbers into differences.
//!
//! Adjoints are sums that begin with 0, so that most of what a sweep adds up are single terms, `0 + x`. That is `x`, but for
//! −0, of which it makes 0. No bit of what goes out changes: what is compared, squared, or added to something that is never −0
//! may have either sign of zero.

use super::statement::{Carried, Check, Expression, Loop, Statement, Value};
use crate::ProgramScalar;
use crate::predicate::Property;
use crate::rules::Op;

/// The statements without such sums, and how many values there are then. Some values are no longer read.
pub(super) fn simplify<F: ProgramScalar>(statements: &mut Vec<Statement<F>>, values: usize) -> usize {
    let mut zeros = Zeros {
        constants: vec![None; values],
        never_negative: vec![false; values],
        exact: vec![false; values],
        instead: (0..values as Value).collect(),
    };
    zeros.look_at(statements);
    zeros.drop_sums(statements);
    zeros.rename(statements);
    let mut signs = Signs { negated: vec![None; values], uses: vec![[0; 2]; values] };
    signs.count(statements);
    signs.block(statements);
    signs.negated.len()
}

struct Zeros<F> {
    constants: Vec<Option<F>>,
    /// Whether the value is not −0, whatever comes in.
    never_negative: Vec<bool>,
    /// Whether somebody can tell its zeros apart.
    exact: Vec<bool>,
    /// The value that stands for it.
    instead: Vec<Value>,
}

impl<F: ProgramScalar> Zeros<F> {
    /// Notes which values are never −0.
    fn look_at(&mut self, statements: &[Statement<F>]) {
        for statement in statements {
            match statement {
                Statement::Let { value, is } => {
                    if let Expression::Constant(number) = is {
                        self.constants[*value as usize] = Some(*number);
                    }
                    self.never_negative[*value as usize] = self.is_never_negative(is);
                }
                Statement::Loop(turns) => self.look_at_loop(turns),
                Statement::Store { .. } | Statement::Check(_) => {}
            }
        }
    }

    /// What begins other than −0 is so in the next turn if it follows from being so in this.
    fn look_at_loop(&mut self, Loop { carried, body, .. }: &Loop<F>) {
        let mut holds: Vec<bool> =
            carried.iter().map(|carried| self.never_negative[carried.start as usize]).collect();
        loop {
            for (Carried { inside, .. }, &holds) in carried.iter().zip(&holds) {
                self.never_negative[*inside as usize] = holds;
            }
            self.look_at(body);
            let mut changed = false;
            for (carried, holds) in carried.iter().zip(&mut holds) {
                changed |= *holds && !self.never_negative[carried.next as usize];
                *holds &= self.never_negative[carried.next as usize];
            }
            if !changed {
                break;
            }
        }
        for (carried, holds) in carried.iter().zip(holds) {
            self.never_negative[carried.after as usize] = holds;
        }
    }

    fn is_never_negative(&self, is: &Expression<F>) -> bool {
        let never = |value: Value| self.never_negative[value as usize];
        match *is {
            Expression::Constant(number) => !(number.is_sign_negative() && number == F::zero()),
            Expression::Load(_) => false,
            Expression::Norm(_) => true,
            Expression::Apply(op, [a, b, c]) => match op {
                Op::Add => never(a) || never(b),
                Op::Sub => never(a),
                Op::Mul => a == b,
                Op::MulAdd => never(c) || a == b,
                Op::Powi(n) => n % 2 == 0,
                Op::Abs | Op::Exp | Op::Exp2 | Op::Relu | Op::Compare(_) => true,
                Op::Select => never(b) && never(c),
                _ => false,
            },
        }
    }

    fn need(&mut self, value: Value) {
        self.exact[value as usize] = true;
    }

    /// Goes from the last statement to the first, so that all who read a value are known before it is reached.
    fn drop_sums(&mut self, statements: &[Statement<F>]) {
        for statement in statements.iter().rev() {
            match statement {
                Statement::Let { value, is: Expression::Apply(op, operands) } => {
                    self.operation(*value, *op, *operands);
                }
                // Only the squares of a norm's terms matter.
                Statement::Let { .. } => {}
                Statement::Store { value, .. } => self.need(*value),
                Statement::Check(check) => self.check(check),
                Statement::Loop(Loop { carried, body, .. }) => {
                    for carried in carried {
                        self.need(carried.next);
                        self.need(carried.start);
                    }
                    self.drop_sums(body);
                }
            }
        }
    }

    fn check(&mut self, check: &Check<F>) {
        match *check {
            Check::NotNan(_)
            | Check::Ordered(_)
            | Check::Relation { .. }
            | Check::Property {
                property:
                    Property::Nan | Property::Finite | Property::Infinite | Property::Normal | Property::Subnormal,
                ..
            } => {}
            Check::Property { operand, .. } | Check::Same { operand, .. } => self.need(operand),
        }
    }

    fn operation(&mut self, value: Value, op: Op, operands @ [a, b, c]: [Value; 3]) {
        let exact = self.exact[value as usize];
        let is_zero = |value: Value| self.constants[value as usize] == Some(F::zero());
        if op == Op::Add && (is_zero(a) || is_zero(b)) {
            let other = if is_zero(a) { b } else { a };
            let same = self.never_negative[other as usize] || self.constants_add_nothing(operands);
            if !exact || same {
                self.instead[value as usize] = other;
                self.exact[other as usize] |= exact;
            }
            return;
        }
        let never = |value: Value| self.never_negative[value as usize];
        let needs: &[Value] = match op {
            // What is never −0 decides the sign of a sum that is 0, and has to stay so.
            Op::Add if exact && never(a) => &[a],
            Op::Add if exact && never(b) => &[b],
            Op::Sub if exact && never(a) => &[a],
            Op::MulAdd if exact && never(c) => &[c],
            Op::Mul if a == b => &[],
            Op::Abs | Op::Compare(_) | Op::Exp | Op::Exp2 | Op::Cos | Op::Cosh => &[],
            Op::Powi(n) if n > 0 && n % 2 == 0 => &[],
            Op::Powi(n) if n > 0 && !exact => &[],
            Op::Div if !exact => &[b],
            Op::Select if exact => &[b, c],
            Op::Select | Op::Add | Op::Sub | Op::Mul | Op::MulAdd | Op::Neg if !exact => &[],
            Op::Sin | Op::Tan | Op::Sinh | Op::Tanh if !exact => &[],
            _ => &operands[..op.arity()],
        };
        needs.iter().for_each(|&operand| self.need(operand));
    }

    /// Whether one of the operands of a sum is −0, which changes nothing.
    fn constants_add_nothing(&self, [a, b, _]: [Value; 3]) -> bool {
        [a, b].into_iter().any(|value| {
            self.constants[value as usize]
                .is_some_and(|number| number == F::zero() && number.is_sign_negative())
        })
    }

    fn rename(&self, statements: &mut [Statement<F>]) {
        for statement in statements {
            statement.rename(&mut |value| {
                // What stands for a value may itself be dropped.
                while self.instead[*value as usize] != *value {
                    *value = self.instead[*value as usize];
                }
            });
        }
    }
}

/// Takes signs out of products, and into sums.
struct Signs {
    /// The value that it is the negative of.
    negated: Vec<Option<Value>>,
    /// How often it is read, and how often by a sum or a difference.
    uses: Vec<[u32; 2]>,
}

impl Signs {
    fn count<F>(&mut self, statements: &[Statement<F>]) {
        for statement in statements {
            let sum = matches!(statement, Statement::Let { is: Expression::Apply(Op::Add | Op::Sub, _), .. });
            statement.operands(|value| {
                self.uses[value as usize][0] += 1;
                self.uses[value as usize][1] += u32::from(sum);
            });
            if let Statement::Loop(Loop { carried, body, .. }) = statement {
                carried.iter().for_each(|carried| self.uses[carried.next as usize][0] += 1);
                self.count(body);
            }
        }
    }

    fn block<F>(&mut self, statements: &mut Vec<Statement<F>>) {
        let mut signed = Vec::with_capacity(statements.len());
        for mut statement in statements.drain(..) {
            match &mut statement {
                Statement::Let { value, is: Expression::Apply(op, operands) } => {
                    let (value, is) = (*value, (*op, *operands));
                    if let Some(product) = self.product(value, is) {
                        signed.push(product);
                    }
                    self.operation(value, op, operands);
                }
                Statement::Loop(turns) => self.block(&mut turns.body),
                _ => {}
            }
            signed.push(statement);
        }
        *statements = signed;
    }

    /// The product without its sign, if it has one, and all who read it can subtract as well as add.
    fn product<F>(&mut self, value: Value, (op, [a, b, _]): (Op, [Value; 3])) -> Option<Statement<F>> {
        let [all, by_sums] = self.uses[value as usize];
        if op != Op::Mul || a == b || all != by_sums {
            return None;
        }
        let [unsigned_a, unsigned_b] = [a, b].map(|operand| self.negated[operand as usize]);
        let operands = match (unsigned_a, unsigned_b) {
            (Some(a), None) => [a, b, 0],
            (None, Some(b)) => [a, b, 0],
            _ => return None,
        };
        let product = self.negated.len() as Value;
        self.negated.push(None);
        self.uses.push([0; 2]);
        self.negated[value as usize] = Some(product);
        Some(Statement::Let { value: product, is: Expression::Apply(Op::Mul, operands) })
    }

    fn operation(&mut self, value: Value, op: &mut Op, operands: &mut [Value; 3]) {
        let [a, b, _] = *operands;
        let of = |value: Value| self.negated[value as usize];
        match (*op, of(a), of(b)) {
            (Op::Neg, None, _) => self.negated[value as usize] = Some(a),
            (Op::Mul, ..) if let Some(product) = self.negated[value as usize] => {
                (*op, *operands) = (Op::Neg, [product, 0, 0]);
            }
            (Op::Add, _, Some(b)) => (*op, *operands) = (Op::Sub, [a, b, 0]),
            (Op::Add, Some(a), None) => (*op, *operands) = (Op::Sub, [b, a, 0]),
            (Op::Sub, _, Some(b)) => (*op, *operands) = (Op::Add, [a, b, 0]),
            _ => {}
        }
    }
}
