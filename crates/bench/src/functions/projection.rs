//! The reprojection error: the distance between where a camera should see a point and where it was observed.

use dualtape::Differentiable;

/// The parameters of a camera: rotation (3), centre (3), focal length, principal point (2), distortion (2).
pub(crate) const CAMERA: usize = 11;
/// The coordinates of a point.
pub(crate) const POINT: usize = 3;
/// The number of inputs of a residual: camera, point, weight. The feature follows them, as data.
pub(crate) const WIDTH: usize = CAMERA + POINT + 1;
pub(crate) const OBSERVATION: usize = WIDTH + 2;

/// Rotates a point about an axis, by an angle that is the length of the axis.
fn rotate<D: Differentiable<Scalar = f64>>(axis: &[D], point: [D; 3]) -> [D; 3] {
    let cross = |a: [D; 3], b: [D; 3]| {
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    };
    let axis = [axis[0], axis[1], axis[2]];
    let square = D::dot(&axis, &axis);
    if square == D::zero() {
        let moved = cross(axis, point);
        return std::array::from_fn(|i| point[i] + moved[i]);
    }
    let angle = square.sqrt();
    let (sin, cos) = angle.sin_cos();
    let inverse = angle.recip();
    let unit = axis.map(|x| x * inverse);
    let crossed = cross(unit, point);
    let along = D::dot(&unit, &point) * (-cos + 1.0);
    std::array::from_fn(|i| point[i] * cos + crossed[i] * sin + unit[i] * along)
}

/// The projection of a point by a camera.
fn project<D: Differentiable<Scalar = f64>>(camera: &[D], point: &[D]) -> [D; 2] {
    let seen = rotate(&camera[..3], std::array::from_fn(|i| point[i] - camera[3 + i]));
    let flat = [seen[0] / seen[2], seen[1] / seen[2]];
    let square = D::dot(&flat, &flat);
    let distortion = camera[9] * square + camera[10] * square * square + 1.0;
    std::array::from_fn(|i| flat[i] * distortion * camera[6] + camera[7 + i])
}

/// The error of an observation, given camera, point, weight and feature.
pub(crate) fn reprojection_error<D: Differentiable<Scalar = f64>>(observation: &[D]) -> [D; 2] {
    let (camera, rest) = observation.split_at(CAMERA);
    let (point, weight, feature) = (&rest[..POINT], rest[POINT], &rest[POINT + 1..]);
    let seen = project(camera, point);
    std::array::from_fn(|i| weight * (seen[i] - feature[i]))
}
