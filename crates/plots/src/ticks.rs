//! Where an axis has its ticks, and how they read: round, short, distinct.

use crate::range::Range;
use crate::text::superscript;

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

/// A tick and its reading, which may be empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// The number, or its logarithm on a logarithmic axis.
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// The ticks of an axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ticks {
    pub(crate) ticks: Vec<Tick>,
    /// What the axis' name has to add, so that the readings are true: "(×10⁶)".
    pub(crate) remark: String,
    /// Grid lines without a reading.
    pub(crate) minor: Vec<f64>,
}

/// About `count` ticks on a linear axis.
pub(crate) fn linear(range: Range, count: usize, reading: Reading) -> Ticks {
    let mut step = Step::about(range.extent() / count.max(1) as f64);
    if reading == Reading::Whole && step.exponent < 0 {
        step = Step { digit: 1, exponent: 0 };
    }
    let size = step.size();
    let (first, last) = ((range.low / size).ceil(), (range.high / size).floor());
    // Ranges are never narrower than a billionth of their numbers, so these are exact.
    let multiples: Vec<i128> = (first as i128..=last as i128).take(2 * count + 2).collect();
    let units: Vec<i128> = multiples.iter().map(|multiple| multiple * i128::from(step.digit)).collect();
    let (labels, remark) = labels(&units, step.exponent, reading);
    let at = |&multiple: &i128| multiple as f64 * size;
    let ticks = multiples.iter().map(at).zip(labels).map(|(at, label)| Tick { at, label }).collect();
    Ticks { ticks, remark, minor: Vec::new() }
}

/// A round distance between ticks: 1, 2 or 5 times a power of ten.
#[derive(Clone, Copy)]
struct Step {
    digit: u8,
    exponent: i32,
}

impl Step {
    /// The least round step that is not smaller.
    fn about(size: f64) -> Self {
        let exponent = size.log10().floor();
        let share = size / 10f64.powf(exponent);
        let exponent = exponent as i32;
        match [1, 2, 5].into_iter().find(|&digit| f64::from(digit) >= share * (1.0 - 1e-9)) {
            Some(digit) => Self { digit, exponent },
            None => Self { digit: 1, exponent: exponent + 1 },
        }
    }

    fn size(self) -> f64 {
        // Unlike `powi`, reading rounds but once.
        format!("{}e{}", self.digit, self.exponent).parse().unwrap_or(f64::MIN_POSITIVE)
    }
}

/// The readings of whole multiples of a power of ten, and what they leave to the axis' name.
fn labels(units: &[i128], exponent: i32, reading: Reading) -> (Vec<String>, String) {
    let largest = units.iter().map(|unit| unit.abs()).max().unwrap_or(0);
    let magnitude = exponent + largest.checked_ilog10().unwrap_or(0) as i32;
    if reading == Reading::Percent && (-6..4).contains(&magnitude) {
        let percent = |&unit| format!("{} %", decimal(unit, exponent + 2));
        return (units.iter().map(percent).collect(), String::new());
    }
    // Numbers that differ in their last digits only: the digits they share go into the axis' name.
    let base = if largest.checked_ilog10().unwrap_or(0) >= 6 { units[0] } else { 0 };
    let rest: Vec<i128> = units.iter().map(|unit| unit - base).collect();
    let largest = rest.iter().map(|unit| unit.abs()).max().unwrap_or(0);
    let magnitude = exponent + largest.checked_ilog10().unwrap_or(0) as i32;
    let power = if (-3..5).contains(&magnitude) { 0 } else { magnitude.div_euclid(3) * 3 };
    let mut remark = String::new();
    if base != 0 {
        let sign = if base < 0 { '+' } else { '−' };
        remark = format!("{sign} {}", scientific(base.abs(), exponent));
    }
    if power != 0 && largest != 0 {
        remark = format!("{remark} (×10{})", superscript(power));
    }
    let labels = rest.iter().map(|&unit| decimal(unit, exponent - power)).collect();
    (labels, remark.trim().to_owned())
}

