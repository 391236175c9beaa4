//! The accountants of differential privacy compared with those of Google and of Opacus (`fixtures/privacy.py`), with
//! closed forms, and with each other.

use dualtape_nn::privacy::accountant::{
    Accountant, Budget, SubsampledGaussian, delta_after, epsilon_after, noise_for, steps_within,
};
use dualtape_nn::privacy::renyi;
use std::f64::consts::FRAC_1_SQRT_2;

const BOTH: [Accountant; 2] = [Accountant::Renyi, Accountant::LossDistribution];

/// The lines of a table as numbers.
fn table<const N: usize>(text: &str) -> impl Iterator<Item = [f64; N]> {
    text.lines().skip(1).map(|line| {
        let numbers: Vec<f64> = line.split(',').map(|field| field.parse().expect("a number")).collect();
        numbers.try_into().expect("as many columns as the test reads")
    })
}

fn mechanism(probability: f64, noise: f64) -> SubsampledGaussian {
    SubsampledGaussian { probability, noise }
}

fn epsilon(q: f64, sigma: f64, steps: u64, delta: f64, accountant: Accountant) -> f64 {
    epsilon_after(&mechanism(q, sigma), steps, delta, accountant).expect("settings in their ranges")
}

fn close(a: f64, b: f64, relative: f64) -> bool {
    a == b || (a - b).abs() <= relative * a.abs().max(b.abs())
}

#[test]
fn divergences_are_exact_at_each_order() {
    let mut lines = 0;
    for [q, sigma, order, exact, google, opacus] in table(include_str!("../fixtures/renyi.csv")) {
        let ours = renyi::divergence(&mechanism(q, sigma), order).expect("an order above 1");
        let place = format!("q {q}, σ {sigma}, order {order}: {ours}");
        // The logarithm of a sum close to 1 has fewer correct digits, here and in other implementations.
        let moment = exact * (order - 1.0);
        let whole = order.fract() == 0.0 || q == 1.0;
        if whole || moment > 1e-9 {
            assert!(close(ours, exact, 1e-6), "{place}, exactly {exact}");
        } else {
            assert!(exact <= ours && ours < 2.0 * exact, "{place}, exactly {exact}");
        }
        if moment > 1e-7 {
            assert!(close(ours, opacus, 2e-6), "{place}, Opacus {opacus}");
            assert!(!whole || close(ours, google, 1e-6), "{place}, Google {google}");
            assert!(ours < google * (1.0 + 1e-6), "{place}, Google's bound {google}");
        }
        lines += 1;
    }
    assert!(lines > 300);
}

#[test]
fn epsilons_agree_with_google_and_opacus() {
    let mut lines = 0;
    for [q, sigma, steps, delta, rdp, google_rdp, opacus_rdp, pld, _] in
        table(include_str!("../fixtures/privacy.csv"))
    {
        let [by_renyi, by_loss] = BOTH.map(|accountant| epsilon(q, sigma, steps as u64, delta, accountant));
        let place = format!("q {q}, σ {sigma}, {steps} steps, δ {delta}");
        assert!(close(by_renyi, rdp, 1e-6), "{place}: {by_renyi}, from the same orders {rdp}");
        assert!(close(by_renyi, opacus_rdp, 1e-6), "{place}: {by_renyi}, Opacus {opacus_rdp}");
        // At small orders, Google's divergences are bounds.
        assert!(by_renyi <= google_rdp * (1.0 + 1e-6), "{place}: {by_renyi}, Google {google_rdp}");
        assert!(close(by_loss, pld, 2e-3), "{place}: {by_loss}, Google {pld}");
        assert!(by_loss <= by_renyi, "{place}: {by_loss}, by Rényi's divergences {by_renyi}");
        lines += 1;
    }
    assert!(lines > 50);
}

/// The normal distribution function at z.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The exact δ of the Gaussian mechanism with a ratio of sensitivity to deviation: Balle and Wang, "Improving the
/// Gaussian mechanism for differential privacy", 2018, theorem 8.
fn gaussian_delta(ratio: f64, epsilon: f64) -> f64 {
    let z = epsilon / ratio;
    normal(0.5 * ratio - z) - epsilon.exp() * normal(-0.5 * ratio - z)
}

/// The exact δ of one step of the subsampled mechanism: the mass by which one density exceeds e^ε times the other.
fn one_step_delta(q: f64, sigma: f64, epsilon: f64) -> f64 {
    // The point at which the ratio of the densities of N(1, σ²) and N(0, σ²) has this value.
    let output = |ratio: f64| sigma * sigma * ratio.ln() + 0.5;
    let removed = {
        let ratio = (epsilon.exp_m1() + q) / q;
        let x = output(ratio);
        q * (normal((1.0 - x) / sigma) - ratio * normal(-x / sigma))
    };
    let ratio = ((-epsilon).exp_m1() + q) / q;
    if ratio <= 0.0 {
        return removed;
    }
    let x = output(ratio);
    let added = q * epsilon.exp() * (ratio * normal(x / sigma) - normal((x - 1.0) / sigma));
    removed.max(added)
}

