//! Branches of recorded functions: guards, programs for each path, and what needs no guard.

use dualtape::num_traits::ToPrimitive;
use dualtape::program::{Compiled, Rows, Wrt};
use dualtape::{Differentiable, Error, Float, Program, Traced, gradient};
use dualtape_tests::close::assert_close;

#[test]
fn another_branch_is_noticed_and_named() {
    let program =
        Program::record_with_data(|p, x| if x[0] > p[0] { x[0] * 2.0 } else { x[0] * x[0] }, &[1.0], &[3.0])
            .unwrap();
    let mut workspace = program.workspace();
    assert_eq!(program.value(&mut workspace, &[1.0, 5.0]), Ok(10.0));
    let refused = program.value(&mut workspace, &[1.0, 0.5]).unwrap_err();
    let Error::BranchChanged { point: 0, number: 0, guard } = &refused else { panic!("{refused}") };
    assert!(guard.contains('>') && refused.to_string().contains("another branch"), "{refused}");
    let points: Vec<f64> = (0..40).map(|k| if k == 33 { 0.0 } else { 2.0 + f64::from(k) }).collect();
    let mut gradient = [0.0];
    let refused =
        program.sum_gradient(&mut program.batch_workspace(), &[1.0], &Rows::new(&points, 1), &mut gradient);
    assert!(matches!(refused, Err(Error::BranchChanged { point: 33, .. })), "{refused:?}");
    // NaN is not above the threshold either.
    assert!(program.value(&mut workspace, &[1.0, f64::NAN]).is_err());
}

#[test]
fn compiled_functions_are_right_on_every_path() {
    fn stairs<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
        if x[0] < p[0] - 1.0 {
            x[0] * p[0]
        } else if x[0] < p[0] {
            (x[0] * p[0]).sin()
        } else if x[0].is_nan() {
            p[0] * 5.0
        } else {
            p[0].powi(3) - x[0]
        }
    }
    let points: Vec<f64> =
        (0..200).map(|k| if k == 77 { f64::NAN } else { (f64::from(k)).sin() * 3.0 }).collect();
    for kept in [1, 2, 16] {
        let mut compiled = Compiled::keeping(kept, stairs);
        let (mut total, mut expected_derivative) = (0.0, 0.0);
        for &x in &points {
            let (value, derivatives) = gradient(|all| stairs(&all[..1], &all[1..]), &[0.5, x]);
            let mut gradient = [0.0; 2];
            assert_eq!(compiled.gradient(&[0.5], &[x], &mut gradient).unwrap().to_bits(), value.to_bits());
            assert_close("gradient", &gradient, &derivatives, 1e-15);
            total += value;
            expected_derivative += derivatives[0];
        }
        assert!(compiled.paths() <= kept.min(4));
        let mut gradient = [9.0];
        let sum = compiled.sum_gradient(&[0.5], &Rows::new(&points, 1), &mut gradient).unwrap();
        assert_close("sum", &[sum, gradient[0]], &[total, expected_derivative], 1e-12);
        assert_eq!(compiled.sum_gradient(&[0.5], &Rows::new(&[], 1), &mut gradient), Ok(0.0));
    }
}

#[test]
fn selections_are_instructions_and_need_no_guard() {
    let program = Program::record(|x| x[0].abs().max(x[1]).min(x[2]).relu(), &[1.0, 2.0, 3.0]).unwrap();
    assert_eq!(program.guards(), 0);
    assert_eq!(program.value(&mut program.workspace(), &[-7.0, 2.0, 30.0]), Ok(7.0));
}

#[test]
fn a_function_that_reads_the_plain_value_answers_only_there() {
    let program = Program::record(|x| x[0] * x[0].value(), &[3.0]).unwrap();
    let mut workspace = program.workspace();
    assert_eq!(program.value(&mut workspace, &[3.0]), Ok(9.0));
    let refused = program.value(&mut workspace, &[4.0]).unwrap_err().to_string();
    assert!(refused.contains("plain value"), "{refused}");
}

#[test]
#[should_panic(expected = "clamp needs low <= high")]
fn a_clamp_with_bounds_in_the_wrong_order_panics_as_it_does_eagerly() {
    let program = Program::record(|x| x[0].clamp(x[1], x[2]), &[0.5, 0.0, 1.0]).unwrap();
    let mut workspace = program.workspace();
    assert_eq!(program.value(&mut workspace, &[5.0, 0.0, 1.0]), Ok(1.0));
    let _ = program.value(&mut workspace, &[5.0, 2.0, 1.0]);
}

