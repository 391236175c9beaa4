//! A large program called from another stays one call, with its derivatives as programs.

use dualtape::{Differentiable, Error, Float, Program};

fn long<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    (0..2000).fold(x[0], |z, k| (z * x[1]).sin() + f64::from(k % 3) * 0.1)
}

fn main() -> Result<(), Error> {
    let inner = Program::record(long, &[0.5, 0.9])?;
    let outer = Program::record(
        |x| inner.call(&[x[0] * x[1], x[1]]).expect("there are no guards")[0].exp(),
        &[0.5, 0.9],
    )?;
    println!("{} nodes inside, {} outside", inner.graph().len(), outer.graph().len());
    let (mut gradient, mut square) = ([0.0; 2], [0.0; 4]);
    let value = outer.hessian(&mut outer.workspace(), &[0.4, 0.8], &mut gradient, &mut square)?;
    println!("{value}, gradient {gradient:?}, Hessian {square:?}");
    Ok(())
}
