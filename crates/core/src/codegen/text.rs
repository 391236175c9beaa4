//! What Rust and C have in common: expressions with as few brackets as possible, names, statements in blocks.

use super::{Check, Expression, Loop, Memory, Place, Routine, Statement, Value};
use crate::rules::Op;
use crate::{Error, ProgramScalar};
use std::fmt::Write;

/// A longer expression gets a name.
const LONGEST: usize = 60;

/// The precedence of the outermost operator of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    /// A choice or a comparison.
    Loose,
    Sum,
    Product,
    Sign,
    /// A name, a number, a call.
    Tight,
}

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A literal whose type the language does not know.
    Literal,
    Number,
    Truth,
}

/// An expression as text.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) text: String,
    pub(super) binding: Binding,
    pub(super) kind: Kind,
}

impl Term {
    pub(super) fn number(text: impl Into<String>, binding: Binding) -> Self {
        Self { text: text.into(), binding, kind: Kind::Number }
    }

    /// The text as an operand, with brackets if its operator has a lower precedence than needed.
    pub(super) fn within(&self, least: Binding) -> String {
        if self.binding >= least { self.text.clone() } else { format!("({})", self.text) }
    }
}

/// Two operands with an operator between them.
pub(super) fn infix(sign: &str, binding: Binding, [a, b]: [&Term; 2]) -> Term {
    // On the right of an operator, an operator of equal precedence needs brackets: a − (b − c).
    let right = if binding == Binding::Sum { Binding::Product } else { Binding::Sign };
    Term::number(format!("{} {sign} {}", a.within(binding), b.within(right)), binding)
}

/// A call of a function.
pub(super) fn call(name: &str, operands: &[&Term]) -> Term {
    let operands: Vec<&str> = operands.iter().map(|term| term.text.as_str()).collect();
    Term::number(format!("{name}({})", operands.join(", ")), Binding::Tight)
}

/// How a language writes statements and expressions.
pub(super) trait Language<F> {
    /// The name of a value in an expression.
    fn leaf(&self, name: String) -> String {
        name
    }

    fn literal(&self, number: F) -> Term;

    /// An operation; an operation that the language does not have is an error.
    fn apply(&mut self, op: Op, operands: &[Term]) -> Result<Term, Error>;

    fn norm(&mut self, terms: &[Term]) -> Term;

    /// Whether a named comparison is a truth value, and not a number.
    fn names_truths(&self) -> bool;

    fn define(&self, name: &str, is: &Term) -> String;

    /// A value that is replaced later.
    fn define_variable(&self, name: &str, is: &Term) -> String;

    /// Replaces some at once.
    fn replace(&self, names: &[String], by: &[Term]) -> Vec<String>;

    fn store(&self, to: &str, is: &Term) -> String;

    /// How a single output number is written.
    fn store_alone(&self, name: &str, is: &Term) -> String;

    /// `counted` states whether the number of the turn is read.
    fn open_loop(&self, turns: usize, backwards: bool, counted: bool) -> String;

    /// Refuses unless a condition on values holds.
    fn check(&mut self, check: &Check<F>, operands: &[Term]) -> String;
}

/// The names of inputs and outputs, in the order of the routine.
pub(super) struct Arrays {
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    /// Whether an output is one number with a name, and not an array.
    pub(super) alone: Vec<bool>,
    /// The names of the numbers of the first input, if they have names.
    pub(super) names: Vec<String>,
}

/// Writes the statements of one part, one in each line.
pub(super) fn statements<F: ProgramScalar, L: Language<F>>(
    routine: &Routine<F>,
    part: usize,
    arrays: &Arrays,
    language: &mut L,
) -> Result<Vec<String>, Error> {
    let statements = &routine.parts()[part];
    let mut uses = Uses { count: vec![0; routine.values()], block: vec![0; routine.values()], blocks: 0 };
    uses.count_block(statements);
    let mut writer = Writer {
        routine,
        arrays,
        language,
        uses,
        terms: vec![None; routine.values()],
        named: 0,
        lines: Vec::new(),
        depth: 1,
        blocks: 0,
    };
    // Inputs with names come first, in order.
    let mut named: Vec<&Statement<F>> =
        statements.iter().filter(|&is| writer.own_name(is).is_some()).collect();
    named.sort_by_key(|statement| writer.own_name(statement));
    for statement in named {
        if let Statement::Let { value, is } = statement {
            writer.define(*value, is, 0)?;
        }
    }
    writer.block(statements, 0)?;
    Ok(writer.lines)
}

