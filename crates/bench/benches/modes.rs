//! The modes against each other, on every workload at every size; criterion's reports compare them side by
//! side. Another crate's numbers take part with `--features peers`.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dualtape_bench::{timing, workloads};
use std::hint::black_box;

fn modes(criterion: &mut Criterion) {
    timing::on_one_thread();
    for make in workloads::all() {
        let mut workload = make();
        let mut group = criterion.benchmark_group(workload.name);
        let mut result = vec![0.0; workload.results];
        for mode in &mut workload.modes {
            let id = BenchmarkId::new(mode.name, &workload.size);
            group.bench_function(id, |bench| bench.iter(|| (mode.run)(black_box(&mut result))));
        }
        group.finish();
    }
}

criterion_group!(benches, modes);
criterion_main!(benches);
