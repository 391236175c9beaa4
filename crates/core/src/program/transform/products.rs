//! Products of a Jacobian with many directions as one graph, without structural zeros.
//!
//! In forward mode, each node carries the tangents that may be nonzero, with the colour of each. Dual numbers apply
//! the operations to them: the tangents of the operands are packed into lanes, eight colours at a time.

use super::derivative::{copy_guards, derived};
use crate::program::ir::graph::{Graph, Node};
use crate::program::ir::walk;
use crate::program::record::Traced;
use crate::program::record::recorder::{Recorder, Session};
use crate::{Differentiable, Dual, ProgramScalar};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::{U8, Unsigned};

/// The directions of products with a Jacobian.
pub(in crate::program) struct Seeds<'a> {
    /// Inputs, and the colours along which they are seeded; the others have zero tangents.
    pub(in crate::program) inputs: &'a [(usize, u32)],
    /// Outputs, and the colours along which they are seeded.
    pub(in crate::program) outputs: &'a [(usize, u32)],
}

/// An entry of a product with a Jacobian.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) enum Product {
    /// The derivative of an output along the inputs of a colour.
    Forward { colour: u32, row: u32 },
    /// The adjoint of an input when the outputs of a colour are seeded.
    Reverse { colour: u32, input: u32 },
}

/// The graph of a function's outputs, and of entries of products with its Jacobian. `None` if there would be more nodes
/// and operands than `limit`.
pub(in crate::program) fn products<F: ProgramScalar>(
    graph: &Graph<F>,
    seeds: &Seeds<'_>,
    wanted: &[Product],
    limit: usize,
) -> Option<Graph<F>> {
    let session = Session::begin(Recorder::new(graph.parameters, graph.data, limit).symbolic());
    let moving = Moving::walk(&session, graph, seeds.inputs, limit)?;
    copy_guards(&session, graph, |node| moving.values[node as usize]);
    let zero = Traced::from(F::zero());
    let derivative = |&product: &Product| match product {
        Product::Forward { colour, row } => moving.derivative(graph.outputs[row as usize], colour),
        Product::Reverse { .. } => zero,
    };
    let mut entries: Vec<_> = wanted.iter().map(derivative).collect();
    let outputs: Vec<_> = graph.outputs.iter().map(|&output| moving.values[output as usize]).collect();
    sweep(graph, moving.values, seeds.outputs, wanted, &mut entries);
    session.finish(&[outputs, entries].concat()).ok()
}

/// Values of all nodes, and their tangents.
struct Moving<F> {
    values: Vec<Traced<F>>,
    /// The start of the tangents of each node, and at the end a number for the end of all.
    starts: Vec<usize>,
    /// Colours and tangents; the colours of each node increase.
    tangents: Vec<(u32, Traced<F>)>,
}

/// A number with the tangents of eight colours.
type Packed<F> = Dual<Traced<F>, U8>;

impl<F: ProgramScalar> Moving<F> {
    /// Walks through the graph; `None` if there are more tangents than `limit`, as each takes at least one node.
    fn walk(session: &Session<F>, graph: &Graph<F>, inputs: &[(usize, u32)], limit: usize) -> Option<Self> {
        let mut of_input = vec![None; graph.inputs()];
        inputs.iter().for_each(|&(input, colour)| of_input[input] = Some(colour));
        let nodes = graph.nodes.len();
        let mut this = Self { values: Vec::with_capacity(nodes), starts: vec![0], tangents: Vec::new() };
        let mut scratch =
            Scratch { colours: Vec::new(), plain: Vec::new(), packed: Vec::new(), moved: Vec::new() };
        for (index, node) in graph.nodes.iter().enumerate() {
            match *node {
                Node::Input => {
                    let moves = of_input[index].map(|colour| (colour, Traced::from(F::one())));
                    this.push(session.unknown(index), moves);
                }
                Node::Constant(value) => this.push(Traced::constant(value), None),
                // The first brings all.
                Node::Row { row: 1.., .. } | Node::Output { output: 1.., .. } => {}
                _ => this.operation(graph, node, &mut scratch),
            }
            if this.tangents.len() > limit {
                return None;
            }
        }
        Some(this)
    }

    fn push(&mut self, value: Traced<F>, tangents: impl IntoIterator<Item = (u32, Traced<F>)>) {
        self.values.push(value);
        self.tangents.extend(tangents);
        self.starts.push(self.tangents.len());
    }

