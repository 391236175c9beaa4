//! `ht`: hand tracking. The distances of measured points from a hand whose pose is given by the angles of its joints.
//!
//! Bones move the vertices of a skin, each with a weight. In the complicated form, a measured point belongs
//! to a place inside a triangle of vertices, and that place is also an input.

use super::measure::{Clock, Failure, Reply, check, flatten, parse};
use dualtape::typenum::{U5, U26};
use dualtape::{Differentiable, Dual};
use pulp::WithSimd;
use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::ops::Mul;

type Matrix<D, const N: usize> = [[D; N]; N];

/// A number that several threads can share.
trait Number: Differentiable<Scalar = f64> + Send + Sync {}

impl<D: Differentiable<Scalar = f64> + Send + Sync> Number for D {}

#[derive(Deserialize)]
struct Input {
    /// Rotation (3) and translation (3) of the hand, then four angles for each finger.
    theta: Vec<f64>,
    data: Data,
    /// The place of each measured point in its triangle; empty in the simple form.
    us: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Data {
    model: Model,
    /// The vertex of each measured point, or, in the complicated form, its triangle.
    correspondences: Vec<usize>,
    points: Vec<[f64; 3]>,
}

#[derive(Deserialize)]
struct Model {
    /// The parent of each bone, which comes before it; −1 for none.
    parents: Vec<i64>,
    base_relatives: Vec<Matrix<f64, 4>>,
    inverse_base_absolutes: Vec<Matrix<f64, 4>>,
    /// The vertices, in homogeneous coordinates.
    base_positions: Vec<[f64; 4]>,
    /// The weight of each bone for each vertex.
    weights: Vec<Vec<f64>>,
    triangles: Vec<[usize; 3]>,
}

const THETA: usize = 26;
const FINGERS: usize = 5;
/// The first bone of the first finger; each finger has three bones that bend, and a tip.
const FIRST_FINGER: usize = 2;
const BONES_OF_FINGER: usize = 4;

/// A rigid transformation, as three rows of four numbers; the fourth row would be 0, 0, 0, 1.
type Affine<D> = [[D; 4]; 3];

/// The composition: first the right one, which may be constant, then the left one.
fn after<D: Differentiable + Mul<R, Output = D>, R: Copy>(left: &Affine<D>, right: &Affine<R>) -> Affine<D> {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let turned = (1..3).fold(left[i][0] * right[0][j], |sum, k| sum + left[i][k] * right[k][j]);
            if j == 3 { turned + left[i][3] } else { turned }
        })
    })
}

/// The composition: first a rotation, then a constant map.
fn turned_first<D: Differentiable<Scalar = f64>>(left: &Affine<f64>, turn: &Matrix<D, 3>) -> Affine<D> {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| match j {
            3 => D::constant(left[i][3]),
            _ => (1..3).fold(turn[0][j] * left[i][0], |sum, k| sum + turn[k][j] * left[i][k]),
        })
    })
}

/// The first three rows; the fourth has to be 0, 0, 0, 1.
fn affine(what: &str, matrix: &Matrix<f64, 4>) -> Result<Affine<f64>, Failure> {
    let [a, b, c, last] = *matrix;
    if last != [0.0, 0.0, 0.0, 1.0] {
        return Err(Failure(format!("{what}: a last row is {last:?}; expected 0, 0, 0, 1")));
    }
    Ok([a, b, c])
}

/// The rotation about an axis by an angle that is its length; no rotation if the angle is almost zero.
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

/// The rotation of a bone by its angles about x and z; it does not rotate about y.
fn bend<D: Differentiable<Scalar = f64>>(about_x: D, about_z: D) -> Matrix<D, 3> {
    let ((sx, cx), (sz, cz)) = (about_x.sin_cos(), about_z.sin_cos());
    [[cz, -sz * cx, sz * sx], [sz, cz * cx, -cz * sx], [D::zero(), sx, cx]]
}

/// The parts of the hand that the measured points need.
struct Hand {
    /// The parent of each bone, and the transformation relative to the parent in the rest pose.
    parents: Vec<Option<usize>>,
    relatives: Vec<Affine<f64>>,
    /// For each bone, the transformation from the rest position of a vertex to its position relative to the bone.
    from_base: Vec<Affine<f64>>,
    /// For each vertex that a point needs, the bones that move it, with its rest position times the bone's weight.
    vertices: Vec<Vec<(usize, [f64; 4])>>,
    us: Vec<[f64; 2]>,
    /// The vertices of the triangle of each measured point; in the simple form, three times the same vertex.
    corners: Vec<[usize; 3]>,
    points: Vec<[f64; 3]>,
}

