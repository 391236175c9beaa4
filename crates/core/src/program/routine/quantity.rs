//! The quantities of a program that can be computed, and the graphs that compute them.

use super::statement::{Array, Requirement};
use crate::program::ir::graph::Graph;
use crate::program::transform::derivative::{self, Inputs, Transformed};
use crate::program::transform::optimize;
use crate::program::transform::products::{Product, Seeds, products};
use crate::program::transform::speculate::speculate;
use crate::program::{Program, Wrt};
use crate::sparse::Pattern;
use crate::{Error, ProgramScalar};

/// A quantity of a program at one point. The inputs are the parameters, followed by the data; derivatives are with
/// respect to all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// All outputs.
    Values,
    /// The value and the gradient of one output.
    Gradient,
    /// The outputs and the Jacobian, row after row.
    Jacobian,
    /// The outputs and the entries of the Jacobian in the order of
    /// [`jacobian_pattern`](Program::jacobian_pattern).
    SparseJacobian,
    /// The value, the gradient and the Hessian, row after row, of one output.
    Hessian,
    /// The value, the gradient and the entries of the Hessian in the order of
    /// [`hessian_pattern`](Program::hessian_pattern), of one output.
    SparseHessian,
    /// The outputs, and the Jacobian times a tangent.
    Jvp,
    /// The outputs, and a cotangent times the Jacobian.
    Vjp,
    /// The value, the gradient, and the Hessian times a direction, of one output.
    Hvp,
}

impl Quantity {
    /// Every quantity.
    ///
    /// ```
    /// use dualtape::codegen::Quantity;
    /// assert_eq!(Quantity::ALL.len(), 9);
    /// ```
    pub const ALL: [Self; 9] = [
        Self::Values,
        Self::Gradient,
        Self::Jacobian,
        Self::SparseJacobian,
        Self::Hessian,
        Self::SparseHessian,
        Self::Jvp,
        Self::Vjp,
        Self::Hvp,
    ];

    /// Whether it is for programs of one output only.
    ///
    /// ```
    /// use dualtape::codegen::Quantity;
    /// assert!(Quantity::Gradient.is_of_one_output() && !Quantity::Jacobian.is_of_one_output());
    /// ```
    pub fn is_of_one_output(self) -> bool {
        matches!(self, Self::Gradient | Self::Hessian | Self::SparseHessian | Self::Hvp)
    }

