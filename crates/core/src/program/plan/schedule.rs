//! The schedule: which values are computed, in which order, and where they are stored.
//!
//! Every value that is alive gets a *slot*:
//!
//! ```text
//! constants | parameters | results of parameters only | data | results of data
//!           '------ uniform: one number per batch ----'------ varying ------'
//! ```
//!
//! Operations whose operands are all computed form a *level*. Within a level, operations of the same kind form a
//! *run*, and their results take consecutive slots. So an evaluator looks at the kind of an operation once for each
//! run, and if the operands are consecutive too, its loop is over slices. Dot products of a run that form a matrix
//! times a vector are [groups](super::groups).

use super::groups::{self, Group, NO_GROUP, Products};
use crate::ProgramScalar;
use crate::program::ir::graph::{Affine, Graph, List, Node, Reduction};
use crate::rules::Op;
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::ops::{Deref, Range};

/// What a value depends on, and so for which inputs its adjoint is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::program) enum Class {
    /// Nothing.
    Constant,
    /// Parameters only: the same at every point.
    Uniform,
    /// Data only.
    Data,
    /// Both.
    Mixed,
}

impl Class {
    fn of(parameters: bool, data: bool) -> Self {
        match (parameters, data) {
            (false, false) => Self::Constant,
            (true, false) => Self::Uniform,
            (false, true) => Self::Data,
            (true, true) => Self::Mixed,
        }
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self::of(self.on_parameters() || other.on_parameters(), self.on_data() || other.on_data())
    }

    pub(in crate::program) fn on_parameters(self) -> bool {
        matches!(self, Self::Uniform | Self::Mixed)
    }

    pub(in crate::program) fn on_data(self) -> bool {
        matches!(self, Self::Data | Self::Mixed)
    }
}

/// Where the operands of a run are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::program) enum Access {
    /// There is no such operand.
    None,
    /// In consecutive slots from here on.
    Range(u32),
    /// All in this one.
    One(u32),
    /// Here and there.
    List,
}

/// One operand of each operation in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::program) struct Operand {
    pub(in crate::program) access: Access,
    /// Where [`Schedule::operands`] lists the slots.
    pub(in crate::program) list: u32,
    pub(in crate::program) class: Class,
}

const NO_OPERAND: Operand = Operand { access: Access::None, list: 0, class: Class::Constant };

/// Operations of one kind, with results in consecutive slots.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Run {
    pub(in crate::program) step: Step,
    /// Whether a guard depends on the results: then lanes too compute them with the bits of single points.
    pub(in crate::program) exact: bool,
    /// The slot of the first result.
    pub(in crate::program) first: u32,
    pub(in crate::program) count: u32,
}

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) enum Step {
    Apply(Op, [Operand; 3]),
    /// The first entry of [`Schedule::terms`]; there is one for each result. The classes are those of all terms
    /// together, and of all varying terms.
    Reduce(Reduction, u32, [Class; 2]),
    /// Groups of dot products; the class is that of all results together.
    Products(Products, Class),
    /// All rows of one affine map, over slots; the class is that of the vector.
    Affine(PlannedAffine, Class),
}

/// An affine map over slots.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct PlannedAffine {
    map: Affine,
    /// Whether the vector consists of varying values in consecutive slots.
    pub(in crate::program) contiguous: bool,
    /// Whether nothing else reads the weights and biases.
    pub(in crate::program) exclusive: bool,
}

impl Deref for PlannedAffine {
    type Target = Affine;

    fn deref(&self) -> &Affine {
        &self.map
    }
}

/// The operands of one reduction.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Terms {
    /// Their slots, in [`Schedule::operands`].
    pub(in crate::program) list: List,
    /// How many pairs at the start have a uniform and a varying value, both in consecutive slots.
    pub(in crate::program) in_line: u32,
}

/// Uniform slots whose adjoints are accumulated in the reverse sweep over lanes.
#[derive(Clone, Debug)]
pub(in crate::program) struct Accumulated {
    pub(in crate::program) slots: Vec<u32>,
    /// The place of each uniform slot among them; slots that are not among them have a place after the last.
    pub(in crate::program) places: Vec<u32>,
}

impl Accumulated {
    fn new(marks: &[bool]) -> Self {
        let slots: Vec<u32> = (0..marks.len() as u32).filter(|&slot| marks[slot as usize]).collect();
        let mut places = vec![slots.len() as u32; marks.len()];
        for (place, &slot) in (0..).zip(&slots) {
            places[slot as usize] = place;
        }
        Self { slots, places }
    }
}

