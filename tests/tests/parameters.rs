//! Structures of numbers: names, order, every driver, programs, and what is wrong with shapes.

use dualtape::parameters::{self, ProgramOf};
use dualtape::program::Rows;
use dualtape::{Differentiable, Dual, Error, Parameters, Traced, Var};
use dualtape_tests::close::assert_close;

/// A layer, possibly without a bias.
#[derive(Parameters, Clone, Debug, PartialEq)]
struct Layer<T> {
    weights: Vec<[T; 2]>,
    bias: Option<Vec<T>>,
    #[parameters(skip)]
    slope: f64,
}

/// A tuple struct, nested in a struct of bounds, a constant length and a default.
#[derive(Parameters, Clone, Debug, PartialEq)]
struct Scale<T>(T, #[parameters(skip)] &'static str, [T; 1]);

#[derive(Parameters, Clone, Debug, PartialEq)]
struct Network<T: Clone = f64, const N: usize = 2>
where
    T: Copy,
{
    layers: Vec<Layer<T>>,
    r#final: [Scale<T>; N],
    pair: (T, [[T; 2]; 1]),
}

/// Several type parameters, and a lifetime.
#[derive(Parameters, Clone, Debug, PartialEq)]
#[parameters(number = Number)]
struct Tagged<'a, Tag: Clone, Number> {
    #[parameters(skip)]
    tag: &'a Tag,
    numbers: Vec<Number>,
}

fn network() -> Network {
    let layer = |start: f64, bias: Option<Vec<f64>>| Layer {
        weights: vec![[start, start + 1.0], [start + 2.0, start + 3.0]],
        bias,
        slope: 0.5,
    };
    Network {
        layers: vec![layer(0.25, Some(vec![0.5, -0.75])), layer(-1.5, None)],
        r#final: [Scale(1.5, "first", [2.0]), Scale(-0.5, "second", [0.125])],
        pair: (0.75, [[1.25, -2.0]]),
    }
}

/// The numbers of [`network`], written out.
const NUMBERS: [f64; 17] =
    [0.25, 1.25, 2.25, 3.25, 0.5, -0.75, -1.5, -0.5, 0.5, 1.5, 1.5, 2.0, -0.5, 0.125, 0.75, 1.25, -2.0];

/// A smooth function of all numbers of a network.
fn loss<D: Differentiable<Scalar = f64>>(network: &Network<D>) -> D {
    let mut x = [D::constant(0.3), D::constant(-0.7)];
    for Layer { weights, bias, slope } in &network.layers {
        let bias = bias.clone().unwrap_or_else(|| vec![D::zero(); 2]);
        let of = |i: usize| (weights[i][0] * x[0] + weights[i][1] * x[1] + bias[i]) * *slope;
        x = [of(0).tanh(), of(1).tanh()];
    }
    let [first, second] = &network.r#final;
    let (a, [[b, c]]) = network.pair;
    (first.0 * x[0] + first.2[0] * x[1]) * a + (second.0 * b).sin() * (second.2[0] + c).exp()
}

/// The same function of the flat numbers.
fn loss_of_slice<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
    let mut x = [D::constant(0.3), D::constant(-0.7)];
    for (w, bias) in [(&p[..4], Some(&p[4..6])), (&p[6..10], None)] {
        let b = |i: usize| bias.map_or(D::zero(), |bias| bias[i]);
        x = [0, 1].map(|i| ((w[2 * i] * x[0] + w[2 * i + 1] * x[1] + b(i)) * 0.5).tanh());
    }
    (p[10] * x[0] + p[11] * x[1]) * p[14] + (p[12] * p[15]).sin() * (p[13] + p[16]).exp()
}

#[test]
fn tensors_are_named_by_fields_and_places_in_the_order_of_the_numbers() {
    let network = network();
    let named: Vec<(String, Vec<usize>)> = network.tensors();
    let expected: [(&str, &[usize]); 9] = [
        ("layers.0.weights", &[2, 2]),
        ("layers.0.bias", &[2]),
        ("layers.1.weights", &[2, 2]),
        ("final.0.0", &[]),
        ("final.0.2", &[1]),
        ("final.1.0", &[]),
        ("final.1.2", &[1]),
        ("pair.0", &[]),
        ("pair.1", &[1, 2]),
    ];
    assert_eq!(named, expected.map(|(name, shape)| (name.to_owned(), shape.to_vec())));
    assert_eq!(network.numbers(), NUMBERS);
    assert_eq!(network.number_count(), NUMBERS.len());
}

