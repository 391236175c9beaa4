//! Writes a graph again, node by node, for a pass that writes some nodes differently.

use crate::ProgramScalar;
use crate::program::ir::graph::{Call, Graph, Node};
use crate::program::record::recorder::Recorder;

/// A graph, and the part of it written so far.
pub(super) struct Rewrite<'a, F> {
    pub(super) from: &'a Graph<F>,
    pub(super) to: Recorder<F>,
    /// The place of each node in the new graph.
    place: Vec<u32>,
}

impl<'a, F: ProgramScalar> Rewrite<'a, F> {
    /// Writes all nodes in order: each as the pass says, or unchanged if the pass returns nothing.
    pub(super) fn nodes(from: &'a Graph<F>, mut pass: impl FnMut(&mut Self, Node<F>) -> Option<u32>) -> Self {
        // Recordings are within their limit, so there are enough places for the result of a pass.
        let to = Recorder::new(from.parameters, from.data, usize::MAX);
        let mut this = Self { from, to, place: Vec::with_capacity(from.nodes.len()) };
        for (index, &node) in from.nodes.iter().enumerate() {
            let place = pass(&mut this, node).unwrap_or_else(|| this.copy(index));
            this.place.push(place);
        }
        this
    }

    /// The place of a node.
    pub(super) fn place(&self, node: u32) -> u32 {
        self.place[node as usize]
    }

    /// Finishes with the guards and outputs of the graph.
    pub(super) fn finish(mut self) -> Graph<F> {
        for guard in &self.from.guards {
            self.to.guard(guard.renumbered(|node| self.place[node as usize]));
        }
        let outputs = self.from.outputs.iter().map(|&node| self.place(node)).collect();
        self.to.into_graph(outputs)
    }

    fn copy(&mut self, index: usize) -> u32 {
        let place = |node: u32| self.place[node as usize];
        match self.from.nodes[index] {
            Node::Input => index as u32,
            Node::Constant(value) => self.to.constant(value),
            Node::Apply(op, operands) => {
                let mut places = [0; 3];
                for (to, &from) in places.iter_mut().zip(&operands[..op.arity()]) {
                    *to = place(from);
                }
                self.to.operation(op, places)
            }
            Node::Reduce(reduction, list) => {
                let operands = self.from.lists[list.range()].iter().map(|&node| place(node));
                self.to.reduce(reduction, operands)
            }
            // The first row writes all rows, and the others follow it.
            Node::Row { row: row @ 1.., .. } => self.place[index - row as usize] + row,
            Node::Row { affine, .. } => {
                let affine = self.from.affines[affine as usize];
                let x = self.from.lists[affine.x.range()].iter().map(|&node| place(node));
                self.to.affine_rows(affine, x)
            }
            Node::Output { output: output @ 1.., .. } => self.place[index - output as usize] + output,
            Node::Output { call, .. } => {
                let Call { rule, x } = &self.from.calls[call as usize];
                let x = self.from.lists[x.range()].iter().map(|&node| place(node));
                self.to.call(rule.clone(), x)
            }
        }
    }
}
