//! Recorded programs: what a replay computes, at one point and at many, is what the eager modes compute.

use dualtape::program::{Compiled, Graph, Results, Rows, Selected, Sums, Wrt};
use dualtape::rules::Op;
use dualtape::{Differentiable, Error, Float, Program, Traced, gradient, hessian};
use dualtape_tests::close::assert_close;
use dualtape_tests::modes::{Function, first_order};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

/// A small network with a loss: affine maps, activations, reductions, and parameters beside affine maps.
fn network<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
    let (first, rest) = p.split_at(5 * 3);
    let (first_bias, rest) = rest.split_at(5);
    let (second, rest) = rest.split_at(2 * 5);
    let (second_bias, free) = rest.split_at(2);
    let hidden: Vec<D> = D::affine(first, first_bias, &x[..3]).iter().map(|h| h.tanh()).collect();
    let logits = D::affine(second, second_bias, &hidden);
    D::log_sum_exp(&logits) - logits[0] * x[3]
        + D::norm(&hidden) * free[0].exp()
        + D::dot(&x[..3], &free[1..4])
}

const PARAMETERS: usize = 5 * 3 + 5 + 2 * 5 + 2 + 4;
const DATA: usize = 4;

fn parameters() -> Vec<f64> {
    (0..PARAMETERS).map(|i| (i as f64 * 0.7).sin()).collect()
}

fn data(points: usize) -> Vec<f64> {
    (0..points * DATA).map(|i| (i as f64 * 1.3).cos() * 1.5).collect()
}

fn recorded() -> Program<f64> {
    Program::record_with_data(network, &[0.1; PARAMETERS], &[0.2; DATA]).unwrap()
}

/// Value and gradient of one point, by tape: parameters, then data.
fn by_tape(parameters: &[f64], point: &[f64]) -> (f64, Vec<f64>) {
    let all = [parameters, point].concat();
    gradient(|all| network(&all[..PARAMETERS], &all[PARAMETERS..]), &all)
}

/// The middle of an operation's domain.
fn middle(op: Op) -> Vec<f64> {
    op.domain().iter().map(|&(low, high)| 0.4 * low + 0.6 * high).collect()
}

