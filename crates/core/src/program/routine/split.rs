//! Divides a list of statements into parts that pass their values on through the workspace.

use super::statement::{Expression, Loop, Memory, Place, Statement, Value};

/// How a value of the outermost block is available in parts other than its own.
enum Source<F> {
    /// It is defined again where it is read: constants and inputs.
    Again(Expression<F>),
    /// It is stored in the workspace, at a place that is decided later.
    Stored(Option<usize>),
}

/// The parts, each of at most the given number of operations or one loop, and the resulting size of the workspace.
pub(super) fn split<F: Clone>(
    statements: Vec<Statement<F>>,
    values: usize,
    workspace: usize,
    operations: usize,
) -> (Vec<Vec<Statement<F>>>, usize) {
    let parts = cut(statements, operations);
    let mut workspace = workspace;
    let sources = sources(&parts, values, &mut workspace);
    // The last part in which each value is known, counted from 1.
    let mut known = vec![0; values];
    let parts = parts.into_iter().zip(1..).map(|(part, number)| hand_on(part, number, &sources, &mut known));
    (parts.collect(), workspace)
}

fn cut<F>(statements: Vec<Statement<F>>, operations: usize) -> Vec<Vec<Statement<F>>> {
    let (mut parts, mut part, mut size) = (Vec::new(), Vec::new(), 0);
    for statement in statements {
        let more = statement.operations();
        if size + more > operations && size > 0 {
            parts.push(std::mem::take(&mut part));
            size = 0;
        }
        size += more;
        part.push(statement);
    }
    parts.push(part);
    parts
}

/// The source of each value; there is none for values defined within a loop.
fn sources<F: Clone>(
    parts: &[Vec<Statement<F>>],
    values: usize,
    workspace: &mut usize,
) -> Vec<Option<Source<F>>> {
    let mut part_of = vec![u32::MAX; values];
    let mut sources: Vec<_> = std::iter::repeat_with(|| None).take(values).collect();
    for (number, part) in (0..).zip(parts) {
        for statement in part {
            match statement {
                Statement::Let { value, is } => {
                    part_of[*value as usize] = number;
                    let source = match is {
                        Expression::Constant(_)
                        | Expression::Load(Place { memory: Memory::Input(_), .. }) => {
                            Source::Again(is.clone())
                        }
                        _ => Source::Stored(None),
                    };
                    sources[*value as usize] = Some(source);
                }
                Statement::Loop(Loop { carried, .. }) => {
                    for carried in carried {
                        part_of[carried.after as usize] = number;
                        sources[carried.after as usize] = Some(Source::Stored(None));
                    }
                }
                Statement::Store { .. } | Statement::Check(_) => {}
            }
        }
    }
    for (number, part) in (0..).zip(parts) {
        all_operands(part, &mut |value| {
            let elsewhere = part_of[value as usize] != u32::MAX && part_of[value as usize] != number;
            if elsewhere && let Some(Source::Stored(place @ None)) = &mut sources[value as usize] {
                *place = Some(*workspace);
                *workspace += 1;
            }
        });
    }
    sources
}

/// Visits the values that statements read, including those within loops.
fn all_operands<F>(statements: &[Statement<F>], show: &mut impl FnMut(Value)) {
    for statement in statements {
        statement.operands(&mut *show);
        if let Statement::Loop(Loop { carried, body, .. }) = statement {
            all_operands(body, show);
            carried.iter().for_each(|carried| show(carried.next));
        }
    }
}

/// A part that loads the values it reads from others, and stores the values that others read.
fn hand_on<F: Clone>(
    part: Vec<Statement<F>>,
    number: u32,
    sources: &[Option<Source<F>>],
    known: &mut [u32],
) -> Vec<Statement<F>> {
    let in_workspace = |first| Place { memory: Memory::Workspace, first, stride: 0 };
    let mut result = Vec::with_capacity(part.len());
    for statement in part {
        all_operands(std::slice::from_ref(&statement), &mut |value| {
            let known = &mut known[value as usize];
            let Some(source) = &sources[value as usize] else { return };
            if std::mem::replace(known, number) == number {
                return;
            }
            let is = match source {
                Source::Again(is) => is.clone(),
                Source::Stored(first) => {
                    Expression::Load(in_workspace(first.expect("what others read has a place")))
                }
            };
            result.push(Statement::Let { value, is });
        });
        let (one, carried) = match &statement {
            // Constants and inputs are defined where they are read.
            Statement::Let { value, .. } if matches!(sources[*value as usize], Some(Source::Again(_))) => {
                continue;
            }
            Statement::Let { value, .. } => (Some(*value), &[][..]),
            Statement::Loop(Loop { carried, .. }) => (None, &carried[..]),
            Statement::Store { .. } | Statement::Check(_) => (None, &[][..]),
        };
        let defined: Vec<Value> =
            one.into_iter().chain(carried.iter().map(|carried| carried.after)).collect();
        result.push(statement);
        for value in defined {
            known[value as usize] = number;
            if let Some(Source::Stored(Some(first))) = sources[value as usize] {
                result.push(Statement::Store { to: in_workspace(first), value });
            }
        }
    }
    result
}
