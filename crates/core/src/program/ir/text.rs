//! A recorded function in readable form: as an expression, and as a drawing for Graphviz.

use super::graph::{Graph, Node, Reduction};
use super::walk;
use crate::rules::Op;
use crate::{CustomRule, Error, ProgramScalar};
use std::fmt::Write;

/// The longest expression that is written, in characters.
const LONGEST: usize = 100_000;

/// The most nodes that are drawn; a larger drawing is not readable.
const MOST_NODES: usize = 500;

impl<F: ProgramScalar> Graph<F> {
    /// The function as text, with a name for each input, and a line for each output.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there is not one name for each input, and [`Error::TooLargeToShow`] above 100 000
    /// characters: a subexpression that is used twice is written twice.
    ///
    /// ```
    /// use dualtape::{Float, program::Graph};
    /// let graph = Graph::record(|x| (x[2] - x[0] * x[1]).powi(2) + x[0].sin(), &[1.0, 2.0, 3.0])?;
    /// assert_eq!(graph.expression(&["a", "x", "c"])?, "(((c-(a*x))**2)+sin(a))");
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn expression(&self, names: &[&str]) -> Result<String, Error> {
        Error::check_length("list of names", "input", self.inputs(), names.len())?;
        let mut texts: Vec<String> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let operands: Vec<&str> =
                self.operands(node).map(|operand| texts[operand as usize].as_str()).collect();
            let length: usize = operands.iter().map(|operand| operand.len()).sum();
            if length > LONGEST {
                return Err(Error::TooLargeToShow { what: "characters", limit: LONGEST });
            }
            let text = match names.get(index) {
                Some(&name) => name.to_owned(),
                None => text(self, node, &operands),
            };
            texts.push(text);
        }
        let outputs: Vec<&str> = self.outputs.iter().map(|&output| texts[output as usize].as_str()).collect();
        Ok(outputs.join("\n"))
    }

    /// A drawing of the function at `x` in the language of Graphviz: each value with its data and its gradient, and a
    /// node for each operation. The gradient is that of the sum of the outputs.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there is not one number of `x` and one name for each input, and [`Error::TooLargeToShow`]
    /// above 500 nodes. [`Error::Rule`] where a custom rule has no value.
    ///
    /// ```
    /// use dualtape::program::Graph;
    /// let drawing = Graph::record(|x| x[0] * x[1], &[2.0, -3.0])?.dot(&["a", "b"], &[2.0, -3.0])?;
    /// assert!(drawing.contains("a | data 2 | grad -3"));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn dot(&self, names: &[&str], x: &[F]) -> Result<String, Error> {
        Error::check_length("list of names", "input", self.inputs(), names.len())?;
        Error::check_length("point", "input", self.inputs(), x.len())?;
        if self.nodes.len() > MOST_NODES {
            return Err(Error::TooLargeToShow { what: "nodes", limit: MOST_NODES });
        }
        let (values, gradients) = self.values_and_gradients(x)?;
        let mut drawing = String::from("digraph {\n    rankdir=LR;\n    node [fontname=\"sans-serif\"];\n");
        for (index, node) in self.nodes.iter().enumerate() {
            let name = names.get(index).map(|name| format!("{} | ", escaped(name))).unwrap_or_default();
            let (data, grad) = (short(values[index]), short(gradients[index]));
            // Writing to a string cannot fail.
            let _ = writeln!(
                drawing,
                "    v{index} [shape=record, label=\"{{ {name}data {data} | grad {grad} }}\"];"
            );
            if node.is_operation() {
                let _ = writeln!(
                    drawing,
                    "    o{index} [label=\"{}\"];\n    o{index} -> v{index};",
                    escaped(&sign(self, node))
                );
                for operand in self.operands(node) {
                    let _ = writeln!(drawing, "    v{operand} -> o{index};");
                }
            }
        }
        drawing.push_str("}\n");
        Ok(drawing)
    }

    /// The value of every node, and the gradient of the sum of the outputs with respect to it.
    fn values_and_gradients(&self, x: &[F]) -> Result<(Vec<F>, Vec<F>), Error> {
        let mut buffers = walk::Buffers::default();
        walk::forward(self, &mut buffers, |input| x[input])?;
        let seeds = self.outputs.iter().map(|&output| (output as usize, F::one()));
        walk::reverse::<F, true>(self, &mut buffers, seeds)?;
        Ok((buffers.values, buffers.adjoints))
    }
}