/// The ε at which the exact δ has this value, by bisection.
fn inverse(delta: f64, exact: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e4);
    while high - low > 1e-13 * high {
        let middle = 0.5 * (low + high);
        *(if exact(middle) > delta { &mut low } else { &mut high }) = middle;
    }
    high
}

#[test]
fn without_subsampling_loss_distributions_give_the_analytic_gaussian_mechanism() {
    for (sigma, steps) in
        [(0.3, 1), (1.0, 1), (1.0, 7), (5.0, 100), (20.0, 1), (100.0, 1_000_000), (4.0, 10_000)]
    {
        let ratio = (steps as f64).sqrt() / sigma;
        for delta in [1e-2, 1e-5, 1e-10, 1e-20] {
            let exact = inverse(delta, |epsilon| gaussian_delta(ratio, epsilon));
            let ours = epsilon(1.0, sigma, steps, delta, Accountant::LossDistribution);
            let place = format!("σ {sigma}, {steps} steps, δ {delta}: {ours}, exactly {exact}");
            assert!(ours >= exact * (1.0 - 1e-9) && ours <= exact * 1.001, "{place}");
            assert!(epsilon(1.0, sigma, steps, delta, Accountant::Renyi) > exact, "{place}");
        }
    }
}

#[test]
fn one_step_is_never_below_the_exact_value_and_close_to_it() {
    for q in [1e-4, 0.01, 0.3, 0.99, 1.0] {
        for sigma in [0.3, 1.0, 50.0] {
            let exact = |epsilon| one_step_delta(q, sigma, epsilon);
            for share in [0.5, 1e-3, 1e-8] {
                let delta = share * exact(0.0);
                let (expected, ours) =
                    (inverse(delta, exact), epsilon(q, sigma, 1, delta, Accountant::LossDistribution));
                let place = format!("q {q}, σ {sigma}, δ {delta}: {ours}, exactly {expected}");
                assert!(ours >= expected * (1.0 - 1e-8) && ours <= expected * 1.002, "{place}");
                let back =
                    delta_after(&mechanism(q, sigma), 1, expected, Accountant::LossDistribution).unwrap();
                assert!(back >= delta * (1.0 - 1e-8) && back < delta * 1.01, "{place}; {back}");
            }
        }
    }
}

#[test]
fn many_small_steps_are_gaussian_in_the_limit() {
    // Dong, Roth and Su, "Gaussian differential privacy", 2022, section 5. Grids of 1e-4 are far too coarse here.
    for (q, sigma, steps, delta) in
        [(1e-5, 100.0f64, 1_000_000, 1e-6), (1e-4, 20.0, 1_000_000, 1e-5), (1e-3, 50.0, 300_000, 1e-5)]
    {
        let ratio = q * (steps as f64 * (1.0 / (sigma * sigma)).exp_m1()).sqrt();
        let limit = inverse(delta, |epsilon| gaussian_delta(ratio, epsilon));
        let ours = epsilon(q, sigma, steps, delta, Accountant::LossDistribution);
        assert!(close(ours, limit, 0.01), "q {q}, σ {sigma}, {steps} steps: {ours}, in the limit {limit}");
    }
}

#[test]
fn more_data_in_a_step_less_noise_or_more_steps_cost_more() {
    let settings =
        [(0.001, 0.6, 1000), (0.01, 1.0, 100), (0.05, 3.0, 5000), (0.5, 0.5, 10), (0.9, 10.0, 300)];
    for accountant in BOTH {
        for (q, sigma, steps) in settings {
            let spent = |q, sigma, steps| epsilon(q, sigma, steps, 1e-6, accountant);
            let base = spent(q, sigma, steps);
            for factor in [1.01, 1.1] {
                let place = format!("{accountant}: q {q}, σ {sigma}, {steps} steps, {factor}");
                assert!(spent(q * factor, sigma, steps) > base, "{place}");
                assert!(spent(q, sigma / factor, steps) > base, "{place}");
                assert!(spent(q, sigma, (steps as f64 * factor).ceil() as u64) > base, "{place}");
            }
            assert!(epsilon(q, sigma, steps, 1e-7, accountant) > base);
        }
    }
}

