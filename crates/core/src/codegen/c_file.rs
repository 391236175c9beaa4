//! Functions as C.

use super::source::Function;
use super::text::{Binding, Kind, Language, Term, call, comment, infix, no_code, statements};
use super::{Check, Property, Requirement};
use crate::rules::Op;
use crate::{Error, ProgramScalar};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Words that are not names in C or C++, or that its library uses.
pub(super) const WORDS: [&str; 115] = [
    "auto",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "default",
    "delete",
    "do",
    "double",
    "else",
    "enum",
    "explicit",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "namespace",
    "new",
    "operator",
    "private",
    "protected",
    "public",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "template",
    "this",
    "throw",
    "true",
    "try",
    "typedef",
    "typename",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "while",
    "sin",
    "cos",
    "tan",
    "exp",
    "log",
    "pow",
    "sqrt",
    "fabs",
    "floor",
    "ceil",
    "round",
    "trunc",
    "erf",
    "gamma",
    "y0",
    "y1",
    "yn",
    "j0",
    "j1",
    "jn",
    "index",
    "tanh",
    "sinh",
    "cosh",
    "asin",
    "acos",
    "atan",
    "asinh",
    "acosh",
    "atanh",
    "hypot",
    "fma",
    "fmod",
    "log1p",
    "expm1",
    "exp2",
    "log2",
    "log10",
    "cbrt",
    "atan2",
    "copysign",
    "lgamma",
    "tgamma",
    "erfc",
    "fdim",
    "fmin",
    "fmax",
    "remainder",
    "nextafter",
    "isnan",
    "isinf",
    "isfinite",
    "signbit",
    "memcpy",
    "memcmp",
    "memset",
    "NAN",
    "INFINITY",
    "M_PI",
    "main",
];

/// Functions that the code may call, by name; a function comes after those that it calls. `double` stands for the
/// type.
const HELPERS: [(&str, &str); 17] = [
    (
        "finite",
        "static int dt_finite(const double *numbers, size_t count) {
    int finite = 1;
    for (size_t i = 0; i < count; ++i)
        finite &= isfinite(numbers[i]) != 0;
    return finite;
}",
    ),
    (
        "no_nan",
        "static int dt_no_nan(const double *numbers, size_t count) {
    int good = 1;
    for (size_t i = 0; i < count; ++i)
        good &= !isnan(numbers[i]);
    return good;
}",
    ),
    (
        "same",
        "static int dt_same(double x, double y) {
    return memcmp(&x, &y, sizeof x) == 0;
}",
    ),
    (
        "signum",
        "static double dt_signum(double x) {
    return isnan(x) ? x : copysign(1.0, x);
}",
    ),
    (
        "max",
        "static double dt_max(double x, double y) {
    return isnan(x) ? y : y > x ? y : x;
}",
    ),
    (
        "min",
        "static double dt_min(double x, double y) {
    return isnan(x) ? y : y < x ? y : x;
}",
    ),
    (
        "clamp",
        "static double dt_clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}",
    ),
    (
        "powi",
        "static double dt_powi(double x, int n) {
    double power = 1.0;
    unsigned rest = n < 0 ? 0u - (unsigned)n : (unsigned)n;
    for (;;) {
        if (rest & 1u)
            power *= x;
        rest >>= 1;
        if (rest == 0)
            return n < 0 ? 1.0 / power : power;
        x *= x;
    }
}",
    ),
    (
        "asinh",
        "static double dt_asinh(double x) {
    const double size = fabs(x), inverse = 1.0 / size;
    return copysign(log1p(size + size / (hypot(1.0, inverse) + inverse)), x);
}",
    ),
    (
        "acosh",
        "static double dt_acosh(double x) {
    return x < 1.0 ? NAN : log(x + sqrt(x - 1.0) * sqrt(x + 1.0));
}",
    ),
    (
        "atanh",
        "static double dt_atanh(double x) {
    return 0.5 * log1p((2.0 * x) / (1.0 - x));
}",
    ),
    (
        "div_euclid",
        "static double dt_div_euclid(double x, double y) {
    const double quotient = trunc(x / y);
    if (fmod(x, y) < 0.0)
        return y > 0.0 ? quotient - 1.0 : quotient + 1.0;
    return quotient;
}",
    ),
    (
        "rem_euclid",
        "static double dt_rem_euclid(double x, double y) {
    const double rest = fmod(x, y);
    return rest < 0.0 ? rest + fabs(y) : rest;
}",
    ),
    (
        "sigmoid",
        "static double dt_sigmoid(double x) {
    const double e = exp(x >= 0.0 ? -x : x);
    return x >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}",
    ),
    (
        "relu",
        "static double dt_relu(double x) {
    return x > 0.0 || isnan(x) ? x : 0.0;
}",
    ),
    (
        "softplus",
        "static double dt_softplus(double x) {
    return (isnan(x) ? 0.0 : 0.0 > x ? 0.0 : x) + log1p(exp(-fabs(x)));
}",
    ),
    (
        "norm",
        "static double dt_norm(const double *numbers, size_t count) {
    double squares = -0.0, largest = 0.0;
    for (size_t i = 0; i < count; ++i)
        squares += numbers[i] * numbers[i];
    if (isnormal(squares))
        return sqrt(squares);
    for (size_t i = 0; i < count; ++i) {
        if (isnan(numbers[i]))
            return NAN;
        if (fabs(numbers[i]) > largest)
            largest = fabs(numbers[i]);
    }
    if (largest == 0.0 || isinf(largest))
        return largest;
    squares = -0.0;
    for (size_t i = 0; i < count; ++i)
        squares += (numbers[i] / largest) * (numbers[i] / largest);
    return largest * sqrt(squares);
}",
    ),
];