/// The order of evaluation.
#[derive(Clone, Debug)]
pub(in crate::program) struct Schedule {
    pub(in crate::program) runs: Vec<Run>,
    pub(in crate::program) operands: Vec<u32>,
    pub(in crate::program) terms: Vec<Terms>,
    pub(in crate::program) groups: Vec<Group>,
    /// The slots of the uniform factors of all groups, in the order of their panels.
    pub(in crate::program) panels: Vec<u32>,
    /// How many sums these factors have, including those that round rows up.
    pub(in crate::program) panel_sums: usize,
    /// The first run whose results depend on data.
    pub(in crate::program) first_varying_run: usize,
    /// Of constants, which come first.
    pub(in crate::program) constants: usize,
    /// Of the first datum.
    pub(in crate::program) first_varying: usize,
    pub(in crate::program) slots: usize,
    /// The slot of each node; nodes that are not alive have a number above all slots.
    pub(in crate::program) slot_of: Vec<u32>,
}

/// An operation that is alive, with everything that determines its place.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Uniform before varying; then by level; then by kind and classes, in the order of their appearance.
    pub(super) key: u64,
    pub(super) kind: Operation,
    classes: [Class; 3],
    pub(super) exact: bool,
    pub(super) node: u32,
    /// The group in which it is a row, or [`NO_GROUP`].
    pub(super) group: u32,
}

impl Entry {
    pub(super) fn varying(&self) -> bool {
        self.key >> 63 == 1
    }

    /// Whether it shares a run with another operation next to it in order.
    fn shares_a_run(&self, other: &Self) -> bool {
        self.key == other.key && (self.group == NO_GROUP) == (other.group == NO_GROUP)
    }
}

/// What may share a run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Apply(Op),
    Reduce(Reduction),
    Affine(u32),
}

/// Plans the evaluation of everything that is alive: what outputs, guards and watched nodes need.
pub(in crate::program) fn schedule<F: ProgramScalar>(graph: &Graph<F>, watched: &[u32]) -> Schedule {
    let guards = || graph.guards.iter().flat_map(crate::program::ir::guard::Guard::operands);
    let alive = needed(graph, graph.outputs.iter().chain(watched).copied().chain(guards()));
    let exact = needed(graph, guards());
    let classes = classes(graph);
    let mut entries = entries(graph, &alive, &exact, &classes);
    groups::group(graph, &classes, &mut entries);
    let mut plan = number(graph, &alive, &entries);
    for run in entries.chunk_by(Entry::shares_a_run) {
        plan.push_run(graph, &classes, run);
    }
    plan.first_varying_run = plan.runs.partition_point(|run| (run.first as usize) < plan.first_varying);
    plan
}

/// The given nodes, and all nodes from which they are computed.
fn needed<F: ProgramScalar>(graph: &Graph<F>, roots: impl Iterator<Item = u32>) -> Vec<bool> {
    let mut alive = vec![false; graph.nodes.len()];
    for root in roots {
        alive[root as usize] = true;
    }
    let mut last = graph.nodes.len();
    while last > 0 {
        last -= 1;
        if !alive[last] {
            continue;
        }
        for operand in graph.operands(&graph.nodes[last]) {
            alive[operand as usize] = true;
        }
        if let Node::Row { affine, row } = graph.nodes[last] {
            // An affine map is computed as a whole.
            let (first, rows) = (last - row as usize, graph.affines[affine as usize].rows as usize);
            let revived = alive[last + 1..first + rows].iter().any(|alive| !alive);
            alive[first..first + rows].fill(true);
            last = if revived { first + rows } else { last };
        }
    }
    alive
}

fn classes<F: ProgramScalar>(graph: &Graph<F>) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::with_capacity(graph.nodes.len());
    for (index, node) in graph.nodes.iter().enumerate() {
        classes.push(match node {
            Node::Input => Class::of(index < graph.parameters, index >= graph.parameters),
            node => graph
                .operands(node)
                .fold(Class::Constant, |class, operand| class.join(classes[operand as usize])),
        });
    }
    classes
}

