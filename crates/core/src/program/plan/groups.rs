//! Groups: dot products of one run whose uniform factors are the rows of a matrix, or of a triangle.
//!
//! Products at one level that pair uniform factors with the same varying values, or with prefixes of one list of
//! them, form a product of a matrix and a vector. If they are computed together, a varying value is loaded once for
//! several rows, and a factor once for several blocks of points. The factors may be in any slots: they are packed
//! into a panel once for a batch, in the order in which kernels read them.
//!
//! ```text
//! a tile of four rows:   in the panel: w00 w10 w20 w30 | w01 w11 w21 w31 | … | the rest of each row, row after row
//!                        among sums:   a row of numbers for each, all as wide as the longest
//! ```

use super::schedule::{Class, Entry, Operation, Schedule};
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, List, Node, Reduction};
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;

/// With fewer rows, computing the sums over points row by row takes no longer.
pub(in crate::program) const FEWEST_ROWS: usize = 4;

/// What is never uniform.
pub(in crate::program) const GROUPS_VARY: &str = "the results of groups differ from point to point";

/// The group of an entry without a group.
pub(in crate::program) const NO_GROUP: u32 = u32::MAX;

/// Dot products with uniform factors and one vector; each reads a prefix of the vector.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Group {
    /// The first row, counted from the first row of the run.
    pub(in crate::program) first: u32,
    pub(in crate::program) rows: u32,
    /// The slots of the vector, all varying.
    pub(in crate::program) x: List,
    /// Whether these are consecutive.
    pub(in crate::program) contiguous: bool,
    /// Of the vector.
    pub(in crate::program) class: Class,
    /// Whether a factor depends on parameters.
    pub(in crate::program) gains: bool,
    /// The start of its factors in the panels.
    pub(in crate::program) panel: u32,
    /// The start of the sums for the adjoints of its factors.
    pub(in crate::program) sums: u32,
}

/// The groups of a run.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Products {
    pub(in crate::program) chain: bool,
    /// The first of [`Schedule::terms`](super::schedule::Schedule::terms), one for each result.
    pub(in crate::program) terms: u32,
    pub(in crate::program) first_group: u32,
    pub(in crate::program) groups: u32,
    /// The length of the longest vector.
    pub(in crate::program) longest: u32,
}

/// How many rows the next tile has, if this many are left.
pub(in crate::program) const fn tile_height(left: usize) -> usize {
    match left {
        4.. => 4,
        2..=3 => 2,
        _ => 1,
    }
}

/// A count of numbers rounded up to whole registers, the widest that exist.
pub(in crate::program) const fn padded<F>(len: usize) -> usize {
    len.next_multiple_of(64 / size_of::<F>())
}

/// Gives groups to the entries that share a run, and moves the entries of a group together; others come last.
pub(super) fn group<F: ProgramScalar>(graph: &Graph<F>, classes: &[Class], entries: &mut [Entry]) {
    let mut groups = 0;
    for run in entries.chunk_by_mut(|a, b| a.key == b.key) {
        let products = matches!(run[0].kind, Operation::Reduce(Reduction::Dot | Reduction::MultiplyAddChain));
        if products && run[0].varying() && !run[0].exact && run.len() >= FEWEST_ROWS {
            group_run(graph, classes, run, &mut groups);
        }
    }
}

fn group_run<F: ProgramScalar>(graph: &Graph<F>, classes: &[Class], run: &mut [Entry], groups: &mut u32) {
    let vectors: Vec<_> = run.iter().map(|entry| vector(graph, classes, entry.node)).collect();
    // For each first component: the longest vector, and how many begin with it.
    let mut longest: HashMap<u32, (&[u32], usize), FxBuildHasher> = HashMap::default();
    for x in vectors.iter().flatten() {
        let (most, _) = longest.entry(x[0]).or_insert((x, 0));
        if x.len() > most.len() {
            *most = x;
        }
    }
    let is_prefix = |x: &[u32], most: &[u32]| most[..x.len()] == *x;
    for x in vectors.iter().flatten() {
        if let Some((most, count)) = longest.get_mut(&x[0]) {
            *count += usize::from(is_prefix(x, most));
        }
    }
    let mut numbers: HashMap<u32, u32, FxBuildHasher> = HashMap::default();
    for (entry, x) in run.iter_mut().zip(&vectors) {
        let Some(x) = x else { continue };
        let (most, count) = longest[&x[0]];
        if count >= FEWEST_ROWS && is_prefix(x, most) {
            entry.group = *numbers.entry(x[0]).or_insert_with(|| {
                *groups += 1;
                *groups - 1
            });
        }
    }
    run.sort_by_key(|entry| entry.group);
}