/// The file.
pub(super) fn file<F: ProgramScalar>(functions: &[Function<F>]) -> Result<String, Error> {
    let mut c = C { type_name: type_name::<F>(), helpers: BTreeSet::new() };
    let mut bodies = String::new();
    for function in functions {
        bodies += "\n";
        c.function(function, &mut bodies)?;
    }
    let mut text = head("");
    text += "#include <math.h>\n#include <stddef.h>\n#include <string.h>\n\n";
    text += "#if defined(__GNUC__)\n#define DT_PART static __attribute__((noinline))\n#else\n#define DT_PART static\n#endif\n";
    for (name, helper) in HELPERS {
        if c.helpers.contains(name) {
            let _ = write!(text, "\n{}\n", c.typed(helper));
        }
    }
    Ok(text + &bodies)
}

/// Declarations of what is in the file.
pub(super) fn header<F: ProgramScalar>(functions: &[Function<F>]) -> Result<String, Error> {
    let c = C { type_name: type_name::<F>(), helpers: BTreeSet::new() };
    let mut text = head("#pragma once\n#include <stddef.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for function in functions {
        let workspace = function.routine.workspace();
        text += "\n";
        if let Some(pattern) = &function.pattern {
            for which in ["rows", "columns"] {
                let _ = writeln!(
                    text,
                    "extern const size_t {}_{which}[{}];",
                    function.name,
                    pattern.len().max(1)
                );
            }
        }
        text += &words(function);
        if workspace > 0 {
            let _ = writeln!(text, "enum {{ {}_work = {workspace} }};", function.name);
        }
        let _ = writeln!(text, "int {}({});", function.name, c.listed(function, None));
    }
    text += "\n#ifdef __cplusplus\n}\n#endif\n";
    Ok(text)
}

fn head(more: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "// Written by dualtape {version} from a recorded program; changes to this file will be lost.\n\
         //\n\
         // Compile it with -ffp-contract=off and without -ffast-math: otherwise results differ in the last places, and\n\
         // checks for NaN may be dropped. Input arrays and output arrays must not overlap.\n\
         //\n\
         // A function returns 0 when it has written its results. It returns 1 where the recorded function takes another\n\
         // branch than where it was recorded, and 2 where a derivative is singular and needs more care: the program from\n\
         // which this code was made then computes the result, or says what is wrong.\n\n{more}"
    )
}