/// The operations that are alive, in the order of their slots.
fn entries<F: ProgramScalar>(
    graph: &Graph<F>,
    alive: &[bool],
    exact: &[bool],
    classes: &[Class],
) -> Vec<Entry> {
    let mut levels = vec![0_u32; graph.nodes.len()];
    let mut entries = Vec::new();
    let mut kinds: HashMap<(Operation, [Class; 3], bool), u64, FxBuildHasher> = HashMap::default();
    for (index, node) in graph.nodes.iter().enumerate().filter(|&(index, _)| alive[index]) {
        let (kind, of_operands) = match *node {
            Node::Input | Node::Constant(_) => continue,
            Node::Output { .. } => unreachable!("graphs with rules are not scheduled"),
            Node::Apply(op, operands) => {
                let mut of_operands = [Class::Constant; 3];
                for (class, &operand) in of_operands.iter_mut().zip(&operands[..op.arity()]) {
                    *class = classes[operand as usize];
                }
                (Operation::Apply(op), of_operands)
            }
            Node::Reduce(reduction, _) => (Operation::Reduce(reduction), [classes[index]; 3]),
            Node::Row { affine, .. } => {
                let x = graph.lists[graph.affines[affine as usize].x.range()].iter();
                let class = x.fold(Class::Constant, |class, &x| class.join(classes[x as usize]));
                (Operation::Affine(affine), [class; 3])
            }
        };
        let level = graph.operands(node).map(|operand| levels[operand as usize] + 1).max().unwrap_or(0);
        levels[index] = level;
        let rank = kinds.len() as u64;
        let rank = *kinds.entry((kind, of_operands, exact[index])).or_insert(rank);
        let key = u64::from(classes[index].on_data()) << 63 | u64::from(level) << 31 | rank;
        let (classes, exact, node) = (of_operands, exact[index], index as u32);
        entries.push(Entry { key, kind, classes, exact, node, group: NO_GROUP });
    }
    // A stable sort: within a run, the order is that of the recording, in which operands tend to be consecutive.
    entries.sort_by_key(|entry| entry.key);
    entries
}

/// Gives every value its slot.
fn number<F: ProgramScalar>(graph: &Graph<F>, alive: &[bool], entries: &[Entry]) -> Schedule {
    let mut slot_of = vec![u32::MAX; graph.nodes.len()];
    let mut slots = 0;
    let mut place = |node: usize| {
        slot_of[node] = slots;
        slots += 1;
        slots as usize
    };
    let mut constants = 0;
    for (index, node) in graph.nodes.iter().enumerate() {
        if alive[index] && matches!(node, Node::Constant(_)) {
            constants = place(index);
        }
    }
    let uniform = entries.partition_point(|entry| !entry.varying());
    let (uniform, varying) = entries.split_at(uniform);
    let of = |entries: &[Entry]| entries.iter().map(|entry| entry.node as usize).collect::<Vec<_>>();
    let first_varying = (0..graph.parameters).chain(of(uniform)).fold(constants, |_, node| place(node));
    let slots =
        (graph.parameters..graph.inputs()).chain(of(varying)).fold(first_varying, |_, node| place(node));
    Schedule {
        runs: Vec::new(),
        operands: Vec::new(),
        terms: Vec::new(),
        groups: Vec::new(),
        panels: Vec::new(),
        panel_sums: 0,
        first_varying_run: 0,
        constants,
        first_varying,
        slots,
        slot_of,
    }
}

