//! Gradients as written by hand, used as the reference of the ratios: value and gradient in one pass, with
//! shared terms computed once.

use crate::functions::loops::WIDTH;
use crate::functions::lstm::BITS;
use crate::functions::projection;
use crate::gradbench::gmm::{Mixture, Problem};

/// Shifted log-sum-exp: the gradient is each term's share of the sum.
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
        let mut derivative = -short;
        for gain in &mut *gradient {
            *gain += derivative;
            derivative *= t;
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
                let derivative = -share * rows[at];
                to_q[at] += share + derivative * centred[at] * diagonals[at];
                to_mu[at] -= derivative * diagonals[at];
                for j in 0..i {
                    to_l[start + j] += derivative * centred[component * d + j];
                    to_mu[component * d + j] -= derivative * l[start + j];
                }
                start += i;
            }
        }
    }
    log_sum_exp(mixture.alpha, &mut shares);
    let (n, m, square) = (n as f64, m as f64, gamma * gamma);
    to_alpha.iter_mut().zip(&shares).for_each(|(derivative, share)| *derivative -= n * share);
    to_q.iter_mut().zip(&diagonals).for_each(|(derivative, x)| *derivative += m - square * x * x);
    to_l.iter_mut().zip(mixture.l).for_each(|(derivative, x)| *derivative -= square * x);
    value + mixture.rest()
}

/// The time span of the equations of [`ode`].
const SPAN: f64 = 2.0;

/// The last component of y₀' = x₀, yᵢ' = xᵢ yᵢ₋₁, by Runge–Kutta steps. In a step, each component depends on its four
/// predecessors, so only the last four components per step are computed.
///
/// Each row of components has one more in front, which serves as yᵢ₋₁ of the first: it is 1 if the first is y₀. So
/// each derivative is a product, kᵢ = xᵢ zᵢ₋₁, and the backward pass needs only the four z of each step.
pub(crate) fn ode(x: &[f64], steps: usize, gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let count = x.len().min(4 * steps);
    let first = x.len() - count;
    let (x, gradient) = (&x[first..], &mut gradient[first..]);
    let (h, width) = (SPAN / steps as f64, count + 1);
    let mut y = vec![0.0; width];
    y[0] = if first == 0 { 1.0 } else { 0.0 };
    let mut stages = vec![0.0; 4 * width * steps];
    for stages in stages.chunks_mut(4 * width) {
        runge_kutta(x, h, &mut y, stages);
    }
    let mut adjoint = vec![0.0; width];
    adjoint[count] = 1.0;
    let mut buffers = [vec![0.0; width], vec![0.0; width]];
    for stages in stages.chunks(4 * width).rev() {
        runge_kutta_back(x, h, stages, &mut adjoint, &mut buffers, gradient);
    }
    y[count]
}

/// How far along the step the argument of each stage except the first is, as a share of the step.
const ALONG: [f64; 3] = [0.5, 0.5, 1.0];

/// The weight of each stage's derivative, as a share of the step.
const WEIGHTS: [f64; 4] = [1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0];

/// One step, which stores the arguments of the four stages.
fn runge_kutta(x: &[f64], h: f64, y: &mut [f64], stages: &mut [f64]) {
    let width = y.len();
    stages[..width].copy_from_slice(y);
    for stage in 0..3 {
        let (before, after) = stages.split_at_mut((stage + 1) * width);
        let (z, next) = (&before[stage * width..], &mut after[..width]);
        next[0] = y[0];
        for (((next, &y), &x), &z) in next[1..].iter_mut().zip(&y[1..]).zip(x).zip(z) {
            *next = y + ALONG[stage] * h * x * z;
        }
    }
    for (z, weight) in stages.chunks(width).zip(WEIGHTS) {
        for ((y, &x), &z) in y[1..].iter_mut().zip(x).zip(z) {
            *y += weight * h * x * z;
        }
    }
}

