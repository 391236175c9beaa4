//! An axis of numbers or of names, as a coordinate of plotters: where its readings are, and what they leave to its
//! name.

use crate::range::Range;
use crate::scene::units;
use crate::text::{self, TICK, superscript};
use plotters::coord::combinators::{IntoLogRange, LogCoord};
use plotters::coord::ranged1d::{BoldPoints, KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

/// How the numbers of an axis read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    #[default]
    Plain,
    /// Nothing between whole numbers.
    Whole,
    /// As percentages of 1.
    Percent,
}

/// What stands along one side of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    label: String,
    range: Range,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Readings are of (number − offset) / unit, and the axis' name says so.
    Numbers {
        reading: Reading,
        offset: f64,
        power: i32,
    },
    Logarithms,
    /// Where names stand; the axis goes from left to right or from top to bottom.
    Names(Vec<(f64, String)>),
}

impl Axis {
    pub(crate) fn numbers(label: &str, range: Range, reading: Reading) -> Self {
        let (mut offset, mut power) = (0.0, 0);
        let largest = range.low.abs().max(range.high.abs());
        if reading != Reading::Percent {
            if range.extent() < 1e-5 * largest {
                // Numbers that differ in their last digits only.
                let grain = 10f64.powf(range.extent().log10().ceil());
                offset = (range.low.midpoint(range.high) / grain).round() * grain;
            }
            let largest = (range.low - offset).abs().max((range.high - offset).abs());
            let magnitude = largest.log10().floor() as i32;
            let plain = largest == 0.0 || (-3..5).contains(&magnitude);
            power = if plain { 0 } else { magnitude.div_euclid(3) * 3 };
        }
        Self { label: text::clean(label), range, kind: Kind::Numbers { reading, offset, power } }
    }

    /// An axis of positive numbers by their logarithms; the range is one of numbers.
    pub(crate) fn logarithms(label: &str, range: Range) -> Self {
        let low = range.low.max(1e-305);
        let range = Range { low, high: range.high.clamp(1.001 * low, 1e305) };
        Self { label: text::clean(label), range, kind: Kind::Logarithms }
    }

    /// The name at each place, on an axis that begins at 0 and is so long.
    pub(crate) fn names(label: &str, names: Vec<(f64, String)>, length: f64) -> Self {
        let names = names.into_iter().map(|(at, name)| (at, text::clean(&name))).collect();
        Self { label: text::clean(label), range: Range { low: 0.0, high: length }, kind: Kind::Names(names) }
    }

    pub(crate) fn is_names(&self) -> bool {
        matches!(self.kind, Kind::Names(_))
    }