/// How often and where values are read.
struct Uses {
    count: Vec<u32>,
    /// The block of the last statement that reads it.
    block: Vec<u32>,
    blocks: u32,
}

impl Uses {
    fn count_block<F>(&mut self, statements: &[Statement<F>]) {
        let block = self.blocks;
        self.blocks += 1;
        for statement in statements {
            statement.operands(|value| self.read(value, block));
            if let Statement::Loop(Loop { carried, body, .. }) = statement {
                let inner = self.blocks;
                self.count_block(body);
                carried.iter().for_each(|carried| self.read(carried.next, inner));
            }
        }
    }

    fn read(&mut self, value: Value, block: u32) {
        self.count[value as usize] += 1;
        self.block[value as usize] = block;
    }
}

struct Writer<'a, F, L> {
    routine: &'a Routine<F>,
    arrays: &'a Arrays,
    language: &'a mut L,
    uses: Uses,
    terms: Vec<Option<Term>>,
    /// How many names were given.
    named: usize,
    lines: Vec<String>,
    depth: usize,
    blocks: u32,
}

impl<F: ProgramScalar, L: Language<F>> Writer<'_, F, L> {
    fn line(&mut self, text: &str) {
        self.lines.push(format!("{}{text}", "    ".repeat(self.depth)));
    }

    fn term(&self, value: Value) -> Term {
        self.terms[value as usize].clone().expect("values are defined before they are read")
    }

    fn terms(&self, values: &[Value]) -> Vec<Term> {
        values.iter().map(|&value| self.term(value)).collect()
    }

    fn block(&mut self, statements: &[Statement<F>], block: u32) -> Result<(), Error> {
        self.blocks += 1;
        for statement in statements {
            match statement {
                Statement::Let { value, .. } if self.terms[*value as usize].is_some() => {}
                Statement::Let { value, is } => self.define(*value, is, block)?,
                Statement::Store { to, value } => self.store(to, *value),
                Statement::Check(check) => self.check(check),
                Statement::Loop(turns) => self.turns(turns)?,
            }
        }
        Ok(())
    }

    /// The place of an input that the user named.
    fn place_of_name(&self, is: &Expression<F>) -> Option<usize> {
        match *is {
            Expression::Load(Place { memory: Memory::Input(0), stride: 0, first }) => {
                (first < self.arrays.names.len()).then_some(first)
            }
            _ => None,
        }
    }

    fn own_name(&self, statement: &Statement<F>) -> Option<usize> {
        match statement {
            Statement::Let { is, .. } => self.place_of_name(is),
            _ => None,
        }
    }

    fn define(&mut self, value: Value, is: &Expression<F>, block: u32) -> Result<(), Error> {
        let place = value as usize;
        let once = self.uses.count[place] == 1 && self.uses.block[place] == block;
        let (term, inline) = match is {
            Expression::Constant(number) => (self.language.literal(*number), true),
            Expression::Load(at) => {
                let text = self.language.leaf(self.place(at));
                // The workspace may be written before the value is read.
                (Term::number(text, Binding::Tight), once && at.memory != Memory::Workspace)
            }
            Expression::Apply(op, operands) => {
                let operands = self.terms(&operands[..op.arity()]);
                (self.language.apply(*op, &operands)?, once)
            }
            Expression::Norm(terms) => {
                let terms = self.terms(terms);
                (self.language.norm(&terms), once)
            }
        };
        let own_name = self.place_of_name(is).map(|place| self.arrays.names[place].clone());
        if own_name.is_none() && inline && term.text.len() <= LONGEST {
            self.terms[place] = Some(term);
            return Ok(());
        }
        let name = own_name.unwrap_or_else(|| {
            self.named += 1;
            format!("v{}", self.named)
        });
        let kind = match term.kind {
            Kind::Truth if self.language.names_truths() => Kind::Truth,
            _ => Kind::Number,
        };
        let line = self.language.define(&name, &term);
        self.line(&line);
        let text = self.language.leaf(name);
        self.terms[place] = Some(Term { text, binding: Binding::Tight, kind });
        Ok(())
    }

    fn store(&mut self, to: &Place, value: Value) {
        let term = self.term(value);
        let line = match to.memory {
            Memory::Output(array) if self.arrays.alone[array] => {
                self.language.store_alone(&self.arrays.outputs[array], &term)
            }
            _ => self.language.store(&self.place(to), &term),
        };
        self.line(&line);
    }

    fn place(&self, place: &Place) -> String {
        let array = match place.memory {
            Memory::Input(array) => &self.arrays.inputs[array],
            Memory::Output(array) => &self.arrays.outputs[array],
            Memory::Workspace => "work",
        };
        match (place.stride, place.first) {
            (0, first) => format!("{array}[{first}]"),
            (1, 0) => format!("{array}[turn]"),
            (1, first) => format!("{array}[turn + {first}]"),
            (stride, 0) => format!("{array}[{stride} * turn]"),
            (stride, first) => format!("{array}[{stride} * turn + {first}]"),
        }
    }

    fn check(&mut self, check: &Check<F>) {
        let mut operands = Vec::new();
        check.operands(|value| operands.push(value));
        let operands = self.terms(&operands);
        if let Check::Relation { guard, .. } | Check::Property { guard, .. } | Check::Same { guard, .. } =
            *check
        {
            let words = self.routine.guards()[guard].replace(['\n', '\r'], " ");
            self.line(&format!("// When recorded: {words}"));
        }
        let line = self.language.check(check, &operands);
        self.line(&line);
    }

    fn turns(&mut self, turns: &Loop<F>) -> Result<(), Error> {
        let Loop { turns, backwards, carried, body } = turns;
        let back = if *backwards { ", from the last to the first" } else { "" };
        self.line(&format!("// {turns} turns of a loop{back}."));
        let mut names = Vec::new();
        for carried in carried {
            self.named += 1;
            let name = format!("s{}", self.named);
            let line = self.language.define_variable(&name, &self.term(carried.start));
            self.line(&line);
            let term = Term::number(self.language.leaf(name.clone()), Binding::Tight);
            self.terms[carried.inside as usize] = Some(term.clone());
            self.terms[carried.after as usize] = Some(term);
            names.push(name);
        }
        let line = self.language.open_loop(*turns, *backwards, body.iter().any(reads_turn));
        self.line(&line);
        self.depth += 1;
        self.block(body, self.blocks)?;
        let next: Vec<Term> = carried.iter().map(|carried| self.term(carried.next)).collect();
        for line in self.language.replace(&names, &next) {
            self.line(&line);
        }
        self.depth -= 1;
        self.line("}");
        Ok(())
    }
}

/// Whether the place of a statement depends on the turn of the surrounding loop.
fn reads_turn<F>(statement: &Statement<F>) -> bool {
    match statement {
        Statement::Let { is: Expression::Load(place), .. } | Statement::Store { to: place, .. } => {
            place.stride > 0
        }
        Statement::Let { .. } | Statement::Check(_) | Statement::Loop(_) => false,
    }
}

/// A comment in lines of limited length, each with a prefix.
pub(super) fn comment(prefix: &str, text: &str) -> String {
    let mut result = String::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.len() + word.len() >= 100 {
                // Writing to a string cannot fail.
                let _ = writeln!(result, "{prefix} {line}");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(result, "{}", format!("{prefix} {line}").trim_end());
    }
    result
}

/// The error for an operation that a language has no code for.
pub(super) fn no_code(op: Op, language: &str) -> Error {
    let name = op.name();
    let reason = format!(
        "{language} has no `{name}`, and none is written for it; evaluate the program, or compile it"
    );
    Error::NotCompilable { reason }
}
