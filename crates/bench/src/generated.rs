//! Workloads as generated code: what the build script made of them.

/// Code made of a workload, by name, as a function of slices. Of a workspace, memory is kept.
macro_rules! gradients {
    ($($name:ident)*) => {
        $(
            #[allow(missing_docs, unreachable_pub)]
            mod $name {
                include!(concat!(env!("OUT_DIR"), "/", stringify!($name), ".rs"));
            }
        )*
    };
}

gradients! {
    rosenbrock_2 rosenbrock_10 rosenbrock_100 rosenbrock_1000 pendulum_10 pendulum_1000 lstm_16 lstm_128 ode_10 projection
}

/// A gradient: from a point, into a slice; returns the value.
pub(crate) type Gradient = Box<dyn FnMut(&[f64], &mut [f64]) -> f64 + Send>;

const FITS: &str = "the workload fits its code";

/// A function of arrays as one of slices.
macro_rules! of_slices {
    ($name:ident) => {
        Box::new(|x, gradient| {
            $name::value_and_gradient(x.try_into().expect(FITS), gradient.try_into().expect(FITS))
                .expect(FITS)
        })
    };
    ($name:ident, work) => {{
        let mut work = Box::new([0.0; _]);
        Box::new(move |x, gradient| {
            $name::value_and_gradient(x.try_into().expect(FITS), gradient.try_into().expect(FITS), &mut work)
                .expect(FITS)
        })
    }};
}

/// The code of a workload of some size, if there is any.
pub(crate) fn gradient(workload: &str, size: usize) -> Option<Gradient> {
    Some(match (workload, size) {
        ("rosenbrock", 2) => of_slices!(rosenbrock_2),
        ("rosenbrock", 10) => of_slices!(rosenbrock_10),
        ("rosenbrock", 100) => of_slices!(rosenbrock_100, work),
        ("rosenbrock", 1000) => of_slices!(rosenbrock_1000, work),
        ("pendulum", 10) => of_slices!(pendulum_10, work),
        ("pendulum", 1000) => of_slices!(pendulum_1000, work),
        ("lstm", 16) => of_slices!(lstm_16, work),
        ("lstm", 128) => of_slices!(lstm_128, work),
        ("ode", 10) => of_slices!(ode_10, work),
        _ => return None,
    })
}

/// The residual of an observation and its Jacobian in all but the feature; the Jacobian has columns for the feature first.
pub(crate) fn projection(x: &[f64; 17], jacobian: &mut [f64; 34]) -> [f64; 2] {
    let mut values = [0.0; 2];
    projection::values_and_jacobian(x, &mut values, jacobian).expect(FITS);
    values
}