/// Points of an operation's domain, and where it is singular.
fn points(op: Op) -> Vec<Vec<f64>> {
    const EDGES: [f64; 10] =
        [0.0, -0.0, 1.0, -1.0, 3.0, 1e-310, 1e200, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let arity = op.arity();
    let edges = (0..EDGES.len().pow(arity as u32))
        .map(|k| (0..arity).map(|i| EDGES[k / EDGES.len().pow(i as u32) % EDGES.len()]).collect());
    let smooth = (0..40).map(|k| {
        let share = |i: usize| (f64::from(k) * 0.618_033_988_749_894_9 * (i + 1) as f64).fract();
        op.domain().iter().enumerate().map(|(i, &(low, high))| low + (high - low) * share(i)).collect()
    });
    smooth.chain(edges).filter(|x: &Vec<f64>| op != Op::Clamp || x[1] <= x[2]).collect()
}

#[test]
fn a_program_recorded_elsewhere_gives_the_eager_bits() {
    for &op in Op::ALL {
        let program = Program::record(|x| op.apply(x), &middle(op)).unwrap();
        let mut workspace = program.workspace();
        for x in points(op) {
            let eager = &first_order(&op, &x)[0];
            let mut slope = vec![0.0; x.len()];
            let value = program.gradient(&mut workspace, &x, &mut slope).unwrap();
            assert_eq!(
                value.to_bits() | u64::from(value.is_nan()),
                eager.value.to_bits() | u64::from(value.is_nan())
            );
            assert_close(&format!("{op:?} at {x:?}"), &slope, &eager.gradient, 1e-15);
        }
    }
}

#[test]
fn lanes_have_the_values_and_slopes_of_every_operation_also_at_the_edges() {
    for &op in Op::ALL {
        let program = Program::record(|x| op.apply(x), &middle(op)).unwrap();
        let points = points(op);
        let n = op.arity();
        let (mut values, mut slopes) = (vec![0.0; points.len()], vec![0.0; points.len() * n]);
        let mut batch = program.batch();
        // All at once, where singular points are among them, and one by one.
        program.jacobians(&mut batch, &[], &points, Wrt::Both, &mut values, &mut slopes).unwrap();
        for (k, x) in points.iter().enumerate() {
            let eager = &first_order(&op, x)[0];
            let (mut value, mut slope) = ([0.0], vec![0.0; n]);
            let row = Rows::new(x, n);
            program.jacobians(&mut batch, &[], &row, Wrt::Data, &mut value, &mut slope).unwrap();
            let what = format!("{op:?} at {x:?}");
            for (value, slope) in [(values[k], &slopes[k * n..(k + 1) * n]), (value[0], &slope[..])] {
                assert_close(&what, &[value], &[eager.value], 1e-15);
                assert_close(&what, slope, &eager.gradient, 4e-15);
            }
        }
    }
}

#[test]
fn sums_over_any_number_of_points_are_those_of_the_tape() {
    let (program, p) = (recorded(), parameters());
    let mut batch = program.batch();
    for count in [0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1000] {
        let flat = data(count);
        let rows = Rows::new(&flat, DATA);
        let (mut slope, mut data_slopes, mut values) =
            (vec![9.0; PARAMETERS], vec![9.0; flat.len()], vec![9.0; count]);
        let results = Results {
            gradient: Some(&mut slope),
            data_gradients: Some(&mut data_slopes),
            values: Some(&mut values),
            ..Results::none()
        };
        let sum = program.sum(&mut batch, &p, &rows, &Sums::default(), results).unwrap();
        let mut expected = vec![0.0; PARAMETERS];
        let mut total = 0.0;
        for (k, point) in flat.chunks(DATA).enumerate() {
            let (value, all) = by_tape(&p, point);
            assert_close("value", &[values[k]], &[value], 1e-14);
            assert_close("data", &data_slopes[k * DATA..(k + 1) * DATA], &all[PARAMETERS..], 1e-12);
            expected.iter_mut().zip(&all).for_each(|(sum, slope)| *sum += slope);
            total += value;
        }
        assert_close(&format!("{count} points"), &slope, &expected, 1e-11);
        assert_close("sum", &[sum.value], &[total], 1e-12);
    }
}

#[test]
fn weights_and_clipping_act_on_each_points_own_gradient() {
    let (program, p, flat) = (recorded(), parameters(), data(50));
    let weights: Vec<f64> = (0..50).map(|k| f64::from(k % 5) - 1.0).collect();
    let (mut slope, mut norms) = (vec![0.0; PARAMETERS], vec![0.0; 50]);
    let bound = 4.0;
    let sums = Sums { weights: Some(&weights), clip: Some(bound), ..Sums::none() };
    let results = Results { gradient: Some(&mut slope), norms: Some(&mut norms), ..Results::none() };
    let sum = program.sum(&mut program.batch(), &p, &Rows::new(&flat, DATA), &sums, results).unwrap();
    let (mut expected, mut total, mut clipped) = (vec![0.0; PARAMETERS], 0.0, 0);
    for (k, point) in flat.chunks(DATA).enumerate() {
        let (value, all) = by_tape(&p, point);
        let own = &all[..PARAMETERS];
        let norm = f64::norm(own);
        assert_close("norm", &[norms[k]], &[norm], 1e-12);
        let factor = (bound / (norm + 1e-6)).min(1.0);
        clipped += usize::from(factor < 1.0);
        expected.iter_mut().zip(own).for_each(|(sum, slope)| *sum += weights[k] * factor * slope);
        total += weights[k] * value;
    }
    assert!(clipped > 5 && clipped < 45, "{clipped}");
    assert_eq!(sum.clipped, clipped);
    assert_close("clipped sum", &slope, &expected, 1e-11);
    assert_close("weighted value", &[sum.value], &[total], 1e-11);
}

/// Where parameters meet data in affine maps only, norms are found without the gradients themselves.
#[test]
fn norms_of_plain_networks_are_those_of_the_gradients() {
    fn plain<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
        let hidden: Vec<D> = D::affine(&p[..12], &p[12..16], &x[..3]).iter().map(|h| h.sigmoid()).collect();
        D::affine(&p[16..20], &p[20..21], &hidden)[0].powi(2)
    }
    let p: Vec<f64> = (0..21).map(|i| (f64::from(i) * 0.9).cos()).collect();
    let flat = data(20);
    let program = Program::record_with_data(plain, &p, &flat[..DATA]).unwrap();
    let (mut norms, mut slope) = (vec![0.0; 20], vec![0.0; 21]);
    let sums = Sums { clip: Some(0.5), ..Sums::default() };
    let results = Results { norms: Some(&mut norms), gradient: Some(&mut slope), ..Results::none() };
    program.sum(&mut program.batch(), &p, &Rows::new(&flat, DATA), &sums, results).unwrap();
    let mut expected = vec![0.0; 21];
    for (point, norm) in flat.chunks(DATA).zip(norms) {
        let constant: Vec<f64> = point.to_vec();
        let (_, own) = gradient(
            |p| {
                let x: Vec<_> = constant.iter().map(|&x| Differentiable::constant(x)).collect();
                plain(p, &x)
            },
            &p,
        );
        assert_close("norm", &[norm], &[f64::norm(&own)], 1e-13);
        let factor = (0.5 / (f64::norm(&own) + 1e-6)).min(1.0);
        expected.iter_mut().zip(&own).for_each(|(sum, slope)| *sum += factor * slope);
    }
    assert_close("clipped sum", &slope, &expected, 1e-12);
}