    /// The axis' name, with what its readings leave to it.
    pub(crate) fn name(&self) -> String {
        let Kind::Numbers { offset, power, .. } = self.kind else { return self.label.clone() };
        let sign = if offset < 0.0 { '+' } else { '−' };
        let offset = if offset == 0.0 { String::new() } else { format!("{sign} {}", exactly(offset.abs())) };
        let power = if power == 0 { String::new() } else { format!("(×10{})", superscript(power)) };
        let parts = [self.label.clone(), offset, power];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The axis with at most `count` readings.
    fn scale(&self, count: usize) -> Scale {
        let Range { low, high } = self.range;
        let (coordinate, ticks, minor) = match &self.kind {
            &Kind::Numbers { reading, offset, power } => {
                let unit = 10f64.powi(power);
                let coordinate = RangedCoordf64::from((low - offset) / unit..(high - offset) / unit);
                // In thousands and more, all readings are of whole numbers.
                let reading = if power == 0 { reading } else { Reading::Plain };
                let shown = linear(&coordinate, count, reading);
                let ticks = shown.into_iter().map(|(at, label)| (at * unit + offset, label)).collect();
                (Coordinate::Linear { coordinate, offset, unit }, ticks, Vec::new())
            }
            Kind::Logarithms => {
                let (ticks, minor) = logarithmic(self.range, count);
                (Coordinate::Logarithmic((low..high).log_scale().into()), ticks, minor)
            }
            Kind::Names(names) => {
                let every = names.len().div_ceil(count.max(1)).max(1);
                let coordinate = RangedCoordf64::from(low..high);
                let linear = Coordinate::Linear { coordinate, offset: 0.0, unit: 1.0 };
                (linear, names.iter().step_by(every).cloned().collect(), Vec::new())
            }
        };
        Scale { coordinate, range: self.range, ticks, minor }
    }

    /// As many readings as can be told apart in so many pixels from bottom to top.
    pub(crate) fn upright(&self, pixels: f64) -> Scale {
        let (spacing, most) = if self.is_names() { (1.2 * TICK, usize::MAX) } else { (2.6 * TICK, 8) };
        let mut scale = self.scale(((pixels / spacing) as usize).clamp(1, most));
        if self.is_names() {
            // Names are read from top to bottom.
            scale.range = Range { low: self.range.high, high: self.range.low };
            scale.coordinate = Coordinate::Linear {
                coordinate: (self.range.high..self.range.low).into(),
                offset: 0.0,
                unit: 1.0,
            };
        }
        scale
    }

    /// As many readings as fit beside each other into so many pixels.
    pub(crate) fn level(&self, pixels: f64) -> Scale {
        let fits = |scale: &Scale| {
            let at = |tick: &(f64, String)| {
                f64::from(scale.map(&tick.0, (0, units(pixels)))) / crate::scene::UNITS
            };
            let half = |tick: &(f64, String)| text::width(&tick.1, TICK) / 2.0;
            let apart = |pair: &[(f64, String)]| {
                at(&pair[1]) - at(&pair[0]) >= half(&pair[0]) + half(&pair[1]) + 10.0
            };
            scale.ticks.windows(2).all(apart)
        };
        (2..=10).rev().map(|count| self.scale(count)).find(fits).unwrap_or_else(|| self.scale(1))
    }

    /// The axis of names in so many pixels: all if they fit beside each other, otherwise those that fit upright.
    pub(crate) fn turned(&self, pixels: f64) -> Option<Scale> {
        let Kind::Names(names) = &self.kind else { return None };
        let slot = pixels / self.range.extent().max(1.0);
        let too_wide = names.iter().any(|(_, name)| text::width(name, TICK) > slot - 6.0);
        Some(self.scale(if too_wide { ((pixels / (1.2 * TICK)) as usize).max(1) } else { names.len() }))
    }
}

/// An axis as plotters takes it.
pub(crate) struct Scale {
    coordinate: Coordinate,
    range: Range,
    /// Numbers, and how they read.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Lines without a reading.
    minor: Vec<f64>,
}

enum Coordinate {
    Linear { coordinate: RangedCoordf64, offset: f64, unit: f64 },
    Logarithmic(LogCoord<f64>),
}

impl Scale {
    /// The width of the widest reading, in pixels.
    pub(crate) fn widest(&self) -> f64 {
        self.ticks.iter().map(|(_, label)| text::width(label, TICK)).fold(0.0, f64::max)
    }

    /// The same axis without readings.
    pub(crate) fn without_ticks(self) -> Self {
        Self { ticks: Vec::new(), ..self }
    }

