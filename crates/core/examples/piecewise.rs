//! A table joined by straight lines, in a function that is differentiated.

use dualtape::{Error, Piecewise, gradient};

fn main() -> Result<(), Error> {
    // Drag by speed, as a wind tunnel measured it.
    let drag = Piecewise::linear(&[0.0, 10.0, 20.0, 30.0], &[0.0, 0.8, 3.1, 7.4])?;
    let (value, gradient) = gradient(|speed| drag.at(speed[0]).expect("it is there") * speed[0], &[15.0]);
    println!("power at 15: {value}, gradient {gradient:?}");
    println!("outside: {}", drag.at(40.0).unwrap_err());
    Ok(())
}
