//! Random programs over the whole rule table: all modes and all ways to replay agree, also at edges.
//!
//! Two hundred cases of each kind run with the other tests. To search for several minutes, in release mode:
//! `DUALTAPE_SEARCH_SECONDS=600 cargo test --release -p dualtape-search -- --nocapture`

mod case;
mod flows;
mod loops;
mod random;

use case::{Case, INPUTS, Kind, PARAMETERS};
use dualtape::codegen::{Quantity, Routine};
use dualtape::program::Wrt;
use dualtape::sparse::{Pattern, SparseHessian, SparseJacobian, hessian_pattern, jacobian_pattern};
use dualtape::typenum::U3;
use dualtape::{Differentiable, Error, Program, ProgramScalar, Var, gradient, gradient_lanes, hessian};
use dualtape_jit::{Jit, Number, Tier};
use dualtape_tests::close::close;
use random::Random;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How many cases of each kind run if no time is given.
const CASES: u64 = 200;

/// Sizes of batches around the number of lanes.
const BATCHES: [usize; 5] = [1, 15, 16, 17, 33];

/// A check of random cases: it draws a case, and describes a violation.
type Check = fn(&mut Random) -> Result<(), String>;

/// Runs cases for the given time, or [`CASES`] of them.
fn search(what: &str, check: Check) {
    let seconds = std::env::var("DUALTAPE_SEARCH_SECONDS").ok().map(|text| {
        Duration::from_secs(text.parse().expect("DUALTAPE_SEARCH_SECONDS is a whole number of seconds"))
    });
    let (start, mut cases) = (Instant::now(), 0);
    while seconds.map_or(cases < CASES, |time| start.elapsed() < time) {
        if let Err(found) = check(&mut Random(cases)) {
            panic!("{what}, case {cases}: {found}");
        }
        cases += 1;
    }
    println!("{what}: {cases} cases in {:?}", start.elapsed());
}

fn same_bits<F: ProgramScalar>(a: F, b: F) -> bool {
    (a == b && a.is_sign_negative() == b.is_sign_negative()) || (a.is_nan() && b.is_nan())
}

/// Whether two derivatives agree up to `units` of rounding, relative to a scale. If the scale is not finite, they
/// disagree only if one of them is NaN and the other is finite.
fn agree<F: ProgramScalar>(a: &[F], b: &[F], scale: &[f64], units: f64) -> bool {
    a.iter().zip(b).zip(scale).all(|((&a, &b), &scale)| {
        let same = a == b || (a.is_nan() && b.is_nan());
        if !scale.is_finite() {
            // Infinite contributions that cancel give NaN in one order, and ∞ in another; far out, a sum may absorb
            // the term that makes it ∞ in another order.
            let nan_here_only = |a: F, b: F| a.is_nan() && b.is_finite();
            return same || !(nan_here_only(a, b) || nan_here_only(b, a));
        }
        same || (a.wide() - b.wide()).abs()
            <= units * F::epsilon().wide() * scale + F::min_positive_value().wide()
    })
}