fn type_name<F: ProgramScalar>() -> &'static str {
    if size_of::<F>() == size_of::<f32>() { "float" } else { "double" }
}

fn words<F: ProgramScalar>(function: &Function<F>) -> String {
    comment("//", &function.words().replace('`', ""))
}

struct C {
    type_name: &'static str,
    /// The helpers that are called.
    helpers: BTreeSet<&'static str>,
}

/// Functions of C's library that helpers call, and that have another name for `float`.
const LIBRARY: [&str; 9] = ["copysign", "fabs", "log1p", "hypot", "log", "sqrt", "trunc", "fmod", "exp"];

impl C {
    /// Code for `double`, adapted to the actual type.
    fn typed(&self, code: &str) -> String {
        if self.type_name == "double" {
            return code.to_owned();
        }
        let mut typed = code.replace("double", "float");
        for name in LIBRARY {
            for before in [" ", "(", "-"] {
                typed = typed.replace(&format!("{before}{name}("), &format!("{before}{name}f("));
            }
        }
        // Literals of one decimal.
        for number in ["0.0", "1.0", "2.0", "0.5"] {
            typed = typed.replace(number, &format!("{number}f"));
        }
        typed
    }

    fn library(&self, name: &str, operands: &[&Term]) -> Term {
        let suffix = if self.type_name == "float" { "f" } else { "" };
        call(&format!("{name}{suffix}"), operands)
    }

    fn helper(&mut self, name: &'static str, operands: &[&Term]) -> Term {
        self.helpers.insert(name);
        call(&format!("dt_{name}"), operands)
    }

    fn constant(&self, double: &str, float: &str) -> Term {
        Term::number(if self.type_name == "float" { float } else { double }, Binding::Tight)
    }

    fn operation(&mut self, op: Op, operands: &[&Term]) -> Result<Term, Error> {
        let two = || [operands[0], operands[1]];
        Ok(match op {
            Op::Add => infix("+", Binding::Sum, two()),
            Op::Sub => infix("-", Binding::Sum, two()),
            Op::Mul => infix("*", Binding::Product, two()),
            Op::Div => infix("/", Binding::Product, two()),
            Op::Neg => Term::number(format!("-{}", operands[0].within(Binding::Tight)), Binding::Sign),
            Op::StopGradient => operands[0].clone(),
            Op::Recip => infix("/", Binding::Product, [&self.constant("1.0", "1.0f"), operands[0]]),
            Op::ToDegrees => {
                let factor = self.constant("57.29577951308232", "57.29578f");
                infix("*", Binding::Product, [operands[0], &factor])
            }
            Op::ToRadians => {
                let factor = self.constant("0.017453292519943295", "0.017453292f");
                infix("*", Binding::Product, [operands[0], &factor])
            }
            Op::Powi(n) => {
                // The smallest number is an operation on the one above it.
                let text = if n == i32::MIN { format!("({} - 1)", n + 1) } else { n.to_string() };
                self.helper("powi", &[operands[0], &Term::number(text, Binding::Tight)])
            }
            Op::Fract => {
                let whole = self.library("trunc", operands);
                infix("-", Binding::Sum, [operands[0], &whole])
            }
            Op::Log => {
                let [x, base] = two().map(|x| self.library("log", &[x]));
                infix("/", Binding::Product, [&x, &base])
            }
            Op::Select | Op::Compare(_) => unreachable!("they are written apart"),
            Op::Rem => self.library("fmod", operands),
            Op::Abs => self.library("fabs", operands),
            Op::ExpM1 => self.library("expm1", operands),
            Op::Ln => self.library("log", operands),
            Op::Ln1p => self.library("log1p", operands),
            Op::Powf => self.library("pow", operands),
            Op::MulAdd => self.library("fma", operands),
            Op::AbsSub => self.library("fdim", operands),
            Op::LnGamma => self.library("lgamma", operands),
            Op::Signum => self.helper("signum", operands),
            Op::Max => self.helper("max", operands),
            Op::Min => self.helper("min", operands),
            Op::Clamp => self.helper("clamp", operands),
            Op::Asinh => self.helper("asinh", operands),
            Op::Acosh => self.helper("acosh", operands),
            Op::Atanh => self.helper("atanh", operands),
            Op::DivEuclid => self.helper("div_euclid", operands),
            Op::RemEuclid => self.helper("rem_euclid", operands),
            Op::Sigmoid => self.helper("sigmoid", operands),
            Op::Relu => self.helper("relu", operands),
            Op::Softplus => self.helper("softplus", operands),
            Op::Digamma | Op::Polygamma(_) => return Err(no_code(op, "C")),
            // The others have the same name in C.
            _ => self.library(op.name(), operands),
        })
    }

