//! Parses expressions into steps that can be evaluated with any number type.
//!
//! The steps are in postfix order and are evaluated with a stack, so only brackets, signs and powers nest.

use crate::failure::Failure;
use dualtape::Differentiable;
use dualtape::rules::Op;
use winnow::Parser;
use winnow::ascii::digit1;
use winnow::combinator::{
    Infix, Prefix, alt, cut_err, delimited, dispatch, eof, expression, fail, opt, peek, separated, terminated,
};
use winnow::error::{ContextError, ErrMode, FromExternalError};
use winnow::stream::Stateful;
use winnow::token::{any, one_of, take_while};

/// The greatest depth to which brackets, signs and powers may nest.
const DEEPEST: usize = 200;

/// The longest text, in characters.
const LONGEST: usize = 10_000;

/// What is expected in place of a value.
const VALUE: &str = "a number, a name, a sign or '('";

/// A function of named variables.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    /// In the order of their first occurrence.
    pub(crate) variables: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Number(f64),
    Variable(String),
    Apply(Op),
}

impl Expression {
    /// Parses numbers, names, + - * / %, ** or ^ for powers, brackets, and the functions of the rule
    /// table; `pi` and `e` are constants.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |before: usize, problem: String| {
            let place = before + 1;
            Failure::Usage(format!("the expression cannot be read at character {place}: {problem}"))
        };
        if text.chars().count() > LONGEST {
            return Err(wrong(LONGEST, format!("it is longer than {LONGEST} characters")));
        }
        let mut whole = delimited(space, sum, eof.context("an operator, or the end"));
        let parsed = whole.parse(Input { input: text, state: 0 });
        let steps = parsed.map_err(|error| {
            let (before, after) = text.split_at(error.offset());
            wrong(before.chars().count(), problem(error.inner(), after))
        })?;
        let mut variables = Vec::new();
        for step in &steps {
            if let Step::Variable(name) = step
                && !variables.contains(name)
            {
                variables.push(name.clone());
            }
        }
        Ok(Self { variables, steps })
    }

    /// The value for the given variables.
    ///
    /// # Errors
    ///
    /// If the limits of a `clamp` are in the wrong order or NaN.
    pub(crate) fn evaluate<D: Differentiable<Scalar = f64>>(&self, variables: &[D]) -> Result<D, Failure> {
        let mut stack: Vec<D> = Vec::new();
        for step in &self.steps {
            let value = match step {
                Step::Number(number) => D::constant(*number),
                Step::Variable(name) => {
                    let index = self.variables.iter().position(|variable| variable == name);
                    variables[index.expect("every name is a variable")]
                }
                Step::Apply(op) => {
                    let operands = stack.split_off(stack.len() - op.arity());
                    check_limits(*op, &operands)?;
                    op.apply(&operands)
                }
            };
            stack.push(value);
        }
        Ok(stack.pop().expect("a parsed expression leaves one value"))
    }
}

/// The value of a name that is a constant.
pub(crate) fn constant(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "e" => Some(std::f64::consts::E),
        _ => None,
    }
}

/// Checks the limits of `clamp`, the only operation that does not accept all numbers.
fn check_limits<D: Differentiable<Scalar = f64>>(op: Op, operands: &[D]) -> Result<(), Failure> {
    match (op, operands) {
        (Op::Clamp, [_, low, high])
            if low.value() > high.value() || low.value().is_nan() || high.value().is_nan() =>
        {
            let (low, high) = (low.value(), high.value());
            Err(Failure::Usage(format!(
                "clamp is given the limits {low} and {high}; expected the lower one first"
            )))
        }
        _ => Ok(()),
    }
}

/// The remaining text, and the current depth of nesting.
type Input<'t> = Stateful<&'t str, usize>;

/// The context of an error says what was expected, or its cause is a [`Problem`].
type Parsed<T> = Result<T, ErrMode<ContextError<&'static str>>>;

/// An error in text that is syntactically correct.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Problem(String);

/// What was given and what was expected, in words.
fn problem(error: &ContextError<&'static str>, after: &str) -> String {
    let given = after.chars().next().map_or("it ends".to_owned(), |letter| format!("'{letter}' is given"));
    let expected = error.context().next().unwrap_or(&VALUE);
    error.cause().map_or_else(|| format!("{given}; expected {expected}"), ToString::to_string)
}

fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// One of these characters, and the space after it.
fn sign<const N: usize>(signs: [char; N]) -> impl FnMut(&mut Input<'_>) -> Parsed<char> {
    move |input| terminated(one_of(signs), space).parse_next(input)
}

/// Counts a level of nesting, since each one takes stack space. The caller subtracts it at the end of the level.
fn deeper(input: &mut Input<'_>) -> Parsed<()> {
    input.state += 1;
    if input.state <= DEEPEST {
        return Ok(());
    }
    let problem = Problem(format!("it nests deeper than {DEEPEST}"));
    Err(ErrMode::Cut(ContextError::from_external_error(input, problem)))
}

