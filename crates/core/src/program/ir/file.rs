//! A graph as bytes, and back: a magic number, a version, a checksum, and the graph in the format of postcard.
//!
//! Operations are stored by name, so a new row of the table does not change files. A graph that is read back is
//! checked for everything that its users rely on.

use super::graph::{Affine, Graph, List, Node, Reduction};
use super::guard::{Guard, Predicate};
use crate::predicate::{Property, Relation};
use crate::rules::Op;
use crate::{CustomRule, Error, ProgramScalar};
use serde::{Deserialize, Serialize};

/// The start of a file; its last byte is the version.
const MARK: [u8; 9] = *b"dualtape\x01";

/// The magic number and the checksum.
const HEAD: usize = MARK.len() + 4;

/// Numbers are stored as `f64`, which preserves `f32`.
#[derive(Serialize, Deserialize)]
struct Content {
    number: String,
    parameters: u32,
    data: u32,
    /// Each operation once: its name, and its parameter if it has one.
    operations: Vec<(String, i64)>,
    nodes: Vec<FileNode>,
    lists: Vec<u32>,
    /// The first weight, the first bias, the number of rows, and the list of the vector.
    affines: Vec<(u32, u32, u32, [u32; 2])>,
    guards: Vec<FileGuard>,
    outputs: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
enum FileNode {
    Input,
    Constant(f64),
    Apply(u32, [u32; 3]),
    Reduce(FileReduction, [u32; 2]),
    Row(u32, u32),
}

/// In the order used in files.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum FileReduction {
    Sum,
    Dot,
    LogSumExp,
    Norm,
    ChainRule,
}

#[derive(Serialize, Deserialize)]
enum FileGuard {
    Relation(String, [u32; 2], bool),
    Property(String, u32, bool),
    Value(u32, f64),
}

