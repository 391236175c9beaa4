//! What to write, and in which language.

use super::text::Arrays;
use super::{Quantity, Routine, c_file, rust_file};
use crate::sparse::Pattern;
use crate::{Error, Program, ProgramScalar};

/// Functions of more operations than this are divided into parts.
const LONGEST: usize = 1000;

/// The number of operations in a part.
const PART: usize = 500;

/// Code to be generated from a program.
///
/// The result is a file with a function for each [quantity](Quantity), which needs no other file. The code does not
/// allocate, is not unsafe, and depends only on the elementary functions of the language; in Rust, `erf`, `erfc` and
/// `ln_gamma` come from the crate `libm`, which other functions need only without the standard library. It computes the bits of
/// [`Program`].
///
/// A program with parameters and data takes both in one array, parameters first.
///
/// ```
/// use dualtape::{Float, Program};
/// use dualtape::codegen::{Quantity, Source};
///
/// let polar = Program::record(|x| [x[0] * x[1].cos(), x[0] * x[1].sin()], &[1.0_f64, 0.5])?;
/// let source = Source::new(&polar).inputs(&["radius", "angle"]).quantities(&[Quantity::Jacobian]);
/// let rust = source.rust()?;
/// assert!(rust.contains("pub fn values_and_jacobian(x: &[f64; 2], values: &mut [f64; 2], jacobian: &mut [f64; 4])"));
/// assert!(rust.contains("let radius = x[0];") && rust.contains("angle.cos()"));
/// assert!(source.c()?.contains("int values_and_jacobian(const double x[2], double values[2], double jacobian[4])"));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Source<'p, F> {
    program: &'p Program<F>,
    prefix: String,
    inputs: Vec<String>,
    quantities: Vec<Quantity>,
    no_std: bool,
    lanes: Option<usize>,
}

impl<'p, F: ProgramScalar> Source<'p, F> {
    /// Code for the values, and for the gradient or, if there are several outputs, the Jacobian.
    pub fn new(program: &'p Program<F>) -> Self {
        let derivative = if program.outputs() == 1 { Quantity::Gradient } else { Quantity::Jacobian };
        let quantities = vec![Quantity::Values, derivative];
        let inputs = Vec::new();
        Self { program, prefix: String::new(), inputs, quantities, no_std: false, lanes: None }
    }

    /// The names of the inputs in the code, parameters first. A name that the language does not accept is changed.
    #[must_use]
    pub fn inputs<S: AsRef<str>>(self, names: &[S]) -> Self {
        Self { inputs: names.iter().map(|name| name.as_ref().to_owned()).collect(), ..self }
    }