/// The varying factors of a sum of products, if each pair has one.
fn vector<F: ProgramScalar>(graph: &Graph<F>, classes: &[Class], node: u32) -> Option<Vec<u32>> {
    let Node::Reduce(reduction, list) = graph.nodes[node as usize] else { return None };
    let pairs =
        graph.lists[list.range()][usize::from(reduction == Reduction::MultiplyAddChain)..].as_chunks::<2>().0;
    let varies = |node: u32| classes[node as usize].on_data();
    let varying = |&[a, b]: &[u32; 2]| match (varies(a), varies(b)) {
        (false, true) => Some(b),
        (true, false) => Some(a),
        _ => None,
    };
    pairs.iter().map(varying).collect::<Option<Vec<u32>>>().filter(|x| !x.is_empty())
}

impl Schedule {
    /// Adds the groups of a run, whose terms exist already.
    pub(super) fn push_groups<F: ProgramScalar>(
        &mut self,
        graph: &Graph<F>,
        classes: &[Class],
        terms: u32,
        entries: &[Entry],
    ) -> Products {
        let chain = matches!(entries[0].kind, Operation::Reduce(Reduction::MultiplyAddChain));
        let first_group = self.groups.len() as u32;
        let (mut first, mut longest) = (0, 0);
        for rows in entries.chunk_by(|a, b| a.group == b.group) {
            let of_rows = rows.iter().filter_map(|row| vector(graph, classes, row.node));
            let x = of_rows.max_by_key(Vec::len).expect("rows of groups have a vector");
            longest = longest.max(x.len() as u32);
            let class = x.iter().fold(Class::Constant, |class, &x| class.join(classes[x as usize]));
            let x = self.push_list(&x);
            let slots = &self.operands[x.range()];
            let contiguous = slots.windows(2).all(|pair| pair[0] + 1 == pair[1]);
            let (panel, sums) = (self.panels.len() as u32, self.panel_sums as u32);
            let pairs: Vec<List> =
                (terms + first..).take(rows.len()).map(|row| self.pairs(chain, row)).collect();
            self.push_panel::<F>(&pairs);
            let gains = self.panels[panel as usize..].iter().any(|&slot| slot as usize >= self.constants);
            let count = rows.len() as u32;
            self.groups.push(Group { first, rows: count, x, contiguous, class, gains, panel, sums });
            first += count;
        }
        let groups = self.groups.len() as u32 - first_group;
        Products { chain, terms, first_group, groups, longest }
    }

    /// Where the pairs of a sum of products are listed.
    fn pairs(&self, chain: bool, terms: u32) -> List {
        let List { start, len } = self.terms[terms as usize].list;
        List { start: start + u32::from(chain), len: len - u32::from(chain) }
    }

    /// Adds the slots of uniform factors tile by tile, given the pairs of each row, and makes room for sums.
    fn push_panel<F>(&mut self, rows: &[List]) {
        let mut left = rows;
        while !left.is_empty() {
            let (tile, others) = left.split_at(tile_height(left.len()));
            left = others;
            let factor = |row: &List, column: u32| self.operands[(row.start + 2 * column) as usize];
            let lengths = tile.iter().map(|row| row.len / 2);
            let (common, longest) = (lengths.clone().min().unwrap_or(0), lengths.max().unwrap_or(0));
            let together = (0..common).flat_map(|column| tile.iter().map(move |row| (row, column)));
            let rest = tile.iter().flat_map(|row| (common..row.len / 2).map(move |column| (row, column)));
            let factors: Vec<u32> = together.chain(rest).map(|(row, column)| factor(row, column)).collect();
            self.panels.extend(factors);
            self.panel_sums += tile.len() * padded::<F>(longest as usize);
        }
    }

    /// The slots at which chains start.
    pub(super) fn starts(&self, products: &Products, count: u32) -> Vec<u32> {
        let count = if products.chain { count as usize } else { 0 };
        let terms = &self.terms[products.terms as usize..][..count];
        terms.iter().map(|terms| self.operands[terms.list.start as usize]).collect()
    }

    /// The groups of a run.
    pub(in crate::program) fn groups(&self, products: &Products) -> &[Group] {
        &self.groups[products.first_group as usize..][..products.groups as usize]
    }
}
