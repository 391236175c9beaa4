//! From a graph to statements.
//!
//! The open blocks are on a stack: the outermost block, and those of the surrounding loops. An operation goes to the
//! innermost block from which one of its operands comes, so that values that are the same in all turns are computed
//! once. A value that was computed before is not computed again.

use super::loops::{Stored, StoredLoop, Sweep, swept};
use super::quantity::Function;
use super::statement::{Check, Expression, Loop, Memory, Place, Statement, Value};
use crate::program::StepProgram;
use crate::program::ir::graph::{Graph, List, Node, Reduction};
use crate::program::ir::guard::{Guard, Predicate};
use crate::rules::Op;
use crate::rules::reductions::empty_sum;
use crate::{CustomRule, Error, ProgramScalar};
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// What was written.
pub(super) struct Written<F> {
    pub(super) statements: Vec<Statement<F>>,
    pub(super) values: usize,
    pub(super) regions: Vec<Region>,
    pub(super) guards: Vec<String>,
}

/// A part of the workspace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// The first place, in a workspace from which no region was dropped.
    pub(super) start: usize,
    pub(super) len: usize,
    /// Regions of one group have one length, and are interleaved number by number.
    pub(super) group: u32,
}

impl Region {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.len
    }
}

/// Writes the statements of a function.
pub(super) fn write<F: ProgramScalar>(function: &Function<F>) -> Result<Written<F>, Error> {
    let Function { graph, watched, inputs, outputs } = function;
    let mut writer = Writer::new();
    let mut leaves = HashMap::default();
    let places = inputs.iter().enumerate().flat_map(|(array, input)| {
        (0..input.len).map(move |first| Place { memory: Memory::Input(array), first, stride: 0 })
    });
    for (node, place) in (0..).zip(places) {
        leaves.insert(node, writer.value(Expression::Load(place)));
    }
    let checked = Checked { guards: true, watched };
    let results = writer.graph(graph, checked, &graph.outputs, leaves)?;
    let places = outputs.iter().enumerate().flat_map(|(array, output)| {
        (0..output.len).map(move |first| Place { memory: Memory::Output(array), first, stride: 0 })
    });
    for (to, value) in places.zip(results) {
        writer.push(Statement::Store { to, value });
    }
    Ok(writer.finish())
}

/// The checks to write along with a graph.
#[derive(Clone, Copy)]
pub(super) struct Checked<'a> {
    pub(super) guards: bool,
    pub(super) watched: &'a [u32],
}

/// The values of nodes, as far as they are known.
pub(super) type Leaves = HashMap<u32, Value, FxBuildHasher>;

/// An expression, as a key to find it again.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Constant(u64),
    Input(Place),
    Apply(Op, [Value; 3]),
}

pub(super) struct Writer<F: ProgramScalar> {
    /// The open blocks, from the outermost to the innermost.
    blocks: Vec<Block<F>>,
    /// For each value, the block in which it is defined, counted from the outermost.
    depths: Vec<u32>,
    known: HashMap<Key, Value, FxBuildHasher>,
    regions: Vec<Region>,
    groups: u32,
    guards: Vec<String>,
    /// The sweeps of steps, each made once.
    pub(super) sweeps: Vec<SweepOf<F>>,
}

/// A step, and its sweep.
type SweepOf<F> = (Arc<StepProgram<F>>, Rc<Sweep<F>>);

struct Block<F: ProgramScalar> {
    statements: Vec<Statement<F>>,
    /// What is known about its values only.
    keys: Vec<Key>,
    /// The loops whose states are stored in it.
    stored: Vec<StoredLoop<F>>,
}

impl<F: ProgramScalar> Default for Block<F> {
    fn default() -> Self {
        Self { statements: Vec::new(), keys: Vec::new(), stored: Vec::new() }
    }
}

impl<F: ProgramScalar> Writer<F> {
    fn new() -> Self {
        Self {
            blocks: vec![Block::default()],
            depths: Vec::new(),
            known: HashMap::default(),
            regions: Vec::new(),
            groups: 0,
            guards: Vec::new(),
            sweeps: Vec::new(),
        }
    }

    fn finish(mut self) -> Written<F> {
        let block = self.blocks.pop().expect("the outermost block is never closed");
        let (values, statements) = (self.depths.len(), block.statements);
        Written { statements, values, regions: self.regions, guards: self.guards }
    }

