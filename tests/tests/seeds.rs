//! The numbers printed by the five notebooks from which this project grew, or, where a notebook is
//! wrong, the correct ones.

use dualtape::{Differentiable, Float, Tape, gradient};
use dualtape_tests::close::assert_close;

/// The relative tolerance; the notebooks' numbers have 16 digits, and their sums are in a different order.
const TOLERANCE: f64 = 1e-12;

/// Named variables and two descents.
mod notebook_000 {
    use super::*;
    use dualtape::program::Graph;

    #[test]
    fn expressions_have_the_names_that_were_printed() {
        let second = Graph::record(
            |x| {
                let rest = x[2] - (x[0] + x[1]);
                rest * rest
            },
            &[2.0, 3.0, 49.0],
        );
        assert_eq!(second.unwrap().expression(&["x", "y", "a"]).unwrap(), "((a-(x+y))*(a-(x+y)))");
        let first = Graph::record(|x| (x[3] - x[2] * x[0] * x[1]).powi(2), &[2.0, 3.0, 2.0, 49.0]);
        assert_eq!(first.unwrap().expression(&["x", "y", "a", "c"]).unwrap(), "((c-((a*x)*y))**2)");
    }

    /// Ten rows of loss and gradient, as printed (the losses with two decimals).
    const ROWS: [(f64, f64); 10] = [
        (1936.00, -88.0),
        (1784.22, -84.48),
        (1644.33, -81.10079999999999),
        (1515.42, -77.856768),
        (1396.61, -74.74249728),
        (1287.12, -71.75279738879999),
        (1186.21, -68.882685493248),
        (1093.21, -66.12737807351807),
        (1007.50, -63.48228295057736),
        (928.51, -60.942991632554254),
    ];

    #[test]
    fn the_second_descent_prints_ten_rows() {
        let mut x = [2.0_f64, 3.0];
        for (row, (printed, both)) in ROWS.into_iter().enumerate() {
            let (loss, g) = gradient(|x| (49.0 - (x[0] + x[1])).powi(2), &x);
            assert!((loss - printed).abs() <= 0.005, "row {row}: {loss}");
            assert_close(&format!("row {row}"), &g, &[both, both], TOLERANCE);
            for (x, g) in x.iter_mut().zip(g) {
                *x -= 0.01 * g;
            }
        }
    }

    /// The notebook prints (−592, −222): its product uses x's value for both partials.
    #[test]
    fn the_first_descent_has_other_gradients_than_printed() {
        let f = |x: &[f64]| gradient(|x| (49.0 - x[0] * 2.0 * x[1]).powi(2), x);
        assert_eq!(f(&[2.0, 3.0]), (1369.0, vec![-444.0, -296.0]));
        let next = [2.0 + 0.0001 * 444.0, 3.0 + 0.0001 * 296.0];
        assert_close("next", &next, &[2.0444, 3.0296], TOLERANCE);
        assert_close("loss", &[f(&next).0], &[1340.4803933071153], TOLERANCE);
    }

    #[test]
    fn constants_take_no_gradient() {
        let tape = Tape::new();
        let x = tape.var(2.0);
        let constant = dualtape::Var::constant(2.0);
        let adjoints = tape.gradient(constant * x);
        assert_eq!((adjoints[x], adjoints[constant]), (2.0, 0.0));
    }
}

/// A regression with clipped gradients.
mod notebook_001 {
    use super::*;
    use dualtape_nn::{Sgd, clip};

    /// The numbers printed by the notebook, epoch by epoch: each is the true loss minus 0.001.
    const PRINTED: [f64; 44] = [
        300.1559001591283,
        285.44535907353605,
        271.2088599879437,
        257.44640290235145,
        244.15798781675892,
        231.34361473116684,
        219.00328364557475,
        207.13699455998363,
        195.74474747439248,
        184.82654238880122,
        174.38237930320975,
        164.41225821761833,
        154.91617913202657,
        145.89414204643492,
        137.34614696084307,
        129.27219387525116,
        121.67228278965922,
        114.54641370406704,
        107.8945866184748,
        101.71680153288244,
        96.01305844729002,
        90.78335736169747,
        86.02769827610484,
        81.74608119051206,
        77.93850610491918,
        74.60497301932622,
        71.74548193373316,
        69.36003284814001,
        67.44862576254674,
        66.01126067695338,
        65.04793759135987,
        64.5586565057663,
        63.731999268942545,
        63.24944218334905,
        62.42950894652532,
        61.95367586093179,
        61.1404666241081,
        60.6713575385146,
        59.864872301690916,
        59.40248721609737,
        58.60272597927365,
        58.14706489368013,
        57.3540276568564,
        56.9050905712629,
    ];

