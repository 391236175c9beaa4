//! The derivatives of the rule table compared with 60-digit arithmetic (`fixtures/derivatives.csv`), over many
//! magnitudes, in `f64` and `f32`. All modes share the rules, so only an independent reference shows a derivative
//! that loses digits by cancellation.

use dualtape::rules::Op;
use dualtape::{Differentiable, Dual, Scalar};
use std::collections::BTreeMap;

/// The largest allowed error of a derivative in units in the last place, except for rows with a reason in [`allowance`].
const ULPS: f64 = 4.0;

/// A line of the table.
struct Line {
    op: Op,
    moving: usize,
    x: Vec<f64>,
    derivative: f64,
}

fn lines() -> impl Iterator<Item = Line> {
    let named = |name: &str| match name {
        "div" => Op::Div,
        "rem" => Op::Rem,
        "polygamma1" => Op::Polygamma(1),
        _ => *Op::ALL.iter().find(|op| op.name() == name).expect("an operation of the rule table"),
    };
    include_str!("../fixtures/derivatives.csv").lines().skip(1).map(move |line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |text: &str| text.parse::<f64>().expect("a number");
        Line {
            op: named(fields[0]),
            moving: fields[1].parse().expect("a place"),
            x: fields[2..4].iter().filter(|text| !text.is_empty()).map(|text| number(text)).collect(),
            derivative: number(fields[4]),
        }
    })
}

/// The derivative and the value, computed in type `F`.
fn derivative<F: Scalar>(line: &Line) -> (F, F) {
    let lifted = |(i, &x): (usize, &f64)| {
        let x = F::nearest(x);
        if i == line.moving { Dual::variable(x) } else { Dual::lift(x) }
    };
    let z: Dual<F> = line.op.apply(&line.x.iter().enumerate().map(lifted).collect::<Vec<_>>());
    (z.derivative(0), z.value())
}

/// The allowed error of a row of the table.
fn allowance(line: &Line) -> f64 {
    match (line.op, line.moving) {
        (Op::Powf, 0) => ULPS + (line.derivative / line.x[1]).abs().ln().abs(),
        // Close to a pole, the cotangent's error is multiplied.
        (Op::Polygamma(_), _) if line.x[0] < 0.0 && line.derivative.abs() > 1.0 => 2.0 * ULPS,
        // Close to a zero of the derivative.
        (Op::LnGamma | Op::Digamma | Op::Polygamma(_), _) => {
            ULPS.max(4e-15 / (line.derivative.next_up() - line.derivative).abs())
        }
        _ => ULPS,
    }
}

fn assert_derivatives<F: Scalar>(allowance: impl Fn(&Line) -> f64) {
    let (mut worst, mut count) = (BTreeMap::new(), 0);
    for line in lines() {
        let fits = line.x.iter().all(|&x| F::nearest(x).wide() == x);
        let expected = F::nearest(line.derivative);
        if !fits || (line.derivative.is_finite() && line.derivative != 0.0 && !expected.is_normal()) {
            continue;
        }
        count += 1;
        let (got, _) = derivative::<F>(&line);
        let ulp = expected.wide().abs() * F::epsilon().wide() / 2.0;
        let off = if got == expected { 0.0 } else { (got.wide() - line.derivative).abs() / ulp };
        let off = if off.is_nan() { f64::INFINITY } else { off };
        let share = off / allowance(&line);
        let entry = worst.entry((line.op.name(), line.moving)).or_insert((0.0, String::new(), 0));
        entry.2 += usize::from(share > 1.0);
        if share > entry.0 {
            let words = format!("{off:.1} ulp at {:?}: {:e}, not {:e}", line.x, got.wide(), line.derivative);
            (entry.0, entry.1) = (share, words);
        }
    }
    let failures: Vec<_> = worst.iter().filter(|(_, (share, ..))| *share > 1.0).collect();
    assert!(failures.is_empty(), "of {count} derivatives: {failures:#?}");
}

#[test]
fn derivatives_are_right_in_f64() {
    assert_derivatives::<f64>(allowance);
}

#[test]
fn derivatives_are_right_in_f32() {
    assert_derivatives::<f32>(|_| ULPS);
}