    /// The same axis with its readings cut to a width.
    pub(crate) fn cut(mut self, pixels: f64) -> Self {
        for (_, label) in &mut self.ticks {
            *label = text::fit(label, TICK, false, pixels);
        }
        self
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, number: &f64, limit: (i32, i32)) -> i32 {
        match &self.coordinate {
            Coordinate::Linear { coordinate, offset, unit } => {
                coordinate.map(&((number - offset) / unit), limit)
            }
            Coordinate::Logarithmic(coordinate) => coordinate.map(number, limit),
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return self.minor.clone();
        }
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.range.low..self.range.high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, number: &f64) -> String {
        self.ticks.iter().find(|tick| tick.0 == *number).map_or(String::new(), |tick| tick.1.clone())
    }
}

/// The key points of plotters, and how they read: with as many decimals as the closest two need.
fn linear(coordinate: &RangedCoordf64, count: usize, reading: Reading) -> Vec<(f64, String)> {
    let range = coordinate.range();
    let extent = range.end - range.start;
    // Otherwise plotters would look for ever.
    if !(extent.is_finite() && extent > 1e-13 * range.start.abs().max(range.end.abs())) {
        return Vec::new();
    }
    let mut points = coordinate.key_points(BoldPoints(count));
    points.retain(|point| (range.start..=range.end).contains(point));
    if reading == Reading::Whole {
        points.retain(|point| point.fract() == 0.0);
    }
    let (factor, sign) = if reading == Reading::Percent { (100.0, " %") } else { (1.0, "") };
    let exact = |decimals: &i32| {
        let at = |point: &f64| point * factor * 10f64.powi(*decimals);
        points.iter().all(|point| (at(point) - at(point).round()).abs() < 1e-4)
    };
    let decimals = (0..12).find(exact).unwrap_or(12) as usize;
    let read = |&point: &f64| match point * factor {
        0.0 => format!("0{sign}"),
        number => format!("{number:.decimals$}{sign}").replace('-', "−"),
    };
    points.iter().map(|point| (*point, read(point))).collect()
}

/// Readings and lines between them on a logarithmic axis. plotters has powers of ten only, and none below 10⁻¹⁵.
fn logarithmic(range: Range, count: usize) -> (Vec<(f64, String)>, Vec<f64>) {
    let decades = (range.high / range.low).log10();
    let inner = |digits: &[i32], stride: i32| -> Vec<(i32, i32)> {
        let powers = range.low.log10().floor() as i32..=range.high.log10().ceil() as i32;
        let powers = powers.filter(|power| power % stride == 0);
        let all = powers.flat_map(|power| digits.iter().map(move |&digit| (digit, power)));
        all.filter(|&number| range.holds(value(number))).collect()
    };
    let minor = if decades > 7.0 { Vec::new() } else { inner(&[2, 3, 4, 5, 6, 7, 8, 9], 1) };
    let minor = minor.into_iter().map(value).collect();
    let fine = inner(&[1, 2, 5], 1);
    if decades < 3.0 && (3..=count.max(3)).contains(&fine.len()) {
        return (read(&fine), minor);
    }
    if decades < 1.5 {
        // Too short for powers of ten.
        let power = range.low.log10().floor() as i32;
        let power = if (-4..5).contains(&power) { 0 } else { power };
        let unit = value((1, power));
        let points = linear(&(range.low / unit..range.high / unit).into(), count.min(6), Reading::Plain);
        let suffix = if power == 0 { String::new() } else { format!("×10{}", superscript(power)) };
        return (points.into_iter().map(|(at, label)| (at * unit, label + &suffix)).collect(), Vec::new());
    }
    let strides = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200];
    let fits = |stride: &i32| inner(&[1], *stride).len() <= count.max(1);
    (read(&inner(&[1], strides.into_iter().find(fits).unwrap_or(500))), minor)
}

fn value((digit, power): (i32, i32)) -> f64 {
    // Unlike `powi`, reading rounds but once.
    format!("{digit}e{power}").parse().unwrap_or(f64::NAN)
}

/// Readings of digits times powers of ten: all plain numbers if they are short, all powers otherwise.
fn read(numbers: &[(i32, i32)]) -> Vec<(f64, String)> {
    let plain = numbers.iter().all(|(_, power)| (-4..5).contains(power));
    let label = |&(digit, power): &(i32, i32)| match digit {
        _ if plain => value((digit, power)).to_string(),
        1 => format!("10{}", superscript(power)),
        _ => format!("{digit}×10{}", superscript(power)),
    };
    numbers.iter().map(|number| (value(*number), label(number))).collect()
}

