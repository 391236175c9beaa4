//! An axis of numbers or of names, and its ticks in the room there is.

use crate::range::Range;
use crate::scene::Place;
use crate::text::{self, TICK};
use crate::ticks::{self, Reading, Tick, Ticks};

/// What stands along one side of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Numbers, from left to right or from bottom to top.
    Numbers { range: Range, reading: Reading },
    /// Positive numbers by their logarithms; the range is one of decimal logarithms.
    Logarithms { range: Range },
    /// Things side by side, from left to right or from top to bottom; the first goes from 0 to 1.
    Names(Vec<String>),
}

impl Axis {
    pub(crate) fn numbers(label: &str, range: Range, reading: Reading) -> Self {
        Self { label: label.to_owned(), kind: Kind::Numbers { range, reading } }
    }

    /// An axis of positive numbers, with so much air, from the least and the greatest of them.
    pub(crate) fn logarithms(label: &str, bounds: Option<Range>, air: f64) -> Self {
        let logarithms = |Range { low, high }: Range| Range { low: low.log10(), high: high.log10() };
        let range = match bounds.map(logarithms) {
            None => Range { low: -1.0, high: 1.0 },
            Some(range) if range.extent() < 1e-6 => Range { low: range.low - 0.5, high: range.high + 0.5 },
            Some(range) => range.with_air(air),
        };
        Self { label: label.to_owned(), kind: Kind::Logarithms { range } }
    }

    pub(crate) fn names(label: &str, names: &[String]) -> Self {
        Self { label: label.to_owned(), kind: Kind::Names(names.to_vec()) }
    }

    fn range(&self) -> Range {
        match &self.kind {
            Kind::Numbers { range, .. } | Kind::Logarithms { range } => *range,
            Kind::Names(names) => Range { low: 0.0, high: names.len().max(1) as f64 },
        }
    }

    /// At most about `count` ticks.
    fn ticks(&self, count: usize) -> Ticks {
        match &self.kind {
            Kind::Numbers { range, reading } => ticks::linear(*range, count, *reading),
            Kind::Logarithms { range } => ticks::logarithmic(*range, count),
            Kind::Names(names) => {
                let every = names.len().div_ceil(count.max(1)).max(1);
                let tick = |(index, name): (usize, &String)| {
                    let label = if index % every == 0 { text::clean(name) } else { String::new() };
                    Tick { at: index as f64 + 0.5, label }
                };
                Ticks { ticks: names.iter().enumerate().map(tick).collect(), ..Ticks::default() }
            }
        }
    }

    /// As many ticks as can be told apart in so many pixels from bottom to top.
    pub(crate) fn upright(&self, pixels: f64) -> Ticks {
        let (spacing, most) = match self.kind {
            Kind::Names(_) => (1.2 * TICK, usize::MAX),
            _ => (2.6 * TICK, 8),
        };
        self.ticks(((pixels / spacing) as usize).clamp(1, most))
    }

    /// As many ticks as fit beside each other into so many pixels.
    pub(crate) fn level(&self, pixels: f64) -> Ticks {
        let scale = Scale::new(self, (0.0, pixels));
        let beside = |pair: &[Tick]| {
            let half = |tick: &Tick| text::width(&tick.label, TICK) / 2.0;
            (scale.of_axis(pair[1].at) - scale.of_axis(pair[0].at)).abs()
                >= half(&pair[0]) + half(&pair[1]) + 10.0
        };
        let fits = |ticks: &Ticks| ticks.ticks.windows(2).all(beside);
        (2..=10).rev().map(|count| self.ticks(count)).find(fits).unwrap_or_else(|| self.ticks(1))
    }

    /// Whether names stand upright because they do not fit beside each other; the ticks if so.
    pub(crate) fn turned(&self, pixels: f64) -> Option<Ticks> {
        let Kind::Names(names) = &self.kind else { return None };
        let slot = pixels / names.len().max(1) as f64;
        let too_wide = names.iter().any(|name| text::width(&text::clean(name), TICK) > slot - 6.0);
        too_wide.then(|| self.ticks(((pixels / (1.2 * TICK)) as usize).max(1)))
    }

    /// All names, side by side.
    pub(crate) fn all_names(&self) -> Option<Ticks> {
        let Kind::Names(names) = &self.kind else { return None };
        Some(self.ticks(names.len()))
    }
}

/// From numbers to pixels, along one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    range: Range,
    pixels: (f64, f64),
    logarithmic: bool,
}

impl Scale {
    /// From one pixel, for the least number, to another.
    pub(crate) fn new(axis: &Axis, pixels: (f64, f64)) -> Self {
        Self { range: axis.range(), pixels, logarithmic: matches!(axis.kind, Kind::Logarithms { .. }) }
    }

    /// Where a number is.
    pub(crate) fn of(&self, number: f64) -> f64 {
        self.of_axis(if self.logarithmic { number.log10() } else { number })
    }

    /// Where a number of the axis is: a logarithm, if it is logarithmic.
    pub(crate) fn of_axis(&self, number: f64) -> f64 {
        let share = (number - self.range.low) / self.range.extent();
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// Whether a number is within the axis.
    pub(crate) fn holds(&self, number: f64) -> bool {
        self.range.holds(if self.logarithmic { number.log10() } else { number })
    }
}

/// At most four places for each column of pixels: its first, lowest, highest and last. A line through
/// them covers the same pixels as one through all.
pub(crate) fn thinned(places: impl IntoIterator<Item = Place>) -> Vec<Place> {
    let mut thin: Vec<Place> = Vec::new();
    let mut column: Vec<(usize, Place)> = Vec::new();
    let mut close = |column: &mut Vec<(usize, Place)>| {
        column.sort_by_key(|&(index, _)| index);
        column.dedup_by_key(|&mut (index, _)| index);
        thin.extend(column.drain(..).map(|(_, place)| place));
    };
    // The first, the lowest, the highest and the last of a column, each with its index.
    let mut last_column = f64::NAN;
    for (index, place) in places.into_iter().enumerate() {
        if place.0.floor() != last_column {
            close(&mut column);
            last_column = place.0.floor();
            column.extend([(index, place); 4]);
        } else {
            if place.1 < column[1].1.1 {
                column[1] = (index, place);
            }
            if place.1 > column[2].1.1 {
                column[2] = (index, place);
            }
            column[3] = (index, place);
        }
    }
    close(&mut column);
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_line_keeps_the_ends_and_extremes_of_each_column_in_order() {
        let places = [(0.1, 5.0), (0.2, 9.0), (0.3, 6.0), (0.4, 1.0), (0.5, 4.0), (0.6, 5.0), (1.5, 2.0)];
        assert_eq!(thinned(places), [(0.1, 5.0), (0.2, 9.0), (0.4, 1.0), (0.6, 5.0), (1.5, 2.0)]);
        assert_eq!(thinned([(3.0, 1.0)]), [(3.0, 1.0)]);
        assert!(thinned([]).is_empty());
        let many = thinned((0..1_000_000).map(|i| (f64::from(i) / 1000.0, f64::from(i).sin())));
        assert!(many.len() <= 4000 && many.len() > 3000, "{}", many.len());
    }
}