fn reverse<F: ProgramScalar>(case: &Case, x: &[F]) -> (F, Vec<F>) {
    gradient(|x: &[Var<'_, F>]| case.call(x), x)
}

/// Numbers close to those given: if rounding errors of large numbers happen to cancel at a singular point, they do
/// not cancel close to it.
fn beside<F: ProgramScalar>(random: &mut Random, x: &[F]) -> Vec<F> {
    let mut moved = |&x: &F| x * F::nearest(1.0 + 1e-5 * random.number(false));
    x.iter().map(&mut moved).collect()
}

/// A message if a program in forward mode differs from dual numbers.
fn forward_replay_differs<F: ProgramScalar>(case: &Case, program: &Program<F>, x: &[F]) -> Option<String> {
    let (_, expected) = gradient_lanes::<F, U3, _>(|x| case.call(x), x);
    let (scale, _) = case.scale(x);
    let (mut workspace, mut derivatives) = (program.workspace(), Vec::new());
    for input in 0..INPUTS {
        let (mut unit, mut output, mut product) = (vec![F::zero(); INPUTS], [F::zero()], [F::zero()]);
        unit[input] = F::one();
        program.jvp(&mut workspace, x, &unit, &mut output, &mut product).ok()?;
        derivatives.push(product[0]);
    }
    let fits = agree(&derivatives, &expected, &scale, 1e3);
    (!fits).then(|| format!("replayed forward {derivatives:?}, not {expected:?}, {scale:?}"))
}

/// Any operation at any number: forward, reverse and replayed at one point.
fn any_at_one_point<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, true, Kind::keeps_zeros);
    let there = random.point::<F>(true);
    // With parameters, so that affine maps are recorded as such, like in the other modes.
    let (parameters, data) = there.split_at(PARAMETERS);
    let f = |p: &[_], x: &[_]| case.call(&[p, x].concat());
    let program = Program::record_with_data(f, parameters, data).map_err(|error| error.to_string())?;
    let (mut workspace, mut derivatives) = (program.workspace(), vec![F::zero(); INPUTS]);
    let optimized = program.clone().optimized();
    let elsewhere: Vec<Vec<F>> = (0..8).map(|_| random.point(true)).collect();
    for x in std::iter::once(there.clone()).chain(elsewhere) {
        let (value, expected) = reverse(&case, &x);
        let (scale, _) = case.scale(&x);
        let plain = case.call(&x);
        let (forward_value, forward) = gradient_lanes::<F, U3, _>(|x| case.call(x), &x);
        if !(same_bits(value, plain) && same_bits(forward_value, plain)) {
            return Err(format!("{case:?} at {x:?}: values {plain:e}, {value:e}, {forward_value:e}"));
        }
        // In reverse mode, numbers that are not finite may meet terms that cancel: see `rules`.
        let singular = plain.is_nan() || !scale.iter().all(|size| size.is_finite());
        if !singular && !agree(&forward, &expected, &scale, 1e3) {
            return Err(format!(
                "{case:?} at {x:?}: forward {forward:?}, reverse {expected:?}, scale {scale:?}"
            ));
        }
        match program.gradient(&mut workspace, &x, &mut derivatives) {
            Err(Error::BranchChanged { .. }) if x != there => continue,
            Err(error) => return Err(format!("{case:?} at {x:?}: {error}")),
            Ok(replayed) if !same_bits(replayed, plain) => {
                return Err(format!("{case:?} at {x:?}: value {plain:e}, replayed {replayed:e}"));
            }
            Ok(value) => {
                let mut by_instructions = vec![F::zero(); INPUTS];
                let again = optimized
                    .gradient(&mut workspace, &x, &mut by_instructions)
                    .and_then(|again| Ok([again, optimized.value(&mut workspace, &x)?]));
                let same = |a: &[F], b: &[F]| a.iter().zip(b).all(|(&a, &b)| same_bits(a, b));
                // The adjoints of unrolled loops are added up in a different order.
                let close =
                    case.has_loop() && (singular || agree(&by_instructions, &derivatives, &scale, 1e3));
                if !again.as_ref().is_ok_and(|again| {
                    same(again, &[value; 2]) && (close || same(&by_instructions, &derivatives))
                }) {
                    return Err(format!(
                        "{case:?} at {x:?}: walked {value:e} {derivatives:?}, by instructions {again:?} {by_instructions:?}"
                    ));
                }
            }
        }
        if !singular && !agree(&derivatives, &expected, &scale, 1e3) {
            return Err(format!(
                "{case:?} at {x:?}: replayed {derivatives:?}, reverse {expected:?}, {scale:?}"
            ));
        }
        // A replay swaps the pairs of a dot product, so derivatives may cancel exactly in one mode but not in the other.
        let has_dot = case.has(|kind| *kind == Kind::Dot);
        if singular && has_dot {
            continue;
        }
        let differs = |x: &[F]| forward_replay_differs(&case, &program, x);
        if let Some(found) = differs(&x)
            && (!singular || (0..4).all(|_| differs(&beside(random, &x)).is_some()))
        {
            return Err(format!("{case:?} at {x:?}: {found}"));
        }
    }
    Ok(())
}

/// Whether one thread and three give the same bits for a sum over many points, where the batch is a large one.
fn threads_agree<F: ProgramScalar>(
    program: &Program<F>,
    parameters: &[F],
    points: &[Vec<F>],
) -> Result<(), String> {
    static POOLS: LazyLock<[ThreadPool; 2]> = LazyLock::new(|| {
        [1, 3].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start"))
    });
    if points.len() < BATCHES[BATCHES.len() - 1] {
        return Ok(());
    }
    let many: Vec<Vec<F>> = points.iter().cycle().take(700).cloned().collect();
    let [one, three] = POOLS.each_ref().map(|pool| {
        let mut sum = vec![F::zero(); PARAMETERS];
        let mut memory = program.batch_workspace();
        pool.install(|| program.sum_gradient(&mut memory, parameters, &many[..], &mut sum))
            .map(|value| (value, sum))
    });
    let (one, three) = (one.map_err(|error| error.to_string())?, three.map_err(|error| error.to_string())?);
    let same = same_bits(one.0, three.0) && one.1.iter().zip(&three.1).all(|(&a, &b)| same_bits(a, b));
    if same { Ok(()) } else { Err(format!("one thread gives {one:?}, three give {three:?}")) }
}

