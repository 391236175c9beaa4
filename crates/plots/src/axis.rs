//! Axes: the numbers they show, their coordinates in plotters, and their labels.
//!
//! plotters' key points need numbers of ordinary size: it loops forever on ranges such as 0 to 1e-30, and writes
//! 1e15 with five decimals. So an axis removes an offset and a power of ten from its numbers, and shows them in its
//! name. A logarithmic axis shows decimal logarithms, with labels for the numbers: plotters' logarithmic coordinate
//! labels powers of ten only, and there are none within a decade.

use crate::text::{TICK, clean, exactly, fit, ten_to};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use std::ops::Range;

/// The largest number drawn. Beyond it, the extent of a range may overflow.
const LARGEST: f64 = 1e300;
/// The smallest number drawn apart from 0. Closer to 0, the steps between ticks lose precision.
const SMALLEST: f64 = 1e-300;

/// Whether a number can be drawn.
pub(crate) fn is_drawable(x: f64) -> bool {
    x.abs() <= LARGEST
}

/// Whether a number can be shown on a logarithmic axis; a number closer to 0 than 1e-300 counts as 0.
pub(crate) fn is_positive(x: f64) -> bool {
    x >= SMALLEST
}

/// Whether an axis can show a number.
pub(crate) fn is_shown(x: f64, logarithmic: bool) -> bool {
    is_drawable(x) && (!logarithmic || is_positive(x))
}

/// The least and the greatest of the numbers.
pub(crate) fn bounds(numbers: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = numbers.into_iter().fold(ends, |(low, high), x| (low.min(x), high.max(x)));
    (low <= high).then_some((low, high))
}

/// The range with a margin on either side, given as a share of its extent; a range without extent gets some.
pub(crate) fn with_air((low, high): (f64, f64), share: f64) -> (f64, f64) {
    let largest = low.abs().max(high.abs());
    // If the numbers differ only by rounding, all ticks would have the same label.
    if high - low <= (1e-15 * largest).max(SMALLEST) {
        let room = if largest <= SMALLEST { 1.0 } else { largest * 0.5 };
        return (low - room, high + room);
    }
    let air = share * (high - low);
    (low - air, high + air)
}

/// The range of some numbers with a margin; 0 to 1 if there are none.
pub(crate) fn aired(ends: Option<(f64, f64)>, share: f64) -> (f64, f64) {
    ends.map_or((0.0, 1.0), |ends| with_air(ends, share))
}

/// How the numbers of an axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Plain,
    /// Whole numbers only.
    Whole,
    /// Percentages of 1.
    Percent,
}

#[derive(Clone, Debug)]
enum Kind {
    Numbers(Reading),
    Logarithmic,
    /// Names at their positions.
    Names(Vec<Tick>),
}

/// A place in the coordinates of the chart, with its label.
pub(crate) type Tick = (f64, String);

/// An axis with numbers or names.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    label: String,
    kind: Kind,
    /// The range as given, without offset and power.
    pub(crate) ends: (f64, f64),
    offset: f64,
    power: i32,
}

impl Axis {
    fn new(label: &str, kind: Kind, ends: (f64, f64)) -> Self {
        Self { label: label.to_owned(), kind, ends, offset: 0.0, power: 0 }
    }

    /// An axis for a range with an extent, which [`with_air`] ensures.
    pub(crate) fn numbers(label: &str, ends: (f64, f64), reading: Reading) -> Self {
        let (low, high) = ends;
        let (extent, mut largest) = (high - low, low.abs().max(high.abs()));
        let mut axis = Self::new(label, Kind::Numbers(reading), ends);
        if reading == Reading::Percent && (1e-6..100.0).contains(&largest) {
            axis.power = -2;
            return axis;
        }
        axis.kind = Kind::Numbers(if reading == Reading::Percent { Reading::Plain } else { reading });
        let magnitude = |number: f64| number.log10().floor() as i32;
        if extent < 1e-4 * largest {
            let step = 10f64.powi(magnitude(extent).clamp(-300, 299) + 1);
            axis.offset = (f64::midpoint(low, high) / step).round() * step;
            largest = (low - axis.offset).abs().max((high - axis.offset).abs());
        }
        let magnitude = magnitude(largest.max(SMALLEST));
        if !(-3..5).contains(&magnitude) {
            axis.power = magnitude.div_euclid(3) * 3;
        }
        axis
    }

