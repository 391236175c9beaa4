//! Star colouring: neighbours differ, and no path of four vertices has only two colours, so that each edge can be
//! read at one of its ends (Gebremedhin, Tarafdar, Manne and Pothen 2007, section 4).

use super::graph::{Graph, Surroundings};
use super::order::{Order, ordered};
use super::{FirstFree, NONE, Repeats};

/// What a vertex knows about its neighbours of one colour.
#[derive(Clone, Copy)]
struct Group {
    /// The neighbour, if it is the only one; `NONE` if there are several.
    only: u32,
    /// Whether that neighbour has several neighbours of this vertex's colour: then no second neighbour may be added
    /// here, or the edge between the two would be the middle of a path in two colours.
    closed: bool,
}

/// Colours all vertices that have neighbours.
///
/// An edge is good as long as one of its ends has a single neighbour of the other's colour, and a colouring is a star
/// colouring as long as all edges are good. A vertex may take any colour that keeps them good.
pub(crate) fn colour(graph: &Graph, order: Order) -> Vec<u32> {
    let vertices = ordered(order, &mut &*graph);
    let mut colours = vec![NONE; vertices.len()];
    let mut around = Surroundings::new(graph, Group { only: NONE, closed: false });
    let (mut free, mut colours_met) = (FirstFree::default(), Repeats::default());
    for vertex in vertices {
        let coloured = graph.of(vertex).iter().filter(|&&w| colours[w as usize] != NONE);
        for &neighbour in coloured.clone() {
            free.forbid(colours[neighbour as usize], vertex);
            colours_met.count(colours[neighbour as usize], vertex);
        }
        for &neighbour in coloured {
            let several = colours_met.several(colours[neighbour as usize], vertex);
            for &(colour, group) in around.of(neighbour) {
                if several || (group.only != NONE && group.closed) {
                    free.forbid(colour, vertex);
                }
            }
        }
        if graph.of(vertex).is_empty() {
            continue;
        }
        let colour = free.take(vertex);
        colours[vertex as usize] = colour;
        for &neighbour in graph.of(vertex) {
            if colours[neighbour as usize] != NONE {
                let several = colours_met.several(colours[neighbour as usize], vertex);
                join(&mut around, [vertex, neighbour], [colour, colours[neighbour as usize]], several);
            }
        }
    }
    colours
}

/// Notes an edge of a vertex just coloured, which may have several neighbours of that neighbour's colour.
fn join(
    around: &mut Surroundings<'_, Group>,
    [vertex, neighbour]: [u32; 2],
    [colour, neighbours_colour]: [u32; 2],
    several: bool,
) {
    let mut first = NONE;
    let closed = match around.find(neighbour, colour) {
        None => {
            around.push(neighbour, colour, Group { only: vertex, closed: several });
            false
        }
        Some(group) => {
            first = std::mem::replace(&mut group.only, NONE);
            true
        }
    };
    // The neighbour now has two of this colour, so the first of them may not get a second neighbour either.
    if first != NONE
        && let Some(group) = around.find(first, neighbours_colour)
    {
        group.closed = true;
    }
    match around.find(vertex, neighbours_colour) {
        None => around.push(vertex, neighbours_colour, Group { only: neighbour, closed }),
        Some(group) => group.only = NONE,
    }
}
