//! On random expression graphs, every mode agrees with a naive reference and with the identities between modes.

use dualtape::program::Wrt;
use dualtape::rules::Op;
use dualtape::{Differentiable, Dual, Program, gradient, hessian, jvp, vjp};
use dualtape_tests::close::assert_close;
use dualtape_tests::modes::{Function, first_order, second_order};
use proptest::prelude::*;
use std::collections::HashMap;

/// Operations whose values and derivatives stay moderate.
const OPS: [Op; 14] = [
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::Neg,
    Op::Sin,
    Op::Cos,
    Op::Tanh,
    Op::Atan,
    Op::Sigmoid,
    Op::Softplus,
    Op::Abs,
    Op::Max,
    Op::Powi(2),
    Op::Erf,
];

const INPUTS: usize = 4;

/// Instructions, each with the indices of its operands among the inputs and earlier results.
#[derive(Clone, Debug)]
struct Graph {
    instructions: Vec<(Op, Vec<usize>)>,
}

impl Graph {
    /// All values, inputs first.
    fn values<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> Vec<D> {
        let mut values = x.to_vec();
        for (op, operands) in &self.instructions {
            let operands: Vec<_> = operands.iter().map(|&i| values[i]).collect();
            values.push(op.apply(&operands));
        }
        values
    }

    /// The last three results, as several outputs.
    fn outputs<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> Vec<D> {
        let values = self.values(x);
        values[values.len() - 3..].to_vec()
    }

    /// The gradient of the sum of all results, by a sweep with a map. It takes the derivatives of single operations from
    /// dual numbers, and nothing from the tape.
    fn oracle(&self, x: &[f64]) -> Vec<f64> {
        let values = self.values(x);
        let mut adjoints: HashMap<usize, f64> = (INPUTS..values.len()).map(|i| (i, 1.0)).collect();
        for (k, (op, operands)) in self.instructions.iter().enumerate().rev() {
            let adjoint = adjoints[&(INPUTS + k)];
            for (moving, &operand) in operands.iter().enumerate() {
                let arguments: Vec<Dual<f64>> = operands
                    .iter()
                    .enumerate()
                    .map(
                        |(i, &j)| if i == moving { Dual::variable(values[j]) } else { Dual::lift(values[j]) },
                    )
                    .collect();
                *adjoints.entry(operand).or_default() += adjoint * op.apply(&arguments).derivative(0);
            }
        }
        (0..INPUTS).map(|i| adjoints.get(&i).copied().unwrap_or(0.0)).collect()
    }
}

impl Function for Graph {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        self.values(x)[INPUTS..].iter().sum()
    }
}

fn graphs() -> impl Strategy<Value = Graph> {
    let instruction = (0..OPS.len(), any::<[u32; 2]>());
    prop::collection::vec(instruction, 3..40).prop_map(|drawn| {
        let place = |(k, (op, picks)): (usize, (usize, [u32; 2]))| {
            let op = OPS[op];
            let among = (INPUTS + k) as u32;
            (op, picks[..op.arity()].iter().map(|pick| (pick % among) as usize).collect())
        };
        Graph { instructions: drawn.into_iter().enumerate().map(place).collect() }
    })
}

fn points() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-2.0..2.0, INPUTS)
}

/// Whether the graph stays in a range where modes may differ only by rounding.
fn moderate(graph: &Graph, x: &[f64]) -> bool {
    graph.values(x).iter().all(|value| value.abs() < 1e3)
}