/// Values with signs, joined by operators. A sign binds less than a power: -x ** 2 is -(x ** 2).
fn sum(input: &mut Input<'_>) -> Parsed<Vec<Step>> {
    expression(value)
        .prefix(dispatch! {sign(['+', '-']).context(VALUE);
            '-' => deeper.value(Prefix(3, negated)),
            _ => deeper.value(Prefix(3, kept)),
        })
        .infix(dispatch! {alt((terminated("**", space).value('^'), sign(['+', '-', '*', '/', '%', '^'])));
            '+' => Infix::Left(1, |_, a, b| Ok(joined(a, b, Op::Add))),
            '-' => Infix::Left(1, |_, a, b| Ok(joined(a, b, Op::Sub))),
            '*' => Infix::Left(2, |_, a, b| Ok(joined(a, b, Op::Mul))),
            '/' => Infix::Left(2, |_, a, b| Ok(joined(a, b, Op::Div))),
            '%' => Infix::Left(2, |_, a, b| Ok(joined(a, b, Op::Rem))),
            _ => deeper.value(Infix::Right(4, raised)),
        })
        .parse_next(input)
}

fn joined(mut left: Vec<Step>, right: Vec<Step>, op: Op) -> Vec<Step> {
    left.extend(right);
    left.push(Step::Apply(op));
    left
}

fn kept(input: &mut Input<'_>, steps: Vec<Step>) -> Parsed<Vec<Step>> {
    input.state -= 1;
    Ok(steps)
}

fn negated(input: &mut Input<'_>, mut steps: Vec<Step>) -> Parsed<Vec<Step>> {
    input.state -= 1;
    match &mut steps[..] {
        [Step::Number(number)] => *number = -*number,
        _ => steps.push(Step::Apply(Op::Neg)),
    }
    Ok(steps)
}

/// A power; a whole-number exponent has a separate operation.
fn raised(input: &mut Input<'_>, mut base: Vec<Step>, exponent: Vec<Step>) -> Parsed<Vec<Step>> {
    input.state -= 1;
    match exponent[..] {
        [Step::Number(number)] if number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX) => {
            base.push(Step::Apply(Op::Powi(number as i32)));
            Ok(base)
        }
        _ => Ok(joined(base, exponent, Op::Powf)),
    }
}

/// A number, a bracket or a name: the first character decides which, so that errors refer to it.
fn value(input: &mut Input<'_>) -> Parsed<Vec<Step>> {
    dispatch! {peek(any);
        '0'..='9' | '.' => cut_err(number),
        '(' => cut_err(bracket),
        letter if is_letter(letter) => cut_err(named),
        _ => fail,
    }
    .parse_next(input)
}

fn is_letter(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

fn number(input: &mut Input<'_>) -> Parsed<Vec<Step>> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    let digits = (take_while(1.., ('0'..='9', '.')), opt(exponent)).take();
    let number = digits.try_map(|digits: &str| {
        let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| Problem(format!("'{digits}' is given; expected a finite number")))
    });
    terminated(number, space).map(|number| vec![Step::Number(number)]).parse_next(input)
}

fn bracket(input: &mut Input<'_>) -> Parsed<Vec<Step>> {
    (sign(['(']), deeper).parse_next(input)?;
    let steps = terminated(sum, sign([')']).context("an operator or ')'")).parse_next(input)?;
    input.state -= 1;
    Ok(steps)
}

/// A variable, a constant, or a function with its values in brackets.
fn named(input: &mut Input<'_>) -> Parsed<Vec<Step>> {
    let name = take_while(1.., |letter: char| is_letter(letter) || letter.is_numeric());
    (terminated(name, space), opt(values))
        .try_map(|(name, values)| match (values, constant(name)) {
            (Some(values), _) => call(name, values),
            (None, Some(number)) => Ok(vec![Step::Number(number)]),
            (None, None) => Ok(vec![Step::Variable(name.to_owned())]),
        })
        .parse_next(input)
}

fn values(input: &mut Input<'_>) -> Parsed<Vec<Vec<Step>>> {
    (sign(['(']), deeper).parse_next(input)?;
    let some = separated(1.., cut_err(sum), sign([',']));
    let end = cut_err(sign([')']).context("an operator, ',' or ')'"));
    let values = alt((sign([')']).map(|_| Vec::new()), terminated(some, end))).parse_next(input)?;
    input.state -= 1;
    Ok(values)
}

fn call(name: &str, values: Vec<Vec<Step>>) -> Result<Vec<Step>, Problem> {
    let Some(op) = functions().find(|op| op.name() == name) else {
        let known = functions().map(Op::name).collect::<Vec<_>>().join(", ");
        return Err(Problem(format!("there is no function '{name}'; expected one of {known}")));
    };
    let (given, expected) = (values.len(), op.arity());
    if given != expected {
        return Err(Problem(format!("{name} is given {given} values; expected {expected}")));
    }
    Ok(values.into_iter().flatten().chain([Step::Apply(op)]).collect())
}