impl Schedule {
    /// Adds operations that may share a run.
    fn push_run<F: ProgramScalar>(&mut self, graph: &Graph<F>, classes: &[Class], entries: &[Entry]) {
        let first = self.slot_of[entries[0].node as usize];
        let step = match (entries[0].kind, graph.nodes[entries[0].node as usize]) {
            (Operation::Apply(op), _) => {
                let mut operands = [NO_OPERAND; 3];
                for (which, operand) in operands.iter_mut().enumerate().take(op.arity()) {
                    let (access, list) =
                        self.access(entries.iter().map(|entry| match graph.nodes[entry.node as usize] {
                            Node::Apply(_, operands) => operands[which],
                            _ => unreachable!("only operations of the table share a run"),
                        }));
                    *operand = Operand { access, list, class: entries[0].classes[which] };
                }
                Step::Apply(op, operands)
            }
            (Operation::Reduce(reduction), _) => {
                let first = self.push_terms(graph, reduction, entries);
                match entries[0].group {
                    NO_GROUP => {
                        let nodes = entries.iter().flat_map(|entry| {
                            graph
                                .operands(&graph.nodes[entry.node as usize])
                                .map(|node| classes[node as usize])
                        });
                        let varying =
                            nodes.filter(|class| class.on_data()).fold(Class::Constant, Class::join);
                        Step::Reduce(reduction, first, [entries[0].classes[0], varying])
                    }
                    _ => Step::Products(
                        self.push_groups(graph, classes, first, entries),
                        entries[0].classes[0],
                    ),
                }
            }
            (Operation::Affine(affine), _) => {
                let affine = graph.affines[affine as usize];
                let slot = |node: u32| self.slot_of[node as usize];
                let (weights, bias) = (slot(affine.weights), slot(affine.bias));
                let x = self.copy_list(graph, affine.x);
                let slots = &self.operands[x.range()];
                let consecutive = slots.windows(2).all(|pair| pair[0] + 1 == pair[1]);
                let contiguous =
                    consecutive && slots.first().is_some_and(|&slot| slot as usize >= self.first_varying);
                let map = Affine { weights, bias, x, ..affine };
                Step::Affine(PlannedAffine { map, contiguous, exclusive: false }, entries[0].classes[0])
            }
        };
        self.runs.push(Run { step, exact: entries[0].exact, first, count: entries.len() as u32 });
    }

    /// Adds the operands of reductions. Returns the place of the first.
    fn push_terms<F: ProgramScalar>(
        &mut self,
        graph: &Graph<F>,
        reduction: Reduction,
        entries: &[Entry],
    ) -> u32 {
        let first = self.terms.len() as u32;
        for entry in entries {
            let Node::Reduce(_, list) = graph.nodes[entry.node as usize] else {
                unreachable!("only reductions share a run with a reduction")
            };
            let list = self.copy_list(graph, list);
            let in_line = self.arrange(reduction, list);
            self.terms.push(Terms { list, in_line });
        }
        first
    }

    fn copy_list<F: ProgramScalar>(&mut self, graph: &Graph<F>, list: List) -> List {
        self.push_list(&graph.lists[list.range()])
    }

    /// Lists the slots of nodes.
    pub(super) fn push_list(&mut self, nodes: &[u32]) -> List {
        let start = self.operands.len() as u32;
        let slot_of = &self.slot_of;
        self.operands.extend(nodes.iter().map(|&node| slot_of[node as usize]));
        List { start, len: nodes.len() as u32 }
    }

    /// Orders the factors of a dot product so that the uniform ones come first. Returns how many pairs at the start
    /// then have uniform values in consecutive slots and varying ones in consecutive slots.
    fn arrange(&mut self, reduction: Reduction, list: List) -> u32 {
        let first_varying = self.first_varying as u32;
        let slots = &mut self.operands[list.range()];
        let pairs = match reduction {
            Reduction::Dot => slots,
            Reduction::MultiplyAddChain => &mut slots[1..],
            Reduction::Sum | Reduction::LogSumExp | Reduction::Norm | Reduction::ChainRule => return 0,
        };
        let pairs = pairs.as_chunks_mut::<2>().0;
        for pair in &mut *pairs {
            if pair[0] >= first_varying {
                pair.swap(0, 1);
            }
        }
        let Some(&[a, b]) = pairs.first().filter(|[_, b]| *b >= first_varying) else { return 0 };
        let in_line = pairs.iter().zip(0..).take_while(|&(pair, i)| *pair == [a + i, b + i]).count() as u32;
        in_line.min(first_varying.saturating_sub(a))
    }

    /// Where the operands of a run are, given their nodes, and where they are listed.
    fn access(&mut self, nodes: impl Iterator<Item = u32>) -> (Access, u32) {
        let start = self.operands.len();
        let slot_of = &self.slot_of;
        self.operands.extend(nodes.map(|node| slot_of[node as usize]));
        let slots = &self.operands[start..];
        let first = slots[0];
        let access = if slots.iter().zip(first..).all(|(&slot, next)| slot == next) {
            Access::Range(first)
        } else if slots.iter().all(|&slot| slot == first) {
            Access::One(first)
        } else {
            Access::List
        };
        (access, start as u32)
    }

    /// The runs whose results are the same at every point.
    pub(in crate::program) fn uniform_runs(&self) -> Range<usize> {
        0..self.first_varying_run
    }

    /// The runs whose results differ from point to point.
    pub(in crate::program) fn varying_runs(&self) -> Range<usize> {
        self.first_varying_run..self.runs.len()
    }