#[test]
fn shapes_of_every_container_are_those_of_the_numbers() {
    /// Checks names, shapes, the numbers, and that a structure is rebuilt from them.
    fn check<P>(structure: &P, names: &[&str], shapes: &[&[usize]], numbers: &[f64])
    where
        P: Parameters<Number = f64, With<f64> = P> + PartialEq + std::fmt::Debug,
    {
        let expected = names.iter().map(|&name| name.to_owned()).zip(shapes.iter().map(|of| of.to_vec()));
        assert_eq!(structure.tensors(), expected.collect::<Vec<_>>());
        assert_eq!(structure.numbers(), numbers);
        assert_eq!(structure.number_count(), numbers.len());
        let counted: usize = shapes.iter().map(|shape| shape.iter().product::<usize>()).sum();
        assert_eq!(counted, numbers.len());
        assert_eq!(&structure.with_numbers(numbers).unwrap(), structure);
        let halves = structure.map_numbers(&mut |x| x / 2.0);
        assert_eq!(halves.zip_numbers::<f64, f64>(&halves, |a, b| a + b).unwrap().numbers(), numbers);
    }
    let (one, two) = ([1.0, 2.0], [3.0, 4.0]);
    check(&7.0, &["parameters"], &[&[]], &[7.0]);
    check(&one, &["parameters"], &[&[2]], &one);
    check(&vec![1.0], &["parameters"], &[&[1]], &[1.0]);
    check(&Vec::<f64>::new(), &["parameters"], &[&[0]], &[]);
    check(&[0.0; 0], &["parameters"], &[&[0]], &[]);
    check(&vec![[0.0; 0]; 3], &["parameters"], &[&[3, 0]], &[]);
    check(&vec![one, two], &["parameters"], &[&[2, 2]], &[1.0, 2.0, 3.0, 4.0]);
    check(&[[one, two]], &["parameters"], &[&[1, 2, 2]], &[1.0, 2.0, 3.0, 4.0]);
    check(&vec![vec![1.0], vec![2.0, 3.0]], &["0", "1"], &[&[1], &[2]], &[1.0, 2.0, 3.0]);
    check(&[vec![1.0], vec![]], &["0", "1"], &[&[1], &[0]], &[1.0]);
    check(&Vec::<Vec<f64>>::new(), &[], &[], &[]);
    check(&Some(one), &["parameters"], &[&[2]], &one);
    check(&None::<f64>, &[], &[], &[]);
    check(&(1.0,), &["0"], &[&[]], &[1.0]);
    check(&(one, (2.0, vec![3.0])), &["0", "1.0", "1.1"], &[&[2], &[], &[1]], &[1.0, 2.0, 2.0, 3.0]);
    check(
        &(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, one),
        &["0", "1", "2", "3", "4", "5", "6", "7"],
        &[&[], &[], &[], &[], &[], &[], &[], &[2]],
        &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0],
    );
    let tag = "tag".to_owned();
    check(&Tagged { tag: &tag, numbers: vec![1.0, 2.0] }, &["numbers"], &[&[2]], &one);
}