/// A node as text, given its operands.
fn text<F: ProgramScalar>(graph: &Graph<F>, node: &Node<F>, operands: &[&str]) -> String {
    let list = |operands: &[&str]| operands.join(", ");
    let products = |operands: &[&str]| -> String {
        let products: Vec<_> = operands.chunks(2).map(|pair| format!("({}*{})", pair[0], pair[1])).collect();
        products.join("+")
    };
    match *node {
        Node::Input => unreachable!("inputs have names"),
        Node::Constant(value) => value.to_string(),
        Node::Apply(Op::Neg, _) => format!("(-{})", operands[0]),
        Node::Apply(Op::Powi(n), _) => format!("({}**{n})", operands[0]),
        Node::Apply(Op::Powf, _) => format!("({}**{})", operands[0], operands[1]),
        Node::Apply(op @ (Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem | Op::Compare(_)), _) => {
            format!("({}{}{})", operands[0], op.name(), operands[1])
        }
        Node::Apply(op, _) => format!("{}({})", op.name(), list(operands)),
        Node::Reduce(Reduction::Sum, _) => format!("({})", operands.join("+")),
        Node::Reduce(Reduction::Dot, _) => format!("({})", products(operands)),
        Node::Reduce(Reduction::MultiplyAddChain, _) => {
            format!("({}+{})", operands[0], products(&operands[1..]))
        }
        // Of the value, it only matters whether it is NaN.
        Node::Reduce(Reduction::ChainRule, _) => format!("({})", products(&operands[1..])),
        Node::Reduce(reduction @ (Reduction::LogSumExp | Reduction::Norm), _) => {
            format!("{}({})", reduction.name(), list(operands))
        }
        Node::Row { .. } => {
            let (bias, others) = operands.split_last().expect("a row has a bias");
            let (x, weights) = others.split_at(others.len() / 2);
            let pairs: Vec<&str> = weights.iter().zip(x).flat_map(|(&w, &x)| [w, x]).collect();
            if pairs.is_empty() { format!("({bias})") } else { format!("({}+{bias})", products(&pairs)) }
        }
        Node::Output { call, output } => {
            let rule = &graph.calls[call as usize].rule;
            let which = if rule.outputs() > 1 { format!("[{output}]") } else { String::new() };
            format!("{}({}){which}", rule.name(), list(operands))
        }
    }
}

/// The operation of a node, for its own node in a drawing.
fn sign<F: ProgramScalar>(graph: &Graph<F>, node: &Node<F>) -> String {
    match *node {
        Node::Input | Node::Constant(_) => String::new(),
        Node::Apply(Op::Powi(n), _) => format!("**{n}"),
        Node::Apply(op, _) => op.name().to_owned(),
        Node::Reduce(reduction, _) => reduction.name().to_owned(),
        Node::Row { .. } => "affine".to_owned(),
        Node::Output { call, .. } => graph.calls[call as usize].rule.name().to_owned(),
    }
}

/// A number with as many digits as can be read in a drawing.
fn short<F: ProgramScalar>(x: F) -> String {
    let wide = x.wide();
    let rounded = (wide * 1e4).round() / 1e4;
    if rounded.is_finite() && (wide == 0.0 || (1e-3..1e6).contains(&wide.abs())) {
        rounded.to_string()
    } else if wide.is_finite() {
        format!("{wide:.4e}")
    } else {
        wide.to_string()
    }
}

/// Text with all characters escaped that have a meaning in Graphviz.
fn escaped(text: &str) -> String {
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | '|' | '<' | '>');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