/// Compares a batch of points with single points, up to a given difference.
fn batch_against_points<F: ProgramScalar>(
    case: &Case,
    parameters: &[F],
    points: &[Vec<F>],
    fits: impl Fn(&[F], F, F, &[F], &[F]) -> bool,
) -> Result<(), String> {
    let f = |p: &[_], x: &[_]| case.call(&[p, x].concat());
    let program = Program::record_with_data(f, parameters, &points[0]).map_err(|error| error.to_string())?;
    let all = |x: &[F]| [parameters, x].concat();
    let (mut workspace, mut batch) = (program.workspace(), program.batch_workspace());
    let mut derivatives = vec![F::zero(); INPUTS];
    let refused = points.iter().position(|x| program.value(&mut workspace, &all(x)).is_err());
    let (mut values, mut rows) = (vec![F::zero(); points.len()], vec![F::zero(); points.len() * INPUTS]);
    let answer = program.jacobians(&mut batch, parameters, points, Wrt::Both, &mut values, &mut rows);
    match (answer, refused) {
        (Err(Error::BranchChanged { point, .. }), Some(refused)) if point == refused => return Ok(()),
        (Ok(()), None) => {}
        (answer, refused) => {
            return Err(format!(
                "{case:?} at {parameters:?}, {points:?}: {answer:?}, single points {refused:?}"
            ));
        }
    }
    let mut sum = vec![F::zero(); PARAMETERS];
    program.sum_gradient(&mut batch, parameters, points, &mut sum).map_err(|error| error.to_string())?;
    if !case.has(|kind| !kind.is_repeatable()) {
        threads_agree(&program, parameters, points)?;
    }
    let mut poisoned = [false; PARAMETERS];
    for (k, x) in points.iter().enumerate() {
        let value =
            program.gradient(&mut workspace, &all(x), &mut derivatives).map_err(|error| error.to_string())?;
        let row = &rows[k * INPUTS..][..INPUTS];
        if !fits(x, values[k], value, row, &derivatives) {
            return Err(format!(
                "{case:?} at {parameters:?}, point {k} of {} {x:?}: batch {:e} {row:?}, single {value:e} {derivatives:?}",
                points.len(),
                values[k],
            ));
        }
        // For other values, derivatives may be NaN in one mode and cancel in the other: see `rules`.
        let spoils = |gradient: &F| value.is_nan() && gradient.is_nan();
        poisoned.iter_mut().zip(&derivatives).for_each(|(poisoned, gradient)| *poisoned |= spoils(gradient));
    }
    if sum.iter().zip(poisoned).any(|(sum, poisoned)| poisoned && !sum.is_nan()) {
        return Err(format!(
            "{case:?} at {parameters:?}, {points:?}: a sum {sum:?} without the NaN of a point"
        ));
    }
    Ok(())
}

/// Operations that are exact in lanes, at any number, with guards.
fn any_in_batches<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, true, Kind::is_exact_in_lanes);
    let parameters: Vec<F> = random.point(true)[..PARAMETERS].to_vec();
    let count = random.pick(&BATCHES);
    let points: Vec<Vec<F>> = (0..count).map(|_| random.point(true)[PARAMETERS..].to_vec()).collect();
    batch_against_points(&case, &parameters, &points, |x, batch, single, row, derivatives| {
        let (scale, _) = case.scale(&[&parameters, x].concat());
        same_bits(batch, single) && agree(row, derivatives, &scale, 1e3)
    })
}

/// Operations that lanes approximate, where they are smooth.
fn smooth_in_batches<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, false, Kind::is_smooth);
    let parameters: Vec<F> = random.point(false)[..PARAMETERS].to_vec();
    let count = random.pick(&BATCHES);
    let points: Vec<Vec<F>> = (0..count).map(|_| random.point(false)[PARAMETERS..].to_vec()).collect();
    // Equations have no solution at NaN, which may result from overflow.
    if points.iter().any(|x| case.scale(&[&parameters[..], x].concat()).1.is_infinite()) {
        return Ok(());
    }
    batch_against_points(&case, &parameters, &points, |x, batch, single, row, derivatives| {
        let (scale, largest) = case.scale(&[&parameters, x].concat());
        let moderate = largest < 1e3 && scale.iter().all(|&size| size < 1e3);
        let value = [largest.max(1.0)];
        let wide: Vec<f64> = scale.iter().map(|size| size.max(1.0) * largest.max(1.0)).collect();
        !moderate || (agree(&[batch], &[single], &value, 1e5) && agree(row, derivatives, &wide, 1e5))
    })
}

