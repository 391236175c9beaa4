//! Generated code has the same bits as the program that it was made from, or refuses a point, which the program then
//! has to handle.

use dualtape::codegen::{self, Quantity, Source};
use dualtape::loops::{Step, scan};
use dualtape::program::Recording;
use dualtape::rules::Op;
use dualtape::{Differentiable, Dual, Error, Float, Piecewise, Program, Traced};
use dualtape_tests::generated::{Bits, Function, Language, build, compile};
use dualtape_tests::points::{EDGES, edges, within};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

const LANGUAGES: [Language; 3] = [Language::Rust, Language::RustWithoutStd, Language::C];

/// Functions that Rust code takes from the crate `libm`.
const OF_LIBM: [Op; 3] = [Op::Erf, Op::Erfc, Op::LnGamma];

/// Functions that C's library computes differently from Rust's; the last places may differ.
fn is_another_in_c(op: Op) -> bool {
    OF_LIBM.contains(&op) || op == Op::Cbrt
}

/// Operations without code.
fn has_code(op: Op) -> bool {
    !matches!(op, Op::Digamma | Op::Polygamma(_))
}

fn function<F: Bits>(name: impl Into<String>, program: &Program<F>, quantity: Quantity) -> Function<F> {
    Function { name: name.into(), program: program.clone(), quantity }
}

/// The results of the program by a walk; after some evaluations, it would unroll its loops.
fn expected<F: Bits>(function: &Function<F>, x: &[F]) -> Result<Vec<F>, Error> {
    let Function { program, quantity, .. } = function;
    let program = &program.clone();
    let (inputs, outputs, mut workspace) = (program.inputs(), program.outputs(), program.workspace());
    let zeros = |count: usize| vec![F::zero(); count];
    let (point, along) = x.split_at(inputs);
    let (mut values, mut gradient, mut product) = (zeros(outputs), zeros(inputs), zeros(inputs));
    let entries = |dense: &[F]| -> Vec<F> {
        let pattern = quantity.pattern(program).expect("there is a pattern");
        pattern.map_or(dense.to_vec(), |p| {
            p.entries().map(|(row, column)| dense[row * inputs + column]).collect()
        })
    };
    match quantity {
        Quantity::Values => program.evaluate(&mut workspace, point, &mut values)?,
        Quantity::Gradient => {
            values[0] = program.gradient(&mut workspace, point, &mut gradient)?;
            values.extend(gradient);
        }
        Quantity::Jacobian | Quantity::SparseJacobian => {
            let mut jacobian = zeros(inputs * outputs);
            program.jacobian(&mut workspace, point, &mut values, &mut jacobian)?;
            values.extend(entries(&jacobian));
        }
        Quantity::Hessian | Quantity::SparseHessian => {
            let mut hessian = zeros(inputs * inputs);
            values[0] = program.hessian(&mut workspace, point, &mut gradient, &mut hessian)?;
            values.extend(gradient);
            values.extend(entries(&hessian));
        }
        Quantity::Jvp => {
            let mut product = zeros(outputs);
            program.jvp(&mut workspace, point, along, &mut values, &mut product)?;
            values.extend(product);
        }
        Quantity::Vjp => {
            program.vjp(&mut workspace, point, along, &mut values, &mut product)?;
            values.extend(product);
        }
        Quantity::Hvp => {
            values[0] = program.hvp(&mut workspace, point, along, &mut gradient, &mut product)?;
            values.extend(gradient.into_iter().chain(product));
        }
    }
    Ok(values)
}

/// Whether results must have the same bits, or only agree up to the last places.
fn to_the_bit(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Values | Quantity::Gradient | Quantity::Vjp)
}

