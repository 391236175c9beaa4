//! Compares the modes with each other, on every workload at every size; criterion's reports show them side by
//! side. Other crates take part with `--features peers`.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dualtape_bench::{timing, workloads};

fn modes(criterion: &mut Criterion) {
    for make in workloads::all() {
        let mut workload = make();
        let mut group = criterion.benchmark_group(workload.name);
        let mut result = vec![0.0; workload.results];
        for mode in &mut workload.modes {
            let id = BenchmarkId::new(mode.name, &workload.size);
            let pool = timing::pool(mode.threads);
            group.bench_function(id, |bench| {
                bench.iter_custom(|runs| timing::repeated(mode, &pool, runs, &mut result));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, modes);
criterion_main!(benches);