impl<F: ProgramScalar> Graph<F> {
    /// This graph as bytes.
    pub(in crate::program) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        if let Some(call) = self.calls.first() {
            return Err(Error::NotSavable { rule: call.rule.name() });
        }
        let mut operations: Vec<(String, i64)> = Vec::new();
        let mut place = |op: Op| {
            let named = (op.name().to_owned(), number(op));
            let known = operations.iter().position(|other| *other == named);
            known.unwrap_or_else(|| {
                operations.push(named);
                operations.len() - 1
            }) as u32
        };
        let node = |node: &Node<F>| match *node {
            Node::Input => FileNode::Input,
            Node::Constant(value) => FileNode::Constant(value.wide()),
            Node::Apply(op, operands) => FileNode::Apply(place(op), operands),
            Node::Reduce(reduction, List { start, len }) => {
                FileNode::Reduce(FileReduction::of(reduction), [start, len])
            }
            Node::Row { affine, row } => FileNode::Row(affine, row),
            Node::Output { .. } => unreachable!("graphs with rules were refused"),
        };
        let nodes = self.nodes.iter().map(node).collect();
        let affine = |map: &Affine| (map.weights, map.bias, map.rows, [map.x.start, map.x.len]);
        let guard = |guard: &Guard<F>| match guard.predicate {
            Predicate::Relation { relation, operands, outcome } => {
                FileGuard::Relation(relation.sign().to_owned(), operands, outcome)
            }
            Predicate::Property { property, operand, outcome } => {
                FileGuard::Property(property.words().to_owned(), operand, outcome)
            }
            Predicate::Value { operand, value } => FileGuard::Value(operand, value.wide()),
        };
        let content = Content {
            number: number_type::<F>().to_owned(),
            parameters: self.parameters as u32,
            data: self.data as u32,
            operations,
            nodes,
            lists: self.lists.clone(),
            affines: self.affines.iter().map(affine).collect(),
            guards: self.guards.iter().map(guard).collect(),
            outputs: self.outputs.clone(),
        };
        let content = postcard::to_allocvec(&content).expect("memory takes all that is written");
        Ok([&MARK[..], &crc32fast::hash(&content).to_le_bytes(), &content].concat())
    }

    /// The graph of bytes that [`to_bytes`](Self::to_bytes) wrote.
    pub(in crate::program) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: &str| Err(Error::NotAProgram { reason: reason.to_owned() });
        let Some((head, content)) = bytes.split_at_checked(HEAD) else {
            return refuse("it is too short");
        };
        let (mark, checksum) = head.split_at(MARK.len());
        if mark[..MARK.len() - 1] != MARK[..MARK.len() - 1] {
            return refuse("it does not begin as one");
        }
        if mark != MARK {
            return refuse("it has a version that this library does not know");
        }
        if checksum != crc32fast::hash(content).to_le_bytes() {
            return refuse("its checksum is not that of its content");
        }
        let Ok(content) = postcard::from_bytes::<Content>(content) else {
            return refuse("its content has another form");
        };
        if content.number != number_type::<F>() {
            return refuse(&format!("its numbers are {}, not {}", content.number, number_type::<F>()));
        }
        let Some(graph) = content.graph() else { return refuse("its content names what there is not") };
        if graph.is_sound() { Ok(graph) } else { refuse("its nodes do not fit together") }
    }

    /// Whether everything is where its readers expect it.
    fn is_sound(&self) -> bool {
        let (inputs, count) = (self.inputs(), self.nodes.len());
        let inputs_first = |(index, node): (usize, &Node<F>)| matches!(node, Node::Input) == (index < inputs);
        let list_fits =
            |list: List| list.start.checked_add(list.len).is_some_and(|end| end as usize <= self.lists.len());
        let affine_fits = |map: &Affine| {
            let weights = u64::from(map.weights) + u64::from(map.rows) * u64::from(map.x.len);
            let bias = u64::from(map.bias) + u64::from(map.rows);
            map.rows > 0 && map.x.len > 0 && list_fits(map.x) && weights.max(bias) <= self.parameters as u64
        };
        let node_fits = |(index, node): (usize, &Node<F>)| match *node {
            Node::Input | Node::Constant(_) => true,
            Node::Output { .. } => false,
            Node::Apply(op, operands) => {
                let (used, unused) = operands.split_at(op.arity());
                used.iter().all(|&place| (place as usize) < index) && unused.iter().all(|&place| place == 0)
            }
            Node::Reduce(reduction, list) => list_fits(list) && reduction.takes(list.len),
            // The rows of a map are consecutive.
            Node::Row { affine, row } => self.affines.get(affine as usize).is_some_and(|map| {
                if row >= map.rows {
                    return false;
                }
                let before = row.checked_sub(1).map(|row| Node::Row { affine, row });
                let after = (row + 1 < map.rows).then_some(Node::Row { affine, row: row + 1 });
                before.is_none_or(|before| self.nodes[index - 1] == before)
                    && after.is_none_or(|after| self.nodes.get(index + 1) == Some(&after))
            }),
        };
        let reads_back = |(index, node): (usize, &Node<F>)| {
            let first = match *node {
                Node::Row { row, .. } => index - row as usize,
                _ => index,
            };
            self.operands(node).all(|place| (place as usize) < first)
        };
        let nodes = || self.nodes.iter().enumerate();
        let mut maps = vec![0_usize; self.affines.len()];
        for node in &self.nodes {
            if let Node::Row { affine, row: 0 } = *node
                && let Some(count) = maps.get_mut(affine as usize)
            {
                *count += 1;
            }
        }
        let others = self.guards.iter().flat_map(Guard::operands).chain(self.outputs.iter().copied());
        // Lists that no node reads, too: passes renumber all of them.
        let others = others.chain(self.lists.iter().copied());
        inputs <= count
            && nodes().all(inputs_first)
            && self.affines.iter().all(affine_fits)
            && maps.iter().all(|&count| count <= 1)
            && nodes().all(node_fits)
            && nodes().all(reads_back)
            && others.into_iter().all(|place| (place as usize) < count)
    }
}