/// Compares Hessians by instructions with those by nested numbers, for smooth functions.
fn smooth_hessians<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, false, Kind::is_smooth);
    let x: Vec<F> = random.point(false);
    // Equations have no solution at NaN, which may result from overflow.
    if case.scale(&x).1.is_infinite() {
        return Ok(());
    }
    let program = Program::record(|x| case.call(x), &x).map_err(|error| error.to_string())?;
    let mut workspace = program.workspace();
    let (mut gradient, mut product) = (vec![F::zero(); INPUTS], vec![F::zero(); INPUTS]);
    let (mut matrix, mut again) = (vec![F::zero(); INPUTS * INPUTS], vec![F::zero(); INPUTS]);
    // After some walks, instructions are generated.
    for _ in 0..20 {
        program.hvp(&mut workspace, &x, &x, &mut again, &mut product).map_err(|error| error.to_string())?;
    }
    for x in [x, random.point(false), random.point(false)] {
        if case.scale(&x).1.is_infinite() {
            continue;
        }
        let (value, derivatives, expected) = hessian(|x| case.call(x), &x);
        let direction: Vec<F> = random.point(false);
        program.hessian(&mut workspace, &x, &mut gradient, &mut matrix).map_err(|error| error.to_string())?;
        let answer = program
            .hvp(&mut workspace, &x, &direction, &mut again, &mut product)
            .map_err(|error| error.to_string())?;
        // Terms that cancel may be as large as the square of the largest intermediate value and derivative; terms
        // that do not cancel are compared with their own size.
        let (scale, largest) = case.scale(&x);
        let size = scale.iter().fold(largest.max(1.0), |size, &scale| size.max(scale)).powi(3);
        let size = expected.iter().fold(size, |size, entry| size.max(entry.wide().abs()));
        if size.is_nan() || size >= 1e6 {
            continue;
        }
        let products: Vec<F> = expected.chunks(INPUTS).map(|row| F::dot(row, &direction)).collect();
        let fits = |a: &[F], b: &[F]| agree(a, b, &[size; INPUTS * INPUTS], 1e4);
        let all = fits(&[answer], &[value])
            && fits(&gradient, &derivatives)
            && fits(&again, &derivatives)
            && fits(&matrix, &expected)
            && fits(&product, &products);
        if !all {
            return Err(format!(
                "{case:?} at {x:?}: {answer:e} {gradient:?} {matrix:?} {product:?}, not {value:e} {derivatives:?} \
                 {expected:?} {products:?}"
            ));
        }
    }
    Ok(())
}

