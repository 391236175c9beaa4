//! Orders statements so that values are read soon after they are computed: values that are read late go through
//! memory.
//!
//! A gradient is recorded as a forward pass and a reverse sweep, and in that order each value is kept until the sweep
//! reads it. But the adjoint of a term of a sum is often known as soon as the term is. So results are computed one
//! after the other, each preceded by what it still needs. A statement that is the last to read some value is moved
//! forward, to the first place where its operands are known.

use super::statement::{Check, Expression, Memory, Place, Statement, Value};

/// The same statements in an order that keeps values for a shorter time, if one is found. Blocks with loops, with
/// clamps, or that use the workspace, stay unchanged.
pub(super) fn schedule<F: Clone>(statements: Vec<Statement<F>>, values: usize) -> Vec<Statement<F>> {
    if !statements.iter().all(can_move) {
        return statements;
    }
    let order = Order::of(&statements, values);
    let (before, after) =
        (kept(statements.iter(), values), kept(order.iter().map(|&at| &statements[at]), values));
    if after >= before {
        return statements;
    }
    let mut statements: Vec<Option<Statement<F>>> = statements.into_iter().map(Some).collect();
    order.iter().map(|&at| statements[at].take().expect("each stands in the order once")).collect()
}

/// Whether a statement may be anywhere after its operands are known.
fn can_move<F>(statement: &Statement<F>) -> bool {
    match statement {
        Statement::Let { is: Expression::Load(place), .. } | Statement::Store { to: place, .. } => {
            place.memory != Memory::Workspace
        }
        // `clamp` panics if its bounds are in the wrong order, which is checked before it.
        Statement::Check(Check::Ordered(_)) | Statement::Loop(_) => false,
        Statement::Let { .. } | Statement::Check(_) => true,
    }
}

/// For how long all values together are kept, in statements. Constants and inputs are available everywhere.
fn kept<'s, F: 's>(statements: impl Iterator<Item = &'s Statement<F>>, values: usize) -> u64 {
    let mut defined: Vec<Option<u64>> = vec![None; values];
    let mut last: Vec<u64> = vec![0; values];
    for (at, statement) in (0..).zip(statements) {
        statement.operands(|value| last[value as usize] = at);
        if let Statement::Let { value, .. } = statement
            && !is_at_hand(statement)
        {
            defined[*value as usize] = Some(at);
        }
    }
    defined.iter().zip(last).filter_map(|(&defined, last)| Some(last.saturating_sub(defined?))).sum()
}

fn is_at_hand<F>(statement: &Statement<F>) -> bool {
    matches!(statement, Statement::Let { is: Expression::Constant(_) | Expression::Load(_), .. })
}

/// An order under construction.
struct Order<'s, F> {
    statements: &'s [Statement<F>],
    /// Where each value is defined.
    defined: Vec<usize>,
    /// How many statements have yet to read each value, and the sum of their places: this is the place of the last
    /// one when one is left.
    readers: Vec<(usize, usize)>,
    taken: Vec<bool>,
    order: Vec<usize>,
    /// Statements that may have become the last readers of a value.
    candidates: Vec<usize>,
}

impl<'s, F> Order<'s, F> {
    /// The places of the statements, in their new order.
    fn of(statements: &'s [Statement<F>], values: usize) -> Vec<usize> {
        let mut this = Self {
            statements,
            defined: vec![usize::MAX; values],
            readers: vec![(0, 0); values],
            taken: vec![false; statements.len()],
            order: Vec::with_capacity(statements.len()),
            candidates: Vec::new(),
        };
        for (at, statement) in statements.iter().enumerate() {
            if let Statement::Let { value, .. } = statement {
                this.defined[*value as usize] = at;
            }
            for value in distinct_operands(statement) {
                let (count, sum) = &mut this.readers[value as usize];
                (*count, *sum) = (*count + 1, sum.wrapping_add(at));
            }
        }
        for root in this.roots() {
            this.reach(root);
        }
        // Statements that nothing needs were dropped before; this is for values that only checks read.
        (0..statements.len()).for_each(|at| this.reach(at));
        this.order
    }

    /// The stores of the last output first: of derivatives rather than of values, which are computed on the way.
    fn roots(&self) -> Vec<usize> {
        let output = |at: &usize| match self.statements[*at] {
            Statement::Store { to: Place { memory: Memory::Output(array), .. }, .. } => Some(array),
            _ => None,
        };
        let mut roots: Vec<usize> = (0..self.statements.len()).filter(|at| output(at).is_some()).collect();
        roots.sort_by_key(|at| std::cmp::Reverse(output(at)));
        roots
    }

    /// Places a statement, and before it everything that it needs.
    fn reach(&mut self, root: usize) {
        let mut stack = vec![root];
        while let Some(&at) = stack.last() {
            if self.taken[at] {
                stack.pop();
                continue;
            }
            let missing = stack.len();
            for value in distinct_operands(&self.statements[at]) {
                let definition = self.defined[value as usize];
                if !self.taken[definition] {
                    stack.push(definition);
                }
            }
            // The first operand comes first.
            stack[missing..].reverse();
            if stack.len() == missing {
                stack.pop();
                self.take(at);
                self.take_last_readers();
            }
        }
    }

    fn take(&mut self, at: usize) {
        self.taken[at] = true;
        self.order.push(at);
        let statement = &self.statements[at];
        for value in distinct_operands(statement) {
            let (count, sum) = &mut self.readers[value as usize];
            (*count, *sum) = (*count - 1, sum.wrapping_sub(at));
            self.note(value);
        }
        if let Statement::Let { value, .. } = statement {
            self.note(*value);
        }
    }

    /// Notes the last reader of a value.
    fn note(&mut self, value: Value) {
        let at_hand = is_at_hand(&self.statements[self.defined[value as usize]]);
        if let (1, reader) = self.readers[value as usize]
            && !at_hand
        {
            self.candidates.push(reader);
        }
    }

    /// Places the last readers of values, if their operands are computed or available.
    fn take_last_readers(&mut self) {
        while let Some(at) = self.candidates.pop() {
            let definitions: Vec<usize> = distinct_operands(&self.statements[at])
                .into_iter()
                .map(|value| self.defined[value as usize])
                .filter(|&definition| !self.taken[definition])
                .collect();
            let ready = definitions.iter().all(|&definition| is_at_hand(&self.statements[definition]));
            if self.taken[at] || !ready {
                continue;
            }
            definitions.into_iter().for_each(|definition| self.take(definition));
            self.take(at);
        }
    }
}

fn distinct_operands<F>(statement: &Statement<F>) -> Vec<Value> {
    let mut operands = Vec::new();
    statement.operands(|value| {
        if !operands.contains(&value) {
            operands.push(value);
        }
    });
    operands
}
