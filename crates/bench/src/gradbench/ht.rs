//! `ht`: hand tracking. How far measured points lie from a hand that is posed by its joints' angles.
//!
//! Bones carry the vertices of a skin, each by its weight. In the complicated form, a measured point belongs
//! to a place inside a triangle of vertices, and that place may move, too.

use super::measure::{Clock, Failure, Reply, check, flatten, parse};
use dualtape::typenum::U14;
use dualtape::{Differentiable, Forward};
use serde::Deserialize;
use serde_json::Value;

type Matrix<D, const N: usize> = [[D; N]; N];

#[derive(Deserialize)]
struct Input {
    /// Rotation (3) and translation (3) of the hand, then four angles for each finger.
    theta: Vec<f64>,
    data: Data,
    /// For each measured point its place in the triangle; none in the simple form.
    us: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Data {
    model: Model,
    /// For each measured point, its vertex, or in the complicated form, its triangle.
    correspondences: Vec<usize>,
    points: Vec<[f64; 3]>,
}

#[derive(Deserialize)]
struct Model {
    /// Of each bone the one it hangs on, which comes before it; −1 for none.
    parents: Vec<i64>,
    base_relatives: Vec<Matrix<f64, 4>>,
    inverse_base_absolutes: Vec<Matrix<f64, 4>>,
    /// The vertices, in homogeneous coordinates.
    base_positions: Vec<[f64; 4]>,
    /// For each vertex, the weight of each bone.
    weights: Vec<Vec<f64>>,
    triangles: Vec<[usize; 3]>,
}

const THETA: usize = 26;
const FINGERS: usize = 5;
/// The first bone of the first finger; each finger has three that bend, and a tip.
const FIRST_FINGER: usize = 2;
const BONES_OF_FINGER: usize = 4;

fn product<D: Differentiable, const N: usize>(a: &Matrix<D, N>, b: &Matrix<D, N>) -> Matrix<D, N> {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| (1..N).fold(a[i][0] * b[0][j], |sum, k| sum + a[i][k] * b[k][j]))
    })
}

fn constant<D: Differentiable<Scalar = f64>, const N: usize>(matrix: &Matrix<f64, N>) -> Matrix<D, N> {
    matrix.map(|row| row.map(D::constant))
}

/// The rotation about an axis by an angle that is its length; none if that is next to nothing.
fn about_axis<D: Differentiable<Scalar = f64>>(axis: &[D]) -> Matrix<D, 3> {
    let angle = D::norm(axis);
    if angle < D::literal(1e-4) {
        return std::array::from_fn(|i| std::array::from_fn(|j| D::constant(f64::from(u8::from(i == j)))));
    }
    let [x, y, z] = [axis[0] / angle, axis[1] / angle, axis[2] / angle];
    let (sin, cos) = angle.sin_cos();
    let rest = -cos + 1.0;
    [
        [x * x + (-x * x + 1.0) * cos, x * y * rest - z * sin, x * z * rest + y * sin],
        [x * y * rest + z * sin, y * y + (-y * y + 1.0) * cos, y * z * rest - x * sin],
        [x * z * rest - y * sin, z * y * rest + x * sin, z * z + (-z * z + 1.0) * cos],
    ]
}

/// The turn of a bone by its angles about x and z, in homogeneous coordinates; it does not turn about y.
fn bend<D: Differentiable<Scalar = f64>>(about_x: D, about_z: D) -> Matrix<D, 4> {
    let ((sx, cx), (sz, cz)) = (about_x.sin_cos(), about_z.sin_cos());
    let (zero, one) = (D::zero(), D::one());
    [
        [cz, -sz * cx, sz * sx, zero],
        [sz, cz * cx, -cz * sx, zero],
        [zero, sx, cx, zero],
        [zero, zero, zero, one],
    ]
}

/// The hand, with what the measured points need of it.
struct Hand {
    model: Model,
    us: Vec<[f64; 2]>,
    correspondences: Vec<usize>,
    points: Vec<[f64; 3]>,
    /// For each vertex, the bones that have a weight on it.
    carriers: Vec<Vec<(usize, f64)>>,
}

impl Hand {
    fn new(Input { data, us, .. }: Input) -> Result<Self, Failure> {
        let Data { model, correspondences, points } = data;
        let (bones, vertices) = (model.parents.len(), model.base_positions.len());
        check("base_relatives", model.base_relatives.len(), bones)?;
        check("inverse_base_absolutes", model.inverse_base_absolutes.len(), bones)?;
        check("rows of weights", model.weights.len(), vertices)?;
        flatten("weights of a vertex", &model.weights, bones)?;
        check("measured points", points.len(), correspondences.len())?;
        if !us.is_empty() {
            check("rows of us", us.len(), points.len())?;
        }
        let earlier =
            |(bone, &parent): (usize, &i64)| parent == -1 || usize::try_from(parent).is_ok_and(|p| p < bone);
        if !model.parents.iter().enumerate().all(earlier) {
            return Err(Failure("a bone hangs on one that does not come before it".to_owned()));
        }
        let limit = if us.is_empty() { vertices } else { model.triangles.len() };
        let corners = model.triangles.iter().flatten().all(|&vertex| vertex < vertices);
        if !corners || correspondences.iter().any(|&place| place >= limit) {
            return Err(Failure("a triangle or a correspondence names what there is not".to_owned()));
        }
        let carriers =
            |weights: &Vec<f64>| weights.iter().copied().enumerate().filter(|&(_, w)| w != 0.0).collect();
        let carriers = model.weights.iter().map(carriers).collect();
        Ok(Self { model, us, correspondences, points, carriers })
    }

