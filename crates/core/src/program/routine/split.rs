//! Divides a list of statements into parts that pass their values on through the workspace.

use super::statement::{Expression, Loop, Memory, Place, Statement, Value};
use rustc_hash::FxBuildHasher;
use std::collections::{HashMap, HashSet};

/// How a value is available in parts other than its own.
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
    let parts = parts.into_iter().map(|part| hand_on(part, &sources)).collect();
    (parts, workspace)
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

/// The source of each value of the outermost block, if other parts read it.
fn sources<F: Clone>(
    parts: &[Vec<Statement<F>>],
    values: usize,
    workspace: &mut usize,
) -> HashMap<Value, Source<F>, FxBuildHasher> {
    let mut part_of = vec![u32::MAX; values];
    let mut sources = HashMap::default();
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
                    sources.insert(*value, source);
                }
                Statement::Loop(Loop { carried, .. }) => {
                    for carried in carried {
                        part_of[carried.after as usize] = number;
                        sources.insert(carried.after, Source::Stored(None));
                    }
                }
                Statement::Store { .. } | Statement::Check(_) => {}
            }
        }
    }
    for (number, part) in (0..).zip(parts) {
        all_operands(part, &mut |value| {
            let elsewhere = part_of[value as usize] != u32::MAX && part_of[value as usize] != number;
            if elsewhere && let Some(Source::Stored(place @ None)) = sources.get_mut(&value) {
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
    sources: &HashMap<Value, Source<F>, FxBuildHasher>,
) -> Vec<Statement<F>> {
    let in_workspace = |first| Place { memory: Memory::Workspace, first, stride: 0 };
    let mut known: HashSet<Value, FxBuildHasher> = HashSet::default();
    let mut result = Vec::with_capacity(part.len());
    for statement in part {
        let mut missing = Vec::new();
        all_operands(std::slice::from_ref(&statement), &mut |value| {
            // Values defined within a loop have no source.
            if sources.contains_key(&value) && !known.contains(&value) && !missing.contains(&value) {
                missing.push(value);
            }
        });
        for value in missing {
            known.insert(value);
            let is = match &sources[&value] {
                Source::Again(is) => is.clone(),
                Source::Stored(first) => {
                    Expression::Load(in_workspace(first.expect("what others read has a place")))
                }
            };
            result.push(Statement::Let { value, is });
        }
        let defined: Vec<Value> = match &statement {
            Statement::Let { value, .. } => vec![*value],
            Statement::Loop(Loop { carried, .. }) => carried.iter().map(|carried| carried.after).collect(),
            Statement::Store { .. } | Statement::Check(_) => Vec::new(),
        };
        // Constants and inputs are defined where they are read.
        if let Statement::Let { value, .. } = &statement
            && matches!(sources[value], Source::Again(_))
        {
            continue;
        }
        result.push(statement);
        for value in defined {
            known.insert(value);
            if let Source::Stored(Some(first)) = sources[&value] {
                result.push(Statement::Store { to: in_workspace(first), value });
            }
        }
    }
    result
}