/// All digits of a number, the zeros at its end in a power of ten.
fn exactly(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match power.parse().unwrap_or(0) {
        power if (-4..9).contains(&power) => number.to_string(),
        power if digits == "1" => format!("10{}", superscript(power)),
        power => format!("{digits}×10{}", superscript(power)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn readings(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|tick| tick.1.as_str()).collect()
    }

    #[test]
    fn readings_are_round_and_short_and_the_name_says_what_they_leave_out() {
        let cases: &[(f64, f64, Reading, &[&str], &str)] = &[
            (0.0, 1.0, Reading::Plain, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"], "y"),
            (-1.0, 1.0, Reading::Plain, &["−1.0", "−0.5", "0", "0.5", "1.0"], "y"),
            (0.0, 1.0, Reading::Percent, &["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"], "y"),
            (0.5, 3.5, Reading::Whole, &["1", "2", "3"], "y"),
            (0.0, 1e6, Reading::Whole, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"], "y (×10⁶)"),
            (0.0, 4.1e-7, Reading::Plain, &["0", "100", "200", "300", "400"], "y (×10⁻⁹)"),
            (0.0, 2e-12, Reading::Plain, &["0", "0.5", "1.0", "1.5", "2.0"], "y (×10⁻¹²)"),
            (1e8, 1e8 + 4.0, Reading::Plain, &["0", "1", "2", "3", "4"], "y − 100000000"),
            (1e15 - 1.0, 1e15 + 1.0, Reading::Plain, &["−1.0", "−0.5", "0", "0.5", "1.0"], "y − 10¹⁵"),
            (-4.1e300, 4.1e300, Reading::Plain, &["−4", "−2", "0", "2", "4"], "y (×10³⁰⁰)"),
        ];
        for &(low, high, reading, expected, name) in cases {
            let axis = Axis::numbers("y", Range { low, high }, reading);
            assert_eq!(readings(&axis.scale(6)), expected, "{low} to {high}");
            assert_eq!(axis.name(), name, "{low} to {high}");
        }
    }

    #[test]
    fn readings_of_any_range_are_few_and_distinct_and_within_it() {
        let numbers = [1e-300, 3e-17, 0.0123, 1.0, 7.7, 1e5, 1.234_567_8e8, 9e99, 1e300];
        for low in numbers.iter().flat_map(|&x| [x, -x]) {
            for extent in numbers {
                let range = Range { low, high: low + extent }.with_air(0.05);
                for count in 1..12 {
                    let scale = Axis::numbers("y", range, Reading::Plain).scale(count);
                    let distinct: BTreeSet<_> = readings(&scale).into_iter().collect();
                    assert_eq!(distinct.len(), scale.ticks.len(), "{range:?}: {:?}", scale.ticks);
                    assert!(scale.ticks.len() <= count + 1, "{range:?}: {:?}", scale.ticks);
                    assert!(
                        scale.ticks.iter().all(|tick| tick.1.len() <= 12),
                        "{range:?}: {:?}",
                        scale.ticks
                    );
                }
            }
        }
    }

    #[test]
    fn logarithmic_readings_are_powers_of_ten_where_there_is_room_for_them() {
        let cases: &[(f64, f64, &[&str])] = &[
            (0.01, 10.0, &["0.01", "0.1", "1", "10"]),
            (0.8, 12.0, &["1", "2", "5", "10"]),
            (1e-8, 1e-4, &["10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴"]),
            (1e-300, 1e300, &["10⁻²⁰⁰", "10⁰", "10²⁰⁰"]),
            (1.0, 1.25, &["1.00", "1.05", "1.10", "1.15", "1.20", "1.25"]),
        ];
        for &(low, high, expected) in cases {
            assert_eq!(
                readings(&Axis::logarithms("", Range { low, high }).scale(6)),
                expected,
                "{low} to {high}"
            );
        }
        for exponent in -300..290 {
            for decades in [0.01, 0.3, 1.0, 1.7, 2.9, 5.0, 20.0, 300.0] {
                let low = 10f64.powf(f64::from(exponent));
                let range = Range { low, high: 10f64.powf((f64::from(exponent) + decades).min(300.0)) };
                let scale = Axis::logarithms("", range).scale(6);
                let distinct: BTreeSet<_> = readings(&scale).into_iter().collect();
                assert_eq!(distinct.len(), scale.ticks.len(), "{range:?}: {:?}", scale.ticks);
                assert!(distinct.len() <= 9, "{range:?}: {:?}", scale.ticks);
            }
        }
    }
}
