//! Expressions as text: parsed into steps that any number can take.
//!
//! Steps are in postfix order and are taken with a stack, so that only brackets, signs and powers nest.

use crate::failure::Failure;
use dualtape::Differentiable;
use dualtape::rules::Op;

/// How deep brackets, signs and powers may nest.
const DEEPEST: usize = 200;

/// The longest text, in characters.
const LONGEST: usize = 10_000;

/// A function of named variables.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    /// In the order in which they come first.
    pub(crate) variables: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Number(f64),
    Variable(usize),
    Apply(Op),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Sign(char),
}

impl Expression {
    /// Understands numbers, names, + - * / %, ** or ^ for powers, brackets, and the functions of the rule
    /// table; `pi` and `e` are constants.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if text.chars().count() > LONGEST {
            return Err(wrong(LONGEST + 1, format!("it is longer than {LONGEST} characters")));
        }
        let tokens = tokens(text)?;
        let end = text.chars().count() + 1;
        let mut parser =
            Parser { tokens: &tokens, at: 0, end, depth: 0, variables: Vec::new(), steps: Vec::new() };
        parser.sum()?;
        match parser.tokens.get(parser.at) {
            None => Ok(Self { variables: parser.variables, steps: parser.steps }),
            Some((place, _)) => Err(wrong(*place, "there is more after the end of the expression")),
        }
    }

    /// The value at the given variables.
    ///
    /// # Errors
    ///
    /// If a number is to be held between limits of which the lower is not the lower one.
    pub(crate) fn evaluate<D: Differentiable<Scalar = f64>>(&self, variables: &[D]) -> Result<D, Failure> {
        let mut stack: Vec<D> = Vec::new();
        for step in &self.steps {
            let value = match *step {
                Step::Number(number) => D::constant(number),
                Step::Variable(index) => variables[index],
                Step::Apply(op) => {
                    let operands = stack.split_off(stack.len() - op.arity());
                    check_limits(op, &operands)?;
                    op.apply(&operands)
                }
            };
            stack.push(value);
        }
        Ok(stack.pop().expect("a parsed expression leaves one value"))
    }
}

/// The one operation that is not for all numbers.
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

fn wrong(place: usize, problem: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("the expression cannot be read at character {place}: {problem}"))
}

/// Each token with its place, counted from 1.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Failure> {
    let letters: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(&letter) = letters.get(at) {
        let start = at;
        let run = |at: usize, of: fn(char) -> bool| letters[at..].iter().take_while(|&&c| of(c)).count();
        let token = match letter {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            c if c.is_ascii_digit() || c == '.' => {
                at += run(at, |c| c.is_ascii_digit() || c == '.');
                let signed = usize::from(matches!(letters.get(at + 1), Some('+' | '-')));
                let exponent = run((at + 1 + signed).min(letters.len()), |c| c.is_ascii_digit());
                if matches!(letters.get(at), Some('e' | 'E')) && exponent > 0 {
                    at += 1 + signed + exponent;
                }
                let digits: String = letters[start..at].iter().collect();
                let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
                Token::Number(number.ok_or_else(|| wrong(start + 1, format!("'{digits}' is no number")))?)
            }
            c if c.is_alphabetic() || c == '_' => {
                at += run(at, |c| c.is_alphanumeric() || c == '_');
                Token::Name(letters[start..at].iter().collect())
            }
            '*' if letters.get(at + 1) == Some(&'*') => {
                at += 2;
                Token::Sign('^')
            }
            c if "+-*/%^(),".contains(c) => {
                at += 1;
                Token::Sign(c)
            }
            c => {
                return Err(wrong(
                    start + 1,
                    format!("'{c}' has no meaning; expected numbers, names, + - * / % ** ( )"),
                ));
            }
        };
        tokens.push((start + 1, token));
    }
    Ok(tokens)
}

struct Parser<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    /// The place after the last character.
    end: usize,
    depth: usize,
    variables: Vec<String>,
    steps: Vec<Step>,
}