/// The step backward: turns the adjoint of y after the step into the adjoint of y before it.
fn runge_kutta_back(
    x: &[f64],
    h: f64,
    stages: &[f64],
    adjoint: &mut [f64],
    [after, of_stage]: &mut [Vec<f64>; 2],
    gradient: &mut [f64],
) {
    let width = adjoint.len();
    after.copy_from_slice(adjoint);
    of_stage.fill(0.0);
    for stage in (0..4).rev() {
        // This stage contributes to the sum and to the argument of the next stage.
        let along = if stage < 3 { ALONG[stage] * h } else { 0.0 };
        let z = &stages[stage * width..][..width];
        for i in 0..x.len() {
            let derivative = WEIGHTS[stage] * h * after[i + 1] + along * of_stage[i + 1];
            gradient[i] += derivative * z[i];
            // This place of the later stage is not read again.
            of_stage[i] = derivative * x[i];
        }
        of_stage[width - 1] = 0.0;
        adjoint.iter_mut().zip(&*of_stage).for_each(|(sum, gain)| *sum += gain);
    }
}

/// The values that [`lstm`] computed at one character, for each bit.
#[derive(Clone, Copy, Default)]
struct Moment {
    signal: [f64; BITS],
    hidden: [f64; BITS],
    cell: [f64; BITS],
    forget: [f64; BITS],
    take: [f64; BITS],
    show: [f64; BITS],
    change: [f64; BITS],
    squashed: [f64; BITS],
    said: [f64; BITS],
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The loss of a one-layer long short-term memory over a text. Its parameters are eleven rows with a number for each
/// bit: four weights and four biases (forget, take, show, change), the weight of the input, weight and bias of the
/// output.
pub(crate) fn lstm(parameters: &[f64], text: &[f64], gradient: &mut [f64]) -> f64 {
    let own = rows(parameters);
    let (characters, _) = text.as_chunks::<BITS>();
    let mut moments = Vec::with_capacity(characters.len());
    let [mut hidden, mut cell] = [[0.0; BITS]; 2];
    for character in &characters[..characters.len() - 1] {
        moments.push(read(&own, character, &mut hidden, &mut cell));
    }
    let mut derivatives = [[0.0; BITS]; 11];
    let [mut to_hidden, mut to_cell] = [[0.0; BITS]; 2];
    let mut loss = 0.0;
    for (time, moment) in moments.iter().enumerate().rev() {
        let (shift, to_said) = likelihood(&moment.said, &characters[time + 1]);
        loss += shift;
        read_back(&own, &characters[time], moment, &to_said, &mut to_hidden, &mut to_cell, &mut derivatives);
    }
    gradient.copy_from_slice(derivatives.as_flattened());
    loss
}

/// The rows of the parameters.
fn rows(parameters: &[f64]) -> [[f64; BITS]; 11] {
    std::array::from_fn(|row| std::array::from_fn(|bit| parameters[row * BITS + bit]))
}

/// Moves one character forward.
fn read(
    own: &[[f64; BITS]; 11],
    character: &[f64; BITS],
    hidden: &mut [f64; BITS],
    cell: &mut [f64; BITS],
) -> Moment {
    let mut at = Moment { hidden: *hidden, cell: *cell, ..Moment::default() };
    for bit in 0..BITS {
        let gate = |which: usize, x: f64| x * own[which][bit] + own[4 + which][bit];
        at.signal[bit] = character[bit] * own[8][bit];
        at.forget[bit] = sigmoid(gate(0, at.signal[bit]));
        at.take[bit] = sigmoid(gate(1, hidden[bit]));
        at.show[bit] = sigmoid(gate(2, at.signal[bit]));
        at.change[bit] = gate(3, hidden[bit]).tanh();
        cell[bit] = cell[bit] * at.forget[bit] + at.take[bit] * at.change[bit];
        at.squashed[bit] = cell[bit].tanh();
        hidden[bit] = at.show[bit] * at.squashed[bit];
        at.said[bit] = hidden[bit] * own[9][bit] + own[10][bit];
    }
    at
}

/// −log p of a character, and its derivatives with respect to the outputs.
fn likelihood(said: &[f64; BITS], next: &[f64; BITS]) -> (f64, [f64; BITS]) {
    let exponentials = said.map(f64::exp);
    let total = exponentials.iter().sum::<f64>() + 2.0;
    let set = next.iter().sum::<f64>();
    let loss = set * total.ln() - said.iter().zip(next).map(|(said, next)| said * next).sum::<f64>();
    (loss, std::array::from_fn(|bit| set / total * exponentials[bit] - next[bit]))
}

/// Moves one character backward: turns the adjoints of both states after it into those before it.
fn read_back(
    own: &[[f64; BITS]; 11],
    character: &[f64; BITS],
    at: &Moment,
    to_said: &[f64; BITS],
    to_hidden: &mut [f64; BITS],
    to_cell: &mut [f64; BITS],
    derivatives: &mut [[f64; BITS]; 11],
) {
    for bit in 0..BITS {
        let (show, squashed) = (at.show[bit], at.squashed[bit]);
        derivatives[9][bit] += to_said[bit] * show * squashed;
        derivatives[10][bit] += to_said[bit];
        let hidden = to_hidden[bit] + to_said[bit] * own[9][bit];
        let cell = to_cell[bit] + hidden * show * (1.0 - squashed * squashed);
        let (forget, take, change) = (at.forget[bit], at.take[bit], at.change[bit]);
        let to_gates = [
            cell * at.cell[bit] * forget * (1.0 - forget),
            cell * change * take * (1.0 - take),
            hidden * squashed * show * (1.0 - show),
            cell * take * (1.0 - change * change),
        ];
        let inputs = [at.signal[bit], at.hidden[bit], at.signal[bit], at.hidden[bit]];
        for (which, (to_gate, input)) in to_gates.into_iter().zip(inputs).enumerate() {
            derivatives[which][bit] += to_gate * input;
            derivatives[4 + which][bit] += to_gate;
        }
        let to_signal = to_gates[0] * own[0][bit] + to_gates[2] * own[2][bit];
        derivatives[8][bit] += to_signal * character[bit];
        to_hidden[bit] = to_gates[1] * own[1][bit] + to_gates[3] * own[3][bit];
        to_cell[bit] = cell * forget;
    }
}

/// Rotates a point; the rotation is given as axis times angle. Returns the matrix of the rotation, and the
/// derivatives of the rotated point with respect to each component of the axis.
///
/// With the angle θ, a = sin θ / θ and b = (1 − cos θ) / θ², the rotated point is cos θ x + a r × x + b (r·x) r.
fn turned(r: [f64; 3], x: [f64; 3]) -> ([f64; 3], [[f64; 3]; 3], [[f64; 3]; 3]) {
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let cross = |a: [f64; 3], b: [f64; 3]| {
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    };
    let unit = |j: usize| std::array::from_fn(|i| f64::from(u8::from(i == j)));
    let square = dot(r, r);
    let (sin, cos) = square.sqrt().sin_cos();
    // The limits for a zero rotation.
    let (a, b) = if square == 0.0 { (1.0, 0.5) } else { (sin / square.sqrt(), (1.0 - cos) / square) };
    // The derivatives of a and b with respect to the angle, divided by the angle.
    let (da, db) =
        if square == 0.0 { (-1.0 / 3.0, -1.0 / 12.0) } else { ((cos - a) / square, (a - 2.0 * b) / square) };
    let (across, along) = (cross(r, x), dot(r, x));
    let point = std::array::from_fn(|i| cos * x[i] + a * across[i] + b * along * r[i]);
    let by_point = [0, 1, 2].map(|j| {
        let moved = cross(r, unit(j));
        std::array::from_fn(|i| if i == j { cos } else { 0.0 } + a * moved[i] + b * r[j] * r[i])
    });
    let by_axis = [0, 1, 2].map(|j| {
        let moved = cross(unit(j), x);
        let straight = |i: usize| r[j] * (da * across[i] - a * x[i] + db * along * r[i]);
        let bent = |i: usize| a * moved[i] + b * (x[j] * r[i] + if i == j { along } else { 0.0 });
        std::array::from_fn(|i| straight(i) + bent(i))
    });
    (point, by_point, by_axis)
}

/// The reprojection error of an observation, and its Jacobian with respect to all inputs except the feature, a row
/// for each component of the error.
pub(crate) fn reprojection(observation: &[f64], jacobian: &mut [f64]) -> [f64; 2] {
    let [r0, r1, r2, c0, c1, c2, focal, u0, u1, k1, k2, x0, x1, x2, weight, seen0, seen1] =
        *observation.first_chunk().expect("an observation has 17 numbers");
    let (point, by_point, by_axis) = turned([r0, r1, r2], [x0 - c0, x1 - c1, x2 - c2]);
    let flat = [point[0] / point[2], point[1] / point[2]];
    let square = flat[0] * flat[0] + flat[1] * flat[1];
    let distortion = 1.0 + square * (k1 + k2 * square);
    // The derivatives of the distortion with respect to each coordinate of the projected point.
    let bend = 2.0 * (k1 + 2.0 * k2 * square);
    let off: [f64; 2] = std::array::from_fn(|i| focal * distortion * flat[i] + [u0 - seen0, u1 - seen1][i]);
    let scale = weight * focal;
    for (i, row) in jacobian.chunks_mut(projection::WIDTH).enumerate() {
        let by_flat = [0, 1].map(|j| bend * flat[i] * flat[j] + if i == j { distortion } else { 0.0 });
        let by_depth = -(by_flat[0] * flat[0] + by_flat[1] * flat[1]);
        let to_point = [by_flat[0], by_flat[1], by_depth].map(|derivative| scale / point[2] * derivative);
        let along =
            |moved: &[f64; 3]| to_point[0] * moved[0] + to_point[1] * moved[1] + to_point[2] * moved[2];
        for j in 0..3 {
            let by_place = along(&by_point[j]);
            (row[j], row[3 + j], row[11 + j]) = (along(&by_axis[j]), -by_place, by_place);
        }
        row[6] = weight * distortion * flat[i];
        (row[7], row[8]) = if i == 0 { (weight, 0.0) } else { (0.0, weight) };
        (row[9], row[10]) = (scale * square * flat[i], scale * square * square * flat[i]);
        row[14] = off[i];
    }
    off.map(|off| weight * off)
}

/// The neurons of each hidden layer of [`network`].
const HIDDEN: usize = 16;

/// The sum of hinge losses of a network 2-16-16-1 with relu over points (x, y, label). Weights are stored row by row,
/// a row for each neuron, followed by the biases; the second layer's weights are transposed once, so that all inner
/// loops run over adjacent neurons.
pub(crate) fn network(parameters: &[f64], points: &[f64], gradient: &mut [f64]) -> f64 {
    const LAST: usize = 3 * HIDDEN + HIDDEN * HIDDEN + HIDDEN;
    gradient.fill(0.0);
    let (first, rest) = parameters.split_at(3 * HIDDEN);
    let (second, last) = rest.split_at(HIDDEN * HIDDEN + HIDDEN);
    let (to_first, rest) = gradient.split_at_mut(3 * HIDDEN);
    let (to_second, to_last) = rest.split_at_mut(LAST - 3 * HIDDEN);
    let (weights, _) = second.as_chunks::<HIDDEN>();
    let turned: [[f64; HIDDEN]; HIDDEN] =
        std::array::from_fn(|input| std::array::from_fn(|neuron| weights[neuron][input]));
    let mut value = 0.0;
    for point in points.chunks(3) {
        let [x, y, label] = [point[0], point[1], point[2]];
        let one: [f64; HIDDEN] = std::array::from_fn(|i| {
            (first[2 * i] * x + first[2 * i + 1] * y + first[2 * HIDDEN + i]).max(0.0)
        });
        let mut two: [f64; HIDDEN] = *weights[HIDDEN..].first().expect("the biases follow the weights");
        for (&one, column) in one.iter().zip(&turned) {
            two.iter_mut().zip(column).for_each(|(two, weight)| *two += one * weight);
        }
        two = two.map(|two| two.max(0.0));
        let score = last[HIDDEN] + two.iter().zip(last).map(|(two, weight)| two * weight).sum::<f64>();
        let short = 1.0 - score * label;
        if short > 0.0 {
            value += short;
            network_back([x, y], -label, [&one, &two], weights, last, [to_first, to_second, to_last]);
        }
    }
    value
}

/// Adds the gradient of one point, given the derivative with respect to its score.
fn network_back(
    point: [f64; 2],
    derivative: f64,
    [one, two]: [&[f64; HIDDEN]; 2],
    weights: &[[f64; HIDDEN]],
    last: &[f64],
    [to_first, to_second, to_last]: [&mut [f64]; 3],
) {
    let mut to_one = [0.0; HIDDEN];
    let (to_weights, to_biases) = to_second.split_at_mut(HIDDEN * HIDDEN);
    for (i, to_row) in to_weights.chunks_mut(HIDDEN).enumerate() {
        to_last[i] += derivative * two[i];
        if two[i] > 0.0 {
            let own = derivative * last[i];
            to_biases[i] += own;
            to_row.iter_mut().zip(one).for_each(|(to, one)| *to += own * one);
            to_one.iter_mut().zip(&weights[i]).for_each(|(to, weight)| *to += own * weight);
        }
    }
    to_last[HIDDEN] += derivative;
    for i in (0..HIDDEN).filter(|&i| one[i] > 0.0) {
        to_first[2 * i] += to_one[i] * point[0];
        to_first[2 * i + 1] += to_one[i] * point[1];
        to_first[2 * HIDDEN + i] += to_one[i];
    }
}

/// What a stage of a pendulum's step stores for the backward pass: sine and cosine of the angle, and the speed.
type Stage = [f64; 3];

/// The angle of a pendulum after a number of Runge–Kutta steps; x contains the initial angle and speed, gravity over
/// length, and friction.
pub(crate) fn pendulum(x: &[f64], steps: usize, gradient: &mut [f64]) -> f64 {
    let &[mut angle, mut speed, gravity, friction] = x else { unreachable!("there are four numbers") };
    let mut stored: Vec<[Stage; 4]> = Vec::with_capacity(steps);
    for _ in 0..steps {
        let stage = |angle: f64, speed: f64| {
            let (sin, cos) = angle.sin_cos();
            ([speed, -(sin * gravity) - speed * friction], [sin, cos, speed])
        };
        let (k1, first) = stage(angle, speed);
        let (k2, second) = stage(angle + k1[0] * (WIDTH / 2.0), speed + k1[1] * (WIDTH / 2.0));
        let (k3, third) = stage(angle + k2[0] * (WIDTH / 2.0), speed + k2[1] * (WIDTH / 2.0));
        let (k4, last) = stage(angle + k3[0] * WIDTH, speed + k3[1] * WIDTH);
        angle += (k1[0] + (k2[0] + k3[0]) * 2.0 + k4[0]) * (WIDTH / 6.0);
        speed += (k1[1] + (k2[1] + k3[1]) * 2.0 + k4[1]) * (WIDTH / 6.0);
        stored.push([first, second, third, last]);
    }
    let mut of_state = [1.0, 0.0];
    let mut of_parameters = [0.0; 2];
    for stages in stored.iter().rev() {
        // The adjoints of a stage's angle and speed, given those of its derivatives.
        let mut back = |[sin, cos, speed]: Stage, gain: [f64; 2]| {
            of_parameters[0] -= sin * gain[1];
            of_parameters[1] -= speed * gain[1];
            [-(cos * gravity * gain[1]), gain[0] - friction * gain[1]]
        };
        let part = [of_state[0] * (WIDTH / 6.0), of_state[1] * (WIDTH / 6.0)];
        let g4 = back(stages[3], part);
        let g3 = back(stages[2], [0, 1].map(|i| part[i] * 2.0 + g4[i] * WIDTH));
        let g2 = back(stages[1], [0, 1].map(|i| part[i] * 2.0 + g3[i] * (WIDTH / 2.0)));
        let g1 = back(stages[0], [0, 1].map(|i| part[i] + g2[i] * (WIDTH / 2.0)));
        of_state = [0, 1].map(|i| of_state[i] + (g1[i] + g2[i]) + (g3[i] + g4[i]));
    }
    gradient.copy_from_slice(&[of_state, of_parameters].concat());
    angle
}