/// Derivatives as programs, at any number.
fn derivative_programs<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, true, Kind::keeps_zeros);
    let there = random.point::<F>(true);
    let program = Program::record(|x| case.call(x), &there).map_err(|error| error.to_string())?;
    let by_program = program.gradient_program(Wrt::Both).map_err(|error| error.to_string())?;
    let jvp = program.jvp_program();
    if (by_program.guards(), jvp.guards()) != (program.guards(), program.guards()) {
        return Err(format!("{case:?} recorded at {there:?}: guards were lost or found"));
    }
    let (mut workspace, mut expected) = (program.workspace(), vec![F::zero(); INPUTS]);
    let (mut given, mut moved) = (expected.clone(), [F::zero(); 2]);
    // After some walks, products are computed by instructions.
    let (mut output, mut gradient) = ([F::zero()], [F::zero()]);
    let warm = program.clone();
    for _ in 0..20 {
        let _ = warm.vjp(&mut workspace, &there, &[F::one()], &mut output, &mut given);
        let _ = warm.jvp(&mut workspace, &there, &there, &mut output, &mut gradient);
    }
    for x in std::iter::once(there.clone()).chain((0..3).map(|_| random.point(true)).collect::<Vec<_>>()) {
        let Ok(value) = program.gradient(&mut workspace, &x, &mut expected) else {
            if by_program.evaluate(&mut workspace, &x, &mut given).is_ok() {
                return Err(format!(
                    "{case:?} at {x:?}: the program of the gradient gives a result where the function's program gives none"
                ));
            }
            continue;
        };
        warm.vjp(&mut workspace, &x, &[F::one()], &mut output, &mut given)
            .map_err(|error| error.to_string())?;
        let (scale, _) = case.scale(&x);
        let same = given.iter().zip(&expected).all(|(&a, &b)| same_bits(a, b));
        // The adjoints of unrolled loops are added up in a different order.
        let unknown = value.is_nan() || !scale.iter().all(|size| size.is_finite());
        let close = case.has_loop() && (unknown || agree(&given, &expected, &scale, 1e3));
        if !same_bits(output[0], value) || !(same || close) {
            return Err(format!(
                "{case:?} at {x:?}: vjp {output:?} {given:?}, gradient {value:e} {expected:?}"
            ));
        }
        by_program.evaluate(&mut workspace, &x, &mut given).map_err(|error| error.to_string())?;
        let (scale, _) = case.scale(&x);
        // Numbers that are not finite may meet terms that cancel: see `rules`.
        let singular = value.is_nan() || !scale.iter().all(|size| size.is_finite());
        if !singular && !agree(&given, &expected, &scale, 1e3) {
            return Err(format!(
                "{case:?} at {x:?}: the program gives {given:?}, not {expected:?}, {scale:?}"
            ));
        }
        for input in 0..INPUTS {
            let unit = (0..INPUTS).map(|i| F::nearest(f64::from(u8::from(i == input))));
            let point: Vec<F> = x.iter().copied().chain(unit).collect();
            jvp.evaluate(&mut workspace, &point, &mut moved).map_err(|error| error.to_string())?;
            let fits = agree(&moved[1..], &expected[input..=input], &scale[input..=input], 1e3);
            if !same_bits(moved[0], value) || !(singular || fits) {
                return Err(format!(
                    "{case:?} at {x:?}: jvp {moved:?}, not {value:e} and {expected:?}, {scale:?}"
                ));
            }
            warm.jvp(&mut workspace, &x, &point[INPUTS..], &mut output, &mut gradient)
                .map_err(|error| error.to_string())?;
            let fits = agree(&gradient, &expected[input..=input], &scale[input..=input], 1e3);
            if !same_bits(output[0], value) || !(singular || fits) {
                return Err(format!(
                    "{case:?} at {x:?}: jvp {output:?} {gradient:?}, not {value:e}, {expected:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Recorded derivatives, at any number.
fn recorded_derivatives<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    fn derivatives<D: Differentiable<Scalar: ProgramScalar>>(case: &Case, x: &[D]) -> Vec<D> {
        let mut all = gradient_lanes::<D, U3, _>(|x| case.call(x), x).1;
        all.extend(gradient(|x: &[Var<'_, D>]| case.call(x), x).1);
        all.extend(hessian(|x| case.call(x), x).2);
        all
    }
    let case = Case::draw(random, true, |kind| kind.keeps_zeros() && !matches!(kind, Kind::Branch(_)));
    let there = random.point::<F>(true);
    let program = Program::record(|x| derivatives(&case, x), &there).map_err(|error| error.to_string())?;
    if program.guards() > 0 {
        return Err(format!("{case:?} recorded at {there:?} has {} guards", program.guards()));
    }
    let (mut workspace, mut replayed) = (program.workspace(), vec![F::zero(); program.outputs()]);
    let mut differs = |x: &[F]| -> Option<(bool, String)> {
        let expected = derivatives(&case, x);
        program.evaluate(&mut workspace, x, &mut replayed).expect("there are no guards");
        let (scale, largest) = case.scale(x);
        // The same operations in the same order, except for sums of adjoints and for chains.
        let sizes = expected.iter().zip(scale.iter().cycle());
        let wide: Vec<f64> = sizes
            .map(|(gradient, size)| gradient.wide().abs().max(*size).max(1.0) * largest.max(1.0))
            .collect();
        // In reverse mode, numbers that are not finite may meet terms that cancel: see `rules`.
        let singular = case.call(x).is_nan() || !scale.iter().all(|size| size.is_finite());
        let compared = if singular { INPUTS } else { expected.len() };
        let fits = agree(&replayed[..compared], &expected[..compared], &wide, 1e4);
        (!fits).then(|| (singular, format!("at {x:?}: {replayed:?}, not {expected:?}, {wide:?}")))
    };
    // A recording does not know that a selected number is one of two numbers: see `rules`.
    let selects = case.has(|kind| matches!(kind, Kind::Select(_)));
    // Terms that cancel may meet an infinite intermediate derivative that the derivatives of the result do not show.
    let meets_infinity = |x: &[F]| {
        (1..=case.0.len()).any(|count| {
            let (scale, largest) = Case(case.0[..count].to_vec()).scale(x);
            !largest.is_finite() || scale.iter().any(|size| !size.is_finite())
        })
    };
    for x in (0..4).map(|_| random.point(true)).collect::<Vec<_>>() {
        if let Some((singular, found)) = differs(&x)
            && !(selects && (singular || meets_infinity(&x)))
            && (!singular || (0..4).all(|_| differs(&beside(random, &x)).is_some()))
        {
            return Err(format!("{case:?} recorded at {there:?}, {found}"));
        }
    }
    Ok(())
}

/// Patterns of traced evaluations: they contain every entry that is nonzero in dense derivatives or through which NaN
/// passes.
fn traced_patterns<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let edges = random.below(2) == 0;
    let case = Case::draw(random, edges, |kind| kind.is_repeatable() && (!edges || kind.keeps_zeros()));
    let x = random.point::<F>(edges);
    let (values, pattern) =
        jacobian_pattern(|x| vec![case.call(x)], &x).map_err(|error| error.to_string())?;
    let (plain, derivatives) = reverse(&case, &x);
    let (_, forward) = gradient_lanes::<F, U3, _>(|x| case.call(x), &x);
    if !same_bits(values[0], plain) {
        return Err(format!("{case:?} at {x:?}: value {plain:e}, traced {:e}", values[0]));
    }
    let hands_on = case.hands_nan_on();
    let has_steps = case.has(Kind::is_step);
    for input in 0..INPUTS {
        let mut spoilt = x.clone();
        spoilt[input] = F::nan();
        // At NaN, even a step function has the derivative NaN.
        let counts = |gradient: F| gradient != F::zero() && !(has_steps && gradient.is_nan());
        let moves = counts(derivatives[input]) || counts(forward[input]);
        let spoils = hands_on && edges && !plain.is_nan() && case.call(&spoilt).is_nan();
        if (moves || spoils) && pattern.position(0, input).is_none() {
            return Err(format!(
                "{case:?} at {x:?}: no entry for input {input}: {derivatives:?}, {forward:?}, {spoils}"
            ));
        }
    }
    Ok(())
}

/// The same for Hessians of smooth functions.
fn traced_hessian_patterns<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, false, |kind| {
        kind.is_repeatable() && (kind.is_smooth() || matches!(kind, Kind::Select(_)))
    });
    let x: Vec<F> = random.point(false);
    // Equations have no solution at NaN, which may result from overflow.
    if case.scale(&x).1.is_infinite() {
        return Ok(());
    }
    let (value, derivatives, expected) = hessian(|x| case.call(x), &x);
    let (traced, traced_derivatives, pattern) =
        hessian_pattern(|x| case.call(x), &x).map_err(|error| error.to_string())?;
    let size = traced_derivatives.iter().zip(&derivatives).all(|(&a, &b)| close(a.wide(), b.wide(), 1e-3));
    if !same_bits(traced, value) || !size {
        return Err(format!(
            "{case:?} at {x:?}: {traced:e} {traced_derivatives:?}, not {value:e} {derivatives:?}"
        ));
    }
    for (place, &entry) in expected.iter().enumerate() {
        let (row, column) = (place / INPUTS, place % INPUTS);
        if entry != F::zero() && pattern.position(row, column).is_none() {
            return Err(format!("{case:?} at {x:?}: no entry ({row}, {column}), which is {entry:e}"));
        }
    }
    Ok(())
}

/// Counts the entries of patterns that are zero at several points: entries that cancel, and products with zero.
#[test]
fn few_entries_of_traced_patterns_are_zero_everywhere() {
    let (mut entries, mut extra, mut missed) = (0, 0, 0);
    for seed in 0..CASES {
        let mut random = Random(seed);
        let case = Case::draw(&mut random, false, Kind::is_smooth);
        let points: Vec<Vec<f64>> = (0..5).map(|_| random.point(false)).collect();
        if points.iter().any(|x| case.scale(x).1.is_infinite()) {
            continue;
        }
        let (_, pattern) = jacobian_pattern(|x| vec![case.call(x)], &points[0]).unwrap();
        let derivatives: Vec<Vec<f64>> = points.iter().map(|x| reverse(&case, x).1).collect();
        for input in 0..INPUTS {
            let moves = derivatives.iter().any(|derivatives| derivatives[input] != 0.0);
            let has_entry = pattern.position(0, input).is_some();
            entries += usize::from(has_entry);
            extra += usize::from(has_entry && !moves);
            missed += usize::from(moves && !has_entry);
        }
    }
    println!("{extra} of {entries} entries are zero at five points");
    assert_eq!(missed, 0);
    assert!(extra * 20 < entries, "{extra} of {entries}");
}

/// Compares patterns with dense derivatives, at any number: no entry is missing.
fn patterns<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, true, Kind::keeps_zeros);
    let there = random.point::<F>(true);
    let error = |error: Error| error.to_string();
    let program = Program::record(|x| case.call_all(x), &there).map_err(error)?;
    let scalar = Program::record(|x| case.call(x), &there).map_err(error)?;
    let (jacobian, hessian) = (
        program.jacobian_pattern(Wrt::Both).map_err(error)?,
        scalar.hessian_pattern(Wrt::Both).map_err(error)?,
    );
    let (mut workspace, outputs) = (program.workspace(), program.outputs());
    let (mut values, mut derivatives) = (vec![F::zero(); outputs], vec![F::zero(); outputs * INPUTS]);
    let (mut gradient, mut seconds) = (vec![F::zero(); INPUTS], vec![F::zero(); INPUTS * INPUTS]);
    for x in std::iter::once(there.clone()).chain((0..4).map(|_| random.point(true)).collect::<Vec<_>>()) {
        let Ok(here) = program.jacobian_pattern_at(&mut workspace, Wrt::Both, &x) else { continue };
        program.jacobian(&mut workspace, &x, &mut values, &mut derivatives).map_err(error)?;
        let missing = |pattern: &Pattern, dense: &[F]| {
            let not_zero = (0..dense.len()).filter(|&entry| dense[entry] != F::zero());
            not_zero
                .map(|entry| (entry / INPUTS, entry % INPUTS))
                .find(|&(row, column)| pattern.position(row, column).is_none())
        };
        // Where a value is NaN, so are its derivatives of every order, with respect to everything on which it
        // depends, even through step functions.
        for (row, value) in derivatives.chunks_mut(INPUTS).zip(&values) {
            if value.is_nan() {
                row.iter_mut().filter(|entry| entry.is_nan()).for_each(|entry| *entry = F::zero());
            }
        }
        // Numbers that are not finite may meet terms that cancel: see `rules`.
        let known = values.iter().all(|value| !value.is_nan());
        if let Some(place) =
            missing(&jacobian, &derivatives).or_else(|| missing(&here, &derivatives).filter(|_| known))
        {
            return Err(format!(
                "{case:?} at {x:?}: {place:?} is missing of {jacobian:?} or {here:?}, {derivatives:?}"
            ));
        }
        if !jacobian.contains(&here) {
            return Err(format!("{case:?} at {x:?}: {here:?} is not within {jacobian:?}"));
        }
        scalar.hessian(&mut workspace, &x, &mut gradient, &mut seconds).map_err(error)?;
        seconds.iter_mut().filter(|entry| entry.is_nan()).for_each(|entry| *entry = F::zero());
        if let Some(place) = missing(&hessian, &seconds) {
            return Err(format!("{case:?} at {x:?}: {place:?} is missing of {hessian:?}, {seconds:?}"));
        }
    }
    Ok(())
}

/// Compares sparse Jacobians and Hessians with dense ones, for smooth functions.
fn sparse_values<F: ProgramScalar>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, false, Kind::is_smooth);
    let there = random.point::<F>(false);
    // Equations have no solution at NaN, which may result from overflow.
    if case.scale(&there).1.is_infinite() {
        return Ok(());
    }
    let error = |error: Error| error.to_string();
    let (program, scalar) = (
        Program::record(|x| case.call_all(x), &there).map_err(error)?,
        Program::record(|x| case.call(x), &there).map_err(error)?,
    );
    let jacobian = SparseJacobian::new(&program, Wrt::Both).map_err(error)?;
    let hessian = SparseHessian::new(&scalar, Wrt::Both).map_err(error)?;
    let (mut workspace, outputs) = (program.workspace(), program.outputs());
    let (mut values, mut derivatives) = (vec![F::zero(); outputs], vec![F::zero(); outputs * INPUTS]);
    let (mut gradient, mut seconds) = (vec![F::zero(); INPUTS], vec![F::zero(); INPUTS * INPUTS]);
    let (mut again, mut gradient_again) = (values.clone(), gradient.clone());
    let mut entries = vec![F::zero(); jacobian.pattern().len()];
    let mut second_entries = vec![F::zero(); hessian.pattern().len()];
    for x in [there, random.point(false), random.point(false)] {
        // Terms that cancel may be as large as the square of the largest intermediate value and derivative.
        let sizes = (1..=case.0.len()).map(|count| Case(case.0[..count].to_vec()).scale(&x));
        let size =
            sizes.fold(1.0_f64, |size, (scale, largest)| scale.into_iter().fold(size.max(largest), f64::max));
        let terms = size.powi(3);
        if terms.is_nan() || terms >= 1e6 {
            continue;
        }
        program.jacobian(&mut workspace, &x, &mut values, &mut derivatives).map_err(error)?;
        scalar.hessian(&mut workspace, &x, &mut gradient, &mut seconds).map_err(error)?;
        jacobian.evaluate(&mut jacobian.workspace(), &x, &mut again, &mut entries).map_err(error)?;
        let of_hessian = &mut hessian.workspace();
        hessian.evaluate(of_hessian, &x, &mut gradient_again, &mut second_entries).map_err(error)?;
        let chosen = |pattern: &Pattern, dense: &[F]| -> Vec<F> {
            pattern.entries().map(|(row, column)| dense[row * INPUTS + column]).collect()
        };
        let largest = seconds.iter().fold(terms, |size, entry| size.max(entry.wide().abs()));
        let fits = |a: &[F], b: &[F]| agree(a, b, &vec![largest; a.len()], 1e4);
        let all = fits(&again, &values)
            && fits(&entries, &chosen(jacobian.pattern(), &derivatives))
            && fits(&gradient_again, &gradient)
            && fits(&second_entries, &chosen(hessian.pattern(), &seconds));
        if !all {
            return Err(format!(
                "{case:?} at {x:?}: {again:?} {entries:?} {gradient_again:?} {second_entries:?}, not {values:?} \
                 {derivatives:?} {gradient:?} {seconds:?}"
            ));
        }
    }
    Ok(())
}