impl Parser<'_> {
    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.0)
    }

    /// The next sign, if it is one of these.
    fn take(&mut self, signs: &str) -> Option<char> {
        match self.tokens.get(self.at) {
            Some((_, Token::Sign(sign))) if signs.contains(*sign) => {
                self.at += 1;
                Some(*sign)
            }
            _ => None,
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), Failure> {
        self.take(&sign.to_string())
            .map(|_| ())
            .ok_or_else(|| wrong(self.place(), format!("expected '{sign}'")))
    }

    fn deeper(&mut self) -> Result<(), Failure> {
        self.depth += 1;
        if self.depth > DEEPEST {
            Err(wrong(self.place(), format!("it nests deeper than {DEEPEST}")))
        } else {
            Ok(())
        }
    }

    fn sum(&mut self) -> Result<(), Failure> {
        self.deeper()?;
        self.product()?;
        while let Some(sign) = self.take("+-") {
            self.product()?;
            self.steps.push(Step::Apply(if sign == '+' { Op::Add } else { Op::Sub }));
        }
        self.depth -= 1;
        Ok(())
    }

    fn product(&mut self) -> Result<(), Failure> {
        self.signed()?;
        while let Some(sign) = self.take("*/%") {
            self.signed()?;
            self.steps.push(Step::Apply(match sign {
                '*' => Op::Mul,
                '/' => Op::Div,
                _ => Op::Rem,
            }));
        }
        Ok(())
    }

    /// A sign binds less than a power: -x ** 2 is -(x ** 2).
    fn signed(&mut self) -> Result<(), Failure> {
        self.deeper()?;
        match self.take("+-") {
            Some(sign) => {
                self.signed()?;
                match (sign, self.steps.last_mut()) {
                    ('-', Some(Step::Number(number))) => *number = -*number,
                    ('-', _) => self.steps.push(Step::Apply(Op::Neg)),
                    _ => {}
                }
            }
            None => self.power()?,
        }
        self.depth -= 1;
        Ok(())
    }

    /// From right to left: x ** y ** z is x ** (y ** z).
    fn power(&mut self) -> Result<(), Failure> {
        self.atom()?;
        if self.take("^").is_some() {
            let before = self.steps.len();
            self.signed()?;
            let whole = match self.steps[before..] {
                [Step::Number(number)] if number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX) => {
                    Some(number)
                }
                _ => None,
            };
            let op = whole.map_or(Op::Powf, |number| Op::Powi(number as i32));
            self.steps.truncate(if whole.is_some() { before } else { self.steps.len() });
            self.steps.push(Step::Apply(op));
        }
        Ok(())
    }

    fn atom(&mut self) -> Result<(), Failure> {
        let place = self.place();
        if self.take("(").is_some() {
            self.sum()?;
            return self.expect(')');
        }
        match self.tokens.get(self.at).map(|token| &token.1) {
            Some(&Token::Number(number)) => {
                self.at += 1;
                self.steps.push(Step::Number(number));
                Ok(())
            }
            Some(Token::Name(name)) => {
                self.at += 1;
                if self.take("(").is_some() {
                    self.call(name, place)
                } else {
                    self.name(name);
                    Ok(())
                }
            }
            Some(Token::Sign(sign)) => Err(wrong(place, format!("'{sign}' stands where a value should be"))),
            None => Err(wrong(place, "it ends where a value should be")),
        }
    }

    fn name(&mut self, name: &str) {
        let constant = match name {
            "pi" => Some(std::f64::consts::PI),
            "e" => Some(std::f64::consts::E),
            _ => None,
        };
        let step = constant.map(Step::Number).unwrap_or_else(|| {
            let known = self.variables.iter().position(|variable| variable == name);
            Step::Variable(known.unwrap_or_else(|| {
                self.variables.push(name.to_owned());
                self.variables.len() - 1
            }))
        });
        self.steps.push(step);
    }

    fn call(&mut self, name: &str, place: usize) -> Result<(), Failure> {
        let mut given = 0;
        if self.take(")").is_none() {
            loop {
                self.sum()?;
                given += 1;
                if self.take(",").is_none() {
                    break;
                }
            }
            self.expect(')')?;
        }
        let Some(op) = functions().find(|op| op.name() == name) else {
            let known = functions().map(Op::name).collect::<Vec<_>>().join(", ");
            return Err(wrong(place, format!("there is no function '{name}'; expected one of {known}")));
        };
        let expected = op.arity();
        if given != expected {
            return Err(wrong(place, format!("{name} is given {given} values; expected {expected}")));
        }
        self.steps.push(Step::Apply(op));
        Ok(())
    }
}

/// The operations that have a name of their own and nothing but operands.
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
        for (text, expected) in [
            ("", "at character 1: it ends where a value should be"),
            ("x +", "at character 4: it ends where a value should be"),
            ("x + * y", "at character 5: '*' stands where a value should be"),
            ("(x", "at character 3: expected ')'"),
            ("x y", "at character 3: there is more after the end"),
            ("1.2.3", "at character 1: '1.2.3' is no number"),
            ("1e999", "'1e999' is no number"),
            ("x & y", "at character 3: '&' has no meaning"),
            ("sni(x)", "at character 1: there is no function 'sni'; expected one of "),
            ("2 + sin(x, y)", "at character 5: sin is given 2 values; expected 1"),
            ("sin()", "sin is given 0 values; expected 1"),
            (&deep, "it is longer than 10000 characters"),
            (&deep[..9000], "it nests deeper than 200"),
            (&signs, "it nests deeper than 200"),
        ] {
            let failure = Expression::parse(text).unwrap_err();
            assert!(failure.message().contains(expected), "{text:.40}: {}", failure.message());
            assert_eq!(failure.code(), 2);
        }
    }
}