    pub(super) fn push(&mut self, statement: Statement<F>) {
        self.innermost().statements.push(statement);
    }

    fn innermost(&mut self) -> &mut Block<F> {
        self.blocks.last_mut().expect("the outermost block is never closed")
    }

    /// A new value of a block.
    fn new_value(&mut self, depth: usize) -> Value {
        self.depths.push(depth as u32);
        (self.depths.len() - 1) as Value
    }

    /// A value that a loop defines, inside it.
    pub(super) fn carried(&mut self) -> Value {
        self.new_value(self.blocks.len() - 1)
    }

    /// The value of an expression, in the outermost block where it can be computed.
    pub(super) fn value(&mut self, is: Expression<F>) -> Value {
        let key = match &is {
            Expression::Constant(number) => Some(Key::Constant(number.wide().to_bits())),
            Expression::Load(place @ Place { memory: Memory::Input(_), stride: 0, .. }) => {
                Some(Key::Input(*place))
            }
            Expression::Apply(op, operands) => Some(Key::Apply(*op, *operands)),
            Expression::Load(_) | Expression::Norm(_) => None,
        };
        if let Some(&known) = key.as_ref().and_then(|key| self.known.get(key)) {
            return known;
        }
        let depth = match &is {
            Expression::Load(Place { memory: Memory::Workspace, .. } | Place { stride: 1.., .. }) => {
                self.blocks.len() - 1
            }
            _ => {
                let mut depth = 0;
                is.operands(|operand| depth = depth.max(self.depths[operand as usize]));
                depth as usize
            }
        };
        let value = self.new_value(depth);
        let block = &mut self.blocks[depth];
        block.statements.push(Statement::Let { value, is });
        if let Some(key) = key {
            block.keys.push(key.clone());
            self.known.insert(key, value);
        }
        value
    }

    pub(super) fn constant(&mut self, number: F) -> Value {
        self.value(Expression::Constant(number))
    }

    pub(super) fn apply(&mut self, op: Op, operands: &[Value]) -> Value {
        let mut padded = [0; 3];
        padded[..operands.len()].copy_from_slice(operands);
        if op == Op::Clamp && !self.known.contains_key(&Key::Apply(op, padded)) {
            // The function panics there, and so does the program. The check is in the block of the value.
            let depth =
                operands.iter().map(|&operand| self.depths[operand as usize]).max().expect("it has three");
            let check = Statement::Check(Check::Ordered([operands[1], operands[2]]));
            self.blocks[depth as usize].statements.push(check);
        }
        self.value(Expression::Apply(op, padded))
    }

    /// A new group of regions.
    pub(super) fn group(&mut self) -> u32 {
        self.groups += 1;
        self.groups
    }

    /// A new part of the workspace.
    pub(super) fn region(&mut self, len: usize, group: u32) -> Result<usize, Error> {
        let start = self.regions.last().map_or(0, |region| region.range().end);
        if len > MOST_STORED.saturating_sub(start) {
            let reason = format!(
                "its loops would store more than {MOST_STORED} numbers on the way forward; evaluate the program, which stores \
                 some of the states and computes the others again"
            );
            return Err(Error::NotCompilable { reason });
        }
        self.regions.push(Region { start, len, group });
        Ok(start)
    }

    /// The value of an expression, if it was written to one of the open blocks.
    pub(super) fn input_place(&self, value: Value) -> Option<Place> {
        let block = &self.blocks[self.depths[value as usize] as usize];
        // Inputs are loaded first, in order.
        match block.statements.get(value as usize) {
            Some(Statement::Let { value: same, is: Expression::Load(place) }) if *same == value => {
                Some(*place)
            }
            _ => None,
        }
    }

    /// Opens the block of a loop.
    pub(super) fn open(&mut self) {
        self.blocks.push(Block::default());
    }

    /// Closes the block of a loop, whose values are then no longer known. Returns the carried values after the loop.
    pub(super) fn close(&mut self, turns: usize, backwards: bool, carried: &[[Value; 3]]) -> Vec<Value> {
        let block = self.blocks.pop().expect("it was opened");
        for key in &block.keys {
            self.known.remove(key);
        }
        let depth = self.blocks.len() - 1;
        let after: Vec<Value> = carried.iter().map(|_| self.new_value(depth)).collect();
        let carried = carried.iter().zip(&after).map(|(&[start, inside, next], &after)| super::Carried {
            start,
            inside,
            next,
            after,
        });
        let carried = carried.collect();
        self.push(Statement::Loop(Loop { turns, backwards, carried, body: block.statements }));
        after
    }

