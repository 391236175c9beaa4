//! A soap film spans a wire: of all surfaces over a square with these edges, it has the least area. The heights at the
//! nodes of a grid solve the equations that the gradient of the area vanishes. Newton's method solves them with their
//! sparse Jacobian, the Hessian of the area, and nalgebra's sparse Cholesky decomposition. The film is compared with
//! Scherk's surface on two grids: the difference falls by four where the distance of the nodes falls by two.

use dualtape::program::Wrt;
use dualtape::sparse::SparseHessian;
use dualtape::{Differentiable, Program, integrations};
use nalgebra::DVector;
use nalgebra_sparse::{CscMatrix, factorization::CscCholesky};

/// The square reaches from −WIDTH to WIDTH both ways.
const WIDTH: f64 = 1.0;

/// The minimal surface of Scherk (1834).
fn scherk(x: f64, y: f64) -> f64 {
    (y.cos() / x.cos()).ln()
}

/// A grid of so many cells each way.
struct Grid(usize);

impl Grid {
    fn place(&self, index: usize) -> f64 {
        WIDTH * (2.0 * index as f64 / self.0 as f64 - 1.0)
    }

    /// The places of the inner nodes, where the heights are unknown.
    fn inner(&self) -> impl Iterator<Item = [f64; 2]> {
        (1..self.0).flat_map(move |i| (1..self.0).map(move |j| [self.place(i), self.place(j)]))
    }

    /// The height at a node: an unknown, or on the wire.
    fn height<D: Differentiable<Scalar = f64>>(&self, inner: &[D], i: usize, j: usize) -> D {
        if (1..self.0).contains(&i) && (1..self.0).contains(&j) {
            inner[(i - 1) * (self.0 - 1) + j - 1]
        } else {
            D::constant(scherk(self.place(i), self.place(j)))
        }
    }

    /// The area of two triangles in each cell.
    fn area<D: Differentiable<Scalar = f64>>(&self, inner: &[D]) -> D {
        let size = 2.0 * WIDTH / self.0 as f64;
        let triangle = |corner: D, along_x: D, along_y: D| {
            let rise = ((along_x - corner) / size).powi(2) + ((along_y - corner) / size).powi(2);
            (rise + 1.0).sqrt() * (size * size / 2.0)
        };
        let height = |i, j| self.height(inner, i, j);
        let cell = |i: usize, j: usize| {
            let (a, b, c, d) = (height(i, j), height(i + 1, j), height(i, j + 1), height(i + 1, j + 1));
            triangle(a, b, c) + triangle(d, c, b)
        };
        (0..self.0).flat_map(|i| (0..self.0).map(move |j| (i, j))).map(|(i, j)| cell(i, j)).sum()
    }
}

/// The largest difference between the film on this grid and Scherk's surface.
fn solve(cells: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let grid = Grid(cells);
    let mut film = DVector::zeros((cells - 1).pow(2));
    let program = Program::record(|z| grid.area(z), film.as_slice())?;
    let plan = SparseHessian::new(&program, Wrt::Both)?;
    let (entries, products) = (plan.pattern().len(), plan.colouring().products());
    println!("{} unknowns, {entries} entries of the Jacobian by {products} products", film.len());

    let mut workspace = plan.workspace();
    let (mut gradient, mut values) = (DVector::zeros(film.len()), vec![0.0; entries]);
    println!("step  area          gradient");
    for step in 0..20 {
        let area = plan.evaluate(&mut workspace, film.as_slice(), gradient.as_mut_slice(), &mut values)?;
        println!("{step:4}  {area:.10}  {:.1e}", gradient.norm());
        if gradient.norm() < 1e-13 {
            break;
        }
        let hessian = integrations::nalgebra_sparse::matrix(plan.pattern(), values.clone())?;
        film -= CscCholesky::factor(&CscMatrix::from(&hessian))?.solve(&gradient);
    }
    assert!(gradient.norm() < 1e-13);
    Ok(grid.inner().zip(&film).map(|([x, y], z)| (z - scherk(x, y)).abs()).fold(0.0, f64::max))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (coarse, fine) = (solve(16)?, solve(32)?);
    println!("largest difference from Scherk's surface: {coarse:.2e}, then {fine:.2e}");
    assert!(fine < 1e-3 && (3.7..4.3).contains(&(coarse / fine)));
    Ok(())
}