/// Whether two lists are bitwise equal, or differ by some units in the last place of their largest number.
fn agree<F: Bits>(to_the_bit: bool, a: &[F], b: &[F]) -> bool {
    let finite = a.iter().map(|x| x.wide().abs()).filter(|x| x.is_finite());
    let close = F::epsilon().wide() * 64.0 * finite.fold(1.0, f64::max);
    let same = |(&a, &b): (&F, &F)| {
        (a.is_nan() && b.is_nan())
            || a.bits() == b.bits()
            || (!to_the_bit && ((a.wide() - b.wide()).abs() <= close))
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn at_edge<F: Bits>(x: &[F]) -> bool {
    x.iter().any(|&x| EDGES.iter().any(|&edge| F::nearest(edge).bits() == x.bits()))
}

/// Compiles the functions and compares them with their programs. `approximately` lists those whose last places may
/// differ. Returns the number of points that were answered.
fn compare<F: Bits>(
    functions: &[Function<F>],
    language: Language,
    points: impl Fn(usize) -> Vec<Vec<F>>,
    approximately: impl Fn(usize) -> bool,
) -> usize {
    let built = build(functions, language);
    let questions: Vec<(usize, Vec<F>)> =
        (0..functions.len()).flat_map(|index| points(index).into_iter().map(move |x| (index, x))).collect();
    let answers = built.ask(&questions);
    let mut answered = 0;
    for ((index, x), answer) in questions.iter().zip(answers) {
        let (function, expected) = (&functions[*index], expected(&functions[*index], x));
        let what = format!("{language:?}, {}, {:?} at {x:?}", function.name, function.quantity);
        match (answer, expected) {
            (None, Err(_)) => {}
            (None, Ok(expected)) => {
                // At edges, finite results may come from intermediate numbers that are not finite.
                let at_edge =
                    x.iter().any(|&x| EDGES.iter().any(|&edge| F::nearest(edge).bits() == x.bits()));
                let must = !function.name.starts_with("random")
                    && !at_edge
                    && expected.iter().all(|z| z.is_finite());
                assert!(!must, "{what} refuses, but expected {expected:?}");
            }
            (Some(answer), Err(error)) => panic!("{what} gives {answer:?}, but: {error}"),
            (Some(answer), Ok(expected)) => {
                answered += 1;
                let to_the_bit = to_the_bit(function.quantity) && !approximately(*index);
                assert!(agree(to_the_bit, &answer, &expected), "{what} gives\n{answer:?}, not\n{expected:?}");
            }
        }
    }
    answered
}

/// Each operation, its gradient, and its points.
fn operations<F: Bits>() -> Vec<(Op, Function<F>)> {
    let of = |&op: &Op| {
        let middle: Vec<F> = op.domain().iter().map(|&(low, high)| F::nearest(low.midpoint(high))).collect();
        let program = Recording::new().allow_equalities().program(|_, x| op.apply(x), &[], &middle);
        let program = program.expect("an operation is recorded");
        [Quantity::Values, Quantity::Gradient].map(|quantity| (op, function(op.name(), &program, quantity)))
    };
    // The derivatives of some operations use operations without code.
    let codes = |(op, function): &(Op, Function<F>)| {
        has_code(*op) && (*op != Op::LnGamma || function.quantity == Quantity::Values)
    };
    Op::ALL.iter().flat_map(of).filter(codes).collect()
}

fn operations_agree<F: Bits>() {
    let (ops, functions): (Vec<Op>, Vec<Function<F>>) = operations::<F>().into_iter().unzip();
    let points = |index: usize| -> Vec<Vec<F>> {
        // The program itself panics if the bounds are in the wrong order.
        let sound = |x: &Vec<f64>| ops[index] != Op::Clamp || x[1] <= x[2];
        let all = within(ops[index]).chain(edges(ops[index])).filter(sound);
        all.map(|x| x.into_iter().map(F::nearest).collect()).collect()
    };
    for language in LANGUAGES {
        let without_libm = language == Language::RustWithoutStd;
        let of_libm = |index: usize| OF_LIBM.contains(&ops[index]);
        let functions: Vec<Function<F>> = functions
            .iter()
            .enumerate()
            .filter(|(index, _)| !(without_libm && of_libm(*index)))
            .map(|(_, known)| function(&*known.name, &known.program, known.quantity))
            .collect();
        let places: Vec<usize> = (0..ops.len()).filter(|&index| !(without_libm && of_libm(index))).collect();
        let answered = compare(
            &functions,
            language,
            |index| points(places[index]),
            |index| language == Language::C && is_another_in_c(ops[places[index]]),
        );
        assert!(answered > 3000, "only {answered} questions were answered");
    }
}

#[test]
fn every_operation_has_the_bits_of_the_program_at_edges_as_well() {
    operations_agree::<f64>();
    operations_agree::<f32>();
}

/// A step with inputs and outputs.
#[derive(Clone)]
struct Filter;

impl Step for Filter {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self, _: usize) -> usize {
        1
    }

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        let next = (state[0] * parameters[0]).tanh() + input[0] * parameters[1].exp();
        (state[0], state[1]) = (next, state[0].sin() - state[1] * 0.25);
        output[0] = next * state[1];
        Ok(())
    }
}

/// A loop inside a loop.
#[derive(Clone)]
struct Nested(usize);

impl Step for Nested {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let inputs = [state[0], parameters[1], state[1]];
        let inner = scan(&Filter, self.0, state, &inputs[..self.0], parameters)?;
        state[0] = inner.state[0] + inner.outputs.iter().copied().sum::<D>() * 0.5;
        state[1] = inner.state[1];
        Ok(())
    }
}