/// An affine map of data and of a number that depends on parameters only.
#[test]
fn clipping_reaches_uniform_components_of_an_affine_maps_vector() {
    fn mixed<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
        let vector = [x[0], p[6].exp(), x[1]];
        D::affine(&p[..3], &p[3..4], &vector)[0].sin() * p[4] + p[5]
    }
    let p: Vec<f64> = (0..7).map(|i| (f64::from(i) * 0.9).cos()).collect();
    let flat = data(10);
    let program = Program::record_with_data(mixed, &p, &flat[..2]).unwrap();
    let mut slope = vec![0.0; 7];
    let sums = Sums { clip: Some(0.7), ..Sums::default() };
    let results = Results { gradient: Some(&mut slope), ..Results::none() };
    program.sum(&mut program.batch(), &p, &Rows::new(&flat, 2), &sums, results).unwrap();
    let mut expected = vec![0.0; 7];
    for point in flat.chunks(2) {
        let (_, all) = gradient(|all| mixed(&all[..7], &all[7..]), &[&p[..], point].concat());
        let factor = (0.7 / (f64::norm(&all[..7]) + 1e-6)).min(1.0);
        expected.iter_mut().zip(&all).for_each(|(sum, slope)| *sum += factor * slope);
    }
    assert_close("clipped sum", &slope, &expected, 1e-12);
}