    /// The loops whose states are stored, and can be read here.
    pub(super) fn stored(&self, wanted: &StoredLoop<F>) -> Option<Stored> {
        let stored = self.blocks.last()?.stored.iter();
        stored.rev().find(|stored| stored.is_of_the_same_run(wanted)).map(|stored| stored.stored.clone())
    }

    pub(super) fn note_stored(&mut self, stored: StoredLoop<F>) {
        self.innermost().stored.push(stored);
    }

    /// Writes what the given nodes of a graph need. Leaves are known already, and so are all inputs that are read.
    pub(super) fn graph(
        &mut self,
        graph: &Graph<F>,
        checked: Checked<'_>,
        roots: &[u32],
        leaves: Leaves,
    ) -> Result<Vec<Value>, Error> {
        let guards: &[Guard<F>] = if checked.guards { &graph.guards } else { &[] };
        let read_by_guards = guards.iter().flat_map(Guard::operands);
        let all_roots = roots.iter().copied().chain(checked.watched.iter().copied()).chain(read_by_guards);
        let needed = Needed::of(graph, all_roots, &leaves);
        let mut checks = Checks::new(graph, guards, checked.watched);
        let mut values = leaves;
        checks.write(self, &values, 0);
        for (index, node) in graph.nodes.iter().enumerate() {
            let place = index as u32;
            if needed.nodes[index] && !values.contains_key(&place) {
                self.node(graph, &needed, place, node, &mut values)?;
            }
            checks.write(self, &values, index);
        }
        Ok(roots.iter().map(|root| values[root]).collect())
    }

    fn node(
        &mut self,
        graph: &Graph<F>,
        needed: &Needed,
        place: u32,
        node: &Node<F>,
        values: &mut Leaves,
    ) -> Result<(), Error> {
        let of = |list: List, values: &Leaves| -> Vec<Value> {
            graph.lists[list.range()].iter().map(|node| values[node]).collect()
        };
        let value = match *node {
            Node::Input => unreachable!("inputs are leaves"),
            Node::Constant(number) => self.constant(number),
            Node::Apply(op, operands) => {
                let operands: Vec<Value> = operands[..op.arity()].iter().map(|node| values[node]).collect();
                self.apply(op, &operands)
            }
            Node::Reduce(reduction, list) => self.reduction(reduction, &of(list, values)),
            Node::Row { affine, row } => {
                let affine = &graph.affines[affine as usize];
                let x = of(affine.x, values);
                let weights: Vec<Value> = affine.row(row).map(|weight| values[&(weight as u32)]).collect();
                let sum = self.dot(weights.into_iter().zip(x));
                self.apply(Op::Add, &[sum, values[&(affine.bias + row)]])
            }
            Node::Output { call, output } => {
                let first = place - output;
                let called = &graph.calls[call as usize];
                let x = of(called.x, values);
                let wanted = &needed.nodes[first as usize..][..called.rule.outputs()];
                let outputs = self.call(called, &x, needed.swept[call as usize], wanted)?;
                for (node, value) in (first..).zip(outputs) {
                    values.entry(node).or_insert(value);
                }
                return Ok(());
            }
        };
        values.insert(place, value);
        Ok(())
    }

    fn reduction(&mut self, reduction: Reduction, terms: &[Value]) -> Value {
        let pairs = |terms: &[Value]| -> Vec<(Value, Value)> {
            terms.as_chunks::<2>().0.iter().map(|&[a, b]| (a, b)).collect()
        };
        match (reduction, terms) {
            (Reduction::Sum, []) => self.constant(empty_sum()),
            (Reduction::Sum, &[first, ref terms @ ..]) => {
                terms.iter().fold(first, |sum, &term| self.apply(Op::Add, &[sum, term]))
            }
            (Reduction::Dot, terms) => self.dot(pairs(terms).into_iter()),
            (Reduction::MultiplyAddChain, terms) => {
                let (&start, terms) = terms.split_first().expect("a chain has a start");
                self.add_products(start, pairs(terms).into_iter())
            }
            (Reduction::Norm, []) => self.constant(F::zero()),
            (Reduction::Norm, terms) => self.value(Expression::Norm(terms.to_vec())),
            (Reduction::LogSumExp, []) => self.constant(F::neg_infinity()),
            (Reduction::LogSumExp | Reduction::ChainRule, _) => unreachable!("they were written out"),
        }
    }

