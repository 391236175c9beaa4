//! Partial distance-2 colouring of one side of a bipartite graph: columns that share no row have one colour, or rows that
//! share no column (Gebremedhin, Manne and Pothen 2005, section 3).

use super::order::{Neighbours, Order, ordered};
use super::{FirstFree, NONE};
use crate::sparse::Pattern;

/// Colours vertices so that no two with a common partner have the same colour; vertices without partners have none.
///
/// `partners` has a row for each vertex, and `vertices` a row for each partner; they are transposes of each other.
pub(crate) fn colour(partners: &Pattern, vertices: &Pattern, order: Order) -> Vec<u32> {
    let mut colours = vec![NONE; partners.rows()];
    if longest_row(vertices) == occupied_rows(partners) {
        // All of them share one partner: each has its own colour, and looking for conflicts would be quadratic.
        let occupied = (0..partners.rows()).filter(|&vertex| !partners.row(vertex).is_empty());
        occupied.enumerate().for_each(|(colour, vertex)| colours[vertex] = colour as u32);
        return colours;
    }
    let mut free = FirstFree::default();
    for vertex in ordered(order, &mut Conflicts::new(partners, vertices)) {
        if partners.row(vertex as usize).is_empty() {
            continue;
        }
        for &partner in partners.row(vertex as usize) {
            for &other in vertices.row(partner as usize) {
                free.forbid(colours[other as usize], vertex);
            }
        }
        colours[vertex as usize] = free.take(vertex);
    }
    colours
}

/// A row with this many entries needs as many colours of columns.
pub(crate) fn longest_row(pattern: &Pattern) -> usize {
    (0..pattern.rows()).map(|row| pattern.row(row).len()).max().unwrap_or(0)
}

fn occupied_rows(pattern: &Pattern) -> usize {
    (0..pattern.rows()).filter(|&row| !pattern.row(row).is_empty()).count()
}

/// The graph of vertices that share a partner, found as it is walked: written out, it can have as many edges as the
/// square of the number of entries.
struct Conflicts<'a> {
    partners: &'a Pattern,
    vertices: &'a Pattern,
    /// For each vertex, the walk that met it last.
    met: Vec<u32>,
    walk: u32,
}

impl<'a> Conflicts<'a> {
    fn new(partners: &'a Pattern, vertices: &'a Pattern) -> Self {
        Self { partners, vertices, met: vec![0; partners.rows()], walk: 0 }
    }
}

impl Neighbours for Conflicts<'_> {
    fn vertices(&self) -> usize {
        self.partners.rows()
    }

    fn visit(&mut self, vertex: u32, mut visitor: impl FnMut(u32)) {
        if self.walk == u32::MAX {
            self.met.fill(0);
            self.walk = 0;
        }
        self.walk += 1;
        self.met[vertex as usize] = self.walk;
        for &partner in self.partners.row(vertex as usize) {
            for &other in self.vertices.row(partner as usize) {
                if std::mem::replace(&mut self.met[other as usize], self.walk) != self.walk {
                    visitor(other);
                }
            }
        }
    }
}