    /// Where each bone takes what it carries.
    fn transforms<D: Differentiable<Scalar = f64>>(&self, theta: &[D]) -> Vec<Matrix<D, 4>> {
        let Model { parents, base_relatives, inverse_base_absolutes, .. } = &self.model;
        let mut absolutes: Vec<Matrix<D, 4>> = Vec::with_capacity(parents.len());
        for (bone, (&parent, relative)) in parents.iter().zip(base_relatives).enumerate() {
            let mut relative = constant(relative);
            if let Some([about_x, about_z]) = angles(theta, bone) {
                relative = product(&relative, &bend(about_x, about_z));
            }
            absolutes.push(match usize::try_from(parent) {
                Ok(parent) => product(&absolutes[parent], &relative),
                Err(_) => relative,
            });
        }
        absolutes
            .iter()
            .zip(inverse_base_absolutes)
            .map(|(a, inverse)| product(a, &constant(inverse)))
            .collect()
    }

    /// Writes the distance of each measured point from its place on the hand, along each axis.
    ///
    /// The places in the triangles are all moved by `shift`.
    fn distances<D: Differentiable<Scalar = f64>>(&self, shift: &[D], theta: &[D], distances: &mut [D]) {
        let transforms = self.transforms(theta);
        let global = about_axis(&theta[..3]);
        let place = |vertex: usize| -> [D; 3] {
            let base = &self.model.base_positions[vertex];
            let mut posed = [D::zero(); 3];
            for &(bone, weight) in &self.carriers[vertex] {
                for (posed, row) in posed.iter_mut().zip(&transforms[bone]) {
                    let moved = (1..4).fold(row[0] * base[0], |sum, k| sum + row[k] * base[k]);
                    *posed += moved * weight;
                }
            }
            std::array::from_fn(|i| D::dot(&global[i], &posed) + theta[3 + i])
        };
        let outputs = distances.chunks_mut(3).zip(&self.points);
        for (index, ((distances, point), &correspondence)) in outputs.zip(&self.correspondences).enumerate() {
            let on_hand = match self.us.get(index) {
                None => place(correspondence),
                Some(&[u, v]) => {
                    let [a, b, c] = self.model.triangles[correspondence].map(place);
                    let (u, v) = (shift[0] + u, shift[1] + v);
                    let rest = -u - v + 1.0;
                    std::array::from_fn(|i| u * a[i] + v * b[i] + rest * c[i])
                }
            };
            for (distance, (&point, on_hand)) in distances.iter_mut().zip(point.iter().zip(on_hand)) {
                *distance = -on_hand + point;
            }
        }
    }

    fn outputs(&self) -> usize {
        3 * self.points.len()
    }

    /// The columns of the Jacobian that belong to the places in the triangles.
    fn shifts(&self) -> usize {
        if self.us.is_empty() { 0 } else { 2 }
    }
}

/// The angles of a bone about x and z, if it can bend. Of a finger's bones, only the first spreads.
fn angles<D: Differentiable>(theta: &[D], bone: usize) -> Option<[D; 2]> {
    let place = bone.checked_sub(FIRST_FINGER)?;
    let (finger, joint) = (place / BONES_OF_FINGER, place % BONES_OF_FINGER);
    let first = 6 + 4 * finger;
    match joint {
        0 if finger < FINGERS => Some([theta[first], theta[first + 1]]),
        1 | 2 if finger < FINGERS => Some([theta[first + 1 + joint], D::zero()]),
        _ => None,
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let input: Input = parse(input)?;
    check("numbers in theta", input.theta.len(), THETA)?;
    let theta = input.theta.clone();
    let hand = Hand::new(input)?;
    let (outputs, shifts) = (hand.outputs(), hand.shifts());
    match function {
        "objective" => clock.run(vec![0.0; outputs], |distances| {
            hand.distances(&[0.0, 0.0], &theta, distances);
            Ok(())
        }),
        // Few inputs, many outputs: forward, half of the columns at a time. The places in the triangles move
        // together, since each has outputs of its own.
        "jacobian" => {
            let columns = shifts + THETA;
            let x = [&[0.0; 2][..shifts], &theta].concat();
            let mut forward: Forward<f64, U14> = Forward::new();
            let (mut values, mut flat) = (vec![0.0; outputs], vec![0.0; outputs * columns]);
            clock.run(vec![vec![0.0; columns]; outputs], |rows| {
                let distances = |x: &[_], y: &mut [_]| hand.distances(&x[..shifts], &x[shifts..], y);
                forward.jacobian(distances, &x, &mut values, &mut flat)?;
                for (row, slopes) in rows.iter_mut().zip(flat.chunks(columns)) {
                    row.copy_from_slice(slopes);
                }
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "objective and jacobian")),
    }
}