/// Machine code, at any number: values, gradients and products have the same bits as the walk, whatever registers they use
/// and however the code is split.
fn machine_code<F: Number>(random: &mut Random) -> Result<(), String> {
    let case = Case::draw(random, true, Kind::keeps_zeros);
    let there = random.point::<F>(true);
    let program = Program::record(|x| case.call(x), &there).map_err(|error| error.to_string())?;
    let [fast, careful] =
        [Tier::SinglePass, Tier::Optimised].map(|tier| Jit::new(tier).expect("a processor"));
    let points: Vec<Vec<F>> =
        std::iter::once(there.clone()).chain((0..8).map(|_| random.point(true))).collect();
    let direction = random.point::<F>(false);
    let error = |error: dualtape_jit::Error| format!("{case:?}: {error}");
    for quantity in [Quantity::Values, Quantity::Gradient, Quantity::Jvp, Quantity::Vjp, Quantity::Hvp] {
        let routine = match Routine::new(&program, quantity) {
            Ok(routine) => routine,
            // Loops may end by a condition.
            Err(Error::NotCompilable { .. }) if case.has_loop() => continue,
            Err(error) => return Err(format!("{case:?}: {error}")),
        };
        // The verifier takes a long time for long functions.
        if routine.operations() > 1500 {
            continue;
        }
        let mut whole = careful.compile_routine(routine.clone()).map_err(error)?;
        let mut cut = fast.compile_routine(routine.split(2)).map_err(error)?;
        let len = |arrays: &[dualtape::codegen::Array]| arrays.iter().map(|array| array.len).sum::<usize>();
        let [mut given, mut again] = [(); 2].map(|()| vec![F::zero(); len(whole.outputs())]);
        for x in &points {
            let inputs = [x, &direction[..len(whole.inputs()) - INPUTS]].concat();
            let answers = [whole.call(&inputs, &mut given), cut.call(&inputs, &mut again)];
            let same = |a: &[F], b: &[F]| a.iter().zip(b).all(|(&a, &b)| same_bits(a, b));
            if answers[0] != answers[1] || (answers[0].is_ok() && !same(&given, &again)) {
                return Err(format!(
                    "{case:?}, {quantity:?} at {x:?}: {given:?}, cut {again:?}, {answers:?}"
                ));
            }
            if answers[0].is_err() || !matches!(quantity, Quantity::Values | Quantity::Gradient) {
                continue;
            }
            // A new program is walked.
            let (program, mut derivatives) = (program.clone(), vec![F::zero(); INPUTS]);
            let value = program.gradient(&mut program.workspace(), x, &mut derivatives).map_err(|error| {
                format!("{case:?} at {x:?}: the code gives a result, but the program: {error}")
            })?;
            let expected = [&[value], &derivatives[..]].concat();
            // A loop of one iteration is walked as written, but its code shares common subexpressions.
            let compared = if case.has_loop() { 1 } else { given.len() };
            if !same(&given[..compared], &expected) {
                return Err(format!("{case:?} at {x:?}: {given:?}, walked {expected:?}"));
            }
        }
    }
    Ok(())
}