fn filtered<D: Differentiable<Scalar = f64>>(turns: usize, x: &[D]) -> D {
    let inputs: Vec<D> = (0..turns).map(|turn| x[2 + turn % 2]).collect();
    let scanned = scan(&Filter, turns, &x[..2], &inputs, &x[4..6]).expect("the lengths fit");
    scanned.state[0] * scanned.state[1] + scanned.outputs.into_iter().sum::<D>()
}

type Recorded<'f> = &'f dyn Fn(&[Traced<f64>]) -> Vec<Traced<f64>>;

/// Functions of six numbers.
fn functions() -> Vec<(String, Program<f64>)> {
    let x = [0.4, -0.7, 0.3, 1.1, 0.8, -0.2];
    let record =
        |name: &str, f: Recorded<'_>| (name.to_owned(), Program::record(f, &x).expect("it is recorded"));
    let mut all = vec![
        record("constant", &|_| vec![Traced::from(2.5)]),
        record("an input", &|x| vec![x[3]]),
        record("twice an input", &|x| vec![x[3], x[3]]),
        record("sums", &|x| vec![Traced::sum_of(x), Traced::sum_of(&x[..1]), Traced::sum_of(&[])]),
        record("dots", &|x| vec![Traced::dot(&x[..3], &x[3..]), Traced::dot(&[], &[])]),
        record("norms", &|x| vec![Traced::norm(x), Traced::norm(&x[..1]), Traced::norm(&[])]),
        record("log-sum-exp", &|x| vec![Traced::log_sum_exp(x)]),
        record("affine", &|x| {
            let mut rows = Vec::new();
            Traced::affine_into(&x[..4], &x[4..], &[x[0].sin(), x[1]], &mut rows);
            rows
        }),
        record("methods of a selected literal", &|x| {
            let one = Traced::select(dualtape::Relation::Less, x[0], x[1], 1.0.into(), 2.0.into());
            vec![one.sin() * x[2] + one.powi(3), one.max(x[3])]
        }),
        record("select", &|x| {
            vec![Traced::select(dualtape::Relation::Less, x[0], x[1], x[2] * x[3], x[4].exp())]
        }),
        record("relations", &|x| {
            let predicate = |relation| Traced::predicate(relation, x[0], x[1]) * x[2];
            dualtape::Relation::ALL.map(predicate).to_vec()
        }),
        record("branch", &|x| vec![if x[0] > x[1] { x[0] * x[2] } else { x[1] }]),
        record("properties", &|x| {
            vec![if x[0].is_finite() && !x[1].is_nan() && x[2].is_sign_positive() { x[0] } else { x[1] }]
        }),
        record("a value that is read", &|x| vec![x[1] * x[0].value()]),
        record("derivative inside", &|x| {
            let t: Dual<Traced<f64>> = Dual::new(x[2], [Traced::from(1.0)].into());
            vec![((t * Dual::lift(x[0])).sin() * Dual::lift(x[1].sqrt())).derivative(0) * x[3]]
        }),
        record("rosenbrock", &|x| vec![rosenbrock(x)]),
        record("powers", &|x| {
            [-3, -1, 0, 1, 2, 3, 7, 100, i32::MAX, i32::MIN].map(|n| x[3].powi(n)).to_vec()
        }),
        record("norm that overflows", &|x| vec![Traced::norm(&[x[0] * 1e200, x[1] * 1e200])]),
    ];
    let nothing = Program::record(|_| Traced::from(2.5), &[]).expect("it is recorded");
    all.push(("nothing that comes in".to_owned(), nothing));
    for turns in [0, 1, 2, 3, 100] {
        all.push(record(&format!("loop of {turns} turns"), &move |x| vec![filtered(turns, x)]));
    }
    for [outer, inner] in [[2, 3], [5, 2], [3, 1], [1, 3]] {
        all.push(record(&format!("loops of {outer} by {inner} turns"), &move |x| {
            scan(&Nested(inner), outer, &x[..2], &[], &x[2..4]).expect("the lengths fit").state
        }));
    }
    all
}

fn quantities(program: &Program<f64>) -> impl Iterator<Item = Quantity> {
    let one = program.outputs() == 1;
    Quantity::ALL.into_iter().filter(move |quantity| one || !quantity.is_of_one_output())
}