    /// The notebook takes one step for each of the 41 uses of slope and intercept, all with the same gradient.
    const USES: usize = 41;

    fn loss<D: Differentiable<Scalar = f64>>(line: &[D]) -> D {
        let points = (-20..=20).map(|x| (f64::from(x), 2.0 * f64::from(x) - 9.0));
        let squares = points.map(|(x, y)| (line[0] * x + line[1] - y).powi(2));
        squares.sum::<D>() / 41.0
    }

    #[test]
    fn the_regression_descends_as_printed_and_ends_where_it_should() {
        let mut line = [0.764340511813275, 0.2950141610814745];
        let mut sgd = Sgd::new(0.001, 0.0).unwrap();
        for epoch in 0..2000 {
            let (value, mut gradient) = gradient(|line| loss(line), &line);
            if let Some(printed) = PRINTED.get(epoch) {
                assert_close(&format!("epoch {epoch}"), &[value], &[printed + 0.001], TOLERANCE);
            }
            clip::by_value(&mut gradient, 1.0);
            for _ in 0..USES {
                sgd.step(&mut line, &gradient);
            }
        }
        assert_close("line", &line, &[1.9943405118131659, -8.999999999999597], 1e-12);
    }

    /// The notebook differentiates sine and cosine at the output, not at the input.
    #[test]
    fn sine_and_cosine_are_differentiated_at_the_input() {
        assert_close("sin", &gradient(|x| x[0].sin(), &[2.0]).1, &[-0.4161468365471424], 1e-15);
        assert_close("cos", &gradient(|x| x[0].cos(), &[2.0]).1, &[-0.9092974268256817], 1e-15);
    }
}

/// Neurons, layers, and the training of a perceptron.
mod notebook_002 {
    use super::*;
    use dualtape_nn::{Activation, Neuron, Sgd};

    /// As printed: for each neuron, its weights and then its bias.
    const PARAMETERS: [f64; 30] = [
        -1.1745984990765248,
        -1.9079705594284473,
        -1.063660778987389,
        0.11912046977656406,
        -1.6816276151023937,
        1.3902314898828079,
        -1.9071027640431564,
        -0.1895946584929257,
        -1.5856813359838235,
        0.19827130943298815,
        -0.32833234581224435,
        0.7273317367482757,
        -0.4288962787096917,
        0.09582058896184041,
        -0.7471910167898416,
        -1.3686457254791715,
        -2.020450802650164,
        0.21318803384403726,
        0.9364294046023246,
        0.6412825808785294,
        0.979869139612908,
        -0.8162891143232834,
        -1.75637302588548,
        -0.8161966498560191,
        -2.1703793279886114,
        2.085807633793719,
        0.11655715952430847,
        -0.3431429078876648,
        0.49221191638528705,
        0.5360250534255223,
    ];

    /// As printed, after each of the first steps.
    const LOSSES: [f64; 26] = [
        0.8495386963346085,
        0.8416987366473648,
        0.8331752616815645,
        0.8238924426108042,
        0.8137653515488731,
        0.802699091415806,
        0.7905879938301942,
        0.7773149798241458,
        0.762751225081122,
        0.7467563352528163,
        0.7291793210071186,
        0.7098607683136523,
        0.6886367240401775,
        0.6653449477552339,
        0.6398342882837845,
        0.6119779714141635,
        0.5816914386411618,
        0.5489549190971685,
        0.5138399855054666,
        0.4765378136824522,
        0.43738477325846337,
        0.3968787229565336,
        0.35567789153038315,
        0.3145748777526356,
        0.2744423718862616,
        0.2361547589966109,
    ];

    /// The neuron of the notebook, which adds where it should multiply.
    fn additive<D: Differentiable>(parameters: &[D], input: &[D]) -> D {
        let (weights, bias) = parameters.split_at(parameters.len() - 1);
        let sums: D = weights.iter().zip(input).map(|(&w, &x)| w + x).sum();
        (sums + bias[0]).tanh()
    }

    /// The intended neuron.
    fn product<D: Differentiable>(parameters: &[D], input: &[D]) -> D {
        let inputs = parameters.len() - 1;
        Neuron { inputs, activation: Activation::Tanh }.forward(parameters, &input[..inputs])
    }

