//! Functions as Rust.

use super::source::Function;
use super::text::{Binding, Kind, Language, Term, call, comment, infix, no_code, statements};
use super::{Check, Property, Requirement};
use crate::rules::Op;
use crate::{Error, ProgramScalar};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Options of Rust code.
pub(super) struct Dialect {
    pub(super) no_std: bool,
    pub(super) lanes: Option<usize>,
}

/// Words that are not names in Rust.
pub(super) const WORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self",
    "static", "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized",
    "use", "virtual", "where", "while",
];

const REFUSAL: &str = "
/// Why the code refuses. The program from which it was made computes the result, or says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)]
pub enum Refusal {
    /// The function takes another branch than where it was recorded.
    Branch,
    /// A derivative is not finite, or comes from numbers that are not: such points need more care.
    Singular,
}
";

/// Functions that the code may call, by name, each with the standard library and without. `f64` stands for the type.
const HELPERS: [(&str, &str, &str); 12] = [
    (
        "finite",
        "fn finite(numbers: &[f64]) -> bool {
    numbers.iter().fold(true, |finite, number| finite & number.is_finite())
}",
        "",
    ),
    (
        "no_nan",
        "fn no_nan(numbers: &[f64]) -> bool {
    numbers.iter().fold(true, |good, number| good & !number.is_nan())
}",
        "",
    ),
    (
        "sigmoid",
        "fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        (1.0 + (-x).exp()).recip()
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}",
        "fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        (1.0 + libm::exp(-x)).recip()
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}",
    ),
    (
        "relu",
        "fn relu(x: f64) -> f64 {
    if x > 0.0 || x.is_nan() { x } else { 0.0 }
}",
        "",
    ),
    (
        "softplus",
        "fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}",
        "fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}",
    ),
    (
        "abs_sub",
        "fn abs_sub(x: f64, y: f64) -> f64 {
    #[allow(deprecated)]
    x.abs_sub(y)
}",
        "fn abs_sub(x: f64, y: f64) -> f64 {
    libm::fdim(x, y)
}",
    ),
    (
        "clamp",
        "fn clamp(x: f64, low: f64, high: f64) -> f64 {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}",
        "",
    ),
    (
        "norm",
        "fn norm<const N: usize>(numbers: [f64; N]) -> f64 {
    let squares: f64 = numbers.iter().map(|x| x * x).sum();
    if squares.is_normal() {
        return squares.sqrt();
    }
    if numbers.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let largest = numbers.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    largest * numbers.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}",
        "fn norm<const N: usize>(numbers: [f64; N]) -> f64 {
    let squares: f64 = numbers.iter().map(|x| x * x).sum();
    if squares.is_normal() {
        return libm::sqrt(squares);
    }
    if numbers.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let largest = numbers.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    largest * libm::sqrt(numbers.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>())
}",
    ),
    (
        "powi",
        "",
        "fn powi(x: f64, n: i32) -> f64 {
    let (mut power, mut square, mut rest) = (1.0, x, n.unsigned_abs());
    loop {
        if rest & 1 == 1 {
            power *= square;
        }
        rest >>= 1;
        if rest == 0 {
            return if n < 0 { 1.0 / power } else { power };
        }
        square *= square;
    }
}",
    ),
    (
        "div_euclid",
        "",
        "fn div_euclid(x: f64, y: f64) -> f64 {
    let quotient = libm::trunc(x / y);
    if x % y < 0.0 {
        if y > 0.0 { quotient - 1.0 } else { quotient + 1.0 }
    } else {
        quotient
    }
}",
    ),
    (
        "rem_euclid",
        "",
        "fn rem_euclid(x: f64, y: f64) -> f64 {
    let rest = x % y;
    if rest < 0.0 { rest + y.abs() } else { rest }
}",
    ),
    (
        "lanes",
        "fn lanes(number: impl Fn(usize) -> f64) -> [f64; LANES] {
    core::array::from_fn(number)
}",
        "",
    ),
];