#[test]
fn deltas_and_epsilons_are_inverse_and_loss_distributions_never_give_more() {
    for (q, sigma, steps) in
        [(0.001, 0.6, 1000), (0.01, 1.0, 10_000), (0.1, 0.4, 30), (0.5, 8.0, 2000), (1.0, 5.0, 10)]
    {
        for delta in [1e-2, 1e-4, 1e-8, 1e-12] {
            let [by_renyi, by_loss] = BOTH.map(|accountant| {
                let spent = epsilon(q, sigma, steps, delta, accountant);
                let back = delta_after(&mechanism(q, sigma), steps, spent, accountant).unwrap();
                let place =
                    format!("{accountant}: q {q}, σ {sigma}, {steps} steps, δ {delta}, ε {spent}: {back}");
                // For an ε of 0, δ may be smaller.
                assert!(back <= delta * 1.005 && (spent == 0.0 || back >= delta * 0.995), "{place}");
                spent
            });
            assert!(by_loss <= by_renyi, "q {q}, σ {sigma}, {steps} steps, δ {delta}: {by_loss} {by_renyi}");
        }
    }
}

#[test]
fn the_noise_found_keeps_to_the_budget_and_less_would_not() {
    let settings =
        [(0.5, 1e-5, 0.01, 100), (3.0, 1e-5, 0.01, 10_000), (30.0, 1e-6, 0.1, 500), (1.0, 1e-7, 1.0, 20)];
    for accountant in BOTH {
        for (epsilon, delta, q, steps) in settings {
            let budget = Budget { epsilon, delta };
            let noise = noise_for(&budget, q, steps, accountant).unwrap();
            let spent = |noise| self::epsilon(q, noise, steps, delta, accountant);
            let place = format!("{accountant}: {budget}, q {q}, {steps} steps: {noise}");
            assert!(spent(noise) <= epsilon, "{place}");
            assert!(spent(noise * 0.999) > epsilon, "{place}");
        }
    }
}

#[test]
fn the_most_steps_within_a_budget_are_the_last_that_keep_to_it() {
    let settings = [(1.0, 0.01, 1.0), (3.0, 0.001, 0.6), (8.0, 0.2, 2.0), (2.0, 1.0, 30.0)];
    for accountant in BOTH {
        for (epsilon, q, noise) in settings {
            let budget = Budget { epsilon, delta: 1e-5 };
            let steps = steps_within(&budget, &mechanism(q, noise), accountant, 1_000_000).unwrap();
            let spent = |steps| self::epsilon(q, noise, steps, 1e-5, accountant);
            let place = format!("{accountant}: {budget}, q {q}, σ {noise}: {steps}");
            assert!(spent(steps) <= epsilon && spent(steps + 1) > epsilon, "{place}");
            let bounded = steps_within(&budget, &mechanism(q, noise), accountant, steps / 2);
            assert_eq!(bounded.unwrap(), steps / 2);
            let none = Budget { epsilon: 1e-4, delta: 1e-12 };
            assert_eq!(steps_within(&none, &mechanism(q, noise), accountant, 1_000_000).unwrap(), 0);
        }
    }
}

#[test]
fn no_steps_cost_nothing_and_no_noise_costs_everything() {
    for accountant in BOTH {
        assert_eq!(epsilon(0.01, 1.0, 0, 1e-5, accountant), 0.0);
        assert_eq!(epsilon(0.01, 0.0, 0, 1e-5, accountant), 0.0);
        assert_eq!(epsilon(0.01, 0.0, 1, 1e-5, accountant), f64::INFINITY);
        assert_eq!(delta_after(&mechanism(0.01, 1.0), 0, 0.0, accountant).unwrap(), 0.0);
        assert_eq!(delta_after(&mechanism(0.01, 0.0), 1, 9.0, accountant).unwrap(), 1.0);
        let budget = Budget { epsilon: 1.0, delta: 1e-5 };
        assert_eq!(steps_within(&budget, &mechanism(0.01, 0.0), accountant, 100).unwrap(), 0);
        assert_eq!(noise_for(&budget, 0.01, 0, accountant).unwrap(), 0.01);
        // With this much noise, δ alone is enough.
        assert_eq!(epsilon(0.01, 1e5, 1, 1e-5, accountant), 0.0);
    }
}