    /// A logarithmic axis for positive numbers, or from -1 to 1 decades if there are none.
    pub(crate) fn logarithmic(label: &str, numbers: Option<(f64, f64)>, air: f64) -> Self {
        let (low, high) = numbers.map_or((-1.0, 1.0), |(low, high)| (low.log10(), high.log10()));
        let air = if high - low < 1e-6 { 0.5 } else { air * (high - low) };
        let ends = (10f64.powf((low - air).max(-305.0)), 10f64.powf((high + air).min(305.0)));
        Self::new(label, Kind::Logarithmic, ends)
    }

    /// An axis of names, between two ends.
    pub(crate) fn names(label: &str, names: Vec<Tick>, ends: (f64, f64)) -> Self {
        let names = names.into_iter().map(|(at, name)| (at, clean(&name))).collect();
        Self::new(label, Kind::Names(names), ends)
    }

    /// Cuts names to this many pixels.
    pub(crate) fn shorten(&mut self, room: f64) {
        if let Kind::Names(names) = &mut self.kind {
            names.iter_mut().for_each(|(_, name)| *name = fit(name, TICK, false, room));
        }
    }

    pub(crate) fn has_names(&self) -> bool {
        matches!(self.kind, Kind::Names(_))
    }

    pub(crate) fn is_logarithmic(&self) -> bool {
        matches!(self.kind, Kind::Logarithmic)
    }

    pub(crate) fn holds(&self, number: f64) -> bool {
        (self.ends.0..=self.ends.1).contains(&number)
    }

    /// The number in the coordinates of the chart.
    pub(crate) fn at(&self, number: f64) -> f64 {
        if self.is_logarithmic() {
            return number.log10();
        }
        // In two steps, since 10^308 is the largest power of ten.
        (number - self.offset) / 10f64.powi(self.power / 2) / 10f64.powi(self.power - self.power / 2)
    }

    /// Both ends in the coordinates of the chart.
    pub(crate) fn range(&self) -> (f64, f64) {
        (self.at(self.ends.0), self.at(self.ends.1))
    }

    /// The name of the axis, with the offset and power that its numbers omit.
    pub(crate) fn name(&self) -> String {
        let mut parts = vec![clean(&self.label)];
        if self.offset != 0.0 {
            let sign = if self.offset < 0.0 { '−' } else { '+' };
            parts.push(format!("{sign} {}", exactly(self.offset.abs())));
        }
        if self.power != 0 && !matches!(self.kind, Kind::Numbers(Reading::Percent)) {
            parts.push(format!("(×{})", ten_to(self.power)));
        }
        parts.join(" ").trim().to_owned()
    }

    /// About `count` ticks.
    pub(crate) fn ticks(&self, count: usize) -> Vec<Tick> {
        match &self.kind {
            Kind::Names(names) => {
                let every = names.len().div_ceil(count.max(1)).max(1);
                names.iter().step_by(every).cloned().collect()
            }
            Kind::Logarithmic => logarithmic_ticks(self.range(), count),
            Kind::Numbers(reading) => {
                let mut points = key_points(self.range(), count);
                if *reading == Reading::Whole && self.power == 0 {
                    points.retain(|point| (point - point.round()).abs() < 1e-6);
                }
                let suffix = if *reading == Reading::Percent { " %" } else { "" };
                readings(&points).into_iter().map(|(at, text)| (at, text + suffix)).collect()
            }
        }
    }

    /// As many ticks as an axis of this length has room for, at most a number of them; `room` is what a label takes
    /// of the length.
    pub(crate) fn fitting(&self, length: f64, most: usize, room: impl Fn(&str) -> f64) -> Vec<Tick> {
        let (low, high) = self.range();
        let apart = |pair: &[Tick]| (pair[1].0 - pair[0].0).abs() / (high - low).abs() * length;
        let clear = |pair: &[Tick]| 2.0 * apart(pair) >= room(&pair[0].1) + room(&pair[1].1);
        let counts = (1..=most.max(1)).rev();
        counts.map(|count| self.ticks(count)).find(|ticks| ticks.windows(2).all(clear)).unwrap_or_default()
    }