#[test]
fn what_is_skipped_is_cloned_into_every_structure() {
    let gradient = parameters::gradient(|network| loss(network), &network()).1;
    assert_eq!([gradient.r#final[0].1, gradient.r#final[1].1], ["first", "second"]);
    assert_eq!([gradient.layers[0].slope, gradient.layers[1].slope], [0.5; 2]);
    assert!(gradient.layers[0].bias.is_some() && gradient.layers[1].bias.is_none());
}

#[test]
fn every_driver_gives_what_the_driver_of_slices_gives() {
    let network = network();
    let direction = network.map_numbers(&mut |x| (3.0 * x).cos());
    let (value, expected) = dualtape::gradient_forward(loss_of_slice, &NUMBERS);
    let (_, _, product) = dualtape::hvp(|x| loss_of_slice(x), &NUMBERS, &direction.numbers()).unwrap();
    let along: f64 = expected.iter().zip(direction.numbers()).map(|(g, d)| g * d).sum();

    let program = ProgramOf::record(loss, &network).unwrap();
    let workspace = &mut program.program().workspace();
    assert_eq!(program.value(workspace, &network, &[]), Ok(value));
    for (what, (found, gradient)) in [
        ("reverse", parameters::gradient(|network| loss(network), &network)),
        ("forward", parameters::gradient_forward(loss, &network)),
        ("program", program.gradient(workspace, &network, &[]).unwrap()),
    ] {
        assert_eq!(found, value, "{what}");
        assert_close(what, &gradient.numbers(), &expected, 1e-14);
    }

    let by_tape = parameters::hvp(|network| loss(network), &network, &direction).unwrap();
    let by_program = program.hvp(workspace, &network, &[], &direction).unwrap();
    for (what, (found, gradient, moved)) in [("hvp", by_tape), ("hvp of a program", by_program)] {
        assert_eq!(found, value, "{what}");
        assert_close(what, &gradient.numbers(), &expected, 1e-14);
        assert_close(what, &moved.numbers(), &product, 1e-13);
    }

    let (found, moved) = parameters::jvp(loss, &network, &direction).unwrap();
    assert_eq!(found, value);
    assert_close("jvp", &[moved], &[along], 1e-14);
    let (found, pulled_back) = parameters::vjp(|network| loss(network), &network, &2.0).unwrap();
    assert_eq!(found, value);
    let twice: Vec<f64> = expected.iter().map(|g| 2.0 * g).collect();
    assert_close("vjp", &pulled_back.numbers(), &twice, 1e-14);
}

#[test]
fn outputs_may_be_structures_of_their_own() {
    /// (x y₀, [x + y₁, y₀ y₁]), whose Jacobian is written out below.
    fn outputs<D: Differentiable>(&(x, [a, b]): &(D, [D; 2])) -> (D, Vec<D>) {
        (x * a, vec![x + b, a * b])
    }
    let (point, tangent, cotangent) = ((2.0, [3.0, 5.0]), (1.0, [10.0, 100.0]), (1.0, vec![10.0, 100.0]));
    let values = (6.0, vec![7.0, 15.0]);
    let pushed = (3.0 + 20.0, vec![101.0, 50.0 + 300.0]);
    let pulled_back = (3.0 + 10.0, [2.0 + 500.0, 10.0 + 300.0]);
    assert_eq!(parameters::jvp(outputs, &point, &tangent), Ok((values.clone(), pushed)));
    assert_eq!(parameters::vjp(|p| outputs(p), &point, &cotangent), Ok((values, pulled_back)));
}

#[test]
fn structures_of_duals_give_second_derivatives() {
    // x² y: forward over reverse by hand, and by hvp.
    let (point, direction) = (([3.0], 4.0), ([1.0], 10.0));
    let moving = point.zip_numbers(&direction, |x, v| Dual::<f64>::new(x, [v].into())).unwrap();
    let (_, gradient) = parameters::gradient(|(x, y)| x[0] * x[0] * *y, &moving);
    let products: Vec<f64> = gradient.numbers().iter().map(|g| g.derivative(0)).collect();
    assert_eq!(products, [68.0, 6.0]);
    let (_, _, product) = parameters::hvp(|(x, y)| x[0] * x[0] * *y, &point, &direction).unwrap();
    assert_eq!(product, ([68.0], 6.0));
}

#[test]
fn structures_without_numbers_have_derivatives_without_numbers() {
    let nothing: (Vec<f64>, Option<f64>) = (vec![], None);
    let expected = (5.0, nothing.clone());
    assert_eq!(parameters::gradient(|_| Var::constant(5.0), &nothing), expected);
    assert_eq!(parameters::gradient_forward(|_| Dual::constant(5.0), &nothing), expected);
    assert_eq!(
        parameters::jvp(|_| vec![Dual::constant(5.0)], &nothing, &nothing),
        Ok((vec![5.0], vec![0.0]))
    );
    assert_eq!(parameters::jvp(|(x, _)| x.clone(), &nothing, &nothing), Ok((vec![], vec![])));
    assert_eq!(parameters::vjp(|_| Var::constant(5.0), &nothing, &1.0), Ok(expected.clone()));
    let program = ProgramOf::record(|_| Traced::constant(5.0), &nothing).unwrap();
    assert_eq!(program.gradient(&mut program.program().workspace(), &nothing, &[]), Ok(expected));
    assert_eq!(program.tensors(), [("0".to_owned(), vec![0])]);
}

#[test]
fn batches_sum_over_data_for_one_structure() {
    // Squared misses of a line; the sums are written out.
    let line = |&(ref a, b): &([Traced<f64>; 1], Traced<f64>), x: &[Traced<f64>]| {
        let miss = a[0] * x[0] + b - x[1];
        miss * miss
    };
    let program = ProgramOf::record_with_data(line, &([0.0], 0.0), &[0.0; 2]).unwrap();
    let (points, at) = ([1.0, 3.0, 2.0, 6.0], ([2.0], 0.5));
    let rows = Rows::new(&points, 2);
    // The misses are −0.5 and −1.5.
    let workspace = &mut program.program().batch_workspace();
    let sum = program.sum_gradient(workspace, &at, &rows).unwrap();
    assert_eq!(sum, (2.5, ([-1.0 - 6.0], -1.0 - 3.0)));
    let mean = program.mean_gradient(workspace, &at, &rows).unwrap();
    assert_eq!(mean, (1.25, ([-3.5], -2.0)));
    let one = &mut program.program().workspace();
    assert_eq!(program.gradient(one, &at, &points[..2]), Ok((0.25, ([-1.0], -1.0))));
    // ∂²/∂a² = 2x², ∂²/∂a∂b = 2x, ∂²/∂b² = 2.
    let (_, _, product) = program.hvp(one, &at, &points[2..], &([1.0], 10.0)).unwrap();
    assert_eq!(product, ([8.0 + 40.0], 4.0 + 20.0));

    let length = |expected, given| Error::Length {
        what: "row of data",
        per: "datum of the recording",
        expected,
        given,
    };
    assert_eq!(program.value(one, &at, &[1.0]), Err(length(2, 1)));
    assert!(program.sum_gradient(workspace, &at, &Rows::new(&points, 4)).is_err());
}

/// A structure that differs from [`network`] in one place.
fn changed(change: impl FnOnce(&mut Network)) -> Network {
    let mut network = network();
    change(&mut network);
    network
}

#[test]
fn wrong_shapes_name_the_tensor_what_it_has_and_what_it_needs() {
    let network = network();
    let program = ProgramOf::record(loss, &network).unwrap();
    let workspace = &mut program.program().workspace();
    let cases = [
        (
            changed(|n| n.layers[0].weights.push([1.0; 2])),
            "the tensor `layers.0.weights` of the WHAT needs the shape [2, 2], not [3, 2]",
        ),
        (
            changed(|n| n.layers[0].bias = None),
            "the WHAT needs a tensor `layers.0.bias` of shape [2], and has none of that name",
        ),
        (
            changed(|n| n.layers[1].bias = Some(vec![1.0])),
            "the WHAT has a tensor `layers.1.bias` of shape [1], where no such tensor is expected",
        ),
        (
            changed(|n| n.layers.truncate(1)),
            "the WHAT needs a tensor `layers.1.weights` of shape [2, 2], and has none of that name",
        ),
        (
            changed(|n| n.layers.push(n.layers[1].clone())),
            "the WHAT has a tensor `layers.2.weights` of shape [2, 2], where no such tensor is expected",
        ),
    ];
    for (other, message) in cases {
        let problems = [
            ("direction", parameters::hvp(|n| loss(n), &network, &other).map(drop)),
            ("tangent", parameters::jvp(loss, &network, &other).map(drop)),
            ("cotangent", parameters::vjp(|n| n.clone(), &network, &other).map(drop)),
            ("other structure", network.zip_numbers(&other, |a, b: f64| a + b).map(drop)),
            ("point", program.value(workspace, &other, &[]).map(drop)),
            ("point", program.gradient(workspace, &other, &[]).map(drop)),
            ("direction", program.hvp(workspace, &network, &[], &other).map(drop)),
        ];
        for (what, problem) in problems {
            assert_eq!(problem.unwrap_err().to_string(), message.replace("WHAT", what));
        }
    }
    // As many numbers, in another shape.
    let problem = parameters::jvp(|x| x[0][0], &vec![[1.0; 2]; 3], &vec![[1.0; 2]; 2]).unwrap_err();
    let expected = Error::Tensor {
        what: "tangent",
        name: "parameters".to_owned(),
        expected: Some(vec![3, 2]),
        given: Some(vec![2, 2]),
    };
    assert_eq!(problem, expected);
    let problem = network.with_numbers(&NUMBERS[1..]).unwrap_err();
    assert_eq!(
        problem,
        Error::Length { what: "slice", per: "number of the structure", expected: 17, given: 16 }
    );
}

/// A model of the nn crate that keeps a structure of its parameters, for its shapes.
struct OwnModel(Layer<f64>);

impl dualtape_nn::Model for OwnModel {
    fn inputs(&self) -> usize {
        2
    }
    fn outputs(&self) -> usize {
        self.0.weights.len()
    }
    fn parameter_count(&self) -> usize {
        self.0.number_count()
    }
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.0.tensors()
    }
    fn forward<D: Differentiable>(&self, parameters: &[D], x: &[D]) -> Vec<D> {
        let layer = self.0.with_numbers(parameters).expect("one number for each parameter");
        let bias = layer.bias.expect("it has a bias");
        layer.weights.iter().zip(bias).map(|(row, bias)| D::dot(row, x) + bias).collect()
    }
}

#[test]
fn a_model_of_ones_own_takes_its_tensors_from_its_structure() {
    use dualtape_nn::Model;
    let model = OwnModel(network().layers[0].clone());
    let linear = dualtape_nn::Layer::linear(2, 2);
    let expected = [("weights".to_owned(), vec![2, 2]), ("bias".to_owned(), vec![2])];
    assert_eq!((model.tensors(), model.parameter_count()), (expected.to_vec(), linear.parameter_count()));
    let (parameters, x) = (model.0.numbers(), [0.3, -0.7]);
    assert_eq!(model.forward(&parameters, &x), f64::affine(&parameters[..4], &parameters[4..], &x));
}

/// Arrays of ndarray and matrices of nalgebra.
#[cfg(feature = "integrations")]
mod of_other_crates {
    use super::*;
    use dualtape::integrations::ndarray::dot;
    use nalgebra::{DMatrix, DVector, Matrix2x3, RealField, SMatrix, Vector2};
    use ndarray::{Array, Array0, Array1, Array2, Array3, ArrayD, Axis, IxDyn, ShapeBuilder, array, s};

    #[derive(Parameters, Clone, Debug, PartialEq)]
    #[parameters(number = T)]
    struct Arrays<T, D: ndarray::Dimension> {
        scale: Array0<T>,
        bias: Array1<T>,
        weights: Array2<T>,
        rest: Array<T, D>,
        inputs: Vec<Array1<T>>,
    }

    fn arrays() -> Arrays<f64, IxDyn> {
        Arrays {
            scale: Array0::from_elem((), 2.0),
            bias: array![0.5, -1.0],
            weights: array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
            rest: ArrayD::from_shape_vec(IxDyn(&[2, 1, 2]), vec![1.5, 2.5, 3.5, 4.5]).unwrap(),
            inputs: vec![array![1.0, -1.0, 2.0], array![0.0]],
        }
    }

    /// scale · Σᵢ rᵢ (W x + b)ᵢ + rest₀₀₁ · y₀, with r = (1, 10).
    fn form<D: Differentiable<Scalar = f64>>(a: &Arrays<D, IxDyn>) -> D {
        let column = a.inputs[0].view().insert_axis(Axis(1));
        let product = dot(&a.weights.view(), &column);
        let outputs = [0, 1].map(|i| product[[i, 0]] + a.bias[i]);
        a.scale[()] * (outputs[0] + outputs[1] * 10.0) + a.rest[[0, 0, 1]] * a.inputs[1][0]
    }

    #[test]
    fn arrays_of_several_ranks_have_gradients_of_their_shapes_in_every_mode() {
        let point = arrays();
        // W x + b = (5.5, 10), and the weighted sum is 105.5.
        let expected = Arrays {
            scale: Array0::from_elem((), 105.5),
            bias: array![2.0, 20.0],
            weights: array![[2.0, -2.0, 4.0], [20.0, -20.0, 40.0]],
            rest: ArrayD::zeros(IxDyn(&[2, 1, 2])),
            inputs: vec![array![2.0 + 80.0, 4.0 + 100.0, 6.0 + 120.0], array![2.5]],
        };
        let program = ProgramOf::record(form, &point).unwrap();
        let results = [
            parameters::gradient(|a| form(a), &point),
            parameters::gradient_forward(form, &point),
            program.gradient(&mut program.program().workspace(), &point, &[]).unwrap(),
        ];
        for result in results {
            assert_eq!(result, (211.0, expected.clone()));
        }
        let names: Vec<String> = point.tensors().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["scale", "bias", "weights", "rest", "inputs.0", "inputs.1"]);
        assert_eq!(point.tensors()[3].1, [2, 1, 2]);
        let problem = program.gradient(
            &mut program.program().workspace(),
            &Arrays { weights: point.weights.t().to_owned(), ..point },
            &[],
        );
        assert_eq!(
            problem.unwrap_err().to_string(),
            "the tensor `weights` of the point needs the shape [2, 3], not [3, 2]"
        );
    }

    #[test]
    fn numbers_of_an_array_are_taken_row_after_row_whatever_its_layout() {
        let by_columns = Array2::from_shape_vec((2, 3).f(), vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]).unwrap();
        let reversed = array![[6.0, 5.0, 4.0], [3.0, 2.0, 1.0]].slice_move(s![..;-1, ..;-1]);
        let every_other =
            array![[1.0, 0.0, 2.0, 0.0, 3.0], [4.0, 0.0, 5.0, 0.0, 6.0]].slice_move(s![.., ..;2]);
        for array in [by_columns, reversed, every_other] {
            assert_eq!(array.numbers(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            let doubled: Array2<f64> = array.map_numbers(&mut |x| 2.0 * x);
            assert_eq!(doubled, &array * 2.0);
            // x₀₁ x₁₀²
            let (value, gradient) = parameters::gradient(|x| x[[0, 1]] * x[[1, 0]] * x[[1, 0]], &array);
            assert_eq!((value, gradient), (32.0, array![[0.0, 16.0, 0.0], [16.0, 0.0, 0.0]]));
        }
    }

    #[test]
    fn arrays_without_elements_keep_their_shapes() {
        let empty = (Array2::<f64>::zeros((0, 3)), Array3::<f64>::zeros((2, 0, 1)), array![4.0]);
        let shapes: Vec<Vec<usize>> = empty.tensors().into_iter().map(|(_, shape)| shape).collect();
        assert_eq!(shapes, [vec![0, 3], vec![2, 0, 1], vec![1]]);
        let (value, gradient) =
            parameters::gradient(|(a, b, c)| a.iter().chain(b).chain(c).map(|&x| x * x).sum(), &empty);
        assert_eq!(value, 16.0);
        assert_eq!(gradient, (empty.0, empty.1, array![8.0]));
    }

    #[test]
    fn matrices_of_nalgebra_are_taken_row_after_row() {
        let fixed = Matrix2x3::new(1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
        let dynamic = DMatrix::from_row_slice(2, 3, fixed.transpose().as_slice());
        let vector = DVector::from_vec(vec![7.0, 8.0]);
        let structure = (fixed, dynamic, vector, Vector2::new(9.0, 10.0), DMatrix::<f64>::zeros(0, 2));
        let shapes: Vec<Vec<usize>> = structure.tensors().into_iter().map(|(_, shape)| shape).collect();
        assert_eq!(shapes, [vec![2, 3], vec![2, 3], vec![2], vec![2], vec![0, 2]]);
        let numbers = [1., 2., 3., 4., 5., 6., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10.];
        assert_eq!(structure.numbers(), numbers);
        assert_eq!(structure.with_numbers(&numbers).unwrap(), structure);
        assert_eq!(vec![structure.3; 4].tensors()[0].1, [4, 2]);
        assert_eq!(<SMatrix<f64, 2, 3>>::fixed_shape(), Some(vec![2, 3]));
    }

    #[test]
    fn products_of_nalgebra_are_differentiated_forward_and_by_programs() {
        /// xᵀ A x, whose gradient is x xᵀ and (A + Aᵀ) x.
        fn form<D: RealField + Differentiable>((a, x): &(DMatrix<D>, DVector<D>)) -> D {
            (x.transpose() * a * x)[(0, 0)]
        }
        let (a, x) =
            (DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]), DVector::from_vec(vec![1.0, 2.0]));
        let expected = (27.0, (&x * x.transpose(), (&a + a.transpose()) * &x));
        let point = (a, x);
        assert_eq!(parameters::gradient_forward(form, &point), expected);
        let program = ProgramOf::record(form, &point).unwrap();
        let by_program = program.gradient(&mut program.program().workspace(), &point, &[]);
        assert_eq!(by_program, Ok(expected));
        // A `Var` cannot be multiplied by nalgebra, but its components can be read.
        let (_, gradient) = parameters::gradient(|(a, x)| a[(0, 1)] * x[1], &point);
        assert_eq!(gradient.0, DMatrix::from_row_slice(2, 2, &[0.0, 2.0, 0.0, 0.0]));
        assert_eq!(gradient.1, DVector::from_vec(vec![0.0, 2.0]));
    }
}
