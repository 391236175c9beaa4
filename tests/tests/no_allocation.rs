//! A warm `Reverse` allocates nothing.

use dualtape::{Float, Reverse};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

#[test]
fn a_warm_reverse_allocates_nothing() {
    let x = rosenbrock_point(100);
    let mut slope = vec![0.0; x.len()];
    let mut reverse = Reverse::new();
    let mut once = || reverse.gradient(|x| rosenbrock(x), &x, &mut slope).map(drop);
    once().unwrap();
    let measured = allocation_counter::measure(|| once().unwrap());
    assert_eq!(measured.count_total, 0, "{measured:?}");
}

#[test]
fn memory_stays_flat_over_many_points() {
    let mut reverse = Reverse::new();
    let points = || (0..2000).map(f64::from);
    let mut slope = [0.0; 2];
    let mut once = || {
        reverse
            .sum_gradient(&[2.0, 1.0], points(), |line, x| (line[0] * x + line[1]).powi(2), &mut slope)
            .unwrap();
    };
    once();
    let measured = allocation_counter::measure(once);
    assert_eq!(measured.count_total, 0, "{measured:?}");
}
