//! Graphs in which all vertices are coloured, and what a vertex knows about the colours around it.

use super::NONE;
use super::order::Neighbours;
use crate::sparse::Pattern;

/// A graph without loops: the neighbours of each vertex, in both directions.
pub(crate) struct Graph {
    starts: Vec<usize>,
    neighbours: Vec<u32>,
}

impl Graph {
    /// The graph of a symmetric pattern: its rows, joined if there is an entry off the diagonal.
    pub(crate) fn of_symmetric(pattern: &Pattern) -> Self {
        let mut graph = Self { starts: vec![0], neighbours: Vec::with_capacity(pattern.len()) };
        for row in 0..pattern.rows() {
            graph.push(pattern.row(row).iter().copied().filter(|&column| column as usize != row));
        }
        graph
    }

    /// The graph of any pattern: its columns and then its rows, joined if there is an entry. `None` if they are too
    /// many to be numbered.
    pub(crate) fn of_both(pattern: &Pattern, transposed: &Pattern) -> Option<Self> {
        u32::try_from(pattern.rows() + pattern.columns()).ok().filter(|&vertices| vertices < NONE)?;
        let mut graph = Self { starts: vec![0], neighbours: Vec::with_capacity(2 * pattern.len()) };
        let first_row = pattern.columns() as u32;
        for column in 0..pattern.columns() {
            graph.push(transposed.row(column).iter().map(|&row| first_row + row));
        }
        for row in 0..pattern.rows() {
            graph.push(pattern.row(row).iter().copied());
        }
        Some(graph)
    }

    fn push(&mut self, neighbours: impl Iterator<Item = u32>) {
        self.neighbours.extend(neighbours);
        self.starts.push(self.neighbours.len());
    }

    pub(crate) fn of(&self, vertex: u32) -> &[u32] {
        &self.neighbours[self.starts[vertex as usize]..self.starts[vertex as usize + 1]]
    }

    /// The number of edges, and of vertices that have an edge.
    pub(crate) fn size(&self) -> (usize, usize) {
        let joined = self.starts.windows(2).filter(|ends| ends[0] < ends[1]).count();
        (self.neighbours.len() / 2, joined)
    }
}

impl Neighbours for &Graph {
    fn vertices(&self) -> usize {
        self.starts.len() - 1
    }

    fn visit(&mut self, vertex: u32, visitor: impl FnMut(u32)) {
        self.of(vertex).iter().copied().for_each(visitor);
    }
}

/// For each vertex, the colours of its coloured neighbours, each once with a note.
///
/// Because these are visited instead of neighbours, a vertex with a million neighbours in two colours is as cheap as
/// one with two neighbours.
pub(crate) struct Surroundings<'a, N> {
    graph: &'a Graph,
    /// How many colours there are around each vertex so far.
    lengths: Vec<u32>,
    /// Room for as many colours as there are neighbours.
    notes: Vec<(u32, N)>,
}

impl<'a, N: Copy> Surroundings<'a, N> {
    pub(crate) fn new(graph: &'a Graph, unused: N) -> Self {
        let lengths = vec![0; graph.starts.len() - 1];
        Self { graph, lengths, notes: vec![(NONE, unused); graph.neighbours.len()] }
    }

    pub(crate) fn of(&self, vertex: u32) -> &[(u32, N)] {
        let start = self.graph.starts[vertex as usize];
        &self.notes[start..start + self.lengths[vertex as usize] as usize]
    }

    pub(crate) fn find(&mut self, vertex: u32, colour: u32) -> Option<&mut N> {
        let start = self.graph.starts[vertex as usize];
        let notes = &mut self.notes[start..start + self.lengths[vertex as usize] as usize];
        notes.iter_mut().find(|(around, _)| *around == colour).map(|(_, note)| note)
    }

    /// Adds a colour that is not in the list yet.
    pub(crate) fn push(&mut self, vertex: u32, colour: u32, note: N) {
        let length = &mut self.lengths[vertex as usize];
        self.notes[self.graph.starts[vertex as usize] + *length as usize] = (colour, note);
        *length += 1;
    }
}
