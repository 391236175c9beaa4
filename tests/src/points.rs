//! The points at which the operations of the rule table are tested.

use dualtape::rules::Op;

/// Points of an operation's domain, spread by the golden ratio and its powers.
pub fn within(op: Op) -> impl Iterator<Item = Vec<f64>> {
    (1..=20).map(move |k| {
        let within = |(i, &(low, high)): (usize, &(f64, f64))| {
            let share = (f64::from(k) * 0.618_033_988_749_894_9_f64.powi(i as i32 + 1)).fract();
            low + (high - low) * share
        };
        op.domain().iter().enumerate().map(within).collect()
    })
}

/// Inputs at which operations may have kinks, limits or no value.
pub const EDGES: [f64; 16] = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    2.0,
    -3.0,
    1e-310,
    1e-200,
    1e200,
    1000.0,
    -1000.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// Every combination of the edge inputs for an operation's operands.
pub fn edges(op: Op) -> impl Iterator<Item = Vec<f64>> {
    let arity = op.arity() as u32;
    let all = (0..EDGES.len().pow(arity))
        .map(move |k| (0..arity).map(|i| EDGES[k / EDGES.len().pow(i) % EDGES.len()]).collect::<Vec<_>>());
    // Bounds that are NaN or in the wrong order panic, as with f64.
    all.filter(move |x| op != Op::Clamp || x[1] <= x[2])
}
