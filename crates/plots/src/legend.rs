//! The legend: rows above the axes, where it covers nothing. plotters would put it over the data.

use crate::color::{Color, Dash, INK, Marker, WHITE};
use crate::scene::{Area, extent, part, units};
use crate::text::{self, TICK};
use crate::{Error, font};
use plotters::element::{DashedPathElement, PathElement, Rectangle};
use plotters::style::text_anchor::HPos;

/// What stands before an entry's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Swatch {
    None,
    Line { color: Color, width: f64, dash: Dash, marker: Option<Marker> },
    Marker { marker: Marker, color: Color, rim: Color },
    Ring(Color),
    Box { color: Color, edge: Color },
}

/// One line of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) swatch: Swatch,
    pub(crate) text: String,
}

impl Entry {
    pub(crate) fn new(swatch: Swatch, text: impl Into<String>) -> Self {
        Self { swatch, text: text.into() }
    }
}

const ROW: f64 = 1.55 * TICK;
const GAP: f64 = 18.0;

impl Swatch {
    /// With its distance to the text.
    fn width(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Line { .. } => 42.0,
            Self::Marker { .. } | Self::Ring(_) | Self::Box { .. } => 17.0,
        }
    }

    /// Draws it to the right of a place.
    fn draw(self, area: &Area, (x, y): (i32, i32)) -> Result<(), Error> {
        let right = |pixels: f64| (x + units(pixels), y);
        match self {
            Self::None => {}
            Self::Line { color, width, dash, marker } => {
                let (ends, style) = ([(x, y), right(36.0)], color.stroke(width));
                match dash {
                    None => area.draw(&PathElement::new(ends, style))?,
                    Some((size, gap)) => {
                        area.draw(&DashedPathElement::new(ends, units(size), units(gap), style))?;
                    }
                }
                if let Some(marker) = marker {
                    area.draw(&marker.at(right(18.0), 3.2, color))?;
                }
            }
            Self::Marker { marker, color, rim } => {
                area.draw(&marker.at(right(5.5), 5.0, rim))?;
                area.draw(&marker.at(right(5.5), 3.8, color))?;
            }
            Self::Ring(color) => {
                for element in ring(right(5.5), color) {
                    area.draw(&element)?;
                }
            }
            Self::Box { color, edge } => {
                let corners = [(x, y - units(5.5)), (x + units(11.0), y + units(5.5))];
                area.draw(&Rectangle::new(corners, color.fill()))?;
                area.draw(&Rectangle::new(corners, edge.stroke(1.0)))?;
            }
        }
        Ok(())
    }
}

/// A mark around a point that leaves the point visible.
pub(crate) fn ring<P: Clone + 'static>(at: P, color: Color) -> [crate::chart::Element<P>; 3] {
    [(5.5, color), (3.5, WHITE), (1.5, color)]
        .map(|(radius, color)| Marker::Disc.at(at.clone(), radius, color))
}

/// Draws the legend into the upper part of an area, in at most so many rows; returns what is left.
pub(crate) fn draw(area: &Area, entries: &[Entry], most_rows: usize) -> Result<Area, Error> {
    let (room, height) = extent(area);
    let most_text = (room * 0.6).max(300.0).min(room);
    let mut rows: Vec<(Vec<Entry>, f64)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let rest = entries.len() - index;
        // In the last row, room is kept for saying what the legend leaves out.
        let kept = |row: usize| if row == most_rows && rest > 1 { GAP + 75.0 } else { 0.0 };
        let fit = |row: usize| {
            let most = most_text.min(room - kept(row)) - entry.swatch.width();
            Entry::new(entry.swatch, text::fit(&entry.text, TICK, false, most.max(0.0)))
        };
        let count = rows.len();
        let short = fit(count.max(1));
        match rows.last_mut() {
            Some((row, width)) if *width + GAP + breadth(&short) + kept(count) <= room => {
                *width += GAP + breadth(&short);
                row.push(short);
            }
            Some((row, width)) if count == most_rows => {
                let more = Entry::new(Swatch::None, format!("and {rest} more"));
                *width += GAP + breadth(&more);
                row.push(more);
                break;
            }
            _ => {
                let first = fit(count + 1);
                rows.push((vec![first.clone()], breadth(&first)));
            }
        }
    }
    for (index, (row, width)) in rows.iter().enumerate() {
        let (mut x, y) = ((room - width) / 2.0, (index as f64 + 0.5) * ROW);
        for entry in row {
            entry.swatch.draw(area, (units(x), units(y)))?;
            let at = (units(x + entry.swatch.width()), units(y));
            area.draw_text(&entry.text, &font::about(TICK, HPos::Left, INK), at)?;
            x += breadth(entry) + GAP;
        }
    }
    let used = rows.len() as f64 * ROW + 6.0;
    Ok(part(area, (0.0, used), (room, height - used)))
}

fn breadth(entry: &Entry) -> f64 {
    entry.swatch.width() + text::width(&entry.text, TICK)
}