/// The file.
pub(super) fn file<F: ProgramScalar>(dialect: &Dialect, functions: &[Function<F>]) -> Result<String, Error> {
    let mut rust = Rust { dialect, type_name: type_name::<F>(), helpers: BTreeSet::new() };
    let mut bodies = String::new();
    for function in functions {
        bodies += "\n";
        rust.function(function, &mut bodies)?;
    }
    if bodies.contains("lanes(|i| ") {
        rust.help("lanes");
    }
    let mut text = rust.head();
    if functions.iter().any(|function| function.routine.may_refuse()) {
        text += REFUSAL;
    }
    text += &bodies;
    for (name, std, no_std) in HELPERS {
        if rust.helpers.contains(name) {
            let helper = if (dialect.no_std && !no_std.is_empty()) || std.is_empty() { no_std } else { std };
            let _ = write!(text, "\n{INLINE}{}\n", rust.typed(helper));
        }
    }
    Ok(text)
}

const INLINE: &str = "#[inline]\n";

fn type_name<F: ProgramScalar>() -> &'static str {
    if size_of::<F>() == size_of::<f32>() { "f32" } else { "f64" }
}

struct Rust<'a> {
    dialect: &'a Dialect,
    type_name: &'static str,
    /// The helpers that are called.
    helpers: BTreeSet<&'static str>,
}

