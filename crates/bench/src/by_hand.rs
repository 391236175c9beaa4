//! Gradients as one would write them by hand, for the ratios: each value and gradient in one pass, with what
//! they share computed once.

use crate::gradbench::gmm::{Mixture, Problem};

/// Σ exp, shifted: the gradient is each term's share.
pub(crate) fn log_sum_exp(x: &[f64], gradient: &mut [f64]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for (share, &x) in gradient.iter_mut().zip(x) {
        *share = (x - largest).exp();
        total += *share;
    }
    gradient.iter_mut().for_each(|share| *share /= total);
    largest + total.ln()
}

/// Half the sum of squared residuals of a polynomial at points (s, t).
pub(crate) fn least_squares(x: &[f64], points: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let mut value = 0.0;
    for point in points.chunks(2) {
        let [s, t] = [point[0], point[1]];
        let mut power = 1.0;
        let mut short = s;
        for &x in x {
            short -= x * power;
            power *= t;
        }
        value += short * short;
        let mut slope = -short;
        for gain in &mut *gradient {
            *gain += slope;
            slope *= t;
        }
    }
    0.5 * value
}

/// The log posterior of a mixture of Gaussians.
pub(crate) fn mixture(problem: Problem, theta: &[f64], x: &[f64], gradient: &mut [f64]) -> f64 {
    let Problem { d, k, n, m, gamma } = problem;
    let triangle = problem.triangle();
    let mixture = Mixture::new(problem, theta);
    let diagonals = mixture.diagonals();
    gradient.fill(0.0);
    let (to_alpha, rest) = gradient.split_at_mut(k);
    let (to_mu, rest) = rest.split_at_mut(k * d);
    let (to_q, to_l) = rest.split_at_mut(k * d);
    let sums_of_q: Vec<f64> = mixture.q.chunks(d).map(|q| q.iter().sum()).collect();
    let mut centred = vec![0.0; k * d];
    let mut rows = vec![0.0; k * d];
    let mut terms = vec![0.0; k];
    let mut shares = vec![0.0; k];
    let mut value = 0.0;
    for x in x.chunks(d) {
        for component in 0..k {
            let (mu, l) = (&mixture.mu[component * d..][..d], &mixture.l[component * triangle..][..triangle]);
            let (diagonal, centred) = (&diagonals[component * d..][..d], &mut centred[component * d..][..d]);
            centred.iter_mut().zip(x.iter().zip(mu)).for_each(|(c, (x, mu))| *c = x - mu);
            let mut square = 0.0;
            let mut start = 0;
            for i in 0..d {
                let l = &l[start..start + i];
                let row = diagonal[i] * centred[i] + l.iter().zip(&*centred).map(|(l, c)| l * c).sum::<f64>();
                rows[component * d + i] = row;
                square += row * row;
                start += i;
            }
            terms[component] = mixture.alpha[component] + sums_of_q[component] - 0.5 * square;
        }
        value += log_sum_exp(&terms, &mut shares);
        for (component, &share) in shares.iter().enumerate() {
            to_alpha[component] += share;
            let l = &mixture.l[component * triangle..][..triangle];
            let to_l = &mut to_l[component * triangle..][..triangle];
            let mut start = 0;
            for i in 0..d {
                let at = component * d + i;
                let slope = -share * rows[at];
                to_q[at] += share + slope * centred[at] * diagonals[at];
                to_mu[at] -= slope * diagonals[at];
                for j in 0..i {
                    to_l[start + j] += slope * centred[component * d + j];
                    to_mu[component * d + j] -= slope * l[start + j];
                }
                start += i;
            }
        }
    }
    log_sum_exp(mixture.alpha, &mut shares);
    let (n, m, square) = (n as f64, m as f64, gamma * gamma);
    to_alpha.iter_mut().zip(&shares).for_each(|(slope, share)| *slope -= n * share);
    to_q.iter_mut().zip(&diagonals).for_each(|(slope, x)| *slope += m - square * x * x);
    to_l.iter_mut().zip(mixture.l).for_each(|(slope, x)| *slope -= square * x);
    value + mixture.rest()
}
