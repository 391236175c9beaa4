//! Gradients of Rosenbrock's function at several sizes: forward, reverse, and written by hand.
//!
//! Every mode computes value and gradient. The plain value stands beside them, as what any gradient has to
//! pay at least.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dualtape::{Forward, Reverse, gradient};
use dualtape_bench::scenarios::{rosenbrock, rosenbrock_by_hand, rosenbrock_point};
use std::hint::black_box;

fn rosenbrock_modes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rosenbrock");
    for n in [2, 5, 10, 100, 1000] {
        let x = rosenbrock_point(n);
        let mut slope = vec![0.0; n];
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::new("value", n), &x, |bench, x| {
            bench.iter(|| rosenbrock(black_box(x)));
        });
        group.bench_with_input(BenchmarkId::new("by hand", n), &x, |bench, x| {
            bench.iter(|| rosenbrock_by_hand(black_box(x), black_box(&mut slope)));
        });
        let mut forward: Forward<f64> = Forward::new();
        group.bench_with_input(BenchmarkId::new("forward", n), &x, |bench, x| {
            bench.iter(|| forward.gradient(rosenbrock, black_box(x), black_box(&mut slope)));
        });
        group.bench_with_input(BenchmarkId::new("reverse, new tape", n), &x, |bench, x| {
            bench.iter(|| gradient(|x| rosenbrock(x), black_box(x)));
        });
        let mut reverse = Reverse::new();
        group.bench_with_input(BenchmarkId::new("reverse, warm tape", n), &x, |bench, x| {
            bench.iter(|| reverse.gradient(|x| rosenbrock(x), black_box(x), black_box(&mut slope)));
        });
    }
    group.finish();
}

criterion_group!(modes, rosenbrock_modes);
criterion_main!(modes);