    /// The tangents of a node.
    fn of(&self, node: u32) -> &[(u32, Traced<F>)] {
        &self.tangents[self.starts[node as usize]..self.starts[node as usize + 1]]
    }

    fn derivative(&self, node: u32, colour: u32) -> Traced<F> {
        let tangents = self.of(node);
        let found = tangents.binary_search_by_key(&colour, |&(colour, _)| colour);
        let value = self.values[node as usize];
        found
            .map_or(F::zero().into(), |place| Dual::<_>::new(value, [tangents[place].1].into()).derivative(0))
    }

    /// Computes the results of a node, and their tangents.
    fn operation(&mut self, graph: &Graph<F>, node: &Node<F>, scratch: &mut Scratch<F>) {
        let Scratch { colours, plain, packed, moved } = scratch;
        colours.clear();
        walk::operands_of_all(graph, node, |operand| {
            colours.extend(self.of(operand).iter().map(|&(colour, _)| colour));
        });
        colours.sort_unstable();
        colours.dedup();
        if colours.is_empty() {
            plain.clear();
            derived(walk::results(graph, node, |operand| self.values[operand as usize], plain));
            plain.iter().for_each(|&value| self.push(value, None));
            return;
        }
        // A list for each of the results.
        for colours in colours.chunks(U8::USIZE) {
            packed.clear();
            derived(walk::results(graph, node, |operand| self.packed(operand, colours), packed));
            for (result, number) in packed.iter().enumerate() {
                let lanes = number.raw_tangent().iter().zip(colours);
                let moves = lanes.filter(|(tangent, _)| !tangent.is_identically_zero());
                moved.extend(moves.map(|(&tangent, &colour)| (result, colour, tangent)));
            }
        }
        moved.sort_by_key(|&(result, colour, _)| (result, colour));
        let mut rest = &moved[..];
        for (result, number) in packed.iter().enumerate() {
            let (tangents, others) = rest.split_at(rest.partition_point(|&(of, ..)| of == result));
            self.push(number.primal(), tangents.iter().map(|&(_, colour, tangent)| (colour, tangent)));
            rest = others;
        }
        moved.clear();
    }

    /// A node with its tangents of the given colours in its lanes.
    fn packed(&self, node: u32, colours: &[u32]) -> Packed<F> {
        let mut tangents = self.of(node).iter().peekable();
        let lane = |lane: usize| {
            let colour = colours.get(lane)?;
            while tangents.next_if(|(before, _)| before < colour).is_some() {}
            tangents.next_if(|(of, _)| of == colour).map(|&(_, tangent)| tangent)
        };
        let mut lane = lane;
        let zero = Traced::from(F::zero());
        Dual::new(self.values[node as usize], GenericArray::generate(|index| lane(index).unwrap_or(zero)))
    }
}

/// Memory that is reused by each node.
struct Scratch<F: ProgramScalar> {
    colours: Vec<u32>,
    plain: Vec<Traced<F>>,
    packed: Vec<Packed<F>>,
    /// Tangents, each with its result and its colour.
    moved: Vec<(usize, u32, Traced<F>)>,
}

/// Writes the entries of products along outputs, given the values of all nodes, by a sweep for each colour.
fn sweep<F: ProgramScalar>(
    graph: &Graph<F>,
    values: Vec<Traced<F>>,
    outputs: &[(usize, u32)],
    wanted: &[Product],
    entries: &mut [Traced<F>],
) {
    let mut of_colour = Vec::new();
    for &(output, colour) in outputs {
        of_colour.resize(of_colour.len().max(colour as usize + 1), (Vec::new(), Vec::new()));
        of_colour[colour as usize].0.push((graph.outputs[output] as usize, Traced::from(F::one())));
    }
    for (entry, &product) in wanted.iter().enumerate() {
        if let Product::Reverse { colour, input } = product {
            of_colour[colour as usize].1.push((entry, input as usize));
        }
    }
    let mut buffers = walk::Buffers::default();
    buffers.values = values;
    for (ones, of_entries) in of_colour {
        derived(walk::reverse::<Traced<F>, true>(graph, &mut buffers, ones.into_iter()));
        of_entries.into_iter().for_each(|(entry, input)| entries[entry] = buffers.adjoints[input]);
    }
}