/// Points with a number of coordinates, some of them at edges.
fn points(count: usize) -> Vec<Vec<f64>> {
    let number = |point: usize, index: usize| {
        let spread = ((point * count + index + 1) as f64 * 0.618_033_988_749_894_9).fract() * 4.0 - 2.0;
        match point {
            12.. if index % 3 == point % 3 => EDGES[(point + index) % EDGES.len()],
            _ => spread,
        }
    };
    (0..36).map(|point| (0..count).map(|index| number(point, index)).collect()).collect()
}

fn width(function: &Function<f64>) -> usize {
    let (inputs, outputs) = (function.program.inputs(), function.program.outputs());
    match function.quantity {
        Quantity::Jvp | Quantity::Hvp => 2 * inputs,
        Quantity::Vjp => inputs + outputs,
        _ => inputs,
    }
}

#[test]
fn all_quantities_of_all_kinds_of_statements_agree_with_the_program() {
    let functions: Vec<Function<f64>> = functions()
        .into_iter()
        .flat_map(|(name, program)| {
            quantities(&program).map(|quantity| function(&*name, &program, quantity)).collect::<Vec<_>>()
        })
        .collect();
    for language in [Language::Rust, Language::C] {
        let answered = compare(&functions, language, |index| points(width(&functions[index])), |_| false);
        assert!(answered > 2000, "only {answered} questions were answered");
    }
}

#[test]
fn functions_that_are_cut_into_parts_agree_with_the_program() {
    let program = Program::record(rosenbrock, &rosenbrock_point(300)).expect("it is recorded");
    let quantities = [Quantity::Values, Quantity::Gradient, Quantity::SparseHessian];
    let functions: Vec<Function<f64>> =
        quantities.map(|quantity| function("rosenbrock", &program, quantity)).into();
    for language in [Language::Rust, Language::C] {
        let answered =
            compare(&functions, language, |_| vec![rosenbrock_point(300), vec![1.0; 300]], |_| false);
        assert_eq!(answered, 6);
    }
    assert!(codegen::rust(&program).expect("it has code").contains("fn value_and_gradient_part_2("));
}

/// Random functions of six numbers, in which each operation uses earlier results.
fn random_program(seed: u64) -> Program<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let ops: Vec<Op> = Op::ALL
        .iter()
        .copied()
        .filter(|&op| has_code(op) && !is_another_in_c(op) && op != Op::Clamp)
        .collect();
    let mut f = |x: &[Traced<f64>]| {
        let mut numbers = x.to_vec();
        for _ in 0..40 {
            let op = ops[random(ops.len())];
            let operands: Vec<_> = (0..op.arity()).map(|_| numbers[random(numbers.len())]).collect();
            let next = match random(12) {
                0 => Traced::norm(&operands),
                1 => Traced::log_sum_exp(&operands),
                2 => operands[0].tanh() * 0.5,
                _ => op.apply(&operands),
            };
            numbers.push(next);
        }
        numbers[numbers.len() - 8..].iter().map(|x| x.tanh()).sum::<Traced<f64>>()
    };
    let x = [0.4, -0.7, 0.3, 1.1, 0.8, -0.2];
    Recording::new().allow_equalities().program(|_, x| f(x), &[], &x).expect("it is recorded")
}

#[test]
fn random_programs_have_the_bits_of_the_program() {
    let functions: Vec<Function<f64>> = (1..60)
        .map(random_program)
        .enumerate()
        .flat_map(|(seed, program)| {
            [Quantity::Values, Quantity::Gradient, Quantity::Jvp]
                .map(|quantity| function(format!("random program {seed}"), &program, quantity))
        })
        .collect();
    for language in [Language::Rust, Language::C] {
        let answered = compare(&functions, language, |index| points(width(&functions[index])), |_| false);
        assert!(answered > 500, "only {answered} questions were answered");
    }
}

#[test]
fn what_has_no_code_is_an_error_that_says_why() {
    let digamma = Program::record(|x| x[0].digamma(), &[1.0_f64]).expect("it is recorded");
    let gamma = Program::record(|x| x[0].ln_gamma(), &[1.0_f64]).expect("it is recorded");
    let table = Piecewise::linear(&[0.0, 1.0], &[0.0, 1.0]).expect("it is a table");
    let rule =
        Program::record(|x| table.at(x[0]).expect("it is in the table"), &[0.5]).expect("it is recorded");
    let several = Program::record(|x| [x[0], x[0]], &[0.5_f64]).expect("it is recorded");
    let source = |program| Source::<f64>::new(program);
    for (what, code, reason) in [
        ("digamma", codegen::rust(&digamma), "Rust has no `digamma`"),
        ("the derivative of ln_gamma", codegen::c(&gamma), "C has no `digamma`"),
        ("a rule", codegen::c(&rule), "it calls the rule `piecewise`"),
        ("no quantity", source(&several).quantities(&[]).rust(), "there is no quantity"),
        ("no lane", source(&several).lanes(0).rust(), "a lane or more, not 0"),
        ("lanes in C", source(&several).lanes(4).c(), "lanes are for Rust"),
        ("a gradient of two", source(&several).quantities(&[Quantity::Gradient]).rust(), "one output"),
        ("a prefix", source(&several).prefix("a-b").rust(), "`a-b` cannot begin the name"),
        ("too few names", source(&several).inputs(&["a", "b"]).rust(), "needs 1 numbers"),
    ] {
        let error = code.expect_err(what).to_string();
        assert!(error.contains(reason), "{what}: {error}");
    }
}