    /// The prefix of the names of all functions, followed by an underscore; by default there is none.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self }
    }

    /// The quantities to compute: a function for each, once.
    #[must_use]
    pub fn quantities(self, quantities: &[Quantity]) -> Self {
        let mut distinct = Vec::new();
        for &quantity in quantities {
            if !distinct.contains(&quantity) {
                distinct.push(quantity);
            }
        }
        Self { quantities: distinct, ..self }
    }

    /// Uses the elementary functions of the crate `libm` in Rust code, so that the code needs no standard library. On
    /// most machines they differ from those of [`Program`] in the last places.
    #[must_use]
    pub fn no_std(self) -> Self {
        Self { no_std: true, ..self }
    }

    /// Writes Rust functions of the given number of points at once: each number is an array with one element for each
    /// point, which the compiler puts into registers.
    #[must_use]
    pub fn lanes(self, lanes: usize) -> Self {
        Self { lanes: Some(lanes), ..self }
    }

    /// The file in Rust.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there are names, but not one for each input, [`Error::NotOneOutput`] for a gradient or a
    /// Hessian of several outputs, and [`Error::NotCompilable`] for anything without code: custom rules, loops that
    /// end by a condition, the derivatives of ln Γ, no quantity, no lane, a prefix that is not a name.
    pub fn rust(&self) -> Result<String, Error> {
        let dialect = rust_file::Dialect { no_std: self.no_std, lanes: self.lanes };
        if self.lanes == Some(0) {
            let reason = "functions of several points need a lane or more, not 0".to_owned();
            return Err(Error::NotCompilable { reason });
        }
        rust_file::file(&dialect, &self.functions(&rust_file::WORDS)?)
    }

    /// The file in C99. Compile it with `-ffp-contract=off`, or the bits differ.
    ///
    /// # Errors
    ///
    /// The errors of [`rust`](Self::rust); also [`Error::NotCompilable`] for several lanes, which only Rust code
    /// supports.
    pub fn c(&self) -> Result<String, Error> {
        if self.lanes.is_some() {
            let reason = "lanes are for Rust; write a loop around the function in C".to_owned();
            return Err(Error::NotCompilable { reason });
        }
        c_file::file(&self.functions(&c_file::WORDS)?)
    }

    /// The header of the file in C, for its callers: include it, or declare the functions by hand.
    ///
    /// # Errors
    ///
    /// As [`c`](Self::c).
    pub fn c_header(&self) -> Result<String, Error> {
        c_file::header(&self.functions(&c_file::WORDS)?)
    }

    fn functions(&self, words: &[&str]) -> Result<Vec<Function<F>>, Error> {
        if !self.inputs.is_empty() {
            Error::check_length("list of names", "input", self.program.inputs(), self.inputs.len())?;
        }
        if self.quantities.is_empty() {
            let reason = "there is no quantity to be computed; name one or more".to_owned();
            return Err(Error::NotCompilable { reason });
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !self.prefix.chars().all(is_name) || self.prefix.starts_with(|c: char| c.is_ascii_digit()) {
            let reason = format!(
                "`{}` cannot begin the name of a function; use letters, digits and underscores, and a letter first",
                self.prefix
            );
            return Err(Error::NotCompilable { reason });
        }
        let names = identifiers(&self.inputs, words);
        self.quantities.iter().map(|&quantity| self.function(quantity, &names)).collect()
    }

    fn function(&self, quantity: Quantity, names: &[String]) -> Result<Function<F>, Error> {
        let mut routine = Routine::new(self.program, quantity)?;
        if routine.operations() > LONGEST {
            routine = routine.split(PART);
        }
        let name = |array: &super::Array| array.name.to_owned();
        let arrays = Arrays {
            inputs: routine.inputs().iter().map(name).collect(),
            outputs: routine.outputs().iter().map(name).collect(),
            alone: routine.outputs().iter().map(|array| array.name == "value").collect(),
            names: names.to_vec(),
        };
        let name = name_of(quantity, self.program.outputs() == 1);
        let name = if self.prefix.is_empty() { name.to_owned() } else { format!("{}_{name}", self.prefix) };
        let pattern = quantity.pattern(self.program)?;
        Ok(Function { name, routine, arrays, pattern })
    }
}

/// The code of a program in Rust; [`Source`] has more options.
///
/// # Errors
///
/// The errors of [`Source::rust`].
///
/// ```
/// use dualtape::{Program, codegen};
/// let program = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
/// assert!(codegen::rust(&program)?.contains("pub fn value_and_gradient("));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn rust<F: ProgramScalar>(program: &Program<F>) -> Result<String, Error> {
    Source::new(program).rust()
}

/// The code of a program in C; [`Source`] has more options.
///
/// # Errors
///
/// The errors of [`Source::c`].
///
/// ```
/// use dualtape::{Program, codegen};
/// let program = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
/// assert!(codegen::c(&program)?.contains("int value_and_gradient("));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn c<F: ProgramScalar>(program: &Program<F>) -> Result<String, Error> {
    Source::new(program).c()
}

/// A function of a file.
pub(super) struct Function<F> {
    pub(super) name: String,
    pub(super) routine: Routine<F>,
    pub(super) arrays: Arrays,
    pub(super) pattern: Option<Pattern>,
}

fn name_of(quantity: Quantity, one_output: bool) -> &'static str {
    match (quantity, one_output) {
        (Quantity::Values, true) => "value",
        (Quantity::Values, false) => "values",
        (Quantity::Gradient, _) => "value_and_gradient",
        (Quantity::Jacobian, true) => "value_and_jacobian",
        (Quantity::Jacobian, false) => "values_and_jacobian",
        (Quantity::SparseJacobian, true) => "value_and_sparse_jacobian",
        (Quantity::SparseJacobian, false) => "values_and_sparse_jacobian",
        (Quantity::Hessian, _) => "value_gradient_and_hessian",
        (Quantity::SparseHessian, _) => "value_gradient_and_sparse_hessian",
        (Quantity::Jvp, _) => "jvp",
        (Quantity::Vjp, _) => "vjp",
        (Quantity::Hvp, _) => "hvp",
    }
}

