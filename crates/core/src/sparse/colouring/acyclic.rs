//! Acyclic colouring: neighbours differ, and each cycle has at least three colours, so that the edges between two
//! colours form trees (Gebremedhin, Tarafdar, Manne and Pothen 2007, section 3).

use super::graph::{Graph, Surroundings};
use super::order::{Order, ordered};
use super::{FirstFree, NONE};

/// Colours all vertices that have neighbours.
///
/// All edges from a vertex to neighbours of one colour are in one tree of two colours. If a vertex touches a tree at
/// two places, it must not take the other colour of the tree.
pub(crate) fn colour(graph: &Graph, order: Order) -> Vec<u32> {
    let vertices = ordered(order, &mut &*graph);
    let mut colours = vec![NONE; vertices.len()];
    let mut around = Surroundings::new(graph, 0);
    let mut trees = Trees::default();
    let mut free = FirstFree::default();
    for vertex in vertices {
        if graph.of(vertex).is_empty() {
            continue;
        }
        for &neighbour in graph.of(vertex).iter().filter(|&&w| colours[w as usize] != NONE) {
            free.forbid(colours[neighbour as usize], vertex);
            for &(colour, edges) in around.of(neighbour) {
                if trees.touched_before(edges, vertex) {
                    free.forbid(colour, vertex);
                }
            }
        }
        let colour = free.take(vertex);
        colours[vertex as usize] = colour;
        for &neighbour in graph.of(vertex) {
            let neighbours_colour = colours[neighbour as usize];
            if neighbours_colour != NONE {
                let theirs = edges(&mut around, &mut trees, neighbour, colour);
                let ours = edges(&mut around, &mut trees, vertex, neighbours_colour);
                trees.join(theirs, ours);
            }
        }
    }
    colours
}

/// The edges from a vertex to its neighbours of one colour.
fn edges(around: &mut Surroundings<'_, u32>, trees: &mut Trees, vertex: u32, colour: u32) -> u32 {
    if let Some(&mut edges) = around.find(vertex, colour) {
        return edges;
    }
    let edges = trees.plant();
    around.push(vertex, colour, edges);
    edges
}

/// Disjoint sets, each of which is a tree of two colours.
#[derive(Default)]
pub(crate) struct Trees {
    /// For each member another member of its set, or itself if it represents the set.
    towards_root: Vec<u32>,
    /// For each root, the vertex that touched its tree last.
    touched: Vec<u32>,
}

impl Trees {
    pub(crate) fn plant(&mut self) -> u32 {
        let member = self.towards_root.len() as u32;
        self.towards_root.push(member);
        self.touched.push(NONE);
        member
    }

    /// The root; shortens the path to it by half.
    pub(crate) fn root(&mut self, mut member: u32) -> u32 {
        while self.towards_root[member as usize] != member {
            let next = self.towards_root[member as usize];
            self.towards_root[member as usize] = self.towards_root[next as usize];
            member = next;
        }
        member
    }

    /// Joins two sets, the later under the earlier one; returns whether they were different.
    pub(crate) fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.towards_root[a.max(b) as usize] = a.min(b);
        a != b
    }

    fn touched_before(&mut self, edges: u32, vertex: u32) -> bool {
        let root = self.root(edges);
        std::mem::replace(&mut self.touched[root as usize], vertex) == vertex
    }
}