macro_rules! searches {
    ($($name:ident: $check:ident $F:ty;)*) => { $(
        #[test]
        fn $name() {
            search(stringify!($name), $check::<$F>);
        }
    )* };
}

searches! {
    any_program_at_one_point_in_f64: any_at_one_point f64;
    any_program_at_one_point_in_f32: any_at_one_point f32;
    any_program_in_batches_in_f64: any_in_batches f64;
    any_program_in_batches_in_f32: any_in_batches f32;
    smooth_programs_in_batches_in_f64: smooth_in_batches f64;
    smooth_programs_in_batches_in_f32: smooth_in_batches f32;
    hessians_of_smooth_programs_in_f64: smooth_hessians f64;
    hessians_of_smooth_programs_in_f32: smooth_hessians f32;
    derivatives_of_any_program_as_programs_in_f64: derivative_programs f64;
    derivatives_of_any_program_as_programs_in_f32: derivative_programs f32;
    recorded_derivatives_of_any_program_in_f64: recorded_derivatives f64;
    recorded_derivatives_of_any_program_in_f32: recorded_derivatives f32;
    patterns_of_any_program_in_f64: patterns f64;
    patterns_of_any_program_in_f32: patterns f32;
    sparse_derivatives_of_smooth_programs_in_f64: sparse_values f64;
    sparse_derivatives_of_smooth_programs_in_f32: sparse_values f32;
    patterns_of_any_traced_program_in_f64: traced_patterns f64;
    patterns_of_any_traced_program_in_f32: traced_patterns f32;
    patterns_of_traced_hessians_in_f64: traced_hessian_patterns f64;
    patterns_of_traced_hessians_in_f32: traced_hessian_patterns f32;
    machine_code_of_any_program_in_f64: machine_code f64;
    machine_code_of_any_program_in_f32: machine_code f32;
}
