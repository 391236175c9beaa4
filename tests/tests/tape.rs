//! Guarantees of a tape: depth without recursion, limits with clear messages, no mixing of tapes.

use dualtape::{Differentiable, Float, Reverse, Tape, Var, gradient};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Discards a result; only its computation matters.
fn ignore<T>(_: T) {}

/// The message of a panic.
fn message(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it should have panicked");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a panic message is text")).to_owned(),
    }
}

#[test]
fn a_million_nodes_are_swept_and_dropped_on_a_small_stack() {
    let run = || {
        let (value, gradient) = gradient(|x| (0..1_000_000).fold(x[0], |y, _| y.sin()), &[1.0]);
        assert!(value > 0.0 && gradient[0] > 0.0);
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn sixty_doublings_are_2_to_the_60_in_no_time() {
    let start = Instant::now();
    let (_, gradient) = gradient(|x| (0..60).fold(x[0], |y, _| y + y), &[1.0]);
    assert_eq!(gradient, [2.0_f64.powi(60)]);
    assert!(start.elapsed() < Duration::from_millis(100));
}

#[test]
fn mixing_two_tapes_panics_with_a_clear_message() {
    let (one, other) = (Tape::new(), Tape::new());
    let (x, y) = (one.var(1.0), other.var(2.0));
    let mixtures: [(&str, &dyn Fn()); 6] = [
        ("binary", &|| ignore(x + y)),
        ("ternary", &|| ignore(x.mul_add(y, x))),
        ("sum", &|| ignore([x, y].iter().sum::<Var<'_, f64>>())),
        ("dot", &|| ignore(Var::dot(&[x], &[y]))),
        ("log_sum_exp", &|| ignore(Var::log_sum_exp(&[x, y]))),
        ("gradient", &|| ignore(one.gradient(y))),
    ];
    for (what, mix) in mixtures {
        assert!(message(mix).contains("two different tapes"), "{what}");
    }
    // Both tapes remain usable.
    assert_eq!(one.gradient(x * x)[x], 2.0);
}

#[test]
fn adjoints_refuse_variables_of_another_tape_or_recording() {
    let (mut one, other) = (Tape::new(), Tape::new());
    let stranger = other.var(1.0);
    let x = one.var(2.0);
    let adjoints = one.gradient(x * x);
    assert!(message(|| ignore(adjoints[stranger])).contains("another tape"));
    one.clear();
    let x = one.var(2.0);
    assert!(message(|| ignore(adjoints[x])).contains("later recording"));
}

#[test]
fn a_full_tape_says_so() {
    let tape = Tape::with_node_limit(1000);
    let x = tape.var(1.0);
    let y = (0..999).fold(x, |y, _| y + x);
    assert_eq!(tape.gradient(y)[x], 1000.0);
    assert!(message(|| ignore(y + x)).contains("it may hold 1000 nodes"));
}

#[test]
fn constants_record_nothing() {
    let tape = Tape::new();
    let x = tape.var(3.0);
    let constant = (Var::constant(2.0) * 5.0).sin() + Var::sum_of(&[1.0.into(), 2.0.into()]);
    assert_eq!(tape.len(), 1);
    assert_eq!(tape.gradient(constant)[x], 0.0);
}

#[test]
fn reductions_are_one_statement() {
    let tape = Tape::new();
    let x = tape.vars(&[1.0, 2.0, 3.0]);
    let nodes = |f: &dyn Fn()| {
        let before = tape.len();
        f();
        tape.len() - before
    };
    assert_eq!(nodes(&|| ignore(Var::dot(&x, &x))), 1);
    assert_eq!(nodes(&|| ignore(Var::sum_of(&x))), 1);
    assert_eq!(nodes(&|| ignore(x.iter().sum::<Var<'_, f64>>())), 1);
    assert_eq!(nodes(&|| ignore(Var::log_sum_exp(&x))), 1);
    assert_eq!(nodes(&|| ignore(Var::affine(&x, &x[..1], &x))), 1);
}

#[test]
fn a_cleared_tape_starts_afresh() {
    let mut tape = Tape::with_capacity(10);
    for _ in 0..3 {
        assert!(tape.is_empty());
        let x = tape.var(2.0);
        assert_eq!(tape.gradient(x * x * x)[x], 12.0);
        tape.clear();
    }
}

#[test]
fn a_second_gradient_equals_the_first() {
    let tape = Tape::new();
    let x = tape.var(0.7);
    let y = (x.sin() * x).exp();
    assert_eq!(tape.gradient(y)[x], tape.gradient(y)[x]);
    let mut reverse = Reverse::new();
    let mut once = || {
        let mut gradient = [0.0];
        reverse.gradient(|x| (x[0].sin() * x[0]).exp(), &[0.7], &mut gradient).unwrap();
        gradient[0]
    };
    assert_eq!(once(), once());
}

#[test]
fn a_reverse_recovers_from_a_function_that_panics() {
    let mut reverse = Reverse::new();
    let mut gradient = [0.0; 2];
    let mut run = |fail: bool| {
        reverse
            .gradient(
                |x| {
                    let y = x[0] * x[1];
                    assert!(!fail, "on purpose");
                    y
                },
                &[2.0, 3.0],
                &mut gradient,
            )
            .unwrap();
        gradient
    };
    assert_eq!(run(false), [3.0, 2.0]);
    assert!(message(|| ignore(run(true))).contains("on purpose"));
    assert_eq!(run(false), [3.0, 2.0]);
}

#[test]
fn wrong_lengths_are_errors_that_name_both() {
    let mut reverse = Reverse::new();
    let error = reverse.gradient(|x| x[0], &[1.0, 2.0], &mut [0.0; 3]).unwrap_err();
    assert_eq!(error.to_string(), "the gradient needs 2 numbers, one for each input, not 3");
    let error = dualtape::vjp(|x| vec![x[0]], &[1.0, 2.0], &[1.0, 1.0]).unwrap_err();
    assert_eq!(error.to_string(), "the cotangent needs 1 numbers, one for each output, not 2");
    let error = dualtape::jvp(|x| vec![x[0]], &[1.0, 2.0], &[]).unwrap_err();
    assert_eq!(error.to_string(), "the tangent needs 2 numbers, one for each input, not 0");
}