/// Renumbers vertices in the order of their first occurrence. Returns their old numbers.
fn number_anew(corners: &mut [[usize; 3]], vertices: usize) -> Vec<usize> {
    let (mut numbers, mut mentioned) = (vec![None; vertices], Vec::new());
    for corner in corners.as_flattened_mut() {
        *corner = *numbers[*corner].get_or_insert_with(|| {
            mentioned.push(*corner);
            mentioned.len() - 1
        });
    }
    mentioned
}

/// The bones that have a weight for a vertex, each with the vertex's rest position times the weight.
fn carriers(model: &Model, vertex: usize) -> Vec<(usize, [f64; 4])> {
    let weights = model.weights[vertex].iter().copied().enumerate().filter(|&(_, weight)| weight != 0.0);
    weights.map(|(bone, weight)| (bone, model.base_positions[vertex].map(|x| x * weight))).collect()
}

/// How many vertices or points a thread takes at a time.
const CHUNK: usize = 64;

/// A dual number with a lane for each of the hand's angles.
type Angle = Dual<f64, U26>;

/// The rows of the Jacobian of some points, compiled for the instructions of this processor.
struct PointRows<'a> {
    hand: &'a Hand,
    /// For each axis, the coordinates of the vertices, and their derivatives with respect to each angle.
    places: &'a [[(f64, [f64; THETA]); 3]],
    first: usize,
    columns: usize,
    rows: &'a mut [f64],
}

impl WithSimd for PointRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { hand, places, first, columns, rows } = self;
        for (rows, index) in rows.chunks_exact_mut(3 * columns).zip(first..) {
            let corners = hand.corners[index].map(|corner| &places[corner]);
            for (axis, row) in rows.chunks_exact_mut(columns).enumerate() {
                row_of(hand, index, axis, corners.map(|corner| &corner[axis]), row);
            }
        }
    }
}