#[test]
#[should_panic(expected = "affine needs 2 rows of 3 weights, 6 in all, not 5")]
fn a_recorded_affine_map_with_too_few_weights_panics_as_it_does_eagerly() {
    let short = |p: &[_], x: &[_]| Traced::affine(&p[..5], &p[5..7], x);
    let _ = Program::record_with_data(short, &[1.0_f64; 7], &[1.0; 3]);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (program, p, flat) = (recorded(), parameters(), data(5000));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut slope = vec![0.0; PARAMETERS];
        let value = pool.install(|| {
            program.sum_gradient(&mut program.batch(), &p, &Rows::new(&flat, DATA), &mut slope).unwrap()
        });
        (value.to_bits(), slope.iter().map(|slope| slope.to_bits()).collect::<Vec<_>>())
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

#[test]
fn chosen_points_are_taken_in_their_order() {
    let (program, p, flat) = (recorded(), parameters(), data(40));
    let rows = Rows::new(&flat, DATA);
    let indices = [39, 3, 3, 0, 17];
    let chosen: Vec<Vec<f64>> = indices.iter().map(|&i| flat[i * DATA..(i + 1) * DATA].to_vec()).collect();
    let mut values = [[0.0; 5]; 2];
    let mut batch = program.batch();
    program.values(&mut batch, &p, &Selected { points: &rows, indices: &indices }, &mut values[0]).unwrap();
    program.values(&mut batch, &p, &chosen, &mut values[1]).unwrap();
    assert_eq!(values[0], values[1]);
}

#[test]
fn jacobians_and_hessians_of_many_points_are_those_of_each() {
    fn residuals<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> [D; 3] {
        [p[0] * x[0].sin(), p[1] - p[0] * p[1], x[0] * x[1] + p[1].exp()]
    }
    let (p, flat) = ([0.3, -0.8], data(10));
    let rows = Rows::new(&flat[..20], 2);
    let program = Program::record_with_data(residuals, &p, &flat[..2]).unwrap();
    let (mut values, mut jacobians) = (vec![0.0; 30], vec![0.0; 30 * 4]);
    program.jacobians(&mut program.batch(), &p, &rows, Wrt::Both, &mut values, &mut jacobians).unwrap();
    for (k, point) in flat[..20].chunks(2).enumerate() {
        let all = [&p[..], point].concat();
        let (value, jacobian) = dualtape::jacobian_reverse(|x| residuals(&x[..2], &x[2..]).to_vec(), &all);
        assert_close("values", &values[k * 3..k * 3 + 3], &value, 1e-15);
        assert_close("Jacobian", &jacobians[k * 12..k * 12 + 12], &jacobian, 1e-14);
    }
    let program =
        Program::record_with_data(|p, x| residuals(p, x).into_iter().sum::<Traced<f64>>(), &p, &flat[..2]);
    let (mut values, mut slopes, mut hessians) = (vec![0.0; 10], vec![0.0; 40], vec![0.0; 160]);
    program.unwrap().hessians(&p, &rows, &mut values, &mut slopes, &mut hessians).unwrap();
    for (k, point) in flat[..20].chunks(2).enumerate() {
        let all = [&p[..], point].concat();
        let (value, slope, matrix) = hessian(|x| residuals(&x[..2], &x[2..]).into_iter().sum(), &all);
        assert_close("value", &[values[k]], &[value], 0.0);
        assert_close("gradient", &slopes[k * 4..k * 4 + 4], &slope, 1e-14);
        assert_close("Hessian", &hessians[k * 16..k * 16 + 16], &matrix, 1e-14);
    }
}

#[test]
fn products_at_one_point_are_those_of_the_drivers() {
    let x = rosenbrock_point(12);
    let program = Program::record(rosenbrock, &rosenbrock_point(12)).unwrap();
    let mut workspace = program.workspace();
    let v: Vec<f64> = (0..12).map(|i| (f64::from(i)).cos()).collect();
    let (mut slope, mut product) = (vec![0.0; 12], vec![0.0; 12]);
    let value = program.hvp(&mut workspace, &x, &v, &mut slope, &mut product).unwrap();
    let (same, expected_slope, expected) = dualtape::hvp(|x| rosenbrock(x), &x, &v).unwrap();
    assert_eq!(value.to_bits(), same.to_bits());
    assert_close("gradient", &slope, &expected_slope, 1e-13);
    assert_close("hvp", &product, &expected, 1e-12);
    let (mut moved, mut along) = ([0.0], [0.0]);
    program.jvp(&mut workspace, &x, &v, &mut moved, &mut along).unwrap();
    let directional: f64 = expected_slope.iter().zip(&v).map(|(g, v)| g * v).sum();
    assert_close("jvp", &along, &[directional], 1e-12);
    let (mut values, mut jacobian) = ([0.0], vec![0.0; 12]);
    program.jacobian(&mut workspace, &x, &mut values, &mut jacobian).unwrap();
    assert_close("Jacobian", &jacobian, &expected_slope, 1e-13);
}

#[test]
fn a_jacobian_with_many_outputs_goes_forward_and_is_the_same() {
    fn wide<D: Differentiable<Scalar = f64>>(x: &[D]) -> Vec<D> {
        (0..9).map(|i| (x[i % 3] * x[(i + 1) % 3]).sin() + D::literal(i as f64)).collect()
    }
    let x = [0.3, 1.1, -0.7];
    let program = Program::record(wide, &[1.0, 1.0, 1.0]).unwrap();
    let (mut values, mut jacobian) = (vec![0.0; 9], vec![0.0; 27]);
    program.jacobian(&mut program.workspace(), &x, &mut values, &mut jacobian).unwrap();
    let (same, expected) = dualtape::jacobian_forward(wide, &x);
    assert_eq!(values, same);
    assert_close("Jacobian", &jacobian, &expected, 1e-15);
}

/// Chains and identities that the optimiser rewrites, against the function as it is.
struct Rewritten;

impl Function for Rewritten {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let chain = (0..9).fold(x[0], |sum, i| sum + x[i % 4] * x[(i + 1) % 4]);
        let sum = (0..9).fold(x[1], |sum, i| sum + x[(i * i) % 4]);
        let same = (x[2] * 1.0 - 0.0 + -0.0) / 1.0;
        let twice = (x[0] * x[3]).sin() + (x[3] * x[0]).sin();
        -(-(chain * sum)) + same.powi(1) * twice + D::sum_of(&[x[3]]) + x[0] * 0.0 + (x[1] - x[1].abs())
    }
}