    /// A truth value as a number.
    fn number(&self, term: &Term) -> Term {
        match term.kind {
            Kind::Truth => {
                Term::number(format!("({}){}", self.type_name, term.within(Binding::Tight)), Binding::Sign)
            }
            _ => term.clone(),
        }
    }

    /// Arguments: names, and their declarations.
    fn arguments<F: ProgramScalar>(
        &self,
        function: &Function<F>,
        part: Option<usize>,
    ) -> Vec<(String, String)> {
        let touched = part.map(|part| function.touched(part));
        let number = self.type_name;
        // C has no arrays without elements.
        let array = |name: &str, len: usize| {
            if len == 0 { format!("{number} *{name}") } else { format!("{number} {name}[{len}]") }
        };
        let mut arguments = Vec::new();
        for (which, name) in function.arrays.inputs.iter().enumerate() {
            if touched.as_ref().is_none_or(|touched| touched.inputs[which]) {
                let declared = array(name, function.routine.inputs()[which].len);
                arguments.push((name.clone(), format!("const {declared}")));
            }
        }
        for (which, name) in function.arrays.outputs.iter().enumerate() {
            if touched.as_ref().is_none_or(|touched| touched.outputs[which]) {
                let alone = function.arrays.alone[which];
                let len = if alone { 0 } else { function.routine.outputs()[which].len };
                arguments.push((name.clone(), array(name, len)));
            }
        }
        let workspace = function.routine.workspace();
        if workspace > 0 && touched.as_ref().is_none_or(|touched| touched.workspace) {
            arguments.push(("work".to_owned(), array("work", workspace)));
        }
        arguments
    }

    fn listed<F: ProgramScalar>(&self, function: &Function<F>, part: Option<usize>) -> String {
        let arguments = self.arguments(function, part);
        if arguments.is_empty() {
            return "void".to_owned();
        }
        arguments.into_iter().map(|(_, declared)| declared).collect::<Vec<_>>().join(", ")
    }

    fn function<F: ProgramScalar>(&mut self, function: &Function<F>, text: &mut String) -> Result<(), Error> {
        let Function { name, routine, arrays, .. } = function;
        tables(function, text);
        let parts = routine.parts().len();
        let mut calls = Vec::new();
        for part in 0..if parts == 1 { 0 } else { parts } {
            calls.push(self.part(function, part, text)?);
        }
        *text += &words(function);
        let _ = writeln!(text, "int {name}({}) {{", self.listed(function, None));
        let touched: Vec<_> = (0..parts).map(|part| function.touched(part)).collect();
        let unread = |array: usize| !touched.iter().any(|touched| touched.inputs[array]);
        let unwritten = |array: usize| !touched.iter().any(|touched| touched.outputs[array]);
        let inputs = arrays.inputs.iter().enumerate().filter(|(array, _)| unread(*array));
        let outputs = arrays.outputs.iter().enumerate().filter(|(array, _)| unwritten(*array));
        for (_, name) in inputs.chain(outputs) {
            let _ = writeln!(text, "    (void){name};");
        }
        let lines = if parts == 1 { statements(routine, 0, arrays, &mut Body { c: self })? } else { calls };
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        self.requirements(function, text);
        *text += "    return 0;\n}\n";
        Ok(())
    }

