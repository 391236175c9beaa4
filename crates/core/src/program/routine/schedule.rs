//! Puts statements in an order in which values are read soon after they are computed.
//!
//! A derivative comes as all of its function, and then all of the way back. Where much of the way back depends on little of the
//! function, it can be done early: its operands are still at hand then, and need not wait in memory.

use super::statement::{Check, Expression, Memory, Place, Statement, Value};
use crate::rules::Op;

/// Who are read by more statements than these do not draw them forward: the accumulators of all would wait for the next.
const FEW: usize = 4;

/// No statement.
const NONE: u32 = u32::MAX;

/// The statements, reordered between those that stay in their order: loops, what goes through the workspace, and checks of bounds.
pub(super) fn schedule<F>(statements: Vec<Statement<F>>, values: usize) -> Vec<Statement<F>> {
    let mut scheduled = Vec::with_capacity(statements.len());
    let (mut segment, mut defined_by) = (Vec::new(), vec![NONE; values]);
    for statement in statements {
        if stays(&statement) {
            scheduled.extend(reorder(std::mem::take(&mut segment), &mut defined_by));
            scheduled.push(statement);
        } else {
            segment.push(statement);
        }
    }
    scheduled.extend(reorder(segment, &mut defined_by));
    scheduled
}

fn stays<F>(statement: &Statement<F>) -> bool {
    match statement {
        Statement::Loop(_) | Statement::Check(Check::Ordered(_)) => true,
        Statement::Let { is: Expression::Load(place), .. } | Statement::Store { to: place, .. } => {
            place.memory == Memory::Workspace
        }
        // Its bounds have been checked before, and only there.
        Statement::Let { is: Expression::Apply(op, _), .. } => *op == Op::Clamp,
        _ => false,
    }
}

/// How soon a statement comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Before the first that reads it: constants, what comes in, and what is computed of these alone.
    OnDemand,
    /// As soon as its operands are there.
    Eager,
    /// In its order: checks with a number, of which the first that fails is told.
    InOrder,
}

struct Segment<F> {
    statements: Vec<Option<Statement<F>>>,
    kinds: Vec<Kind>,
    /// For each statement, those of the segment that define its operands.
    needs: Vec<Vec<u32>>,
    /// For each statement, those that read it.
    readers: Vec<Vec<u32>>,
    done: Vec<Statement<F>>,
}

fn reorder<F>(statements: Vec<Statement<F>>, defined_by: &mut [u32]) -> Vec<Statement<F>> {
    let mut segment = Segment::new(statements, defined_by);
    for statement in 0..segment.statements.len() as u32 {
        if segment.kinds[statement as usize] != Kind::OnDemand {
            segment.emit_with_readers(statement);
        }
    }
    for statement in 0..segment.statements.len() as u32 {
        segment.emit(statement);
    }
    segment.done
}

impl<F> Segment<F> {
    fn new(statements: Vec<Statement<F>>, defined_by: &mut [u32]) -> Self {
        let mut free = vec![false; statements.len()];
        let mut segment = Self {
            kinds: Vec::with_capacity(statements.len()),
            needs: Vec::with_capacity(statements.len()),
            readers: vec![Vec::new(); statements.len()],
            done: Vec::with_capacity(statements.len()),
            statements: Vec::new(),
        };
        for (index, statement) in statements.iter().enumerate() {
            let mut needs = Vec::new();
            statement.operands(|value| {
                let by = defined_by[value as usize];
                if by != NONE && !needs.contains(&by) {
                    needs.push(by);
                }
            });
            needs.iter().for_each(|&by| segment.readers[by as usize].push(index as u32));
            if let Statement::Let { value, is } = statement {
                defined_by[*value as usize] = index as u32;
                free[index] = matches!(
                    is,
                    Expression::Constant(_) | Expression::Load(Place { memory: Memory::Input(_), .. })
                );
            }
            segment.kinds.push(kind(statement, free[index], || needs.iter().all(|&by| free[by as usize])));
            segment.needs.push(needs);
        }
        for statement in &statements {
            if let Statement::Let { value, .. } = statement {
                defined_by[*value as usize] = NONE;
            }
        }
        segment.statements = statements.into_iter().map(Some).collect();
        segment
    }

    fn emit(&mut self, statement: u32) {
        let index = statement as usize;
        if self.statements[index].is_none() {
            return;
        }
        // What is missing is on demand, and reads at most what is on demand.
        for need in std::mem::take(&mut self.needs[index]) {
            self.emit(need);
        }
        self.done.extend(self.statements[index].take());
    }

    /// Emits a statement, then those that read it and have all their operands, and so on.
    fn emit_with_readers(&mut self, statement: u32) {
        let mut next: Vec<Value> = vec![statement];
        while let Some(statement) = next.pop() {
            let index = statement as usize;
            if self.statements[index].is_none() {
                continue;
            }
            self.emit(statement);
            if self.readers[index].len() <= FEW {
                let ready =
                    |&&reader: &&u32| self.kinds[reader as usize] == Kind::Eager && self.is_ready(reader);
                let ready: Vec<u32> = self.readers[index].iter().rev().filter(ready).copied().collect();
                next.extend(ready);
            }
        }
    }

    fn is_ready(&self, statement: u32) -> bool {
        self.needs[statement as usize].iter().all(|&need| {
            self.statements[need as usize].is_none() || self.kinds[need as usize] == Kind::OnDemand
        })
    }
}

fn kind<F>(statement: &Statement<F>, is_free: bool, reads_free_only: impl FnOnce() -> bool) -> Kind {
    match statement {
        Statement::Check(Check::NotNan(_)) | Statement::Store { .. } => Kind::Eager,
        Statement::Let { .. } if is_free || reads_free_only() => Kind::OnDemand,
        Statement::Let { .. } => Kind::Eager,
        Statement::Check(_) | Statement::Loop(_) => Kind::InOrder,
    }
}
