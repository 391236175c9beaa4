//! The orders in which a greedy colouring takes the vertices of a graph.

use super::{FirstFree, NONE};

/// The order in which vertices are coloured. Each takes the lowest colour that its neighbours allow, so the order decides
/// how many colours there are.
///
/// Vertices are columns, rows, or both. The *degree* of a vertex is the number of vertices that may conflict with it:
/// for columns, the other columns that share a row with it; for star, acyclic and bidirectional colourings, its
/// neighbours. If these rules leave several vertices, the choice is always the same, so that colours are the same in
/// every run.
///
/// ```
/// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
/// // Four columns in pairs: the two in the middle meet all others.
/// let pattern = Pattern::from_rows(4, [vec![0, 1], vec![1, 2], vec![2, 3]])?;
/// for order in Order::ALL {
///     assert_eq!(Colouring::new(&pattern, ColouringKind::Columns, order)?.products(), 2);
/// }
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// By index.
    Natural,
    /// By decreasing degree (Welsh and Powell 1967), and by index if degrees are equal.
    LargestFirst,
    /// From the last place to the first: always a vertex of the smallest degree among those not yet placed (Matula
    /// and Beck 1983). Among several, the one whose degree decreased last; among those whose degree never decreased,
    /// the lowest index.
    SmallestLast,
    /// From the first place to the last: always a vertex with the most neighbours among those already placed (Coleman
    /// and Moré 1983). Among several, the one that gained a neighbour last; among those without such neighbours, the
    /// one with the largest degree, then the lowest index.
    IncidenceDegree,
    /// From the first place to the last: always a vertex whose neighbours have the most colours, where the placed
    /// vertices are coloured so that no two neighbours share a colour (Brélaz 1979). Colours after the 64th are not
    /// counted. Among several, the one that gained a colour last; among those without coloured neighbours, the one
    /// with the largest degree, then the lowest index.
    ///
    /// It finds the pattern of a grid, and is the most expensive order.
    Saturation,
}

impl Order {
    /// All orders; those that reach few colours fastest come first.
    ///
    /// ```
    /// use dualtape::sparse::Order;
    /// assert_eq!(Order::ALL[0], Order::Natural);
    /// ```
    pub const ALL: [Self; 5] =
        [Self::Natural, Self::Saturation, Self::SmallestLast, Self::LargestFirst, Self::IncidenceDegree];
}

/// A graph that can list the neighbours of a vertex, each once and without the vertex itself.
pub(crate) trait Neighbours {
    fn vertices(&self) -> usize;
    /// It is borrowed mutably, because the graph may keep notes.
    fn visit(&mut self, vertex: u32, visitor: impl FnMut(u32));
}

/// The vertices of a graph in an order.
pub(crate) fn ordered(order: Order, graph: &mut impl Neighbours) -> Vec<u32> {
    match order {
        Order::Natural => (0..graph.vertices() as u32).collect(),
        Order::LargestFirst => largest_first(&degrees(graph)),
        Order::SmallestLast => smallest_last(graph),
        Order::IncidenceDegree => incidence_degree(graph),
        Order::Saturation => saturation(graph),
    }
}

fn degrees(graph: &mut impl Neighbours) -> Vec<u32> {
    let vertices = graph.vertices() as u32;
    let count = |vertex| {
        let mut degree = 0;
        graph.visit(vertex, |_| degree += 1);
        degree
    };
    (0..vertices).map(count).collect()
}

/// Sorted by counting, because degrees are small numbers.
fn largest_first(degrees: &[u32]) -> Vec<u32> {
    let largest = degrees.iter().max().map_or(0, |&degree| degree as usize);
    let mut next = vec![0; largest + 2];
    for &degree in degrees {
        next[largest - degree as usize + 1] += 1_u32;
    }
    for rank in 0..=largest {
        next[rank + 1] += next[rank];
    }
    let mut vertices = vec![0; degrees.len()];
    for (vertex, &degree) in degrees.iter().enumerate() {
        let place = &mut next[largest - degree as usize];
        vertices[*place as usize] = vertex as u32;
        *place += 1;
    }
    vertices
}