impl Rust<'_> {
    fn head(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let mut text = format!(
            "// Written by dualtape {version} from a recorded program; changes to this file will be lost.\n"
        );
        if self.dialect.no_std {
            text += "//\n// It needs the crate `libm` for elementary functions, and no standard library.\n";
        }
        if let Some(lanes) = self.dialect.lanes {
            let _ = write!(
                text,
                "\n/// How many points a function takes at once.\npub const LANES: usize = {lanes};\n"
            );
        }
        text
    }

    /// Code for `f64`, adapted to the actual type.
    fn typed(&self, code: &str) -> String {
        if self.type_name == "f64" {
            return code.to_owned();
        }
        let mut typed = code.replace("f64", "f32");
        for name in ["exp", "log1p", "sqrt", "trunc", "fdim"] {
            typed = typed.replace(&format!("libm::{name}("), &format!("libm::{name}f("));
        }
        typed
    }

    /// The type of a number: of one point, or of several.
    fn number_type(&self) -> String {
        match self.dialect.lanes {
            None => self.type_name.to_owned(),
            Some(_) => format!("[{}; LANES]", self.type_name),
        }
    }

    fn help(&mut self, name: &'static str) {
        self.helpers.insert(name);
    }

    /// A call of a function of the crate `libm`.
    fn libm(&self, name: &str, operands: &[&Term]) -> Term {
        let suffix = if self.type_name == "f32" { "f" } else { "" };
        call(&format!("libm::{name}{suffix}"), operands)
    }

    /// A method of the standard library, or of the core library.
    fn method(&self, name: &str, operands: &[&Term]) -> Term {
        let [receiver, others @ ..] = operands else { unreachable!("a method has a receiver") };
        if receiver.kind == Kind::Literal {
            return call(&format!("{}::{name}", self.type_name), operands);
        }
        let others: Vec<&str> = others.iter().map(|term| term.text.as_str()).collect();
        Term::number(
            format!("{}.{name}({})", receiver.within(Binding::Tight), others.join(", ")),
            Binding::Tight,
        )
    }

    fn helper(&mut self, name: &'static str, operands: &[&Term]) -> Term {
        self.help(name);
        call(name, operands)
    }

    /// A method that the core library does not have.
    fn std_method(&self, name: &str, in_libm: &str, operands: &[&Term]) -> Term {
        if self.dialect.no_std { self.libm(in_libm, operands) } else { self.method(name, operands) }
    }

    /// A method that neither the core library nor `libm` has.
    fn std_or_helper(&mut self, name: &'static str, operands: &[&Term]) -> Term {
        if self.dialect.no_std { self.helper(name, operands) } else { self.method(name, operands) }
    }

    /// A truth value as a number.
    fn number(&self, term: &Term) -> Term {
        match term.kind {
            Kind::Truth => call(&format!("{}::from", self.type_name), &[term]),
            _ => term.clone(),
        }
    }

    fn select(&self, [predicate, then, otherwise]: [&Term; 3]) -> Term {
        let predicate = match predicate.kind {
            Kind::Truth => predicate.text.clone(),
            _ => format!("{} != 0.0", predicate.within(Binding::Sum)),
        };
        // Two literals alone have no type, and methods cannot be called on them.
        let typed = match (then.kind, otherwise.kind) {
            (Kind::Literal, Kind::Literal) => format!("_{}", self.type_name),
            _ => String::new(),
        };
        let text = format!("if {predicate} {{ {}{typed} }} else {{ {} }}", then.text, otherwise.text);
        Term::number(text, Binding::Loose)
    }

    fn operation(&mut self, op: Op, operands: &[&Term]) -> Result<Term, Error> {
        let two = || [operands[0], operands[1]];
        Ok(match op {
            Op::Add => infix("+", Binding::Sum, two()),
            Op::Sub => infix("-", Binding::Sum, two()),
            Op::Mul => infix("*", Binding::Product, two()),
            Op::Div => infix("/", Binding::Product, two()),
            Op::Rem => infix("%", Binding::Product, two()),
            Op::Neg => Term::number(format!("-{}", operands[0].within(Binding::Tight)), Binding::Sign),
            Op::StopGradient => operands[0].clone(),
            Op::Powi(n) => {
                let literal = Term::number(n.to_string(), Binding::Tight);
                self.std_or_helper("powi", &[operands[0], &literal])
            }
            Op::Select | Op::Compare(_) => unreachable!("they are written apart"),
            Op::Abs
            | Op::Signum
            | Op::Recip
            | Op::Max
            | Op::Min
            | Op::Copysign
            | Op::ToDegrees
            | Op::ToRadians => self.method(op.name(), operands),
            Op::Fract if self.dialect.no_std => {
                let whole = self.libm("trunc", operands);
                infix("-", Binding::Sum, [operands[0], &whole])
            }
            Op::Log if self.dialect.no_std => {
                let [x, base] = two().map(|x| self.libm("log", &[x]));
                infix("/", Binding::Product, [&x, &base])
            }
            Op::ExpM1 => self.std_method("exp_m1", "expm1", operands),
            Op::Ln => self.std_method("ln", "log", operands),
            Op::Ln1p => self.std_method("ln_1p", "log1p", operands),
            Op::Powf => self.std_method("powf", "pow", operands),
            Op::MulAdd => self.std_method("mul_add", "fma", operands),
            Op::Erf => self.libm("erf", operands),
            Op::Erfc => self.libm("erfc", operands),
            Op::LnGamma => self.libm("lgamma", operands),
            Op::DivEuclid => self.std_or_helper("div_euclid", operands),
            Op::RemEuclid => self.std_or_helper("rem_euclid", operands),
            Op::AbsSub => self.helper("abs_sub", operands),
            Op::Clamp => self.helper("clamp", operands),
            Op::Sigmoid => self.helper("sigmoid", operands),
            Op::Relu => self.helper("relu", operands),
            Op::Softplus => self.helper("softplus", operands),
            Op::Digamma | Op::Polygamma(_) => return Err(no_code(op, "Rust")),
            // The others have one name everywhere.
            _ => self.std_method(op.name(), op.name(), operands),
        })
    }

    /// Arguments: names with their types.
    fn arguments<F: ProgramScalar>(
        &self,
        function: &Function<F>,
        part: Option<usize>,
    ) -> Vec<(String, String)> {
        let touched = part.map(|part| function.touched(part));
        let number = self.number_type();
        let mut arguments = Vec::new();
        for (array, name) in function.arrays.inputs.iter().enumerate() {
            if touched.as_ref().is_none_or(|touched| touched.inputs[array]) {
                let len = function.routine.inputs()[array].len;
                arguments.push((name.clone(), format!("&[{number}; {len}]")));
            }
        }
        for (array, name) in function.arrays.outputs.iter().enumerate() {
            let alone = function.arrays.alone[array];
            let passed = match &touched {
                None => !alone,
                Some(touched) => touched.outputs[array],
            };
            if passed {
                let len = function.routine.outputs()[array].len;
                let kind = if alone { format!("&mut {number}") } else { format!("&mut [{number}; {len}]") };
                arguments.push((name.clone(), kind));
            }
        }
        let workspace = function.routine.workspace();
        if workspace > 0 && touched.as_ref().is_none_or(|touched| touched.workspace) {
            arguments.push(("work".to_owned(), format!("&mut [{number}; {workspace}]")));
        }
        arguments
    }

    fn function<F: ProgramScalar>(&mut self, function: &Function<F>, text: &mut String) -> Result<(), Error> {
        let Function { name, routine, arrays, .. } = function;
        let alone = arrays.alone.iter().position(|&alone| alone).map(|array| arrays.outputs[array].as_str());
        let may_refuse = routine.may_refuse();
        self.tables(function, text);
        let mut words = function.words();
        if may_refuse {
            words += "\n\n# Errors\n\n[`Refusal`] where the program has no result.";
        }
        *text += &comment("///", &words);
        let result = match (alone, may_refuse) {
            (Some(_), true) => format!(" -> Result<{}, Refusal>", self.number_type()),
            (Some(_), false) => format!(" -> {}", self.number_type()),
            (None, true) => " -> Result<(), Refusal>".to_owned(),
            (None, false) => String::new(),
        };
        let arguments = self.arguments(function, None);
        let listed: Vec<String> = arguments.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let _ = writeln!(text, "{ALLOW}\npub fn {name}({}){result} {{", listed.join(", "));
        let parts = routine.parts().len();
        let mut functions = String::new();
        if parts == 1 {
            let mut language = Body { rust: self, in_part: false };
            for line in statements(routine, 0, arrays, &mut language)? {
                let _ = writeln!(text, "{line}");
            }
        } else {
            if let Some(alone) = alone {
                let zero = if self.dialect.lanes.is_some() { "[0.0; LANES]" } else { "0.0" };
                let _ = writeln!(text, "    let mut {alone} = {zero};");
            }
            for part in 0..parts {
                self.part(function, part, text, &mut functions)?;
            }
        }
        self.requirements(function, text);
        let result = alone.unwrap_or("()");
        match (alone, may_refuse) {
            (_, true) => *text += &format!("    Ok({result})\n"),
            (Some(value), false) => *text += &format!("    {value}\n"),
            (None, false) => {}
        }
        *text += "}\n";
        *text += &functions;
        Ok(())
    }

    /// A call of a part, and the part as a function.
    fn part<F: ProgramScalar>(
        &mut self,
        function: &Function<F>,
        part: usize,
        text: &mut String,
        functions: &mut String,
    ) -> Result<(), Error> {
        let Function { name, routine, arrays, .. } = function;
        let refuses = routine.parts()[part].iter().any(super::Statement::may_refuse);
        let arguments = self.arguments(function, Some(part));
        let alone = |name: &str| {
            arrays.outputs.iter().zip(&arrays.alone).any(|(output, &alone)| alone && output == name)
        };
        let passed: Vec<String> = arguments
            .iter()
            .map(|(name, _)| if alone(name) { format!("&mut {name}") } else { name.clone() })
            .collect();
        let propagate = if refuses { "?" } else { "" };
        let number = part + 1;
        let _ = writeln!(text, "    {name}_part_{number}({}){propagate};", passed.join(", "));
        let listed: Vec<String> = arguments.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let result = if refuses { " -> Result<(), Refusal>" } else { "" };
        let count = routine.parts().len();
        let _ = write!(
            functions,
            "\n/// Part {number} of {count} of [`{name}`].\n{ALLOW}\n#[inline(never)]\nfn {name}_part_{number}({}){result} {{\n",
            listed.join(", ")
        );
        let mut language = Body { rust: self, in_part: true };
        for line in statements(routine, part, arrays, &mut language)? {
            let _ = writeln!(functions, "{line}");
        }
        *functions += if refuses { "    Ok(())\n}\n" } else { "}\n" };
        Ok(())
    }

    /// Refuses if outputs are not as required.
    fn requirements<F: ProgramScalar>(&mut self, function: &Function<F>, text: &mut String) {
        let Function { routine, arrays, .. } = function;
        for ((array, name), alone) in routine.outputs().iter().zip(&arrays.outputs).zip(&arrays.alone) {
            let helper = match array.required {
                Requirement::Anything => continue,
                Requirement::NotNan => "no_nan",
                Requirement::Finite => "finite",
            };
            self.help(helper);
            let all = match (alone, self.dialect.lanes) {
                (true, None) => format!("{helper}(&[{name}])"),
                (true, Some(_)) => format!("{helper}(&{name})"),
                (false, None) => format!("{helper}({name})"),
                (false, Some(_)) => format!("{helper}({name}.as_flattened())"),
            };
            let _ = writeln!(text, "    if !{all} {{\n        return Err(Refusal::Singular);\n    }}");
        }
    }

    /// The positions of the entries of a sparse matrix.
    fn tables<F: ProgramScalar>(&self, function: &Function<F>, text: &mut String) {
        let Some(pattern) = &function.pattern else { return };
        let name = function.name.to_uppercase();
        let columns: Vec<String> = pattern.entries().map(|(_, column)| column.to_string()).collect();
        let rows: Vec<String> = pattern.entries().map(|(row, _)| row.to_string()).collect();
        for (what, which, numbers) in [("row", "ROWS", rows), ("column", "COLUMNS", columns)] {
            let _ = writeln!(text, "/// The {what} of each entry of [`{}`].", function.name);
            let _ = writeln!(text, "pub const {name}_{which}: [usize; {}] = [", numbers.len());
            for line in numbers.chunks(16) {
                let _ = writeln!(text, "    {},", line.join(", "));
            }
            *text += "];\n\n";
        }
    }
}

