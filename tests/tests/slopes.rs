//! The slopes of the rule table against 60-digit arithmetic (`fixtures/slopes.csv`), over many magnitudes, in `f64`
//! and `f32`: all modes share the rules, so that only an independent oracle sees a slope that cancels.

use dualtape::rules::Op;
use dualtape::{Differentiable, Dual, Scalar};
use std::collections::BTreeMap;

/// The most units in the last place by which a slope may be off, unless its row says why not: see [`allowance`].
const ULPS: f64 = 4.0;

/// A line of the table.
struct Line {
    op: Op,
    moving: usize,
    x: Vec<f64>,
    slope: f64,
}

fn lines() -> impl Iterator<Item = Line> {
    let named = |name: &str| match name {
        "div" => Op::Div,
        "rem" => Op::Rem,
        "polygamma1" => Op::Polygamma(1),
        _ => *Op::ALL.iter().find(|op| op.name() == name).expect("an operation of the rule table"),
    };
    include_str!("../fixtures/slopes.csv").lines().skip(1).map(move |line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |text: &str| text.parse::<f64>().expect("a number");
        Line {
            op: named(fields[0]),
            moving: fields[1].parse().expect("a place"),
            x: fields[2..4].iter().filter(|text| !text.is_empty()).map(|text| number(text)).collect(),
            slope: number(fields[4]),
        }
    })
}

/// The slope in numbers of type `F`, and the value.
fn slope<F: Scalar>(line: &Line) -> (F, F) {
    let lifted = |(i, &x): (usize, &f64)| {
        let x = F::nearest(x);
        if i == line.moving { Dual::variable(x) } else { Dual::lift(x) }
    };
    let z: Dual<F> = line.op.apply(&line.x.iter().enumerate().map(lifted).collect::<Vec<_>>());
    (z.slope(0), z.value())
}

/// What the rows of the table allow themselves.
fn allowance(line: &Line) -> f64 {
    match (line.op, line.moving) {
        (Op::Powf, 0) => ULPS + (line.slope / line.x[1]).abs().ln().abs(),
        // Close to a pole, the cotangent's error is multiplied.
        (Op::Polygamma(_), _) if line.x[0] < 0.0 && line.slope.abs() > 1.0 => 2.0 * ULPS,
        // Close to a zero of the slope.
        (Op::LnGamma | Op::Digamma | Op::Polygamma(_), _) => {
            ULPS.max(4e-15 / (line.slope.next_up() - line.slope).abs())
        }
        _ => ULPS,
    }
}

fn assert_slopes<F: Scalar>(allowance: impl Fn(&Line) -> f64) {
    let (mut worst, mut count) = (BTreeMap::new(), 0);
    for line in lines() {
        let fits = line.x.iter().all(|&x| F::nearest(x).wide() == x);
        let expected = F::nearest(line.slope);
        if !fits || (line.slope.is_finite() && line.slope != 0.0 && !expected.is_normal()) {
            continue;
        }
        count += 1;
        let (got, _) = slope::<F>(&line);
        let ulp = expected.wide().abs() * F::epsilon().wide() / 2.0;
        let off = if got == expected { 0.0 } else { (got.wide() - line.slope).abs() / ulp };
        let off = if off.is_nan() { f64::INFINITY } else { off };
        let share = off / allowance(&line);
        let entry = worst.entry((line.op.name(), line.moving)).or_insert((0.0, String::new(), 0));
        entry.2 += usize::from(share > 1.0);
        if share > entry.0 {
            let words = format!("{off:.1} ulp at {:?}: {:e}, not {:e}", line.x, got.wide(), line.slope);
            (entry.0, entry.1) = (share, words);
        }
    }
    let failures: Vec<_> = worst.iter().filter(|(_, (share, ..))| *share > 1.0).collect();
    assert!(failures.is_empty(), "of {count} slopes: {failures:#?}");
}

#[test]
fn slopes_are_right_in_f64() {
    assert_slopes::<f64>(allowance);
}

#[test]
fn slopes_are_right_in_f32() {
    assert_slopes::<f32>(|_| ULPS);
}