/// Thresholds that the function reaches exactly at some points, where a unit in the last place decides.
#[test]
fn guards_in_a_batch_are_decided_as_at_single_points() {
    fn measures<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> [D; 6] {
        let dot = D::dot(&[p[0], x[0], p[1]], &[x[1], x[1], x[0]]);
        let affine = D::affine(p, &p[..1], &x[..2])[0];
        let norm = D::norm(&[x[0], x[1], p[0]]);
        [x[0].exp() * p[0], (x[0] * x[1]).sin(), x[1].tanh() + p[1], dot, affine, norm]
    }
    let p = [0.7, -1.3];
    let points: Vec<[f64; 2]> = (0..40).map(|k| [f64::from(k).sin(), f64::from(k).cos()]).collect();
    for which in 0..6 {
        for hit in 0..points.len() {
            let threshold = measures(&p, &points[hit])[which];
            let f = |p: &[Traced<f64>], x: &[Traced<f64>]| {
                let measure = measures(p, x)[which];
                if measure <= threshold.into() { measure } else { -measure }
            };
            // At the point of recording, the batch has to give a result; elsewhere, it must do what single points do.
            let program = Program::record_with_data(f, &p, &points[hit]).unwrap();
            let mut workspace = program.workspace();
            for around in points.chunks(17) {
                let mut gradient = [0.0; 2];
                let mut answers =
                    |x: &[f64; 2]| program.value(&mut workspace, &[p[0], p[1], x[0], x[1]]).is_ok();
                let first = around.iter().position(|x| !answers(x));
                let batch = program.sum_gradient(&mut program.batch_workspace(), &p, around, &mut gradient);
                match first {
                    None => assert!(batch.is_ok(), "measure {which} at point {hit}: {batch:?}"),
                    Some(first) => assert!(
                        matches!(batch, Err(Error::BranchChanged { point, .. }) if point == first),
                        "measure {which} at point {hit}: {batch:?}, not {first}"
                    ),
                }
                let mut values = vec![0.0; around.len()];
                assert_eq!(
                    program.values(&mut program.batch_workspace(), &p, around, &mut values).is_ok(),
                    first.is_none()
                );
            }
        }
    }
}

/// The line of this file in which a function is written.
macro_rules! on_this_line {
    ($f:expr) => {
        (line!(), $f)
    };
}

#[test]
fn a_broken_guard_says_where_it_stands_and_what_it_was_asked_of() {
    fn twice<D: Differentiable<Scalar = f64>>(x: D) -> D {
        x * 2.0
    }
    type Recorded = fn(&[Traced<f64>]) -> Traced<f64>;
    // Recorded at 1.5, evaluated at −2.
    let functions: [(u32, Recorded); 6] = [
        on_this_line!(|x| if x[0] < 1.0.into() { x[0] } else { twice(x[0]) }),
        on_this_line!(|x| if x[0].is_sign_negative() { x[0] } else { twice(x[0]) }),
        on_this_line!(|x| x[0] * x[0].value()),
        on_this_line!(|x| if x[0].partial_cmp(&Traced::from(0.0)).unwrap().is_lt() {
            x[0]
        } else {
            twice(x[0])
        }),
        on_this_line!(|x| gradient(|y| if y[0] > 0.0.into() { y[0] * y[0] } else { y[0] }, x).1[0]),
        on_this_line!(|x| x[0] * x[0].to_f64().unwrap()),
    ];
    for (line, f) in functions {
        let program = Program::record(f, &[1.5]).unwrap();
        let place = format!("{}:{line}:", file!());
        let (mut workspace, mut gradient) = (program.workspace(), [0.0]);
        let at_one_point = program.gradient(&mut workspace, &[-2.0], &mut gradient).unwrap_err().to_string();
        let optimized = program.clone().optimized().value(&mut workspace, &[-2.0]).unwrap_err().to_string();
        let derived = program.gradient_program(Wrt::Both).unwrap();
        let derived = derived.value(&mut workspace, &[-2.0]).unwrap_err().to_string();
        let rows = Rows::new(&[1.5, -2.0], 1);
        let batch = program
            .values(&mut program.batch_workspace(), &[], &rows, &mut [0.0; 2])
            .unwrap_err()
            .to_string();
        for message in [at_one_point, optimized, derived, batch] {
            assert!(message.contains(&place), "{place} {message}");
            assert!(message.contains("1.5") && message.contains("here it is evaluated at -2"), "{message}");
            assert!(message.contains("`select`") && message.contains("`Compiled`"), "{message}");
        }
    }
    // The error of a called program names the line of the call.
    let bent = Program::record(|x| if x[0] > 0.0.into() { x[0] } else { -x[0] }, &[1.0]).unwrap();
    let (line, outer) =
        on_this_line!(Program::record(|x| bent.call(x).expect("recorded on this side")[0], &[1.0]).unwrap());
    let message = outer.value(&mut outer.workspace(), &[-1.0]).unwrap_err().to_string();
    assert!(message.contains(&format!("{}:{line}:", file!())), "{message}");
    // A saved program does not know the line, but still reports the comparison.
    let saved = Program::<f64>::from_bytes(&bent.to_bytes().unwrap()).unwrap();
    let message = saved.value(&mut saved.workspace(), &[-1.0]).unwrap_err().to_string();
    assert!(message.contains("v0 > v1 was true; here it is evaluated at -1.0 and 0.0"), "{message}");
}