#[test]
fn the_optimiser_changes_no_bit() {
    for x in [
        [0.3, -1.2, 2.0, 0.7],
        [0.0, -0.0, 0.0, -0.0],
        [1e300, 1e10, -1e300, 2.0],
        [f64::NAN, 1.0, f64::INFINITY, 0.5],
    ] {
        let all = first_order(&Rewritten, &x);
        for got in &all[1..] {
            assert!(
                got.value == all[0].value || got.value.is_nan() && all[0].value.is_nan(),
                "{got:?} not {:?}",
                all[0].value
            );
            assert_close(&format!("{} at {x:?}", got.mode), &got.gradient, &all[0].gradient, 1e-13);
        }
    }
    let graph = Graph::record(|x| Rewritten.call(x), &[1.0, 2.0, 3.0, 4.0]).unwrap();
    assert!(Program::from(graph.clone()).operations() < graph.len() - 20, "{}", Program::from(graph));
}

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
    let mut slope = [0.0];
    let refused = program.sum_gradient(&mut program.batch(), &[1.0], &Rows::new(&points, 1), &mut slope);
    assert!(matches!(refused, Err(Error::BranchChanged { point: 33, .. })), "{refused:?}");
    // NaN is not above the threshold, either.
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
        let (mut total, mut expected_slope) = (0.0, 0.0);
        for &x in &points {
            let (value, slopes) = gradient(|all| stairs(&all[..1], &all[1..]), &[0.5, x]);
            let mut slope = [0.0; 2];
            assert_eq!(compiled.gradient(&[0.5], &[x], &mut slope).unwrap().to_bits(), value.to_bits());
            assert_close("gradient", &slope, &slopes, 1e-15);
            total += value;
            expected_slope += slopes[0];
        }
        assert!(compiled.paths() <= kept.min(4));
        let mut slope = [9.0];
        let sum = compiled.sum_gradient(&[0.5], &Rows::new(&points, 1), &mut slope).unwrap();
        assert_close("sum", &[sum, slope[0]], &[total, expected_slope], 1e-12);
        assert_eq!(compiled.sum_gradient(&[0.5], &Rows::new(&[], 1), &mut slope), Ok(0.0));
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

#[test]
fn wrong_lengths_are_errors_that_say_what_was_expected() {
    let program = recorded();
    let mut batch = program.batch();
    let (p, flat) = (parameters(), data(3));
    let mut slope = vec![0.0; PARAMETERS];
    let rows = Rows::new(&flat, DATA);
    let message = |result: Result<f64, Error>| result.unwrap_err().to_string();
    let short = program.sum_gradient(&mut batch, &p[1..], &rows, &mut slope);
    assert_eq!(
        message(short),
        "the parameters needs 36 numbers, one for each parameter, not 35".replace("parameters", "parameter")
    );
    let narrow = program.sum_gradient(&mut batch, &p, &Rows::new(&flat, 3), &mut slope);
    assert_eq!(message(narrow), "the point needs 4 numbers, one for each datum, not 3");
    let small = program.sum_gradient(&mut batch, &p, &rows, &mut slope[1..]);
    assert_eq!(message(small), "the gradient needs 36 numbers, one for each parameter, not 35");
    let many = Program::record(|x| [x[0], x[1]], &[1.0, 2.0]).unwrap();
    let several = many.value(&mut many.workspace(), &[1.0, 2.0]).unwrap_err();
    assert_eq!(several.to_string(), "this needs a program with one output, not 2");
    let weights = [1.0; 2];
    let sums = Sums { weights: Some(&weights), ..Sums::default() };
    let few = program.sum(&mut batch, &p, &rows, &sums, Results::none()).unwrap_err();
    assert_eq!(few.to_string(), "the weight needs 3 numbers, one for each point, not 2");
}