fn smallest_last(graph: &mut impl Neighbours) -> Vec<u32> {
    let degrees = degrees(graph);
    let vertices = degrees.len();
    let mut buckets = Buckets::new(&degrees, (0..vertices as u32).rev());
    let mut placed = vec![0; vertices];
    let mut smallest = 0;
    for place in placed.iter_mut().rev() {
        while buckets.heads[smallest] == NONE {
            smallest += 1;
        }
        let vertex = buckets.pop(smallest);
        *place = vertex;
        graph.visit(vertex, |neighbour| {
            if buckets.holds(neighbour) {
                buckets.shift(neighbour, buckets.degrees[neighbour as usize] - 1);
            }
        });
        // A neighbour can have one less than this vertex had, and no other vertex has changed.
        smallest = smallest.saturating_sub(1);
    }
    placed
}

fn incidence_degree(graph: &mut impl Neighbours) -> Vec<u32> {
    let degrees = degrees(graph);
    let mut buckets = Buckets::new(&vec![0; degrees.len()], largest_first(&degrees).into_iter().rev());
    buckets.heads.resize(degrees.iter().max().map_or(0, |&degree| degree as usize) + 2, NONE);
    let mut placed = vec![0; degrees.len()];
    let mut most = 0;
    for place in &mut placed {
        while buckets.heads[most] == NONE {
            most -= 1;
        }
        let vertex = buckets.pop(most);
        *place = vertex;
        graph.visit(vertex, |neighbour| {
            if buckets.holds(neighbour) {
                buckets.shift(neighbour, buckets.degrees[neighbour as usize] + 1);
            }
        });
        // A neighbour can have one more than this vertex had, and no other vertex has changed.
        most += 1;
    }
    placed
}

fn saturation(graph: &mut impl Neighbours) -> Vec<u32> {
    let degrees = degrees(graph);
    let mut buckets = Buckets::new(&vec![0; degrees.len()], largest_first(&degrees).into_iter().rev());
    buckets.heads.resize(SATURATION + 2, NONE);
    let (mut colours, mut around) = (vec![NONE; degrees.len()], vec![0_u64; degrees.len()]);
    let (mut free, mut neighbours) = (FirstFree::default(), Vec::new());
    let mut placed = vec![0; degrees.len()];
    let mut most = 0;
    for place in &mut placed {
        while buckets.heads[most] == NONE {
            most -= 1;
        }
        let vertex = buckets.pop(most);
        *place = vertex;
        neighbours.clear();
        graph.visit(vertex, |neighbour| {
            free.forbid(colours[neighbour as usize], vertex);
            neighbours.push(neighbour);
        });
        let colour = free.take(vertex);
        colours[vertex as usize] = colour;
        let bit = 1_u64.checked_shl(colour).unwrap_or(0);
        for &neighbour in &neighbours {
            if buckets.holds(neighbour) && around[neighbour as usize] & bit != bit {
                around[neighbour as usize] |= bit;
                buckets.shift(neighbour, buckets.degrees[neighbour as usize] + 1);
            }
        }
        most = SATURATION.min(most + 1);
    }
    placed
}

/// The most colours around a vertex that are counted.
const SATURATION: usize = u64::BITS as usize;

/// The vertices not yet placed, in a list for each degree; the vertex added last to a list leaves it first.
struct Buckets {
    /// The first vertex of each list.
    heads: Vec<u32>,
    /// The vertices before and after each in its list.
    links: Vec<[u32; 2]>,
    /// The degree of each vertex; `NONE` once it is placed.
    degrees: Vec<u32>,
}

impl Buckets {
    /// All vertices by their degrees, added one after the other in the given order.
    fn new(degrees: &[u32], vertices: impl Iterator<Item = u32>) -> Self {
        let lists = degrees.iter().max().map_or(0, |&degree| degree as usize) + 2;
        let mut buckets = Self {
            heads: vec![NONE; lists],
            links: vec![[NONE; 2]; degrees.len()],
            degrees: degrees.to_vec(),
        };
        vertices.for_each(|vertex| buckets.push(vertex));
        buckets
    }

    fn holds(&self, vertex: u32) -> bool {
        self.degrees[vertex as usize] != NONE
    }