    /// Writes a part as a function, and returns the line that calls it.
    fn part<F: ProgramScalar>(
        &mut self,
        function: &Function<F>,
        part: usize,
        text: &mut String,
    ) -> Result<String, Error> {
        let Function { name, routine, arrays, .. } = function;
        let refuses = routine.parts()[part].iter().any(super::Statement::may_refuse);
        let (number, count) = (part + 1, routine.parts().len());
        let result = if refuses { "int" } else { "void" };
        let _ = write!(
            text,
            "// Part {number} of {count} of {name}.\nDT_PART {result} {name}_part_{number}({}) {{\n",
            self.listed(function, Some(part))
        );
        for line in statements(routine, part, arrays, &mut Body { c: self })? {
            let _ = writeln!(text, "{line}");
        }
        *text += if refuses { "    return 0;\n}\n\n" } else { "}\n\n" };
        let passed: Vec<String> =
            self.arguments(function, Some(part)).into_iter().map(|(name, _)| name).collect();
        let call = format!("{name}_part_{number}({})", passed.join(", "));
        Ok(if refuses {
            format!(
                "    {{\n        const int refused = {call};\n        if (refused) return refused;\n    }}"
            )
        } else {
            format!("    {call};")
        })
    }

    fn requirements<F: ProgramScalar>(&mut self, function: &Function<F>, text: &mut String) {
        for (array, name) in function.routine.outputs().iter().zip(&function.arrays.outputs) {
            let helper = match array.required {
                Requirement::Anything => continue,
                Requirement::NotNan => "no_nan",
                Requirement::Finite => "finite",
            };
            self.helpers.insert(helper);
            let _ = writeln!(text, "    if (!dt_{helper}({name}, {})) return 2;", array.len);
        }
    }
}

/// The positions of the entries of a sparse matrix.
fn tables<F: ProgramScalar>(function: &Function<F>, text: &mut String) {
    let Some(pattern) = &function.pattern else { return };
    let entries: Vec<(usize, usize)> = pattern.entries().collect();
    let rows: Vec<String> = entries.iter().map(|(row, _)| row.to_string()).collect();
    let columns: Vec<String> = entries.iter().map(|(_, column)| column.to_string()).collect();
    for (what, which, numbers) in [("row", "rows", rows), ("column", "columns", columns)] {
        let _ = writeln!(text, "// The {what} of each entry of {}.", function.name);
        let len = numbers.len().max(1);
        let _ = writeln!(text, "extern const size_t {}_{which}[{len}];", function.name);
        let _ = writeln!(text, "const size_t {}_{which}[{len}] = {{", function.name);
        for line in if numbers.is_empty() { vec!["0".to_owned()] } else { numbers }.chunks(16) {
            let _ = writeln!(text, "    {},", line.join(", "));
        }
        *text += "};\n\n";
    }
}

/// The language within a function.
struct Body<'a> {
    c: &'a mut C,
}