const ALLOW: &str = "#[allow(clippy::all, non_snake_case, unused_variables)]";

fn method_of(property: Property) -> &'static str {
    match property {
        Property::Nan => "is_nan",
        Property::Infinite => "is_infinite",
        Property::Finite => "is_finite",
        Property::Normal => "is_normal",
        Property::Subnormal => "is_subnormal",
        Property::Positive => "is_sign_positive",
        Property::Negative => "is_sign_negative",
    }
}

/// The language within a function.
struct Body<'a, 'd> {
    rust: &'a mut Rust<'d>,
    /// Whether it is a part of a function, which receives single output numbers as references.
    in_part: bool,
}

impl Body<'_, '_> {
    fn lanes(&self) -> bool {
        self.rust.dialect.lanes.is_some()
    }

    /// An expression as the value of a name.
    fn whole(&self, is: &Term) -> String {
        if !self.lanes() {
            return is.text.clone();
        }
        // A name alone needs no copying lane by lane.
        let name =
            is.text.strip_suffix("[i]").filter(|_| is.binding == Binding::Tight && is.kind == Kind::Number);
        match name.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')) {
            Some(name) => name.to_owned(),
            None if is.kind == Kind::Literal => format!("[{}; LANES]", is.text),
            None => format!("lanes(|i| {})", is.text),
        }
    }
}

