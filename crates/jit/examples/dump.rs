use dualtape::codegen::{Quantity, Routine};
use dualtape::Program;
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};
fn main() {
    let n = std::env::args().nth(1).map_or(4, |n| n.parse().unwrap());
    let x = rosenbrock_point(n);
    let program = Program::record(|x| rosenbrock(x), &x).unwrap();
    let r = Routine::new(&program, Quantity::Gradient).unwrap();
    for s in &r.parts()[0] { println!("{s:?}"); }
}