impl<F: ProgramScalar> Language<F> for Body<'_> {
    fn literal(&self, number: F) -> Term {
        let suffix = if self.c.type_name == "float" { "f" } else { "" };
        let text = if number.is_nan() {
            "NAN".to_owned()
        } else if number.is_infinite() {
            format!("{}INFINITY", if number > F::zero() { "" } else { "-" })
        } else {
            format!("{number:?}{suffix}")
        };
        let binding = if text.starts_with('-') { Binding::Sign } else { Binding::Tight };
        Term::number(text, binding)
    }

    fn apply(&mut self, op: Op, operands: &[Term]) -> Result<Term, Error> {
        if let Op::Select = op {
            let predicate = match operands[0].kind {
                Kind::Truth => operands[0].within(Binding::Loose),
                _ => format!("{} != 0", operands[0].within(Binding::Sum)),
            };
            let [then, otherwise] =
                [&operands[1], &operands[2]].map(|term| self.c.number(term).within(Binding::Sum));
            return Ok(Term::number(format!("{predicate} ? {then} : {otherwise}"), Binding::Loose));
        }
        let operands: Vec<Term> = operands.iter().map(|term| self.c.number(term)).collect();
        let operands: Vec<&Term> = operands.iter().collect();
        if let Op::Compare(relation) = op {
            let [a, b] = [operands[0], operands[1]].map(|term| term.within(Binding::Sum));
            let text = format!("{a} {} {b}", relation.sign());
            return Ok(Term { text, binding: Binding::Loose, kind: Kind::Truth });
        }
        self.c.operation(op, &operands)
    }

    fn norm(&mut self, terms: &[Term]) -> Term {
        self.c.helpers.insert("norm");
        let count = terms.len();
        let terms: Vec<String> = terms.iter().map(|term| self.c.number(term).text).collect();
        let text = format!("dt_norm((const {}[]){{{}}}, {count})", self.c.type_name, terms.join(", "));
        Term::number(text, Binding::Tight)
    }

    fn names_truths(&self) -> bool {
        true
    }

    fn define(&self, name: &str, is: &Term) -> String {
        let kind = if is.kind == Kind::Truth { "int" } else { self.c.type_name };
        format!("const {kind} {name} = {};", is.text)
    }

    fn define_variable(&self, name: &str, is: &Term) -> String {
        format!("{} {name} = {};", self.c.type_name, self.c.number(is).text)
    }

    fn replace(&self, names: &[String], by: &[Term]) -> Vec<String> {
        let by: Vec<String> = by.iter().map(|term| self.c.number(term).text).collect();
        if let ([name], [by]) = (names, &by[..]) {
            return vec![format!("{name} = {by};")];
        }
        let next =
            names.iter().zip(&by).map(|(name, by)| format!("const {} next_{name} = {by};", self.c.type_name));
        next.chain(names.iter().map(|name| format!("{name} = next_{name};"))).collect()
    }

    fn store(&self, to: &str, is: &Term) -> String {
        format!("{to} = {};", self.c.number(is).text)
    }

    fn store_alone(&self, name: &str, is: &Term) -> String {
        format!("*{name} = {};", self.c.number(is).text)
    }

    fn open_loop(&self, turns: usize, backwards: bool, _: bool) -> String {
        if backwards {
            format!("for (size_t turn = {turns}; turn-- > 0;) {{")
        } else {
            format!("for (size_t turn = 0; turn < {turns}; ++turn) {{")
        }
    }

    fn check(&mut self, check: &Check<F>, operands: &[Term]) -> String {
        let operands: Vec<Term> = operands.iter().map(|term| self.c.number(term)).collect();
        let relation = |sign: &str, outcome: bool| {
            let [a, b] = [&operands[0], &operands[1]].map(|term| term.within(Binding::Sum));
            if outcome { format!("!({a} {sign} {b})") } else { format!("{a} {sign} {b}") }
        };
        let unless = |holds: bool, text: String| if holds { format!("!{text}") } else { text };
        let x = || operands[0].text.clone();
        let (broken, why) = match *check {
            Check::NotNan(_) => (format!("isnan({})", x()), 2),
            Check::Ordered(_) => (relation("<=", true), 1),
            Check::Relation { relation: which, outcome, .. } => (relation(which.sign(), outcome), 1),
            Check::Property { property, outcome, .. } => {
                let x = x();
                let text = match property {
                    Property::Nan => format!("isnan({x})"),
                    Property::Infinite => format!("isinf({x})"),
                    Property::Finite => format!("isfinite({x})"),
                    Property::Normal => format!("isnormal({x})"),
                    Property::Subnormal => format!("(fpclassify({x}) == FP_SUBNORMAL)"),
                    Property::Positive => format!("(signbit({x}) == 0)"),
                    Property::Negative => format!("(signbit({x}) != 0)"),
                };
                (unless(outcome, text), 1)
            }
            Check::Same { number, .. } if number.is_nan() => (format!("!isnan({})", x()), 1),
            Check::Same { number, .. } => {
                let literal = Language::<F>::literal(self, number).text;
                self.c.helpers.insert("same");
                (format!("!dt_same({}, {literal})", x()), 1)
            }
        };
        format!("if ({broken}) return {why};")
    }
}