    /// The positions of the entries of a sparse matrix that it computes.
    ///
    /// # Errors
    ///
    /// The errors of [`jacobian_pattern`](Program::jacobian_pattern) and
    /// [`hessian_pattern`](Program::hessian_pattern).
    ///
    /// ```
    /// use dualtape::{Program, codegen::Quantity};
    /// let program = Program::record(|x| [x[0] * x[1], x[1] * x[1]], &[1.0_f64; 2])?;
    /// let pattern = Quantity::SparseJacobian.pattern(&program)?.expect("it is sparse");
    /// assert_eq!(pattern.len(), 3);
    /// assert!(Quantity::Jacobian.pattern(&program)?.is_none());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn pattern<F: ProgramScalar>(self, program: &Program<F>) -> Result<Option<Pattern>, Error> {
        match self {
            Self::SparseJacobian => program.jacobian_pattern(Wrt::Both).map(Some),
            Self::SparseHessian => program.hessian_pattern(Wrt::Both).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn of<F: ProgramScalar>(self, program: &Program<F>) -> Result<Function<F>, Error> {
        if self.is_of_one_output() {
            program.one_output()?;
        }
        let [inputs, outputs] = [program.inputs(), program.outputs()];
        let (function, mut watched) = (&program.graph, program.not_nan().collect::<Vec<_>>());
        let recorded = program.recorded_graph();
        let pattern = self.pattern(program)?;
        let entries = |rows: usize| match &pattern {
            Some(pattern) => pattern.entries().collect(),
            None => {
                (0..rows).flat_map(|row| (0..inputs).map(move |column| (row, column))).collect::<Vec<_>>()
            }
        };
        let value = if outputs == 1 { "value" } else { "values" };
        let (graph, lists, along): (Graph<F>, Vec<Named>, Option<Named>) = match self {
            Self::Values => (function.clone(), vec![(value, outputs)], None),
            Self::Gradient => (derivative::gradient(function), vec![(value, 1), ("gradient", inputs)], None),
            Self::Jacobian | Self::SparseJacobian => {
                let entries = entries(outputs);
                let lists = vec![(value, outputs), ("jacobian", entries.len())];
                watched.clear();
                (with_entries(recorded, 0, &entries), lists, None)
            }
            Self::Hessian | Self::SparseHessian => {
                let entries = entries(inputs);
                let lists = vec![(value, 1), ("gradient", inputs), ("hessian", entries.len())];
                watched.clear();
                (with_entries(&derivative::gradient(recorded), 1, &entries), lists, None)
            }
            Self::Jvp => {
                let Transformed { graph, nodes } = derivative::jvp(function, &watched, Inputs::Data);
                watched = nodes;
                (graph, vec![(value, outputs), ("product", outputs)], Some(("tangent", inputs)))
            }
            Self::Vjp => {
                let all: Vec<usize> = (0..inputs).collect();
                let Transformed { graph, nodes } = derivative::vjp::<F, false>(function, &all, &watched);
                watched = nodes;
                (graph, vec![(value, outputs), ("product", inputs)], Some(("cotangent", outputs)))
            }
            Self::Hvp => {
                let gradient = derivative::gradient(function);
                let Transformed { mut graph, nodes } = derivative::jvp(&gradient, &watched, Inputs::Data);
                watched = nodes;
                // The derivative of the value is part of the gradient.
                graph.outputs.remove(1 + inputs);
                let lists = vec![(value, 1), ("gradient", inputs), ("product", inputs)];
                (graph, lists, Some(("direction", inputs)))
            }
        };
        // Derivatives use the recording with all its care, because the plain products of this graph may not be
        // finite.
        let required = match self {
            Self::Values if program.recorded.is_none() => Requirement::Anything,
            Self::Values => Requirement::NotNan,
            _ => Requirement::Finite,
        };
        let array = |(name, len)| Array { name, len, required };
        let input = |(name, len)| Array { name, len, required: Requirement::Anything };
        let signed = graph.outputs.len();
        let (graph, mut watched) = plain(graph, watched, signed);
        if required != Requirement::Anything {
            let mut is_output = vec![false; graph.nodes.len()];
            graph.outputs.iter().for_each(|&output| is_output[output as usize] = true);
            watched.retain(|&node| !is_output[node as usize]);
        }
        Ok(Function {
            graph,
            watched,
            inputs: [Some(("x", inputs)), along].into_iter().flatten().map(input).collect(),
            outputs: lists.into_iter().map(array).collect(),
        })
    }
}

/// The name of an array, and its length.
type Named = (&'static str, usize);

/// The graph of a quantity, with its inputs and outputs.
pub(super) struct Function<F> {
    pub(super) graph: Graph<F>,
    /// The nodes that must not be NaN.
    pub(super) watched: Vec<u32>,
    pub(super) inputs: Vec<Array>,
    pub(super) outputs: Vec<Array>,
}

/// The outputs of a graph, and entries of its Jacobian, by row and column; rows are counted after the given number of
/// outputs.
fn with_entries<F: ProgramScalar>(graph: &Graph<F>, before: usize, entries: &[(usize, usize)]) -> Graph<F> {
    let inputs: Vec<(usize, u32)> = (0..graph.inputs()).zip(0..).collect();
    let product = |&(row, column): &(usize, usize)| Product::Forward {
        colour: column as u32,
        row: (before + row) as u32,
    };
    let wanted: Vec<Product> = entries.iter().map(product).collect();
    products(graph, &Seeds { inputs: &inputs, outputs: &[] }, &wanted, usize::MAX)
        .expect("there is no limit but that of places")
}

/// A graph without chain rules and log-sum-exps, and without what one point does not need. The first outputs, of the
/// given number, keep the sign of a zero.
pub(super) fn plain<F: ProgramScalar>(
    mut graph: Graph<F>,
    mut watched: Vec<u32>,
    signed: usize,
) -> (Graph<F>, Vec<u32>) {
    if let Some(speculation) = speculate(&graph, &mut watched) {
        watched.extend(speculation.watched);
        graph = speculation.graph;
    }
    optimize::for_one_point(&mut graph, &mut watched, signed);
    (graph, watched)
}
