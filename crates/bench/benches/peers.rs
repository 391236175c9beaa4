//! Compares dualtape with other crates in one run: value and gradient of the same functions, with tapes reused where
//! the other crate supports it.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dualtape::typenum::{U8, U10};
use dualtape::{Differentiable, Forward, Reverse, Var};
use dualtape_bench::scenarios::{rosenbrock, rosenbrock_by_hand, rosenbrock_point};
use std::hint::black_box;

fn reverse_gradients(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reverse gradient of rosenbrock");
    for n in [10, 100, 1000, 10_000] {
        let x = rosenbrock_point(n);
        let mut gradient = vec![0.0; n];
        group.bench_with_input(BenchmarkId::new("by hand", n), &x, |bench, x| {
            bench.iter(|| rosenbrock_by_hand(black_box(x), black_box(&mut gradient)));
        });
        let mut engine = Reverse::new();
        group.bench_with_input(BenchmarkId::new("dualtape", n), &x, |bench, x| {
            bench.iter(|| engine.gradient(|x| rosenbrock(x), black_box(x), black_box(&mut gradient)));
        });
        group.bench_with_input(BenchmarkId::new("echidna", n), &x, |bench, x| {
            bench.iter(|| {
                use dualtape::Float;
                let f = |x: &[echidna::Reverse<f64>]| {
                    let term = |w: &[echidna::Reverse<f64>]| {
                        (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)
                    };
                    x.windows(2).map(term).fold(echidna::Reverse::constant(0.0), |sum, y| sum + y)
                };
                echidna::grad(f, black_box(x))
            });
        });
        let tape = reverse::Tape::new();
        group.bench_with_input(BenchmarkId::new("reverse", n), &x, |bench, x| {
            bench.iter(|| {
                tape.clear();
                let x = tape.add_vars(black_box(x));
                let terms = x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2));
                let y: reverse::Var<'_> = terms.sum();
                use reverse::Gradient;
                y.grad().wrt(&x)
            });
        });
    }
    group.finish();
}

fn forward_gradients(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("forward gradient of rosenbrock");
    let x = rosenbrock_point(10);
    let mut gradient = [0.0; 10];
    let mut ten: Forward<f64, U10> = Forward::with_lanes();
    group.bench_function("dualtape, ten lanes", |bench| {
        bench.iter(|| ten.gradient(rosenbrock, black_box(&x), black_box(&mut gradient)));
    });
    let mut eight: Forward<f64, U8> = Forward::with_lanes();
    group.bench_function("dualtape, eight lanes", |bench| {
        bench.iter(|| eight.gradient(rosenbrock, black_box(&x), black_box(&mut gradient)));
    });
    let point = nalgebra::SVector::<f64, 10>::from_column_slice(&x);
    group.bench_function("num-dual, static vector", |bench| {
        use num_dual::DualNum;
        let f = |x: nalgebra::SVector<num_dual::DualSVec64<10>, 10>| {
            let x = x.as_slice();
            let term =
                |w: &[num_dual::DualSVec64<10>]| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2);
            x.windows(2).map(term).fold(num_dual::DualSVec64::<10>::from_re(0.0), |sum, y| sum + y)
        };
        bench.iter(|| num_dual::gradient(f, black_box(&point)));
    });
    group.finish();
}

fn dot_products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gradient of a dot product of 100 pairs");
    let x = rosenbrock_point(200);
    let mut gradient = vec![0.0; 200];
    let mut engine = Reverse::new();
    group.bench_function("a written-out loop", |bench| {
        bench.iter(|| {
            engine.gradient(
                |x| {
                    let (a, b) = x.split_at(100);
                    a.iter().zip(b).skip(1).fold(a[0] * b[0], |sum, (&a, &b)| sum + a * b)
                },
                black_box(&x),
                black_box(&mut gradient),
            )
        });
    });
    group.bench_function("dot", |bench| {
        bench.iter(|| {
            engine.gradient(|x| Var::dot(&x[..100], &x[100..]), black_box(&x), black_box(&mut gradient))
        });
    });
    group.finish();
}

criterion_group!(peers, reverse_gradients, forward_gradients, dot_products);
criterion_main!(peers);
