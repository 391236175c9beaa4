//! Every driver that would allocate a dense matrix of derivatives refuses one that is too large, before allocating it.

use dualtape::program::Recording;
use dualtape::{
    DENSE_LIMIT, Differentiable, Error, Function, check, hessian, hessian_within, jacobian, jacobian_forward,
    jacobian_forward_within, jacobian_reverse, jacobian_reverse_within, jacobian_within,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One number more than fits into a square matrix of `f64`.
const TOO_MANY: usize = 8193;

/// A function with any number of outputs, all equal to the first input.
struct Copies(usize);

impl Function<f64> for Copies {
    fn outputs(&self, _: usize) -> usize {
        self.0
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        y.fill(x[0]);
    }
}

/// The message of a panic.
fn panic_of(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it does not fit");
    *payload.downcast::<String>().expect("panics with a formatted message")
}

#[test]
fn what_does_not_fit_is_refused_with_its_shape_its_bytes_and_the_way_out() {
    let x = vec![1.0_f64; TOO_MANY];
    let f = Copies(TOO_MANY);
    let messages = [
        ("Jacobian", panic_of(|| drop(jacobian(&f, &x)))),
        ("Jacobian", panic_of(|| drop(jacobian_forward(|x| vec![x[0]; TOO_MANY], &x)))),
        ("Jacobian", panic_of(|| drop(jacobian_reverse(|x| x.to_vec(), &x)))),
        ("Hessian", panic_of(|| drop(hessian(|x| x[0], &x)))),
        ("Hessian", panic_of(|| drop(check::hessian(|x| x[0], &x)))),
        ("Jacobian", panic_of(|| drop(check::jacobian_forward(|x| vec![x[0]; TOO_MANY], &x)))),
    ];
    let bytes = 8 * TOO_MANY * TOO_MANY;
    for (what, message) in messages {
        assert_eq!(
            message,
            format!(
                "a dense {what} of 8193 rows and 8193 columns takes {bytes} bytes, more than the limit of 536870912; \
                 compute only the entries that are not zero, by `sparse::Sparse{what}`, or allow more by the driver's \
                 `_within` form"
            )
        );
    }
}

#[test]
fn a_check_of_a_program_refuses_with_an_error() {
    let x = vec![1.0_f64; TOO_MANY];
    let program = Recording::new().program(|_, x| x.to_vec(), &[], &x).unwrap();
    let refused = check::program(&program, &x).unwrap_err();
    assert!(matches!(refused, Error::DenseTooLarge { rows: TOO_MANY, columns: TOO_MANY, .. }), "{refused}");
}

#[test]
fn a_panic_names_the_line_of_the_caller() {
    let found = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let (seen, before) = (std::sync::Arc::clone(&found), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        if let Some(place) = info.location() {
            *seen.lock().unwrap() = place.file().to_owned();
        }
    }));
    let message = panic_of(|| drop(hessian(|x| x[0], &[1.0_f64; TOO_MANY])));
    std::panic::set_hook(before);
    assert!(message.contains("Hessian"));
    assert!(found.lock().unwrap().ends_with("dense_limit.rs"), "{found:?}");
}

#[test]
fn a_limit_is_held_to_the_byte() {
    let (f, x) = (Copies(3), [2.0_f64; 5]);
    let refused = |limit: usize| {
        [
            jacobian_within(limit, &f, &x).err(),
            jacobian_forward_within(limit, |x| vec![x[0]; 3], &x).err(),
            jacobian_reverse_within(limit, |x| vec![x[0]; 3], &x).err(),
            hessian_within(limit, |x| x[0] * x[0], &x[..4]).err(),
        ]
    };
    let (jacobian, hessian) = (3 * 5 * 8, 4 * 4 * 8);
    for limit in [0, jacobian - 1, jacobian, hessian - 1, hessian, usize::MAX] {
        for (error, bytes) in refused(limit).into_iter().zip([jacobian, jacobian, jacobian, hessian]) {
            assert_eq!(error.is_some(), bytes > limit, "{limit}: {error:?}");
        }
    }
}

#[test]
fn the_limit_counts_bytes_whatever_the_number() {
    let refused = |error| matches!(error, Err(Error::DenseTooLarge { bytes: 16, .. }));
    assert!(refused(jacobian_reverse_within(15, |x| x.to_vec(), &[1.0_f32; 2])));
    let nested = [dualtape::Dual::<f64>::variable(1.0)];
    // Debug builds add a tag to each dual number.
    let size = size_of_val(&nested);
    let error = hessian_within(size - 1, |x| x[0], &nested).unwrap_err();
    let is_size = |bytes| bytes == size as u128;
    assert!(
        matches!(error, Error::DenseTooLarge { bytes, rows: 1, columns: 1, .. } if is_size(bytes)),
        "{error}"
    );
}

#[test]
fn no_limit_lets_through_what_no_memory_could_hold() {
    for outputs in [1 << 40, usize::MAX / 8, usize::MAX] {
        let refused = jacobian_within(usize::MAX, Copies(outputs), &[1.0; 1 << 20]).unwrap_err();
        let expected = 8 * outputs as u128 * (1 << 20);
        assert!(matches!(refused, Error::DenseTooLarge { bytes, .. } if bytes == expected), "{refused}");
    }
}

#[test]
fn what_just_fits_is_allowed() {
    assert_eq!(8192 * 8192 * size_of::<f64>(), DENSE_LIMIT);
}

#[test]
#[cfg(feature = "integrations")]
fn a_solver_gets_an_error() {
    use argmin::core::Hessian;
    use dualtape::integrations::argmin::{Objective, Problem};

    struct First;

    impl Objective for First {
        fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
            x[0]
        }
    }

    let refused = Problem(First).hessian(&vec![1.0; TOO_MANY]).unwrap_err();
    assert!(refused.to_string().starts_with("a dense Hessian of 8193 rows"), "{refused}");
}