/// The operations that have a name and take nothing but operands.
fn functions() -> impl Iterator<Item = Op> {
    Op::ALL.iter().copied().filter(|op| {
        !matches!(op, Op::Neg | Op::Powi(_) | Op::Polygamma(_)) && op.name().starts_with(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_the_value_that_the_rules_of_precedence_say() {
        let (x, y) = (1.7_f64, -0.3_f64);
        for (text, expected) in [
            ("x+y*2", x + y * 2.0),
            ("(x+y)*2", (x + y) * 2.0),
            ("x-y-1", x - y - 1.0),
            ("x/y/2", x / y / 2.0),
            ("-x**2", -(x * x)),
            ("x**-2 - -3", x.powi(-2) + 3.0),
            ("x ** -y ** 2 * 2", 2.0 * x.powf(-(y * y))),
            ("--x - +y", x - y),
            ("-x % 2 / y", -x % 2.0 / y),
            ("2^x^2", 2_f64.powf(x.powi(2))),
            ("x^2^3", x.powf(2_f64.powi(3))),
            ("sin(pi*x)+max(x, y)", (std::f64::consts::PI * x).sin() + x),
            ("1e-3*x + 2.5E2 + .5", 1e-3 * x + 250.5),
            (" exp ( x ) % 2 ", x.exp() % 2.0),
            ("e1 + e", x + std::f64::consts::E),
        ] {
            let parsed = Expression::parse(text).unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
            let at: Vec<f64> = parsed.variables.iter().map(|name| if name == "y" { y } else { x }).collect();
            let value = parsed.evaluate(&at).unwrap();
            assert!((value - expected).abs() <= 1e-14 * expected.abs(), "{text}: {value}, not {expected}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_its_place() {
        let deep = "(".repeat(100_000);
        let signs = "-".repeat(9_000);
        let (powers, calls, long) = ("x^".repeat(4_900), "sin(".repeat(2_400), "x".repeat(1_000_000));
        for (text, expected) in [
            ("", "at character 1: it ends; expected a number, a name, a sign or '('"),
            ("x +", "at character 4: it ends; expected a number, a name, a sign or '('"),
            ("x + * y", "at character 5: '*' is given; expected a number, a name, a sign or '('"),
            ("x + (2 * )", "at character 10: ')' is given; expected a number, a name, a sign or '('"),
            ("max(x, )", "at character 8: ')' is given; expected a number, a name, a sign or '('"),
            ("()", "at character 2: ')' is given; expected a number, a name, a sign or '('"),
            ("(x", "at character 3: it ends; expected an operator or ')'"),
            ("max(x y)", "at character 7: 'y' is given; expected an operator, ',' or ')'"),
            ("x y", "at character 3: 'y' is given; expected an operator, or the end"),
            ("2x", "at character 2: 'x' is given; expected an operator, or the end"),
            ("x)", "at character 2: ')' is given; expected an operator, or the end"),
            ("x, y", "at character 2: ',' is given; expected an operator, or the end"),
            ("1.2.3", "at character 1: '1.2.3' is given; expected a finite number"),
            ("x + 1e999", "at character 5: '1e999' is given; expected a finite number"),
            ("x & y", "at character 3: '&' is given; expected an operator, or the end"),
            ("é + &", "at character 5: '&' is given; expected a number, a name"),
            ("sni(x)", "at character 1: there is no function 'sni'; expected one of "),
            ("2 + sin(x, y)", "at character 5: sin is given 2 values; expected 1"),
            ("sin()", "sin is given 0 values; expected 1"),
            (&powers, "it nests deeper than 200"),
            (&calls, "it nests deeper than 200"),
            (&long, "at character 10001: it is longer than 10000 characters"),
            (&deep, "it is longer than 10000 characters"),
            (&deep[..9000], "it nests deeper than 200"),
            (&signs, "it nests deeper than 200"),
        ] {
            let failure = Expression::parse(text).unwrap_err();
            assert!(failure.message().contains(expected), "{text:.40}: {}", failure.message());
            assert_eq!((failure.code(), failure.message().lines().count()), (2, 1), "{text:.40}");
        }
    }

    #[test]
    fn what_is_long_but_not_deep_is_read() {
        let (sum, product) = ("x+".repeat(4_999) + "x", "(-x)*(2^1)*".repeat(900) + "x");
        let nested = "(".repeat(190) + "x" + &")".repeat(190);
        for (text, expected) in [(sum, 5_000.0), (product, 2_f64.powi(900)), (nested, 1.0)] {
            let parsed = Expression::parse(&text).unwrap_or_else(|failure| panic!("{text:.40}: {failure:?}"));
            assert_eq!(parsed.evaluate(&[1.0]).unwrap(), expected, "{text:.40}");
        }
    }

    #[test]
    fn names_come_in_the_order_of_the_text_and_functions_from_the_rule_table() {
        let parsed = Expression::parse("b**a_1 * (pi + é) - max(c, b) * e").unwrap();
        assert_eq!(parsed.variables, ["b", "a_1", "é", "c"]);
        for op in functions() {
            let text = format!("{}({})", op.name(), ["x"; 3][..op.arity()].join(", "));
            let value: f64 = Expression::parse(&text).unwrap().evaluate(&[0.5]).unwrap();
            assert_eq!(value.to_bits(), op.apply(&vec![0.5_f64; op.arity()]).to_bits(), "{text}");
        }
    }
}
