//! A laid-out graph as SVG.
//!
//! The layout library places boxes in columns and says at which heights an edge crosses the columns between its ends.
//! Its own edges may run through boxes, so edges are routed here: level across a column, at the height reserved for that
//! edge, and in a curve between two columns, where there are no boxes.

use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use std::fmt::Write;

/// How far an edge runs straight before and after a column; also the length of the arrow's head.
const STRAIGHT: f64 = 10.0;

/// How close an edge may come to a node that it passes; less than [`STRAIGHT`].
const NEAR: f64 = 5.0;

/// How steep an edge may be between two columns; columns with many rows are moved apart.
const STEEPEST: f64 = 8.0;

/// The space around the drawing.
const MARGIN: f64 = 10.0;

/// Attributes of all lines. Colours have six digits, since not every viewer knows more.
const LINE: &str = "stroke=\"#000000\" stroke-width=\"1\"";

#[derive(Clone, Copy, Debug)]
struct Area {
    low: Point,
    high: Point,
}

impl Area {
    fn new(low: Point, size: Point) -> Self {
        Self { low, high: low.add(size) }
    }

    fn middle(&self) -> Point {
        self.low.add(self.high).scale(0.5)
    }

    /// Whether a point is inside, up to a rounding error.
    fn holds(&self, point: Point) -> bool {
        (self.low.x - 1.0..=self.high.x + 1.0).contains(&point.x)
            && (self.low.y - 1.0..=self.high.y + 1.0).contains(&point.y)
    }
}

#[derive(Debug)]
enum Shape {
    Box { fill: &'static str },
    Ellipse,
    Text(String),
}

/// An arrow between two nodes, with its height in each column that it crosses.
#[derive(Debug)]
struct Edge {
    from: usize,
    to: usize,
    heights: Vec<f64>,
}

/// What the layout library draws, collected until everything is known.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    shapes: Vec<(Area, Shape)>,
    /// The shapes that edges must avoid: all except texts and the fields of boxes.
    nodes: Vec<Area>,
    edges: Vec<Edge>,
}

impl Drawing {
    /// The drawing as the text of a file.
    pub(super) fn finish(mut self) -> String {
        self.clear();
        self.widen();
        let columns = self.columns();
        let shapes: String = self.shapes.iter().map(|(area, shape)| element(*area, shape)).collect();
        let edges: String = self.edges.iter().map(|edge| self.route(edge, &columns)).collect();
        let range = |ends: &mut dyn Iterator<Item = f64>| {
            let (low, high) = ends.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
            (low - MARGIN, high - low + 2.0 * MARGIN)
        };
        let (x, width) = range(&mut self.nodes.iter().flat_map(|node| [node.low.x, node.high.x]));
        let heights = self.edges.iter().flat_map(|edge| edge.heights.iter().copied());
        let (y, height) =
            range(&mut self.nodes.iter().flat_map(|node| [node.low.y, node.high.y]).chain(heights));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"{x} {y} {width} {height}\" font-family=\"sans-serif\" font-size=\"14\" \
             text-anchor=\"middle\">\n\
             <defs><marker id=\"head\" markerWidth=\"{STRAIGHT}\" markerHeight=\"8\" refX=\"{STRAIGHT}\" \
             refY=\"4\" orient=\"auto\"><polygon points=\"0 0, {STRAIGHT} 4, 0 8\" fill=\"#000000\"/></marker>\
             </defs>\n<g>\n{shapes}{edges}</g>\n</svg>\n"
        )
    }

    /// The horizontal extent of each column, from the left edge of its nodes to the right edge.
    fn columns(&self) -> Vec<(f64, f64)> {
        let mut sides: Vec<(f64, f64)> = self.nodes.iter().map(|area| (area.low.x, area.high.x)).collect();
        sides.sort_by(|a, b| a.0.total_cmp(&b.0));
        sides.dedup_by(|next, column| {
            let overlaps = next.0 <= column.1;
            column.1 = if overlaps { column.1.max(next.1) } else { column.1 };
            overlaps
        });
        sides
    }

    /// The number of the column that a node is in.
    fn column(&self, node: usize, columns: &[(f64, f64)]) -> usize {
        columns.partition_point(|column| column.1 < self.nodes[node].low.x)
    }

    /// Gives each edge a height in each column that it crosses, away from the nodes there: the layout library
    /// puts some edges on top of nodes.
    fn clear(&mut self) {
        let columns = self.columns();
        let mut edges = std::mem::take(&mut self.edges);
        for edge in &mut edges {
            let first = self.column(edge.from, &columns) + 1;
            let crossed = first..self.column(edge.to, &columns).max(first);
            edge.heights.resize(crossed.len(), self.nodes[edge.to].middle().y);
            for (height, column) in edge.heights.iter_mut().zip(&columns[crossed]) {
                *height = self.free_height(*height, *column);
            }
        }
        self.edges = edges;
    }

    /// The nearest height at which the column has no node.
    fn free_height(&self, height: f64, (left, right): (f64, f64)) -> f64 {
        let nodes = || self.nodes.iter().filter(|node| left <= node.low.x && node.high.x <= right);
        let is_free = |y: &f64| nodes().all(|node| *y < node.low.y - NEAR || *y > node.high.y + NEAR);
        let beside = nodes().flat_map(|node| [node.low.y - STRAIGHT, node.high.y + STRAIGHT]);
        let free = std::iter::once(height).chain(beside).filter(is_free);
        let nearest = free.min_by(|a, b| (a - height).abs().total_cmp(&(b - height).abs()));
        nearest.expect("there is room above the first node")
    }

    /// Moves columns apart where edges between them would be too steep to follow.
    fn widen(&mut self) {
        let columns = self.columns();
        let mut more = vec![0.0_f64; columns.len()];
        for edge in &self.edges {
            let mut height = self.nodes[edge.from].middle().y;
            let next = edge.heights.iter().copied().chain([self.nodes[edge.to].middle().y]);
            let first = self.column(edge.from, &columns);
            for (pair, (more, next)) in columns[first..].windows(2).zip(more[first..].iter_mut().zip(next)) {
                *more = more.max((next - height).abs() / STEEPEST - (pair[1].0 - pair[0].1));
                height = next;
            }
        }
        let shift = |point: &mut Point| {
            let before = columns.iter().zip(&more).filter(|(column, _)| column.1 + 1.0 < point.x);
            point.x += before.map(|(_, more)| more).sum::<f64>();
        };
        let areas = self.shapes.iter_mut().map(|shape| &mut shape.0).chain(&mut self.nodes);
        areas.flat_map(|area| [&mut area.low, &mut area.high]).for_each(shift);
    }

    /// An edge as a path: level across each column, and a curve between one and the next.
    fn route(&self, edge: &Edge, columns: &[(f64, f64)]) -> String {
        let (from, to) = (&self.nodes[edge.from], &self.nodes[edge.to]);
        let first = self.column(edge.from, columns);
        let (mut x, mut y) = (columns[first].1 + STRAIGHT, from.middle().y);
        let mut path = format!("M {} {y} L {x} {y}", from.high.x);
        let mut curve = |left: f64, next: f64, right: f64| {
            let (left, middle) = (left - STRAIGHT, f64::midpoint(x, left - STRAIGHT));
            // Writing to a string cannot fail.
            let _ = write!(path, " C {middle} {y}, {middle} {next}, {left} {next} L {right} {next}");
            (x, y) = (right, next);
        };
        for (&height, &(left, right)) in edge.heights.iter().zip(&columns[first + 1..]) {
            curve(left, height, right + STRAIGHT);
        }
        curve(columns[self.column(edge.to, columns)].0, to.middle().y, to.low.x);
        format!("<path d=\"{path}\" fill=\"none\" {LINE} marker-end=\"url(#head)\"/>\n")
    }
}