    /// The slots that the operations of a run read, other than as weights and biases.
    fn slots_read(&self, run: &Run) -> Vec<u32> {
        match run.step {
            Step::Apply(op, operands) => {
                let of = |operand: &Operand| &self.operands[operand.list as usize..][..run.count as usize];
                operands[..op.arity()].iter().flat_map(of).copied().collect()
            }
            Step::Reduce(_, first, ..) | Step::Products(Products { terms: first, .. }, _) => {
                let lists = &self.terms[first as usize..][..run.count as usize];
                lists.iter().flat_map(|terms| &self.operands[terms.list.range()]).copied().collect()
            }
            Step::Affine(affine, _) => self.operands[affine.x.range()].to_vec(),
        }
    }

    /// The uniform slots whose adjoints receive contributions from varying results, other than as weights and biases:
    /// all of them, and those that receive contributions not only as factors of groups.
    pub(in crate::program) fn accumulated(&self) -> [Accumulated; 2] {
        let mut marks = [(); 2].map(|()| vec![false; self.first_varying]);
        for run in &self.runs[self.varying_runs()] {
            let all = self.slots_read(run);
            let outside = match run.step {
                Step::Products(products, _) => self.starts(&products, run.count),
                _ => all.clone(),
            };
            for (marks, slots) in marks.iter_mut().zip([all, outside]) {
                for slot in slots {
                    if let Some(mark) = marks.get_mut(slot as usize) {
                        *mark = slot as usize >= self.constants;
                    }
                }
            }
        }
        marks.map(|marks| Accumulated::new(&marks))
    }

    /// Marks the affine maps whose weights and biases nothing else reads, neither runs nor the given slots of outputs
    /// and guards. Returns the other uniform slots, in order.
    pub(in crate::program) fn mark_exclusive(
        &mut self,
        others: impl Iterator<Item = u32>,
    ) -> Vec<Range<usize>> {
        let mut readers = vec![0_u8; self.first_varying];
        let mut read = |slot: u32, times: u8| {
            if let Some(readers) = readers.get_mut(slot as usize) {
                *readers = readers.saturating_add(times);
            }
        };
        others.for_each(|slot| read(slot, 2));
        for (index, run) in self.runs.iter().enumerate() {
            self.slots_read(run).into_iter().for_each(|slot| read(slot, 2));
            if let Step::Affine(affine, _) = run.step {
                let times = if index < self.first_varying_run { 2 } else { 1 };
                affine.parameters().into_iter().flatten().for_each(|slot| read(slot, times));
            }
        }
        let mut outside_affine = vec![true; self.first_varying];
        for run in &mut self.runs {
            if let Step::Affine(affine, _) = &mut run.step {
                affine.exclusive =
                    affine.parameters().into_iter().flatten().all(|slot| readers[slot as usize] == 1);
                for range in affine.parameters().into_iter().filter(|_| affine.exclusive) {
                    outside_affine[range.start as usize..range.end as usize].fill(false);
                }
            }
        }
        let mut start = 0;
        let chunks = outside_affine.chunk_by(|a, b| a == b).map(|chunk| {
            start += chunk.len();
            (chunk[0], start - chunk.len()..start)
        });
        chunks.filter(|&(outside_affine, _)| outside_affine).map(|(_, range)| range).collect()
    }

    /// Whether parameters are read only as weights and biases of affine maps, each by one map.
    pub(in crate::program) fn is_only_exclusive_affine(&self) -> bool {
        let exclusive =
            |run: &Run| !matches!(run.step, Step::Affine(PlannedAffine { exclusive: false, .. }, _));
        self.uniform_runs().is_empty() && self.runs.iter().all(exclusive)
    }

    /// How many operations a point takes; elements of reductions and matrices count individually.
    pub(in crate::program) fn cost(&self) -> usize {
        let cost = |run: &Run| match run.step {
            Step::Apply(..) => run.count as usize,
            Step::Reduce(_, first, ..) | Step::Products(Products { terms: first, .. }, _) => {
                let lists = &self.terms[first as usize..][..run.count as usize];
                lists.iter().map(|terms| terms.list.len as usize).sum()
            }
            Step::Affine(affine, _) => affine.rows as usize * affine.x.len as usize,
        };
        self.runs[self.varying_runs()].iter().map(cost).sum()
    }
}