/// The derivatives of one distance with respect to the place in the triangle and to the angles, on which it depends
/// through the corners.
#[inline(always)]
fn row_of(hand: &Hand, index: usize, axis: usize, corners: [&(f64, [f64; THETA]); 3], row: &mut [f64]) {
    let place = hand.in_triangle(index);
    let place: [Dual<f64, U5>; 2] = std::array::from_fn(|i| Dual::along(place[i], i));
    let values: [Dual<f64, U5>; 3] = std::array::from_fn(|i| Dual::along(corners[i].0, 2 + i));
    let derivatives = hand.distance(place, values, hand.points[index][axis]).tangent();
    let (by_place, by_angles) = row.split_at_mut(hand.shifts());
    by_place.iter_mut().zip(derivatives).for_each(|(by, derivative)| *by = derivative);
    let [a, b, c] = corners.map(|(_, tangent)| tangent);
    let by_angles: &mut [f64; THETA] = by_angles.try_into().expect("a column for each angle");
    for lane in 0..THETA {
        by_angles[lane] = derivatives[2] * a[lane] + derivatives[3] * b[lane] + derivatives[4] * c[lane];
    }
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
            return Err(Failure("a bone has a parent that does not come before it".to_owned()));
        }
        let limit = if us.is_empty() { vertices } else { model.triangles.len() };
        let corners = model.triangles.iter().flatten().all(|&vertex| vertex < vertices);
        if !corners || correspondences.iter().any(|&place| place >= limit) {
            return Err(Failure(
                "a triangle or a correspondence refers to something that does not exist".to_owned(),
            ));
        }
        let parents = model.parents.iter().map(|&parent| usize::try_from(parent).ok()).collect();
        let maps = |what, matrices: &[Matrix<f64, 4>]| -> Result<Vec<Affine<f64>>, Failure> {
            matrices.iter().map(|matrix| affine(what, matrix)).collect()
        };
        let relatives = maps("base_relatives", &model.base_relatives)?;
        let from_base = maps("inverse_base_absolutes", &model.inverse_base_absolutes)?;
        let corners = |&place: &usize| if us.is_empty() { [place; 3] } else { model.triangles[place] };
        let mut corners: Vec<[usize; 3]> = correspondences.iter().map(corners).collect();
        let vertices = number_anew(&mut corners, vertices);
        let vertices = vertices.into_iter().map(|vertex| carriers(&model, vertex)).collect();
        Ok(Self { parents, relatives, from_base, vertices, us, corners, points })
    }

    /// The transformation of each bone.
    fn transforms<D: Differentiable<Scalar = f64>>(&self, theta: &[D]) -> Vec<Affine<D>> {
        let mut absolutes: Vec<Affine<D>> = Vec::with_capacity(self.parents.len());
        for (bone, (&parent, relative)) in self.parents.iter().zip(&self.relatives).enumerate() {
            absolutes.push(match (angles(theta, bone), parent) {
                (Some([about_x, about_z]), Some(parent)) => {
                    after(&absolutes[parent], &turned_first(relative, &bend(about_x, about_z)))
                }
                (Some([about_x, about_z]), None) => turned_first(relative, &bend(about_x, about_z)),
                (None, Some(parent)) => after(&absolutes[parent], relative),
                (None, None) => relative.map(|row| row.map(D::constant)),
            });
        }
        absolutes.iter().zip(&self.from_base).map(|(bone, base)| after(bone, base)).collect()
    }

    /// The positions of the vertices that the measured points need.
    fn places<D: Number>(&self, theta: &[D]) -> Vec<[D; 3]> {
        let transforms = self.transforms(theta);
        let global = about_axis(&theta[..3]);
        let place = |carriers: &Vec<(usize, [f64; 4])>| -> [D; 3] {
            let mut posed = [D::zero(); 3];
            for (bone, base) in carriers {
                for (posed, row) in posed.iter_mut().zip(&transforms[*bone]) {
                    *posed += (1..4).fold(row[0] * base[0], |sum, k| sum + row[k] * base[k]);
                }
            }
            let turned = |row: &[D; 3]| (1..3).fold(row[0] * posed[0], |sum, k| sum + row[k] * posed[k]);
            std::array::from_fn(|i| turned(&global[i]) + theta[3 + i])
        };
        self.vertices.par_iter().with_min_len(CHUNK).map(place).collect()
    }

    /// The distance of a measured point from its place on the hand along one axis, given the place in the triangle
    /// and the coordinates of the triangle's corners; in the simple form, only one corner counts.
    #[inline(always)]
    fn distance<D: Differentiable<Scalar = f64>>(&self, [u, v]: [D; 2], [a, b, c]: [D; 3], point: f64) -> D {
        let on_hand = if self.us.is_empty() { a } else { u * a + v * b + (-u - v + 1.0) * c };
        -on_hand + point
    }

    /// The place of a measured point in its triangle.
    #[inline(always)]
    fn in_triangle(&self, index: usize) -> [f64; 2] {
        self.us.get(index).copied().unwrap_or_default()
    }

    /// Writes all distances.
    fn write_distances(&self, theta: &[f64], distances: &mut [[f64; 3]]) {
        let places = self.places(theta);
        let points = self.corners.par_chunks(CHUNK).zip(self.points.par_chunks(CHUNK));
        distances.par_chunks_mut(CHUNK).zip(points).enumerate().for_each(|(chunk, (distances, points))| {
            let points = points.0.iter().zip(points.1).zip(chunk * CHUNK..);
            for (distances, ((corners, point), index)) in distances.iter_mut().zip(points) {
                let place = self.in_triangle(index);
                let corners = corners.map(|corner| &places[corner]);
                *distances = std::array::from_fn(|axis| {
                    self.distance(place, corners.map(|corner| corner[axis]), point[axis])
                });
            }
        });
    }

    /// Writes the Jacobian, three rows for each point, in forward mode, since there are few inputs and many outputs.
    fn write_jacobian(&self, theta: &[f64], rows: &mut [f64]) {
        let theta: Vec<_> =
            theta.iter().enumerate().map(|(lane, &angle)| Angle::along(angle, lane)).collect();
        let place = |number: Angle| (number.primal(), number.tangent().into());
        let places: Vec<_> = self.places(&theta).into_par_iter().map(|axes| axes.map(place)).collect();
        let columns = self.shifts() + THETA;
        rows.par_chunks_mut(3 * columns * CHUNK).enumerate().for_each(|(chunk, rows)| {
            pulp::Arch::new().dispatch(PointRows {
                hand: self,
                places: &places,
                first: chunk * CHUNK,
                columns,
                rows,
            });
        });
    }

    /// The columns of the Jacobian that belong to the places in the triangles.
    fn shifts(&self) -> usize {
        if self.us.is_empty() { 0 } else { 2 }
    }
}

/// The angles of a bone about x and z, if it can bend. Only the first bone of a finger spreads.
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
    let (points, columns) = (hand.points.len(), hand.shifts() + THETA);
    match function {
        "objective" => clock.run(vec![0.0; 3 * points], |distances| {
            hand.write_distances(&theta, distances.as_chunks_mut().0);
            Ok(())
        }),
        "jacobian" => {
            let jacobian = Jacobian { columns, numbers: vec![f64::NAN; 3 * points * columns] };
            clock.run(jacobian, |jacobian| {
                hand.write_jacobian(&theta, &mut jacobian.numbers);
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "objective and jacobian")),
    }
}

/// A matrix, stored row by row; in the response, a list of rows.
struct Jacobian {
    columns: usize,
    numbers: Vec<f64>,
}

impl Serialize for Jacobian {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.numbers.chunks(self.columns))
    }
}
