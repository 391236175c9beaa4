//! `Recording`: options for recording.

use crate::program::ir::graph::{Graph, Node};
use crate::program::ir::guard::Guard;
use crate::program::record::Traced;
use crate::program::record::outputs::Outputs;
use crate::program::record::recorder::{Recorder, Session};
use crate::rules::Op;
use crate::{Error, ProgramScalar};

/// The default limit on nodes and operands of a recording: about four gigabytes.
const DEFAULT_LIMIT: usize = 1 << 26;

/// How to record a function.
///
/// ```
/// use dualtape::{Error, Float, Traced, program::Recording};
/// let endless = |_: &[_], x: &[Traced<f64>]| (0..1000).fold(x[0], |sum, i| sum.sin() + f64::from(i));
/// let refused = Recording::new().limit(100).program(endless, &[], &[1.0]);
/// assert_eq!(refused.unwrap_err(), Error::TooLarge { limit: 100 });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Recording {
    limit: usize,
    equalities: bool,
}

impl Default for Recording {
    fn default() -> Self {
        Self::new()
    }
}

impl Recording {
    /// The default options: at most 2²⁶ nodes and operands, about four gigabytes, and no equalities between numbers
    /// with derivatives.
    ///
    /// ```
    /// use dualtape::program::Recording;
    /// let program = Recording::new().program(|_, x| x[0] * x[0], &[], &[1.0_f64])?;
    /// assert_eq!(program.value(&mut program.workspace(), &[3.0])?, 9.0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new() -> Self {
        Self { limit: DEFAULT_LIMIT, equalities: false }
    }

    /// Sets the largest number of nodes and operands.
    ///
    /// ```
    /// use dualtape::program::Recording;
    /// assert!(Recording::new().limit(2).graph(|_, x| x[0] * x[1], &[], &[1.0_f64, 2.0]).is_err());
    /// ```
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Keeps an equality (`==`) that holds between numbers, one of which has derivatives, as a guard like other
    /// comparisons, instead of returning an error. The function is then differentiated along the side for equal
    /// numbers.
    ///
    /// The numbers with derivatives are the parameters and all that depends on them; if there are no parameters, all
    /// inputs and all that depends on them.
    ///
    /// ```
    /// use dualtape::{Error, Program, program::Recording};
    /// // Right: the product is 0 along this line.
    /// let f = |x: &[dualtape::Traced<f64>]| if x[0] == 0.0.into() { x[0] } else { x[0] * x[1] };
    /// let refused = Program::record(f, &[0.0, 2.0]).unwrap_err();
    /// assert!(matches!(refused, Error::EqualityHeld { .. }), "{refused}");
    /// let allowed = Recording::new().allow_equalities().program(|_, x| f(x), &[], &[0.0, 2.0])?;
    /// assert_eq!(allowed.guards(), 1);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn allow_equalities(self) -> Self {
        Self { equalities: true, ..self }
    }

    /// Records a function of parameters and data; see [`Graph::record_with_data`].
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] above the limit, and [`Error::EqualityHeld`] unless equalities are allowed.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::program::Recording;
    /// let graph = Recording::new().graph(|p, x| p[0] * x[0], &[1.0], &[1.0_f64])?;
    /// assert_eq!(graph.len(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn graph<F: ProgramScalar, O: Outputs<F>>(
        self,
        f: impl FnOnce(&[Traced<F>], &[Traced<F>]) -> O,
        parameters: &[F],
        data: &[F],
    ) -> Result<Graph<F>, Error> {
        let limit = self.limit;
        let inputs = parameters.len() + data.len();
        if inputs > limit.min(u32::MAX as usize - 1) {
            return Err(Error::TooLarge { limit });
        }
        let session = Session::begin(Recorder::new(parameters.len(), data.len(), limit));
        let inputs: Vec<_> =
            parameters.iter().chain(data).zip(0..).map(|(&x, index)| session.number(x, index)).collect();
        let (parameters, data) = inputs.split_at(parameters.len());
        let mut outputs = Vec::new();
        f(parameters, data).append_to(&mut outputs);
        let graph = session.finish(&outputs)?;
        match equality_held(&graph) {
            Some(guard) if !self.equalities => Err(Error::EqualityHeld { guard: guard.words() }),
            _ => Ok(graph),
        }
    }
}

impl<F: ProgramScalar> Graph<F> {
    /// Records a function of `x`, which returns one output or several (an array or a vector of them).
    ///
    /// The function runs once, at `x`. If it branches, the graph holds the side taken, and a guard.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] above 2²⁶ nodes and operands, and [`Error::EqualityHeld`] if two numbers with derivatives
    /// were equal; see [`Recording`] for both.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::{Program, program::Graph};
    /// let graph = Graph::record(|x| [x[0] * x[1], x[0] + x[1]], &[1.0_f64, 2.0])?;
    /// assert_eq!(graph.expression(&["a", "b"])?, "(a*b)\n(a+b)"); // a line for each output
    /// assert_eq!(Program::from(graph).outputs(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn record<O: Outputs<F>>(f: impl FnOnce(&[Traced<F>]) -> O, x: &[F]) -> Result<Self, Error> {
        Recording::new().graph(|_, x| f(x), &[], x)
    }

    /// Records a function of parameters, the same at every point, and data, different at each. The graph's
    /// inputs are the parameters followed by the data.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] above 2²⁶ nodes and operands, and [`Error::EqualityHeld`] if two numbers with derivatives
    /// were equal; see [`Recording`] for both.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::program::Graph;
    /// let line = Graph::record_with_data(|line, x| line[0] * x[0] + line[1], &[1.0; 2], &[1.0_f64])?;
    /// assert_eq!(line.expression(&["derivative", "offset", "x"])?, "((derivative*x)+offset)");
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn record_with_data<O: Outputs<F>>(
        f: impl FnOnce(&[Traced<F>], &[Traced<F>]) -> O,
        parameters: &[F],
        data: &[F],
    ) -> Result<Self, Error> {
        Recording::new().graph(f, parameters, data)
    }
}

/// The first equality that held although one side has derivatives.
fn equality_held<F: ProgramScalar>(graph: &Graph<F>) -> Option<&Guard<F>> {
    let mut held = graph.guards.iter().filter(|guard| guard.is_equality_held()).peekable();
    held.peek()?;
    let moves = moves(graph);
    held.find(|guard| guard.operands().any(|place| moves[place as usize]))
}

/// Which nodes depend on the parameters, or if there are none, on the inputs.
fn moves<F: ProgramScalar>(graph: &Graph<F>) -> Vec<bool> {
    let moving_inputs = if graph.parameters > 0 { graph.parameters } else { graph.data };
    let mut moves = Vec::with_capacity(graph.nodes.len());
    for (index, node) in graph.nodes.iter().enumerate() {
        let moved = match *node {
            Node::Input => index < moving_inputs,
            Node::Apply(op, _) if op.is_flat() => false,
            Node::Apply(Op::Select, [_, then, otherwise]) => {
                moves[then as usize] || moves[otherwise as usize]
            }
            _ => graph.operands(node).any(|operand| moves[operand as usize]),
        };
        moves.push(moved);
    }
    moves
}