/// Sums of many terms of different magnitudes are compared relative to the largest.
fn close_as_vectors(what: &str, a: &[f64], b: &[f64]) {
    let scale = a.iter().chain(b).fold(1.0_f64, |scale, x| scale.max(x.abs()));
    let scaled = |x: &[f64]| x.iter().map(|x| x / scale).collect::<Vec<_>>();
    assert_close(what, &scaled(a), &scaled(b), 1e-11);
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_mode_gives_the_oracles_gradient(graph in graphs(), x in points()) {
        prop_assume!(moderate(&graph, &x));
        let expected = graph.oracle(&x);
        for got in first_order(&graph, &x) {
            close_as_vectors(got.mode, &got.gradient, &expected);
            prop_assert_eq!(got.value.to_bits(), graph.call(&x).to_bits());
        }
    }

    #[test]
    fn programs_recorded_elsewhere_give_the_tapes_gradients_at_one_point_and_at_many(
        graph in graphs(),
        there in points(),
        all in prop::collection::vec(points(), 1..40),
    ) {
        prop_assume!(all.iter().all(|x| moderate(&graph, x)));
        let program = Program::record(|x| graph.call(x), &there).unwrap();
        let mut workspace = program.workspace();
        let mut values = vec![0.0; all.len()];
        let mut derivatives = vec![0.0; all.len() * INPUTS];
        program.jacobians(&mut program.batch_workspace(), &[], &all, Wrt::Data, &mut values, &mut derivatives).unwrap();
        for (k, x) in all.iter().enumerate() {
            let (value, expected) = gradient(|x| graph.call(x), x);
            let mut gradient = [0.0; INPUTS];
            let replayed = program.gradient(&mut workspace, x, &mut gradient).unwrap();
            prop_assert_eq!(replayed.to_bits(), value.to_bits());
            close_as_vectors("one point", &gradient, &expected);
            close_as_vectors("many points", &derivatives[k * INPUTS..(k + 1) * INPUTS], &expected);
            prop_assert!((values[k] - value).abs() <= 1e-12 * value.abs().max(1.0));
        }
    }

    #[test]
    fn products_with_the_jacobian_are_adjoint(
        graph in graphs(),
        x in points(),
        v in prop::collection::vec(-1.0..1.0, INPUTS),
        w in prop::collection::vec(-1.0..1.0, 3),
    ) {
        prop_assume!(moderate(&graph, &x));
        let (_, moved) = jvp(|x| graph.outputs(x), &x, &v).unwrap();
        let (_, derivatives) = vjp(|x| graph.outputs(x), &x, &w).unwrap();
        let scale = moved.iter().chain(&derivatives).fold(1.0_f64, |scale, x| scale.max(x.abs()));
        assert_close("⟨Jv, w⟩ = ⟨v, Jᵀw⟩", &[inner(&moved, &w) / scale], &[inner(&v, &derivatives) / scale], 1e-11);
    }

    #[test]
    fn jacobians_agree_row_by_row_and_column_by_column(graph in graphs(), x in points()) {
        prop_assume!(moderate(&graph, &x));
        let (values, forward) = dualtape::jacobian_forward(|x| graph.outputs(x), &x);
        let (same, reverse) = dualtape::jacobian_reverse(|x| graph.outputs(x), &x);
        prop_assert_eq!(values, same);
        close_as_vectors("Jacobian", &forward, &reverse);
        let (_, row) = gradient(|x| graph.outputs(x)[1], &x);
        close_as_vectors("row", &reverse[INPUTS..2 * INPUTS], &row);
    }

    #[test]
    fn hessians_are_symmetric_and_agree_in_every_nesting(graph in graphs(), x in points()) {
        prop_assume!(moderate(&graph, &x));
        let (_, _, all) = hessian(|x| graph.call(x), &x);
        let transposed: Vec<_> = (0..INPUTS * INPUTS).map(|k| all[k % INPUTS * INPUTS + k / INPUTS]).collect();
        close_as_vectors("symmetry", &all, &transposed);
        for got in second_order(&graph, &x) {
            close_as_vectors(got.mode, &got.hessian, &all);
        }
        let (_, _, diagonal) = dualtape::hessian_diagonal(|x| graph.call(x), &x);
        let expected: Vec<_> = (0..INPUTS).map(|i| all[i * (INPUTS + 1)]).collect();
        close_as_vectors("diagonal", &diagonal, &expected);
        let v = [0.3, -0.7, 0.2, 1.1];
        let (_, _, product) = dualtape::hvp(|x| graph.call(x), &x, &v).unwrap();
        let expected: Vec<_> = all.chunks(INPUTS).map(|row| inner(row, &v)).collect();
        close_as_vectors("product", &product, &expected);
    }
}