    /// Layers of 3, 4 and 1 neurons on 2 inputs; the numbers of a sample after the second are ignored.
    fn perceptron<D: Differentiable>(
        neuron: impl Fn(&[D], &[D]) -> D,
        mut parameters: &[D],
        input: &[D],
    ) -> D {
        let mut signal = input[..2].to_vec();
        for outputs in [3, 4, 1] {
            let (own, others) = parameters.split_at(outputs * (signal.len() + 1));
            signal = own.chunks(signal.len() + 1).map(|own| neuron(own, &signal)).collect();
            parameters = others;
        }
        signal[0]
    }

    const SAMPLES: [[f64; 4]; 3] = [[2.0, 3.0, 1.0, 15.0], [1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.0, 0.0]];
    const TARGETS: [f64; 3] = [1.0, 0.0, 1.0];

    fn predictions<D: Differentiable<Scalar = f64>>(
        neuron: impl Fn(&[D], &[D]) -> D,
        parameters: &[D],
    ) -> Vec<D> {
        SAMPLES.iter().map(|x| perceptron(&neuron, parameters, &x.map(D::constant))).collect()
    }

    fn loss<D: Differentiable<Scalar = f64>>(parameters: &[D]) -> D {
        let errors = predictions(additive, parameters).into_iter().zip(TARGETS);
        errors.map(|(prediction, target)| (prediction - target).powi(2)).sum()
    }

    #[test]
    fn a_variable_used_twice_accumulates() {
        assert_eq!(gradient(|x| x[0] * x[1] + x[0], &[32.0, 2.0]), (96.0, vec![3.0, 32.0]));
        assert_eq!(gradient(|x| x[0] + x[0], &[32.0]), (64.0, vec![2.0]));
    }

    #[test]
    fn the_intended_neuron_gives_other_predictions_than_printed() {
        let expected = [-0.4084254563314837, -0.43898288695121834, -0.4582237722205817];
        assert_close("predictions", &predictions(product, &PARAMETERS), &expected, TOLERANCE);
    }

    #[test]
    fn the_additive_neuron_trains_as_printed() {
        let first = [0.9948751482727038, 0.9255864190976271, 0.9948751482727038];
        assert_close("predictions", &predictions(additive, &PARAMETERS), &first, TOLERANCE);

        let mut parameters = PARAMETERS;
        let mut sgd = Sgd::new(0.01, 0.0).unwrap();
        let (value, first) = gradient(|p| loss(p), &parameters);
        assert_close("loss", &[value], &[0.8567627474284216], TOLERANCE);
        // Layer 0, neuron 1, weight 1.
        assert_close("derivative", &[first[4]], &[0.003600700850319558], TOLERANCE);
        sgd.step(&mut parameters, &first);
        assert_close("weight", &[parameters[4]], &[-1.681663622110897], TOLERANCE);

        // Each step uses the gradient of the loss that it prints, computed before the step.
        for step in 0..100 {
            let (value, gradient) = gradient(|p| loss(p), &parameters);
            if let Some(&printed) = LOSSES.get(step) {
                assert_close(&format!("step {step}"), &[value], &[printed], TOLERANCE);
            }
            sgd.step(&mut parameters, &gradient);
        }
        assert_close("last loss", &[loss(&parameters)], &[0.004835307346619926], 1e-11);
        let last = [0.9511849156293668, 0.008335611698960703, 0.9511849156293668];
        assert_close("last predictions", &predictions(additive, &parameters), &last, 1e-11);
    }
}

/// Topological order, the chain rule by hand, a tanh neuron.
mod notebook_003 {
    use super::*;
    use dualtape::program::Graph;

    #[test]
    fn the_drawing_shows_values_with_data_and_gradient_and_operations_between() {
        let inputs = [2.0, -3.0, 10.0, -2.0];
        let graph = Graph::record(|x| (x[0] * x[1] + x[2]) * x[3], &inputs).unwrap();
        let drawing = graph.dot(&["a", "b", "c", "f"], &inputs).unwrap();
        for label in [
            "a | data 2 | grad 6",
            "b | data -3 | grad -4",
            "c | data 10 | grad -2",
            "f | data -2 | grad 4",
            "{ data -6 | grad -2 }",
            "{ data 4 | grad -2 }",
            "{ data -8 | grad 1 }",
        ] {
            assert!(drawing.contains(label), "{label} in {drawing}");
        }
        // Operations are separate nodes: two products and a sum, each with two incoming arrows and one outgoing arrow.
        assert_eq!(drawing.matches("[label=\"*\"]").count(), 2);
        assert_eq!(drawing.matches("[label=\"+\"]").count(), 1);
        assert_eq!(drawing.matches("->").count(), 9);
    }