impl Content {
    /// The graph, unless a name is unknown.
    fn graph<F: ProgramScalar>(self) -> Option<Graph<F>> {
        let operations: Option<Vec<Op>> =
            self.operations.iter().map(|(name, number)| operation(name, *number)).collect();
        let operations = operations?;
        let node = |node: FileNode| {
            Some(match node {
                FileNode::Input => Node::Input,
                FileNode::Constant(value) => Node::Constant(F::nearest(value)),
                FileNode::Apply(place, operands) => Node::Apply(*operations.get(place as usize)?, operands),
                FileNode::Reduce(reduction, [start, len]) => {
                    Node::Reduce(reduction.reduction(), List { start, len })
                }
                FileNode::Row(affine, row) => Node::Row { affine, row },
            })
        };
        let guard = |guard: FileGuard| {
            let predicate = match guard {
                FileGuard::Relation(sign, operands, outcome) => Predicate::Relation {
                    relation: Relation::ALL.into_iter().find(|relation| relation.sign() == sign)?,
                    operands,
                    outcome,
                },
                FileGuard::Property(words, operand, outcome) => Predicate::Property {
                    property: Property::ALL.into_iter().find(|property| property.words() == words)?,
                    operand,
                    outcome,
                },
                FileGuard::Value(operand, value) => Predicate::Value { operand, value: F::nearest(value) },
            };
            Some(Guard { predicate, origin: None })
        };
        Some(Graph {
            nodes: self.nodes.into_iter().map(node).collect::<Option<_>>()?,
            lists: self.lists,
            affines: self
                .affines
                .into_iter()
                .map(|(weights, bias, rows, [start, len])| Affine {
                    weights,
                    bias,
                    rows,
                    x: List { start, len },
                })
                .collect(),
            calls: Vec::new(),
            guards: self.guards.into_iter().map(guard).collect::<Option<_>>()?,
            outputs: self.outputs,
            parameters: self.parameters as usize,
            data: self.data as usize,
        })
    }
}

impl FileReduction {
    fn of(reduction: Reduction) -> Self {
        match reduction {
            Reduction::Sum => Self::Sum,
            Reduction::Dot => Self::Dot,
            Reduction::LogSumExp => Self::LogSumExp,
            Reduction::Norm => Self::Norm,
            Reduction::ChainRule => Self::ChainRule,
            Reduction::MultiplyAddChain => unreachable!("only the plan of batches has chains"),
        }
    }

    fn reduction(self) -> Reduction {
        match self {
            Self::Sum => Reduction::Sum,
            Self::Dot => Reduction::Dot,
            Self::LogSumExp => Reduction::LogSumExp,
            Self::Norm => Reduction::Norm,
            Self::ChainRule => Reduction::ChainRule,
        }
    }
}

impl Reduction {
    /// Whether the graph may have this many operands.
    fn takes(self, operands: u32) -> bool {
        match self {
            Self::Sum | Self::LogSumExp | Self::Norm => true,
            Self::Dot => operands.is_multiple_of(2),
            // Chains are not in files.
            Self::MultiplyAddChain | Self::ChainRule => operands % 2 == 1,
        }
    }
}

/// The name of a type of numbers.
fn number_type<F: ProgramScalar>() -> &'static str {
    if size_of::<F>() == 4 { "f32" } else { "f64" }
}

/// The parameter that an operation carries, or 0.
fn number(op: Op) -> i64 {
    match op {
        Op::Powi(exponent) => exponent.into(),
        Op::Polygamma(order) => order.into(),
        _ => 0,
    }
}

/// The operation with a given name and parameter.
fn operation(name: &str, number: i64) -> Option<Op> {
    match Op::ALL.iter().find(|op| op.name() == name)? {
        Op::Powi(_) => Some(Op::Powi(number.try_into().ok()?)),
        // The order must leave room for derivatives, which have higher orders.
        Op::Polygamma(_) => u16::try_from(number).ok().map(|order| Op::Polygamma(order.into())),
        &op => (number == 0).then_some(op),
    }
}