/// `unit · 10^exponent`, all digits.
fn decimal(unit: i128, exponent: i32) -> String {
    let sign = if unit < 0 { "−" } else { "" };
    let digits = unit.unsigned_abs().to_string();
    if unit == 0 {
        return digits;
    }
    let decimals = usize::try_from(-exponent).unwrap_or(0);
    if decimals == 0 {
        return format!("{sign}{digits}{}", "0".repeat(exponent.unsigned_abs() as usize));
    }
    let digits = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{sign}{whole}.{fraction}")
}

/// `unit · 10^exponent` with the zeros at its end in a power, where it is long.
fn scientific(unit: i128, exponent: i32) -> String {
    let all = unit.to_string();
    let digits = all.trim_end_matches('0');
    let power = exponent + all.len() as i32 - 1;
    if (-4..9).contains(&power) {
        let exponent = exponent + (all.len() - digits.len()) as i32;
        return decimal(digits.parse().unwrap_or(unit), exponent);
    }
    let fraction = if digits.len() > 1 { format!(".{}", &digits[1..]) } else { String::new() };
    format!("{}{fraction}×10{}", &digits[..1], superscript(power))
}

/// About `count` ticks at most on a logarithmic axis; the range is one of decimal logarithms.
pub(crate) fn logarithmic(range: Range, count: usize) -> Ticks {
    let decades = range.extent();
    let one_two_five = inner(range, &[1, 2, 5]);
    if decades < 3.0 && one_two_five.len() >= 3 && one_two_five.len() <= count.max(3) {
        return Ticks { ticks: read(&one_two_five), remark: String::new(), minor: minor(range) };
    }
    if decades < 1.5 {
        // Too short for powers of ten: linear ticks, where their numbers are.
        let numbers = Range { low: 10f64.powf(range.low), high: 10f64.powf(range.high) };
        if numbers.low >= 1e-290 && numbers.high < 1e300 {
            let mut ticks = linear(numbers, count.min(6), Reading::Plain);
            ticks.ticks.retain(|tick| tick.at > 0.0);
            for tick in &mut ticks.ticks {
                tick.at = tick.at.log10();
            }
            return ticks;
        }
    }
    let strides = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200];
    let fits = |stride: &i32| decades / f64::from(*stride) <= count.max(1) as f64;
    let stride = strides.into_iter().find(fits).unwrap_or(500);
    let powers = range.low.ceil() as i32..=range.high.floor() as i32;
    let powers: Vec<(i32, i32)> =
        powers.filter(|power| power % stride == 0).map(|power| (1, power)).collect();
    let minor = if stride == 1 { minor(range) } else { Vec::new() };
    Ticks { ticks: read(&powers), remark: String::new(), minor }
}

/// Digits and powers of ten within the range.
fn inner(range: Range, digits: &[i32]) -> Vec<(i32, i32)> {
    let powers = range.low.floor() as i32..=range.high.ceil() as i32;
    let all = powers.flat_map(|power| digits.iter().map(move |&digit| (digit, power)));
    all.filter(|&number| range.holds(logarithm(number))).collect()
}

fn logarithm((digit, power): (i32, i32)) -> f64 {
    f64::from(power) + f64::from(digit).log10()
}

/// The lines between powers of ten.
fn minor(range: Range) -> Vec<f64> {
    if range.extent() > 7.0 {
        return Vec::new();
    }
    inner(range, &[2, 3, 4, 5, 6, 7, 8, 9]).into_iter().map(logarithm).collect()
}