    fn push(&mut self, vertex: u32) {
        let head = &mut self.heads[self.degrees[vertex as usize] as usize];
        let after = std::mem::replace(head, vertex);
        self.links[vertex as usize] = [NONE, after];
        if after != NONE {
            self.links[after as usize][0] = vertex;
        }
    }

    fn unlink(&mut self, vertex: u32) {
        let [before, after] = self.links[vertex as usize];
        match before {
            NONE => self.heads[self.degrees[vertex as usize] as usize] = after,
            before => self.links[before as usize][1] = after,
        }
        if after != NONE {
            self.links[after as usize][0] = before;
        }
    }

    /// Takes the first vertex of a list that is not empty.
    fn pop(&mut self, degree: usize) -> u32 {
        let vertex = self.heads[degree];
        self.unlink(vertex);
        self.degrees[vertex as usize] = NONE;
        vertex
    }

    /// Moves a vertex to the list of another degree.
    fn shift(&mut self, vertex: u32, degree: u32) {
        self.unlink(vertex);
        self.degrees[vertex as usize] = degree;
        self.push(vertex);
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::Graph;
    use super::*;
    use crate::sparse::Pattern;

    /// A graph that looks random: two points are joined if a certain product of their numbers has a small remainder.
    fn graph(vertices: usize, of: usize) -> Graph {
        let joined = |i: usize, j: usize| (i + 3) * (j + 3) * (i + j + 1) % 101 < of;
        let row = |i: usize| (0..vertices).filter(move |&j| joined(i, j));
        Graph::of_symmetric(&Pattern::from_rows(vertices, (0..vertices).map(row)).unwrap())
    }

    /// How many neighbours of a vertex are among the given vertices.
    fn among(graph: &Graph, vertex: u32, others: &[u32]) -> usize {
        graph.of(vertex).iter().filter(|neighbour| others.contains(neighbour)).count()
    }

    #[test]
    fn each_place_goes_to_a_vertex_that_the_order_names() {
        for (vertices, of) in [(1, 50), (7, 0), (30, 5), (50, 20), (60, 60), (40, 101)] {
            let graph = graph(vertices, of);
            let order = |order| ordered(order, &mut &graph);
            for (place, &vertex) in order(Order::LargestFirst).iter().enumerate().skip(1) {
                let before = order(Order::LargestFirst)[place - 1];
                let fall = (std::cmp::Reverse(graph.of(before).len()), before);
                assert!(fall < (std::cmp::Reverse(graph.of(vertex).len()), vertex));
            }
            let last = order(Order::SmallestLast);
            for (place, &vertex) in last.iter().enumerate() {
                let left = &last[..=place];
                assert!(left.iter().all(|&v| among(&graph, v, left) >= among(&graph, vertex, left)));
            }
            let incidence = order(Order::IncidenceDegree);
            for (place, &vertex) in incidence.iter().enumerate() {
                let (placed, left) = incidence.split_at(place);
                assert!(left.iter().all(|&v| among(&graph, v, placed) <= among(&graph, vertex, placed)));
            }
        }
    }

    #[test]
    fn saturation_goes_to_where_the_most_colours_are() {
        for (vertices, of) in [(7, 0), (30, 5), (50, 20), (60, 40)] {
            let graph = graph(vertices, of);
            let order = ordered(Order::Saturation, &mut &graph);
            let mut colours = vec![None; vertices];
            let around = |colours: &[Option<u32>], vertex| {
                let colours = graph.of(vertex).iter().filter_map(|&w| colours[w as usize]);
                colours.collect::<std::collections::BTreeSet<u32>>()
            };
            for (place, &vertex) in order.iter().enumerate() {
                let seen = around(&colours, vertex);
                assert!(order[place..].iter().all(|&v| around(&colours, v).len() <= seen.len()));
                colours[vertex as usize] = (0..).find(|colour| !seen.contains(colour));
            }
        }
    }

    #[test]
    fn every_order_has_every_vertex_once() {
        for order in Order::ALL {
            let mut vertices = ordered(order, &mut &graph(60, 30));
            vertices.sort_unstable();
            assert!(vertices.into_iter().eq(0..60), "{order:?}");
            assert!(ordered(order, &mut &graph(0, 0)).is_empty());
        }
    }
}