    /// Σ aᵢbᵢ from left to right.
    fn dot(&mut self, mut pairs: impl Iterator<Item = (Value, Value)>) -> Value {
        // A sum starts from −0, which does not change any number that is added to it.
        match pairs.next() {
            None => self.constant(empty_sum()),
            Some((a, b)) => {
                let start = self.apply(Op::Mul, &[a, b]);
                self.add_products(start, pairs)
            }
        }
    }

    fn add_products(&mut self, start: Value, pairs: impl Iterator<Item = (Value, Value)>) -> Value {
        pairs.fold(start, |sum, (a, b)| {
            let product = self.apply(Op::Mul, &[a, b]);
            self.apply(Op::Add, &[sum, product])
        })
    }

    fn check(&mut self, guard: &Guard<F>, values: &Leaves) -> Check<F> {
        let number = self.guards.len();
        self.guards.push(guard.words());
        match guard.predicate {
            Predicate::Relation { relation, operands, outcome } => Check::Relation {
                relation,
                operands: operands.map(|node| values[&node]),
                outcome,
                guard: number,
            },
            Predicate::Property { property, operand, outcome } => {
                Check::Property { property, operand: values[&operand], outcome, guard: number }
            }
            Predicate::Value { operand, value } => {
                Check::Same { operand: values[&operand], number: value, guard: number }
            }
        }
    }
}

/// Loops do not store more numbers than this.
const MOST_STORED: usize = 1 << 27;

/// The remaining checks, each at the place where its last operand is computed.
struct Checks<'a, F> {
    guards: Vec<(u32, &'a Guard<F>)>,
    watched: Vec<u32>,
}

impl<'a, F: ProgramScalar> Checks<'a, F> {
    fn new(graph: &Graph<F>, guards: &'a [Guard<F>], watched: &[u32]) -> Self {
        let last = |guard: &Guard<F>| guard.operands().max().expect("a guard reads something");
        let mut guards: Vec<_> = guards.iter().map(|guard| (last(guard), guard)).collect();
        // Both are taken from their ends.
        guards.sort_by_key(|&(last, _)| std::cmp::Reverse(last));
        let mut watched: Vec<u32> = watched.to_vec();
        // The first output of a call computes all the others.
        watched.sort_unstable_by_key(|&node| std::cmp::Reverse(node));
        watched.dedup();
        watched.retain(
            |&node| !matches!(graph.nodes[node as usize], Node::Constant(number) if !number.is_nan()),
        );
        Self { guards, watched }
    }

    /// Writes the checks that are possible once a node is known.
    fn write(&mut self, writer: &mut Writer<F>, values: &Leaves, index: usize) {
        let index = index as u32;
        while let Some((_, guard)) = self.guards.pop_if(|(last, _)| *last <= index) {
            let check = writer.check(guard, values);
            writer.push(Statement::Check(check));
        }
        while let Some(node) = self.watched.pop_if(|node| *node <= index) {
            writer.push(Statement::Check(Check::NotNan(values[&node])));
        }
    }
}

/// The part of a graph that is needed.
struct Needed {
    nodes: Vec<bool>,
    /// The calls that are swept later.
    swept: Vec<bool>,
}

impl Needed {
    /// What the roots need, apart from leaves.
    fn of<F: ProgramScalar>(graph: &Graph<F>, roots: impl Iterator<Item = u32>, leaves: &Leaves) -> Self {
        let mut nodes = vec![false; graph.nodes.len()];
        roots.for_each(|root| nodes[root as usize] = true);
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            if !nodes[index] || leaves.contains_key(&(index as u32)) {
                continue;
            }
            if let Node::Output { output, .. } = *node {
                // The first output brings all.
                nodes[index - output as usize] = true;
            }
            graph.operands(node).for_each(|operand| nodes[operand as usize] = true);
        }
        let swept = swept(graph, &nodes);
        Self { nodes, swept }
    }
}