/// Ticks at digits times powers of ten: all plain numbers if they are short, all powers otherwise.
fn read(numbers: &[(i32, i32)]) -> Vec<Tick> {
    let plain = numbers.iter().all(|(_, power)| (-4..5).contains(power));
    let label = |&(digit, power): &(i32, i32)| match digit {
        _ if plain => decimal(i128::from(digit), power),
        1 => format!("10{}", superscript(power)),
        _ => format!("{digit}×10{}", superscript(power)),
    };
    numbers.iter().map(|number| Tick { at: logarithm(*number), label: label(number) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn readings(ticks: &Ticks) -> Vec<&str> {
        ticks.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn readings_are_round_and_short_and_say_what_they_leave_out() {
        let cases: &[(f64, f64, Reading, &[&str], &str)] = &[
            (0.0, 1.0, Reading::Plain, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"], ""),
            (-1.0, 1.0, Reading::Plain, &["−1.0", "−0.5", "0", "0.5", "1.0"], ""),
            (0.0, 1.0, Reading::Percent, &["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"], ""),
            (0.5, 3.5, Reading::Whole, &["1", "2", "3"], ""),
            (0.0, 1e6, Reading::Whole, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"], "(×10⁶)"),
            (0.0, 4e-7, Reading::Plain, &["0", "100", "200", "300", "400"], "(×10⁻⁹)"),
            (1e8, 1e8 + 4.0, Reading::Plain, &["0", "1", "2", "3", "4"], "− 100000000"),
            (1.0, 1.0 + 4e-7, Reading::Plain, &["0", "100", "200", "300", "400"], "− 1 (×10⁻⁹)"),
            (-4e300, 4e300, Reading::Plain, &["−4", "−2", "0", "2", "4"], "(×10³⁰⁰)"),
        ];
        for &(low, high, reading, expected, remark) in cases {
            let ticks = linear(Range { low, high }, 5, reading);
            assert_eq!(readings(&ticks), expected, "{low} to {high}");
            assert_eq!(ticks.remark, remark, "{low} to {high}");
        }
    }

    #[test]
    fn ticks_of_any_range_are_few_and_distinct_and_within_it() {
        let numbers = [1e-300, 3e-17, 0.0123, 1.0, 7.7, 1e5, 1.234_567_8e8, 9e99, 1e300];
        for low in numbers.iter().flat_map(|&x| [x, -x]) {
            for extent in numbers {
                let range = Range { low, high: low + extent }.with_air(0.05);
                for count in 1..12 {
                    let ticks = linear(range, count, Reading::Plain);
                    let distinct: BTreeSet<_> = readings(&ticks).into_iter().collect();
                    assert_eq!(distinct.len(), ticks.ticks.len(), "{range:?}: {ticks:?}");
                    assert!(ticks.ticks.len() <= count + 1, "{range:?}: {ticks:?}");
                    assert!(ticks.ticks.iter().all(|tick| range.holds(tick.at)), "{range:?}: {ticks:?}");
                    assert!(ticks.ticks.iter().all(|tick| tick.label.len() <= 12), "{range:?}: {ticks:?}");
                }
            }
        }
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_where_there_is_room_for_them() {
        let cases: &[(f64, f64, &[&str])] = &[
            (-2.0, 1.0, &["0.01", "0.1", "1", "10"]),
            (-0.1, 1.1, &["1", "2", "5", "10"]),
            (-8.0, -4.0, &["10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴"]),
            (-300.0, 300.0, &["10⁻³⁰⁰", "10⁻²⁰⁰", "10⁻¹⁰⁰", "1", "10¹⁰⁰", "10²⁰⁰", "10³⁰⁰"]),
            (0.0, 0.1, &["1.00", "1.05", "1.10", "1.15", "1.20", "1.25"]),
        ];
        for &(low, high, expected) in cases {
            let ticks = logarithmic(Range { low, high }, 6);
            let expected: Vec<_> = expected
                .iter()
                .map(|&label| if label == "1" && low < -4.0 { "10⁰" } else { label })
                .collect();
            assert_eq!(readings(&ticks), expected, "{low} to {high}");
        }
        for exponent in -320..308 {
            for decades in [0.01, 0.3, 1.0, 1.7, 2.9, 5.0, 20.0, 300.0] {
                let range = Range { low: f64::from(exponent), high: f64::from(exponent) + decades };
                let ticks = logarithmic(range, 6);
                let distinct: BTreeSet<_> = readings(&ticks).into_iter().collect();
                assert_eq!(distinct.len(), ticks.ticks.len(), "{range:?}: {ticks:?}");
                assert!((1..=9).contains(&distinct.len()), "{range:?}: {ticks:?}");
            }
        }
    }
}