#[test]
fn names_become_names_of_the_language() {
    let names = [
        "ω t", "for", "v1", "2nd", "for", "", "_", "finite", "Ok", "LANES", "NAN", "double", "dt_norm",
        "next_s1", "x", "s2", "sin", "angle", "tanh", "M_PI",
    ];
    let point = vec![1.0_f64; names.len()];
    let norm =
        |x: &[Traced<f64>]| Traced::norm(x) + x.iter().map(|x| x.sin() + x.tanh()).sum::<Traced<f64>>();
    let program = Program::record(norm, &point).expect("it is recorded");
    // A quantity that is requested twice becomes one function.
    let quantities = [Quantity::Values, Quantity::Gradient, Quantity::Values];
    let source = Source::new(&program).inputs(&names).quantities(&quantities);
    let rust = source.rust().expect("it has code");
    assert!(rust.contains("`x` holds in___t, in_for, in_v1, in_2nd, in_for_2, in_, in__, "), "{rust}");
    compile(&(rust + "fn main() { let _ = (value, value_and_gradient); }"), Language::Rust);
    let c = source.c().expect("it has code");
    compile(&(c + "int main(void) { return 0; }"), Language::C);
}

/// Reads eight points, each in a line as for function 0, and computes them at once; prints a line for each.
const LANES_MAIN: &str = "
fn main() {
    let words = |line: String| -> Vec<u64> {
        line.split(' ').skip(1).map(|word| u64::from_str_radix(word, 16).unwrap()).collect()
    };
    let points: Vec<Vec<u64>> = std::io::stdin().lines().map(|line| words(line.unwrap())).collect();
    for points in points.chunks(LANES) {
        let x = std::array::from_fn(|input| std::array::from_fn(|lane| f64::from_bits(points[lane][input])));
        let mut gradient = [[0.0; LANES]; _];
        let result = value_and_gradient(&x, &mut gradient);
        for lane in 0..LANES {
            let Ok(value) = result else { println!(\"refused\"); continue };
            print!(\"{:x}\", value[lane].to_bits());
            gradient.iter().for_each(|number| print!(\" {:x}\", number[lane].to_bits()));
            println!();
        }
    }
}
";

#[test]
fn functions_of_several_points_have_the_bits_of_those_of_one() {
    for (name, program) in functions().into_iter().filter(|(_, program)| program.outputs() == 1) {
        let function = function(name, &program, Quantity::Gradient);
        let source = Source::new(&program).quantities(&[Quantity::Gradient]).lanes(4);
        let code = source.rust().expect("it has code");
        // Loops need a workspace, which the program text of this test does not pass.
        if code.contains("work: &mut") {
            continue;
        }
        let built = compile(&(code + LANES_MAIN), Language::Rust);
        let points: Vec<(usize, Vec<f64>)> = points(6).into_iter().map(|x| (0, x)).collect();
        for (answers, points) in built.ask(&points).chunks(4).zip(points.chunks(4)) {
            let expected: Vec<_> = points.iter().map(|(_, x)| expected(&function, x)).collect();
            let all_finite = |expected: &Result<Vec<f64>, Error>| match expected {
                Ok(numbers) => numbers.iter().all(|number| number.is_finite()),
                Err(_) => false,
            };
            for (answer, expected) in answers.iter().zip(&expected) {
                match (answer, expected) {
                    (Some(answer), Ok(expected)) => {
                        assert!(agree(true, answer, expected), "{}", function.name);
                    }
                    (Some(_), Err(error)) => {
                        panic!("{} gives a result, but the program gives an error: {error}", function.name)
                    }
                    (None, _) => {}
                }
            }
            let refused = answers.iter().any(Option::is_none);
            assert!(!refused || !expected.iter().all(all_finite) || points.iter().any(|(_, x)| at_edge(x)));
        }
    }
}