    /// The coordinate for plotters, with these ticks.
    pub(crate) fn coordinate(&self, ticks: &[Tick]) -> Coordinate {
        let (low, high) = self.range();
        let between = if self.is_logarithmic() { digits_between((low, high)) } else { Vec::new() };
        Coordinate { linear: (low..high).into(), ticks: ticks.to_vec(), between }
    }
}

/// plotters' linear coordinate with our own key points and labels.
pub(crate) struct Coordinate {
    linear: RangedCoordf64,
    ticks: Vec<Tick>,
    between: Vec<f64>,
}

impl Ranged for Coordinate {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, at: &f64, limit: (i32, i32)) -> i32 {
        self.linear.map(at, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return self.between.clone();
        }
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.linear.range()
    }
}

impl ValueFormatter<f64> for Coordinate {
    fn format_ext(&self, at: &f64) -> String {
        self.ticks.iter().find(|tick| tick.0 == *at).map_or(String::new(), |tick| tick.1.clone())
    }
}

/// plotters' key points, including one at the end of the range that rounding put outside.
fn key_points((low, high): (f64, f64), count: usize) -> Vec<f64> {
    let slack = 1e-9 * (high - low);
    RangedCoordf64::from(low - slack..high + slack).key_points(count)
}

/// Numbers with just enough decimals to differ from each other.
fn readings(numbers: &[f64]) -> Vec<(f64, String)> {
    let step = numbers.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let step = if step.is_finite() { step } else { numbers.first().copied().unwrap_or(1.0).abs() };
    let exact = |number: &f64, decimals: i32| {
        let shifted = number * 10f64.powi(decimals);
        (shifted - shifted.round()).abs() <= 1e-3 * step * 10f64.powi(decimals)
    };
    let all = |decimals: &i32| numbers.iter().all(|number| exact(number, *decimals));
    let decimals = (0..12).find(all).unwrap_or(12) as usize;
    let read = |&number: &f64| {
        let text = format!("{number:.decimals$}").replace('-', "−");
        if text.chars().any(|c| ('1'..='9').contains(&c)) { text } else { "0".to_owned() }
    };
    numbers.iter().map(|number| (*number, read(number))).collect()
}

/// Ticks at powers of ten, also at 2 and 5 if there are few powers, or as on a linear axis within one decade; in
/// decimal logarithms.
fn logarithmic_ticks((low, high): (f64, f64), count: usize) -> Vec<Tick> {
    let decades = high - low;
    if decades < 1.2 {
        // By rounding, the range may end slightly below a power of ten.
        let power = (high + 1e-6).floor() as i32;
        let power = if (-4..6).contains(&power) { 0 } else { power };
        let unit = f64::from(power);
        let points = key_points((10f64.powf(low - unit), 10f64.powf(high - unit)), count.clamp(2, 6));
        let points = readings(&points).into_iter().filter(|(point, _)| *point > 0.0);
        let times = if power == 0 { String::new() } else { format!("×{}", ten_to(power)) };
        return points.map(|(point, text)| (point.log10() + unit, text + &times)).collect();
    }
    let few: &[i32] = if decades < 3.0 && decades * 3.0 <= count as f64 + 1.0 { &[1, 2, 5] } else { &[1] };
    let strides = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200];
    let stride = strides.into_iter().find(|&stride| decades / f64::from(stride) <= count.max(1) as f64);
    let powers = (low.floor() as i32..=high.ceil() as i32).filter(|power| power % stride.unwrap_or(500) == 0);
    let all = powers.flat_map(|power| few.iter().map(move |&digit| (digit, power)));
    let plain = low >= -4.5 && high <= 5.5;
    let tick = |(digit, power): (i32, i32)| {
        let text = match digit {
            _ if plain => format!("{}", f64::from(digit) * 10f64.powi(power)),
            1 => ten_to(power),
            _ => format!("{digit}×{}", ten_to(power)),
        };
        (f64::from(digit).log10() + f64::from(power), text)
    };
    all.map(tick).filter(|(at, _)| (low - 1e-9..=high + 1e-9).contains(at)).collect()
}