    #[test]
    fn the_tanh_neuron_is_drawn_with_its_printed_numbers() {
        let inputs = [2.0, 0.0, -3.0, 1.0, 6.787875467865];
        let neuron = |x: &[dualtape::Traced<f64>]| (x[0] * x[2] + x[1] * x[3] + x[4]).tanh();
        let drawing =
            Graph::record(neuron, &inputs).unwrap().dot(&["x1", "x2", "w1", "w2", "b"], &inputs).unwrap();
        assert!(drawing.contains("data 0.6572 | grad 1"), "{drawing}");
        assert!(drawing.contains("data 0.7879 | grad 0.5681"), "{drawing}");
    }

    #[test]
    fn what_is_too_large_is_not_drawn() {
        let large = Graph::record(|x| (0..600).fold(x[0], |sum, _| sum.sin()), &[1.0]).unwrap();
        let refused = large.dot(&["x"], &[1.0]).unwrap_err().to_string();
        assert_eq!(refused, "the function is too large to show: more than 500 nodes; show a part of it");
        let doubling = Graph::record(|x| (0..40).fold(x[0], |sum, _| sum + sum), &[1.0]).unwrap();
        let refused = doubling.expression(&["x"]).unwrap_err().to_string();
        assert!(refused.contains("more than 100000 characters"), "{refused}");
        let unnamed = doubling.expression(&[]).unwrap_err().to_string();
        assert_eq!(unnamed, "the list of names needs 1 numbers, one for each input, not 0");
    }

    #[test]
    fn nudging_along_the_gradient_raises_the_value() {
        let f = |x: &[f64]| gradient(|x| (x[0] * x[1] + x[2]) * x[3], x);
        let x = [2.0, -3.0, 10.0, -2.0];
        let (value, gradient) = f(&x);
        assert_eq!((value, &gradient[..]), (-8.0, &[6.0, -4.0, -2.0, 4.0][..]));
        let nudged: Vec<_> = x.iter().zip(&gradient).map(|(x, g)| x + 0.01 * g).collect();
        assert_close("nudged", &[f(&nudged).0], &[-7.286496], TOLERANCE);
    }

    #[test]
    fn a_tanh_neuron_has_the_derivatives_of_the_chain_rule() {
        let tape = Tape::new();
        let [x1, x2, w1, w2, b] = [2.0, 0.0, -3.0, 1.0, 6.787875467865].map(|x| tape.var(x));
        let x1w1 = x1 * w1;
        let n = x1w1 + x2 * w2 + b;
        let o = n.tanh();
        assert_close("n, o", &[n.value(), o.value()], &[0.7878754678649997, 0.657203809653529], TOLERANCE);
        assert_close("x1w1", &[tape.gradient(o)[x1w1]], &[0.5680831525768881], TOLERANCE);
    }
}

/// Accumulation, and numerical differentiation.
mod notebook_004 {
    use super::*;

    #[test]
    fn sums_of_one_variable_count_its_uses() {
        let tape = Tape::new();
        let x = tape.var(3.0);
        let (twice, thrice) = (tape.gradient(x + x)[x], tape.gradient(x + x + x)[x]);
        assert_eq!((twice, thrice), (2.0, 3.0));
        // The results of sweeps are separate unless they are added up.
        assert_eq!(twice + thrice, 5.0);
    }

    #[test]
    fn central_differences_agree() {
        let f = |x: f64| (x * x).exp();
        let (step, at) = (1e-4, 0.5);
        let difference = (f(at + step) - f(at - step)) / (2.0 * step);
        let (_, gradient) = gradient(|x| (x[0] * x[0]).exp(), &[at]);
        assert_close("derivative", &gradient, &[difference], 1e-7);
    }
}

/// Functions of arrays, with several inputs.
#[cfg(feature = "integrations")]
mod notebook_004_arrays {
    use dualtape::integrations::ndarray::gradient;
    use ndarray::array;

    #[test]
    fn sums_of_squares_of_arrays() {
        let x = [array![2.0, 3.0], array![1.0, -1.0]];
        let (value, derivatives) = gradient(|v| (&v[0] * &v[0] + &v[1] * &v[1]).iter().sum(), &x);
        assert_eq!(value, 15.0);
        assert_eq!(derivatives, [array![4.0, 6.0], array![2.0, -2.0]]);
    }

    #[test]
    fn an_array_added_to_itself_accumulates() {
        let x = array![3.0];
        let (_, derivatives) = gradient(|v| (&v[0] + &v[0] + &v[0]).iter().sum(), &[x]);
        assert_eq!(derivatives, [array![3.0]]);
    }
}
