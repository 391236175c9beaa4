//! Vectorised elementary functions are correct within 2 units in the last place (f64 compared with 60 digits, f32
//! with f64, over all exponents), and correct at the ends of the range.

use dualtape::program::Rows;
use dualtape::rules::Op;
use dualtape::{Program, ProgramScalar};

/// The functions that have vectorised forms, by name.
fn functions() -> impl Iterator<Item = Op> {
    const NAMES: [&str; 10] =
        ["exp", "exp_m1", "ln", "ln_1p", "tanh", "sigmoid", "softplus", "sin", "cos", "sqrt"];
    NAMES.into_iter().map(|name| *Op::ALL.iter().find(|op| op.name() == name).expect("it is in the table"))
}

/// The values of an operation at many points, in lanes. A point that is not finite would make its whole
/// task fall back to single points, so all arguments are ordinary numbers.
fn in_lanes<F: ProgramScalar>(op: Op, x: &[F]) -> Vec<F> {
    let program = Program::record(|x| op.apply(x), &[F::nearest(0.5)]).unwrap();
    let mut values = vec![F::zero(); x.len()];
    program.values(&mut program.batch_workspace(), &[], &Rows::new(x, 1), &mut values).unwrap();
    values
}

#[test]
fn f64_is_within_two_units_of_sixty_digits() {
    let fixture = include_str!("../fixtures/elementary.txt");
    let bits = |text: &str| f64::from_bits(u64::from_str_radix(text, 16).unwrap());
    for op in functions() {
        let rows: Vec<Vec<&str>> = fixture
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .filter(|row| row[0] == op.name())
            .collect();
        assert!(rows.len() >= 150, "{op:?}");
        let x: Vec<f64> = rows.iter().map(|row| bits(row[1])).collect();
        // In blocks, so that a large angle does not take all the others out of the lanes.
        let got: Vec<f64> = x.chunks(16).flat_map(|x| in_lanes(op, x)).collect();
        for ((&x, got), row) in x.iter().zip(got).zip(&rows) {
            let exact = bits(row[2]);
            let unit = (exact.abs().next_up() - exact.abs()).max(f64::from_bits(1));
            // The reference itself is rounded by half a unit.
            let units = (got - exact).abs() / unit;
            assert!(units <= 1.5, "{op:?} at {x:e}: {got:e}, not {exact:e}: {units} units");
        }
    }
}

/// Every `step`-th bit pattern of f32, and the result in f64.
fn check_f32(step: usize) {
    for op in functions() {
        for sign in [0, 1_u32 << 31] {
            let all: Vec<f32> =
                (0..0x7f80_0000_u32).step_by(step).map(|bits| f32::from_bits(bits | sign)).collect();
            for x in all.chunks(4096) {
                for (&x, got) in x.iter().zip(in_lanes(op, x)) {
                    let exact: f64 = op.apply(&[f64::from(x)]);
                    let nearest = exact as f32;
                    if !nearest.is_finite() {
                        assert!(
                            got == nearest || got.is_nan() && nearest.is_nan(),
                            "{op:?} at {x:e}: {got:e}"
                        );
                        continue;
                    }
                    let unit = f64::from(nearest.abs().next_up()) - f64::from(nearest.abs());
                    let units = (f64::from(got) - exact).abs() / unit;
                    assert!(units <= 2.0, "{op:?} at {x:e}: {got:e}, not {exact:e}: {units} units");
                }
            }
        }
    }
}

#[test]
fn f32_is_within_two_units_over_all_exponents() {
    check_f32(40_009);
}

#[test]
#[ignore = "an hour: every f32 there is"]
fn f32_is_within_two_units_everywhere() {
    check_f32(1);
}

#[test]
fn the_ends_of_the_range_are_those_of_the_standard_library() {
    let ends = [
        0.0,
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
        -f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        1e-310,
        f64::MAX,
        f64::MIN,
        709.782_712_893_384,
        709.782_712_893_385,
        -745.133_219_101_941,
        -745.133_219_101_942,
        -1.0,
        1.0,
    ];
    for op in functions() {
        for x in ends {
            let (got, exact) = (in_lanes(op, &[x])[0], op.apply(&[x]));
            let close = (got - exact).abs() <= exact.abs() * 4.5e-16;
            let same = got == exact && got.is_sign_negative() == exact.is_sign_negative();
            assert!(
                same || close && exact != 0.0 || got.is_nan() && exact.is_nan(),
                "{op:?} at {x:e}: {got:e}, not {exact:e}"
            );
        }
    }
}
