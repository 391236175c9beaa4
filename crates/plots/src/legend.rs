//! The legend: rows above the axes, where it covers nothing. plotters' own legend is a single column on top of the data.

use crate::Error;
use crate::canvas::{Area, Canvas, size, units};
use crate::look::{INK, Look, Mark, Marker, RULE, WHITE, stroke};
use crate::text::{self, TICK, short};
use plotters::element::{DashedPathElement, DynElement, IntoDynElement, PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, RGBColor};

/// The symbol of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Swatch {
    None,
    /// A line of this width in pixels, with or without its marker.
    Line(Look, f64, bool),
    /// A marker with a rim.
    Mark(Marker, RGBColor, RGBColor),
    Ring(RGBColor),
    /// A bar, with the marker at its bottom.
    Bar(Look),
}

/// A symbol and its meaning.
pub(crate) type Entry = (Swatch, String);

/// Pixels from one row to the next, and between entries.
const ROW: f64 = 1.55 * TICK;
const GAP: f64 = 18.0;

impl Swatch {
    fn width(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Line(..) => 34.0,
            _ => 17.0,
        }
    }

    fn draw(self, area: &Area<'_>, (x, y): (i32, i32)) -> Result<(), Error> {
        let right = |pixels: f64| (x + units(pixels), y);
        match self {
            Self::None => {}
            Self::Line(look, width, marked) => {
                area.draw(&line(vec![(x, y), right(28.0)], look, width))?;
                if marked {
                    area.draw(&look.marker.at(right(14.0), 3.2, look.color))?;
                }
            }
            Self::Mark(shape, color, rim) => {
                area.draw(&shape.at(right(5.5), 5.0, rim))?;
                area.draw(&shape.at(right(5.5), 4.0, color))?;
            }
            Self::Ring(color) => ring(right(5.5), color).iter().try_for_each(|mark| area.draw(mark))?,
            Self::Bar(look) => {
                let corners = [(x, y - units(5.5)), (x + units(11.0), y + units(5.5))];
                area.draw(&Rectangle::new(corners, look.color.filled()))?;
                if look.marked {
                    area.draw(&look.marker.at(right(5.5), 3.2, WHITE))?;
                }
            }
        }
        Ok(())
    }
}

/// The entry of a threshold that is shown, and the note on one too far from the data.
pub(crate) fn threshold_entry(level: f64) -> Entry {
    (Swatch::Line(Look::rule(), RULE, false), format!("threshold {}", short(level)))
}

pub(crate) fn threshold_note(level: f64) -> String {
    format!("threshold {} lies outside the picture", short(level))
}

/// A line through places, solid or dashed.
pub(crate) fn line<'a, P: Copy + 'static>(
    places: Vec<P>,
    look: Look,
    width: f64,
) -> DynElement<'static, Canvas<'a>, P> {
    let style = stroke(look.color, width);
    match look.dash {
        None => PathElement::new(places, style).into_dyn(),
        Some((on, off)) => DashedPathElement::new(places, units(on), units(off), style).into_dyn(),
    }
}

/// A highlighted point.
pub(crate) fn ring<P: Copy>(place: P, color: RGBColor) -> [Mark<P>; 3] {
    [(5.5, color), (3.5, WHITE), (1.5, color)].map(|(radius, color)| Marker::DISC.at(place, radius, color))
}

/// Draws the entries at the top of an area, row by row, and returns the rest of the area.
pub(crate) fn draw<'a>(area: Area<'a>, entries: &[Entry]) -> Result<Area<'a>, Error> {
    if entries.is_empty() {
        return Ok(area);
    }
    let (width, height) = size(&area);
    let rows = rows(entries, width, (height as usize / 90).max(1));
    let (top, rest) = area.split_vertically(units(ROW * rows.len() as f64 + 2.0));
    let extent = |(swatch, text): &Entry| swatch.width() + text::width(text, TICK) + GAP;
    for (row, entries) in rows.iter().enumerate() {
        let y = units((row as f64 + 0.5) * ROW);
        let mut x = ((width - entries.iter().map(extent).sum::<f64>() + GAP) / 2.0).max(0.0);
        for entry in entries {
            let (swatch, text) = entry;
            swatch.draw(&top, (units(x), y))?;
            let place = (units(x + swatch.width()), y);
            top.draw_text(text, &text::style(TICK, false, INK, HPos::Left), place)?;
            x += extent(entry);
        }
    }
    Ok(rest)
}

/// The entries arranged in rows; the last entry says how many do not fit.
fn rows(entries: &[Entry], room: f64, most: usize) -> Vec<Vec<Entry>> {
    let most_text = (room * 0.6).max(300.0).min(room);
    let mut rows = vec![Vec::new()];
    let mut x = 0.0;
    for (index, (swatch, text)) in entries.iter().enumerate() {
        let rest = entries.len() - index;
        let kept = if rows.len() == most && rest > 1 { GAP + 75.0 } else { 0.0 };
        let text = text::fit(text, TICK, false, (most_text.min(room - kept) - swatch.width()).max(0.0));
        let width = swatch.width() + text::width(&text, TICK);
        if x > 0.0 && x + width + kept > room {
            if rows.len() == most {
                rows[most - 1].push((Swatch::None, format!("and {rest} more")));
                break;
            }
            rows.push(Vec::new());
            x = 0.0;
        }
        let row = rows.len() - 1;
        rows[row].push((*swatch, text));
        x += width + GAP;
    }
    rows
}