impl<F: ProgramScalar> Function<F> {
    /// What the function computes, for its documentation.
    pub(super) fn words(&self) -> String {
        let what = match self.routine.quantity() {
            Quantity::Values if self.program_has_one_output() => "The value.",
            Quantity::Values => "The values of all outputs.",
            Quantity::Gradient => "The value and the gradient.",
            Quantity::Jacobian => "The outputs and the Jacobian: row after row, a row for each output.",
            Quantity::SparseJacobian => {
                "The outputs and the entries of the Jacobian that may be other than zero, row after row; the tables of the \
                 same name say where they are."
            }
            Quantity::Hessian => "The value, the gradient and the Hessian, row after row.",
            Quantity::SparseHessian => {
                "The value, the gradient and the entries of the Hessian that may be other than zero, row after row; the \
                 tables of the same name say where they are."
            }
            Quantity::Jvp => "The outputs, and the Jacobian times a tangent.",
            Quantity::Vjp => "The outputs, and a cotangent times the Jacobian.",
            Quantity::Hvp => "The value, the gradient, and the Hessian times a direction.",
        };
        let mut words = what.to_owned();
        if !self.arrays.names.is_empty() {
            words += &format!("\n\n`x` holds {}.", self.arrays.names.join(", "));
        }
        if self.routine.workspace() > 0 {
            words += "\n\n`work` is scratch memory: what it holds before does not matter, nor after.";
        }
        words
    }

    fn program_has_one_output(&self) -> bool {
        self.arrays.alone.contains(&true)
    }

    /// Which arrays a part reads or writes: inputs, outputs, the workspace.
    pub(super) fn touched(&self, part: usize) -> Touched {
        let mut touched = Touched {
            inputs: vec![false; self.arrays.inputs.len()],
            outputs: vec![false; self.arrays.outputs.len()],
            workspace: false,
        };
        touched.look(&self.routine.parts()[part]);
        touched
    }
}

/// The arrays that a part needs.
pub(super) struct Touched {
    pub(super) inputs: Vec<bool>,
    pub(super) outputs: Vec<bool>,
    pub(super) workspace: bool,
}

impl Touched {
    fn look<F>(&mut self, statements: &[super::Statement<F>]) {
        use super::{Expression, Memory, Statement};
        for statement in statements {
            match statement {
                Statement::Let { is: Expression::Load(place), .. } | Statement::Store { to: place, .. } => {
                    match place.memory {
                        Memory::Input(array) => self.inputs[array] = true,
                        Memory::Output(array) => self.outputs[array] = true,
                        Memory::Workspace => self.workspace = true,
                    }
                }
                Statement::Loop(turns) => self.look(&turns.body),
                Statement::Let { .. } | Statement::Check(_) => {}
            }
        }
    }
}

/// Names that a language accepts: letters, digits and underscores, no keywords, no repetitions.
fn identifiers(names: &[String], words: &[&str]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let mut text: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let is_own = |text: &str| {
            let numbered = |first: char| {
                text.strip_prefix(first).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
            };
            let begins = ["dt_", "next_", "_"].iter().any(|start| text.starts_with(start));
            words.contains(&text) || OWN.contains(&text) || numbered('v') || numbered('s') || begins
        };
        if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || is_own(&text) {
            text = format!("in_{text}");
        }
        let first = text.clone();
        let mut number = 1;
        while taken.contains(&text) {
            number += 1;
            text = format!("{first}_{number}");
        }
        taken.push(text);
    }
    taken
}

/// Names that the code itself uses, in either language.
const OWN: [&str; 38] = [
    "x",
    "i",
    "turn",
    "work",
    "value",
    "values",
    "gradient",
    "jacobian",
    "hessian",
    "product",
    "tangent",
    "cotangent",
    "direction",
    "refused",
    "finite",
    "no_nan",
    "sigmoid",
    "relu",
    "softplus",
    "abs_sub",
    "clamp",
    "norm",
    "powi",
    "div_euclid",
    "rem_euclid",
    "lanes",
    "libm",
    "core",
    "Ok",
    "Err",
    "Some",
    "None",
    "Refusal",
    "LANES",
    "NAN",
    "INFINITY",
    "EOF",
    "NULL",
];