#[test]
fn functions_without_inputs_or_operations_are_programs() {
    let constant = Program::record(|_| Traced::constant(3.0), &[]).unwrap();
    assert_eq!(constant.gradient(&mut constant.workspace(), &[], &mut []), Ok(3.0));
    let nothing = Program::record(|_: &[Traced<f64>]| Vec::new(), &[1.0]).unwrap();
    assert_eq!(nothing.evaluate(&mut nothing.workspace(), &[1.0], &mut []), Ok(()));
    let itself = Program::record(|x| x[0], &[1.0]).unwrap();
    let mut slope = [0.0];
    assert_eq!(itself.gradient(&mut itself.workspace(), &[7.0], &mut slope), Ok(7.0));
    assert_eq!(slope, [1.0]);
    let of_parameters = Program::record_with_data(|p, _| p[0] * p[0], &[1.0], &[1.0]).unwrap();
    let mut slope = [0.0];
    let rows = Rows::new(&[5.0, 6.0, 7.0], 1);
    let value = of_parameters.sum_gradient(&mut of_parameters.batch(), &[3.0], &rows, &mut slope);
    assert_eq!((value, slope), (Ok(27.0), [18.0]));
    let mut values = [0.0; 3];
    let mut slopes = [9.0; 6];
    of_parameters
        .jacobians(&mut of_parameters.batch(), &[3.0], &rows, Wrt::Both, &mut values, &mut slopes)
        .unwrap();
    assert_eq!(slopes, [6.0, 0.0, 6.0, 0.0, 6.0, 0.0]);
    let mut none = [1.0];
    let empty =
        of_parameters.mean_gradient(&mut of_parameters.batch(), &[3.0], &Rows::new(&[], 1), &mut none);
    assert!(empty.unwrap().is_nan() && none[0].is_nan());
}

#[test]
fn recordings_nest_and_survive_panics() {
    let outer = Program::record(
        |x| {
            let inner = Program::record(|y| y[0] * y[0], &[2.0]).unwrap();
            x[0] + inner.value(&mut inner.workspace(), &[3.0]).unwrap()
        },
        &[1.0],
    )
    .unwrap();
    assert_eq!(outer.value(&mut outer.workspace(), &[1.0]), Ok(10.0));
    let failed =
        std::panic::catch_unwind(|| Program::record(|_| -> Traced<f64> { panic!("of the user's") }, &[1.0]));
    assert!(failed.is_err());
    assert!(Program::record(|x| x[0] + 1.0, &[1.0_f64]).is_ok());
}

#[test]
#[should_panic(expected = "belongs to another recording")]
fn numbers_of_two_recordings_do_not_mix() {
    let _ = Program::record(|x| Program::record(|y| y[0] * x[0], &[1.0]).map(|_| x[0]).unwrap(), &[1.0]);
}

#[test]
#[should_panic(expected = "outlived its recording")]
fn a_traced_number_outside_its_recording_is_refused() {
    let mut kept = None;
    let _ = Program::record(
        |x| {
            kept = Some(x[0]);
            x[0]
        },
        &[1.0_f64],
    );
    let _ = kept.unwrap() * 2.0;
}

#[test]
fn a_recording_beyond_its_limit_is_an_error() {
    let refused = Graph::record_within(1000, |_, x| rosenbrock(x), &[], &rosenbrock_point(500)).unwrap_err();
    assert_eq!(refused, Error::TooLarge { limit: 1000 });
    assert!(refused.to_string().contains("1000 nodes"), "{refused}");
}

#[test]
fn programs_of_f32_agree_with_those_of_f64() {
    fn f<D: Differentiable>(x: &[D]) -> D {
        (x[0] * x[1]).sin().exp() + D::log_sum_exp(x) * x[0].tanh().softplus()
    }
    let narrow = Program::record(f, &[1.0_f32, 2.0]).unwrap();
    let wide = Program::record(f, &[1.0_f64, 2.0]).unwrap();
    let points: Vec<f32> = (0..100).map(|k| (k as f32 * 0.37).sin() * 3.0).collect();
    let points_wide: Vec<f64> = points.iter().map(|&x| f64::from(x)).collect();
    let (mut a, mut b) = ((vec![0.0; 50], vec![0.0; 100]), (vec![0.0; 50], vec![0.0; 100]));
    narrow
        .jacobians(&mut narrow.batch(), &[], &Rows::new(&points, 2), Wrt::Data, &mut a.0, &mut a.1)
        .unwrap();
    wide.jacobians(&mut wide.batch(), &[], &Rows::new(&points_wide, 2), Wrt::Data, &mut b.0, &mut b.1)
        .unwrap();
    let widened = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    assert_close("values", &widened(&a.0), &b.0, 1e-6);
    assert_close("slopes", &widened(&a.1), &b.1, 1e-5);
}