impl<F: ProgramScalar> Language<F> for Body<'_, '_> {
    fn leaf(&self, name: String) -> String {
        if self.lanes() { format!("{name}[i]") } else { name }
    }

    fn literal(&self, number: F) -> Term {
        let name = self.rust.type_name;
        let (text, kind) = if number.is_nan() {
            (format!("{name}::NAN"), Kind::Number)
        } else if number.is_infinite() {
            let sign = if number > F::zero() { "" } else { "NEG_" };
            (format!("{name}::{sign}INFINITY"), Kind::Number)
        } else {
            (format!("{number:?}"), Kind::Literal)
        };
        let binding = if text.starts_with('-') { Binding::Sign } else { Binding::Tight };
        Term { text, binding, kind }
    }

    fn apply(&mut self, op: Op, operands: &[Term]) -> Result<Term, Error> {
        if let Op::Select = op {
            let [predicate, then, otherwise] = operands else { unreachable!("select has three operands") };
            let [then, otherwise] = [then, otherwise].map(|term| self.rust.number(term));
            return Ok(self.rust.select([predicate, &then, &otherwise]));
        }
        let operands: Vec<Term> = operands.iter().map(|term| self.rust.number(term)).collect();
        let operands: Vec<&Term> = operands.iter().collect();
        if let Op::Compare(relation) = op {
            let [a, b] = [operands[0], operands[1]].map(|term| term.within(Binding::Sum));
            let text = format!("{a} {} {b}", relation.sign());
            return Ok(Term { text, binding: Binding::Loose, kind: Kind::Truth });
        }
        let mut term = self.rust.operation(op, &operands)?;
        let operator = matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem | Op::Neg);
        if operator && operands.iter().all(|term| term.kind == Kind::Literal) {
            term.kind = Kind::Literal;
        }
        Ok(term)
    }

    fn norm(&mut self, terms: &[Term]) -> Term {
        self.rust.help("norm");
        let terms: Vec<String> = terms.iter().map(|term| self.rust.number(term).text).collect();
        Term::number(format!("norm([{}])", terms.join(", ")), Binding::Tight)
    }

    fn names_truths(&self) -> bool {
        !self.lanes()
    }

    fn define(&self, name: &str, is: &Term) -> String {
        match is.kind {
            Kind::Literal => format!("let {name}: {} = {};", self.rust.number_type(), self.whole(is)),
            Kind::Truth if !self.lanes() => format!("let {name} = {};", is.text),
            _ => format!("let {name} = {};", self.whole(&self.rust.number(is))),
        }
    }

    fn define_variable(&self, name: &str, is: &Term) -> String {
        format!("let mut {name}: {} = {};", self.rust.number_type(), self.whole(&self.rust.number(is)))
    }

    fn replace(&self, names: &[String], by: &[Term]) -> Vec<String> {
        let by: Vec<String> = by.iter().map(|term| self.whole(&self.rust.number(term))).collect();
        match (names, &by[..]) {
            ([], _) => Vec::new(),
            ([name], [by]) => vec![format!("{name} = {by};")],
            (names, by) => vec![format!("({}) = ({});", names.join(", "), by.join(", "))],
        }
    }

    fn store(&self, to: &str, is: &Term) -> String {
        format!("{to} = {};", self.whole(&self.rust.number(is)))
    }

    fn store_alone(&self, name: &str, is: &Term) -> String {
        let is = self.whole(&self.rust.number(is));
        if self.in_part {
            format!("*{name} = {is};")
        } else {
            format!("let {name}: {} = {is};", self.rust.number_type())
        }
    }

    fn open_loop(&self, turns: usize, backwards: bool, counted: bool) -> String {
        let turn = if counted { "turn" } else { "_" };
        let turns = if backwards { format!("(0..{turns}).rev()") } else { format!("0..{turns}") };
        format!("for {turn} in {turns} {{")
    }

    fn check(&mut self, check: &Check<F>, operands: &[Term]) -> String {
        let name = self.rust.type_name;
        let operands: Vec<Term> = operands.iter().map(|term| self.rust.number(term)).collect();
        let method = |name: &str| self.rust.method(name, &[&operands[0]]).text;
        let unless = |holds: bool, text: String| if holds { format!("!{text}") } else { text };
        let relation = |sign: &str, outcome: bool| {
            let [a, b] = [&operands[0], &operands[1]].map(|term| term.within(Binding::Sum));
            if outcome { format!("!({a} {sign} {b})") } else { format!("{a} {sign} {b}") }
        };
        let (broken, why) = match *check {
            Check::NotNan(_) => (method("is_nan"), "Singular"),
            Check::Ordered(_) => (relation("<=", true), "Branch"),
            Check::Relation { relation: which, outcome, .. } => (relation(which.sign(), outcome), "Branch"),
            Check::Property { property, outcome, .. } => {
                (unless(outcome, method(method_of(property))), "Branch")
            }
            Check::Same { number, .. } if number.is_nan() => (unless(true, method("is_nan")), "Branch"),
            Check::Same { number, .. } => {
                (format!("{} != {name}::to_bits({number:?})", method("to_bits")), "Branch")
            }
        };
        let broken = if self.lanes() { format!("(0..LANES).any(|i| {broken})") } else { broken };
        format!("if {broken} {{ return Err(Refusal::{why}); }}")
    }
}