#[test]
fn extreme_settings_have_finite_or_infinite_results_but_no_nan() {
    let settings = [
        (1e-9, 0.3, 1),
        (1e-9, 1e4, 1000),
        (1.0, 0.002, 1),
        (0.3, 0.002, 1000),
        (1.0 - 1e-12, 1.0, 10),
        (1e-5, 1e-4, 10),
        (1.0, 1e-200, 5),
        (0.5, 0.3, 1_000_000_000),
        (1e-300, 1.0, 5),
        (0.5, 1e200, 5),
    ];
    for accountant in BOTH {
        for (q, sigma, steps) in settings {
            for delta in [1e-300, 1e-15, 0.999] {
                let spent = epsilon(q, sigma, steps, delta, accountant);
                assert!(spent >= 0.0, "{accountant}: q {q}, σ {sigma}, {steps} steps, δ {delta}: {spent}");
            }
            for epsilon in [0.0, 1e-9, 1e6] {
                let delta = delta_after(&mechanism(q, sigma), steps, epsilon, accountant).unwrap();
                let place = format!("{accountant}: q {q}, σ {sigma}, {steps} steps, ε {epsilon}: {delta}");
                assert!((0.0..=1.0).contains(&delta), "{place}");
            }
        }
    }
}

#[test]
fn what_is_out_of_range_is_an_error_that_says_so() {
    let good = mechanism(0.01, 1.0);
    let spent = |mechanism, delta| epsilon_after(&mechanism, 10, delta, Accountant::default()).map(|_| ());
    let fine = Budget { epsilon: 1.0, delta: 1e-5 };
    let tiny = Budget { epsilon: 0.0, delta: 1e-12 };
    let accountant = Accountant::LossDistribution;
    let cases = [
        (
            spent(mechanism(0.0, 1.0), 1e-5),
            "the probability of a sample is 0; expected a number above 0, at most 1",
        ),
        (
            spent(mechanism(1.5, 1.0), 1e-5),
            "the probability of a sample is 1.5; expected a number above 0, at most 1",
        ),
        (
            spent(mechanism(f64::NAN, 1.0), 1e-5),
            "the probability of a sample is NaN; expected a number above 0, at most 1",
        ),
        (spent(mechanism(0.1, -1.0), 1e-5), "the noise is -1; expected a finite number, 0 or more"),
        (spent(mechanism(0.1, f64::INFINITY), 1e-5), "the noise is inf; expected a finite number, 0 or more"),
        (spent(good, 0.0), "the delta is 0; expected a number between 0 and 1"),
        (spent(good, 1.0), "the delta is 1; expected a number between 0 and 1"),
        (spent(good, f64::NAN), "the delta is NaN; expected a number between 0 and 1"),
        (
            delta_after(&good, 10, -0.5, accountant).map(|_| ()),
            "the epsilon is -0.5; expected a finite number, 0 or more",
        ),
        (
            epsilon_after(&good, 2_000_000_000, 0.1, accountant).map(|_| ()),
            "the number of steps is 2000000000; expected at most 1000000000",
        ),
        (
            noise_for(&tiny, 0.5, 1_000_000, accountant).map(|_| ()),
            "the privacy budget is 'epsilon=0,delta=1e-12'; expected one that a noise of at most a million can meet",
        ),
        (
            noise_for(&fine, 2.0, 10, accountant).map(|_| ()),
            "the probability of a sample is 2; expected a number above 0, at most 1",
        ),
        (
            steps_within(&fine, &good, accountant, u64::MAX).map(|_| ()),
            "the number of steps is 18446744073709551615; expected at most 1000000000",
        ),
        (
            renyi::divergence(&good, 1.0).map(|_| ()),
            "the order of divergence is 1; expected a finite number above 1",
        ),
        (
            "epsilon=3".parse::<Budget>().map(|_| ()),
            "the privacy budget is 'epsilon=3'; expected epsilon=E,delta=D, E a finite number, 0 or more, D a number between 0 and 1",
        ),
        (
            "epsilon=3,delta=2".parse::<Budget>().map(|_| ()),
            "the privacy budget is 'epsilon=3,delta=2'; expected epsilon=E,delta=D, E a finite number, 0 or more, D a number between 0 and 1",
        ),
        (
            "epsilon=NaN,delta=0.1".parse::<Budget>().map(|_| ()),
            "the privacy budget is 'epsilon=NaN,delta=0.1'; expected epsilon=E,delta=D, E a finite number, 0 or more, D a number between 0 and 1",
        ),
        ("gdp".parse::<Accountant>().map(|_| ()), "the accountant is 'gdp'; expected rdp or pld"),
    ];
    for (result, message) in cases {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}

#[test]
fn text_comes_back_as_what_it_was() {
    for budget in [Budget { epsilon: 3.0, delta: 1e-5 }, Budget { epsilon: 0.1 + 0.2, delta: 1.0 / 3.0 }] {
        assert_eq!(budget.to_string().parse::<Budget>().unwrap(), budget);
    }
    for accountant in BOTH {
        assert_eq!(accountant.to_string().parse::<Accountant>().unwrap(), accountant);
    }
}