/// The positions of thin grid lines between powers of ten, in decimal logarithms.
fn digits_between((low, high): (f64, f64)) -> Vec<f64> {
    let powers = low.floor() as i32..=high.floor() as i32;
    if powers.clone().count() > 8 {
        return Vec::new();
    }
    let all = powers.flat_map(|power| (2..10).map(move |digit| f64::from(digit).log10() + f64::from(power)));
    all.filter(|at| (low..=high).contains(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn texts(ticks: &[(f64, String)]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.1.as_str()).collect()
    }

    #[test]
    fn readings_are_round_and_short_and_the_name_says_what_they_leave_out() {
        let cases: &[(f64, f64, Reading, &[&str], &str)] = &[
            (0.0, 1.0, Reading::Plain, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"], "x"),
            (-1.0, 1.0, Reading::Plain, &["−1.0", "−0.5", "0", "0.5", "1.0"], "x"),
            (0.0, 1.0, Reading::Percent, &["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"], "x"),
            (0.5, 3.5, Reading::Whole, &["1", "2", "3"], "x"),
            (0.0, 1e6, Reading::Whole, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"], "x (×10⁶)"),
            (0.0, 4e-7, Reading::Plain, &["0", "100", "200", "300", "400"], "x (×10⁻⁹)"),
            (1e15 - 2.0, 1e15 + 2.0, Reading::Plain, &["−2", "−1", "0", "1", "2"], "x + 1×10¹⁵"),
            (-4e300, 4e300, Reading::Plain, &["−4", "−2", "0", "2", "4"], "x (×10³⁰⁰)"),
        ];
        for &(low, high, reading, expected, name) in cases {
            let axis = Axis::numbers("x", (low, high), reading);
            let shown = (4..8).map(|count| axis.ticks(count)).find(|ticks| texts(ticks) == expected);
            assert!(shown.is_some(), "{low} to {high}: {:?}", axis.ticks(6));
            assert_eq!(axis.name(), name, "{low} to {high}");
        }
    }

    #[test]
    fn ticks_of_any_range_are_few_and_distinct_and_within_it() {
        let numbers = [0.0, 1e-300, 3e-17, 0.0123, 1.0, 7.7, 1e5, 1.234_567_8e8, 9e99, 1e300];
        for low in numbers.iter().flat_map(|&x| [x, -x]) {
            for extent in numbers {
                let ends = with_air((low, low + extent), 0.05);
                assert!(ends.0 < ends.1 && (ends.1 - ends.0).is_finite(), "{ends:?}");
                let mut axes = vec![Axis::numbers("", ends, Reading::Plain)];
                if low > 0.0 {
                    axes.push(Axis::logarithmic("", Some((low, low + extent)), 0.05));
                }
                for axis in axes {
                    let within = axis.range();
                    for count in 2..12 {
                        let ticks = axis.ticks(count);
                        let distinct: BTreeSet<_> = texts(&ticks).into_iter().collect();
                        assert_eq!(distinct.len(), ticks.len(), "{axis:?}: {ticks:?}");
                        assert!((1..=count + 3).contains(&ticks.len()), "{axis:?}: {count}: {ticks:?}");
                        let slack = 1e-9 * (within.1 - within.0);
                        let inside =
                            |tick: &(f64, String)| within.0 - slack <= tick.0 && tick.0 <= within.1 + slack;
                        assert!(ticks.iter().all(inside), "{axis:?}: {ticks:?}");
                        assert!(ticks.iter().all(|tick| tick.1.chars().count() <= 12), "{axis:?}: {ticks:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_where_there_is_room_for_them() {
        let cases: &[(f64, f64, &[&str])] = &[
            (0.01, 10.0, &["0.01", "0.1", "1", "10"]),
            (0.79, 12.6, &["1", "2", "5", "10"]),
            (1e-8, 1e-4, &["10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴"]),
            (1e-300, 1e300, &["10⁻³⁰⁰", "10⁻²⁰⁰", "10⁻¹⁰⁰", "10⁰", "10¹⁰⁰", "10²⁰⁰", "10³⁰⁰"]),
        ];
        for &(low, high, expected) in cases {
            assert_eq!(
                texts(&logarithmic_ticks((f64::log10(low), f64::log10(high)), 6)),
                expected,
                "{low} to {high}"
            );
        }
    }
}