fn element(area: Area, shape: &Shape) -> String {
    let (Point { x, y }, middle, size) = (area.low, area.middle(), area.high.sub(area.low));
    match shape {
        Shape::Box { fill } => {
            let (width, height) = (size.x, size.y);
            format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\" {LINE}/>\n"
            )
        }
        Shape::Ellipse => {
            let (rx, ry) = (size.x / 2.0, size.y / 2.0);
            let (x, y) = (middle.x, middle.y);
            format!("<ellipse cx=\"{x}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\" fill=\"#ffffff\" {LINE}/>\n")
        }
        Shape::Text(text) => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!("<text x=\"{x}\" y=\"{y}\" dy=\"0.35em\">{text}</text>\n")
        }
    }
}

impl RenderBackend for Drawing {
    fn draw_rect(
        &mut self,
        low: Point,
        size: Point,
        look: &StyleAttr,
        _properties: Option<String>,
        _clip: Option<ClipHandle>,
    ) {
        let area = Area::new(low, size);
        // A box comes before its fields, and once more after them.
        if !self.nodes.last().is_some_and(|last| last.holds(area.low) && last.holds(area.high)) {
            self.nodes.push(area);
        }
        let fill = if look.fill_color.is_some() { "#ffffff" } else { "none" };
        self.shapes.push((area, Shape::Box { fill }));
    }

    fn draw_circle(&mut self, center: Point, size: Point, _look: &StyleAttr, _properties: Option<String>) {
        let area = Area::new(center.sub(size.scale(0.5)), size);
        self.nodes.push(area);
        self.shapes.push((area, Shape::Ellipse));
    }

    fn draw_text(&mut self, center: Point, text: &str, _look: &StyleAttr) {
        self.shapes.push((Area::new(center, Point::zero()), Shape::Text(text.to_owned())));
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _dashed: bool,
        _head: (bool, bool),
        _look: &StyleAttr,
        _properties: Option<String>,
        _text: &str,
    ) {
        // The first pair begins with its point, the others end with theirs; the other points are control points of
        // the curve.
        let [(start, _), between @ .., (_, end)] = path else { return };
        let node = |&point: &Point| self.nodes.iter().position(|area| area.holds(point));
        if let (Some(from), Some(to)) = (node(start), node(end)) {
            let heights = between.iter().map(|pair| pair.1.y).collect();
            self.edges.push(Edge { from, to, heights });
        }
    }

    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}
