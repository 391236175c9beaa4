//! Training shared by several processes: the same bits for any number of processes. Here the processes are threads,
//! which do what any engine does; `mpi.rs` of the command line program tests the same over MPI.

use dualtape::program::{Part, Rows, Sums};
use dualtape::{Differentiable, Program};
use dualtape_nn::parallel::{AllReduce, Local};
use dualtape_nn::{
    Activation, Clip, Error, Event, Layer, Loss, Method, Mlp, Model, Module, Record, Sequential, Settings,
    Trainer, data,
};
use std::sync::{Arc, Barrier, Mutex};

/// Threads that communicate over a board: each writes its data for the others, and reads theirs when all have written.
#[derive(Clone, Debug)]
struct Threads {
    rank: usize,
    board: Arc<Vec<Mutex<Vec<u8>>>>,
    barrier: Arc<Barrier>,
}

impl Threads {
    fn group(size: usize) -> Vec<Self> {
        let board = Arc::new((0..size).map(|_| Mutex::default()).collect());
        let barrier = Arc::new(Barrier::new(size));
        let one = |rank| Self { rank, board: Arc::clone(&board), barrier: Arc::clone(&barrier) };
        (0..size).map(one).collect()
    }

    /// The data that each has written.
    fn meet(&self, own: &[u8]) -> Vec<Vec<u8>> {
        *self.board[self.rank].lock().unwrap() = own.to_vec();
        self.barrier.wait();
        let all = self.board.iter().map(|one| one.lock().unwrap().clone()).collect();
        self.barrier.wait();
        all
    }

    fn meet_numbers(&self, own: &[f64]) -> Vec<Vec<f64>> {
        let bytes: Vec<u8> = own.iter().flat_map(|x| x.to_le_bytes()).collect();
        let numbers = |bytes: Vec<u8>| bytes.as_chunks().0.iter().map(|&x| f64::from_le_bytes(x)).collect();
        self.meet(&bytes).into_iter().map(numbers).collect()
    }
}

impl AllReduce for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.board.len()
    }

    fn sum(&mut self, numbers: &mut [f64]) -> Result<(), Error> {
        let all = self.meet_numbers(numbers);
        for (i, number) in numbers.iter_mut().enumerate() {
            *number = all.iter().map(|one| one[i]).sum();
        }
        Ok(())
    }

    fn broadcast(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        *bytes = self.meet(bytes).swap_remove(0);
        Ok(())
    }

    fn exchange(
        &mut self,
        sent: &[f64],
        sent_lengths: &[usize],
        received: &mut [f64],
        received_lengths: &[usize],
    ) -> Result<(), Error> {
        assert_eq!(sent_lengths.iter().sum::<usize>(), sent.len());
        let (lengths, pieces) = (self.meet_numbers(&to_numbers(sent_lengths)), self.meet_numbers(sent));
        let mut all = Vec::new();
        for (rank, (lengths, piece)) in lengths.iter().zip(&pieces).enumerate() {
            let first: f64 = lengths[..self.rank].iter().sum();
            let own = &piece[first as usize..][..lengths[self.rank] as usize];
            assert_eq!(own.len(), received_lengths[rank]);
            all.extend_from_slice(own);
        }
        received.copy_from_slice(&all);
        Ok(())
    }

    fn gather(&mut self, own: &[f64], lengths: &[usize], all: &mut [f64]) -> Result<(), Error> {
        let pieces = self.meet_numbers(own);
        assert!(pieces.iter().map(Vec::len).eq(lengths.iter().copied()));
        all.copy_from_slice(&pieces.concat());
        Ok(())
    }
}

fn to_numbers(lengths: &[usize]) -> Vec<f64> {
    lengths.iter().map(|&length| length as f64).collect()
}

/// Runs the same function on a number of ranks, and returns the result of each.
fn on_ranks<T: Send>(size: usize, work: impl Fn(Threads) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> =
            Threads::group(size).into_iter().map(|ranks| scope.spawn(move || work(ranks))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// The results that must not depend on the number of ranks.
fn seen(record: &Record) -> Vec<u64> {
    let Record { training, validation, rate, batch_loss, gradient_norm, clipped_norm, clipped, .. } = *record;
    let or_zero = |x: Option<f64>| x.unwrap_or(0.0);
    bits(&[
        training.loss,
        or_zero(training.accuracy),
        or_zero(training.r_squared),
        validation.loss,
        or_zero(validation.accuracy),
        rate,
        batch_loss,
        gradient_norm,
        clipped_norm,
        clipped,
    ])
}

/// Parameters and records of a training on a number of ranks.
fn trained(ranks: impl AllReduce, sizes: &[usize], settings: &Settings) -> (Vec<u64>, Vec<Vec<u64>>) {
    let model = Mlp::new(sizes, Activation::Tanh).unwrap();
    trained_from(ranks, &model, model.initialize(3), settings)
}

/// The same of any model of the digits, from these parameters.
fn trained_from<M: Model>(
    ranks: impl AllReduce,
    model: &M,
    parameters: Vec<f64>,
    settings: &Settings,
) -> (Vec<u64>, Vec<Vec<u64>>) {
    let (training, validation) = data::digits().split(0.2, 3).unwrap();
    let trainer = Trainer::new(model, parameters, &training, &validation, settings).unwrap();
    let mut trainer = trainer.over(ranks).unwrap();
    while trainer.advance().unwrap().is_some() {}
    (bits(trainer.parameters()), trainer.history().iter().map(seen).collect())
}

/// Each process draws for all samples of a step, so that it does not matter which of them it takes.
#[test]
fn dropout_has_the_same_bits_for_any_number_of_processes() {
    let layers = vec![Layer::linear(64, 6).into(), Module::Dropout(0.4), Layer::linear(6, 10).into()];
    let model = Sequential::new(layers).unwrap();
    let settings = Settings { epochs: 1, batch_size: 100, threads: 1, ..Settings::default() };
    for clip in [Clip::None, Clip::PerSample(0.5)] {
        let settings = Settings { clip, ..settings.clone() };
        let run = |ranks: Threads| trained_from(ranks, &model, model.initialize(3), &settings);
        let alone = trained_from(Local, &model, model.initialize(3), &settings);
        for size in [2, 3] {
            assert!(on_ranks(size, run).iter().all(|one| *one == alone), "{clip}, {size} processes");
        }
    }
}

/// One size small enough for a single message, and one large enough for slices.
const SIZES: [&[usize]; 2] = [&[64, 3, 10], &[64, 60, 10]];

fn settings() -> Settings {
    Settings { epochs: 2, batch_size: 256, rate: 0.1, threads: 2, ..Settings::default() }
}

#[test]
fn any_number_of_ranks_gives_the_same_bits_as_one_process() {
    let clips = [Clip::None, Clip::Norm(0.5), Clip::PerSample(1.0), Clip::Value(0.01)];
    for (sizes, clip) in SIZES.into_iter().flat_map(|sizes| clips.map(|clip| (sizes, clip))) {
        let noise = if matches!(clip, Clip::PerSample(_)) { 0.1 } else { 0.0 };
        let settings = Settings { clip, noise, optimizer: Method::adam(), ..settings() };
        let alone = trained(Local, sizes, &settings);
        for size in [2, 3, 7] {
            for one in on_ranks(size, |ranks| trained(ranks, sizes, &settings)) {
                assert!(one == alone, "{size} ranks, {sizes:?}, {clip}");
            }
        }
    }
}

#[test]
fn accumulated_batches_give_the_bits_of_one_large_batch() {
    for sizes in SIZES {
        let clip = Clip::PerSample(1.0);
        let large = trained(Local, sizes, &Settings { batch_size: 600, clip, ..settings() });
        for (batch_size, accumulate) in [(300, 2), (200, 3), (75, 8), (1, 600)] {
            let settings = Settings { batch_size, accumulate, clip, ..settings() };
            assert!(trained(Local, sizes, &settings) == large, "{accumulate} times {batch_size}");
            for one in on_ranks(3, |ranks| trained(ranks, sizes, &settings)) {
                assert!(one == large, "{accumulate} times {batch_size}, 3 ranks");
            }
        }
    }
}

#[test]
fn ranks_beyond_the_chunks_of_a_batch_have_nothing_to_do_and_change_nothing() {
    let settings = Settings { batch_size: 5, epochs: 1, ..settings() };
    let alone = trained(Local, SIZES[0], &settings);
    for one in on_ranks(4, |ranks| trained(ranks, SIZES[0], &settings)) {
        assert!(one == alone);
    }
}

#[test]
fn a_checkpoint_by_four_ranks_goes_on_with_two_and_the_same_bits() {
    let (training, validation) = data::digits().split(0.2, 3).unwrap();
    let model = Mlp::new(SIZES[1], Activation::Tanh).unwrap();
    let settings = Settings { clip: Clip::PerSample(1.0), noise: 0.3, ..settings() };
    let new = || Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    on_ranks(4, |ranks| {
        let first = ranks.rank() == 0;
        let mut trainer = new().over(ranks).unwrap();
        for _ in 0..8 {
            trainer.advance().unwrap();
        }
        if first {
            trainer.set_note("by four");
            trainer.save_checkpoint(&path).unwrap();
        }
    });
    let (expected, _) = trained(Local, SIZES[1], &settings);
    let ends = on_ranks(2, |ranks| {
        // Only rank 0 reads the file.
        let trainer = match ranks.rank() {
            0 => Trainer::resume(&path, &model, &training, &validation, &settings).unwrap(),
            _ => new(),
        };
        let mut trainer = trainer.over(ranks).unwrap();
        assert_eq!(trainer.position(), (2, 1));
        while trainer.advance().unwrap().is_some() {}
        bits(trainer.parameters())
    });
    assert_eq!(ends, [expected.clone(), expected]);
}

#[test]
fn a_rank_with_other_data_or_settings_is_told() {
    let (training, validation) = data::digits().split(0.2, 3).unwrap();
    let model = Mlp::new(SIZES[0], Activation::Tanh).unwrap();
    let patient = Settings { patience: Some(1), ..settings() };
    for (what, other) in [
        ("validation data", None),
        ("its rate was 0.1, now it is 0.7", Some(Settings { rate: 0.7, ..settings() })),
        // Otherwise, one would wait for the other, which has ended.
        ("its epochs was 2, now it is 3", Some(Settings { epochs: 3, ..settings() })),
        ("its patience was null, now it is 1", Some(patient)),
    ] {
        let outcomes = on_ranks(2, |ranks| {
            let odd = ranks.rank() == 1;
            let mine = other.clone().filter(|_| odd).unwrap_or_else(settings);
            let validation = if odd && other.is_none() { &training } else { &validation };
            let trainer = Trainer::new(&model, model.initialize(3), &training, validation, &mine).unwrap();
            trainer.over(ranks).map(|_| ()).map_err(|error| error.to_string())
        });
        assert_eq!(outcomes[0], Ok(()));
        let message = outcomes[1].clone().unwrap_err();
        assert!(
            message.starts_with("the training of rank 0 cannot be used") && message.contains(what),
            "{message}"
        );
    }
    // The number of threads is a matter of each process.
    let outcomes = on_ranks(2, |ranks| {
        let settings = Settings { threads: 1 + ranks.rank(), ..settings() };
        let trainer = Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
        trainer.over(ranks).is_ok()
    });
    assert_eq!(outcomes, [true; 2]);
}

/// A model of one feature and one target, which branches where the feature is large, so that a recording is not valid
/// there.
struct Branching;

impl Model for Branching {
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn forward<D: Differentiable>(&self, p: &[D], x: &[D]) -> Vec<D> {
        vec![if x[0].to_f64() > Some(1e6) { p[0] } else { (p[0] * x[0]).sin() }]
    }
}

#[test]
fn where_one_rank_fails_all_stop_and_say_so() {
    let mut features: Vec<f64> = (0..4000).map(f64::from).collect();
    features[3999] = 1e9;
    let targets = vec![0.0; 4000];
    let data =
        data::Dataset::regression("one", vec!["x".into()], vec!["y".into()], features, targets).unwrap();
    let settings = Settings { batch_size: 4000, loss: Loss::MeanSquared, threads: 1, ..Settings::default() };
    let messages = on_ranks(4, |ranks| {
        let trainer = Trainer::new(&Branching, vec![1.0], &data, &data, &settings).unwrap();
        trainer.over(ranks).unwrap().advance().unwrap_err().to_string()
    });
    let own: Vec<_> = messages.iter().filter(|message| message.contains("branch")).collect();
    let others: Vec<_> =
        messages.iter().filter(|message| message.ends_with("failed, so all processes stop")).collect();
    assert!(own.len() == 1 && others.len() == 3, "{messages:?}");
}

#[test]
fn where_one_rank_is_asked_to_stop_all_stop_after_the_same_step() {
    let (training, validation) = data::digits().split(0.2, 3).unwrap();
    let model = Mlp::new(SIZES[0], Activation::Tanh).unwrap();
    let ends = on_ranks(3, |ranks| {
        let rank = ranks.rank();
        let trainer = Trainer::new(&model, model.initialize(3), &training, &validation, &settings()).unwrap();
        let mut trainer = trainer.over(ranks).unwrap();
        while !trainer.asked_to_stop() {
            if rank == 1 && trainer.position().1 == 2 {
                trainer.ask_to_stop();
            }
            assert!(matches!(trainer.advance().unwrap(), Some(Event::Batch(_))));
        }
        trainer.position()
    });
    assert_eq!(ends, [(1, 3); 3]);
}

/// Uniform values, reductions, and a singular point: at parameters (0, 2), the norm's derivative is infinite times zero.
fn singular<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
    let uniform = (p[1] * p[1]).exp();
    D::norm(&[p[0] * x[0], p[0]]) + uniform * x[0] + (x[1] * p[0]).sqrt() * x[2]
}

#[test]
fn parts_of_a_batch_add_up_to_its_bits_also_at_singular_points() {
    let program = Program::record_with_data(singular, &[0.3, 0.2], &[0.5, 0.5, 0.5]).unwrap();
    let count = 80_000;
    let flat: Vec<f64> = (0..3 * count)
        .map(|i| match i % 3 {
            2 if i < 30_000 => 0.0,
            _ => (i as f64 * 0.37).sin().abs(),
        })
        .collect();
    let points = Rows::new(&flat, 3);
    let tree = program.sum_tree(count);
    assert!(tree.chunks() > 8);
    for (p, clip) in
        [[0.3, 0.7], [0.0, 0.7]].into_iter().flat_map(|p| [None, Some(0.5)].map(|clip| (p, clip)))
    {
        let sums = Sums { clip, scale: Some(0.25), ..Sums::none() };
        let (mut expected, mut norms) = ([0.0; 2], vec![0.0; count]);
        let results = dualtape::program::Results {
            gradient: Some(&mut expected),
            norms: clip.map(|_| &mut norms[..]),
            ..dualtape::program::Results::none()
        };
        let sum = program.sum(&mut program.batch_workspace(), &p, &points, &sums, results).unwrap();
        for size in [1, 2, 3, 5] {
            let mut batch = program.batch_workspace();
            let mut found = None;
            for careful in [false, true] {
                let (mut partial, mut own_norms, mut subtrees, mut clipped) = (vec![], vec![], vec![], 0);
                for rank in 0..size {
                    let part = Part { chunks: tree.share(rank, size), careful };
                    clipped += program
                        .sum_part(&mut batch, &p, &points, &sums, &part, &mut partial, &mut own_norms)
                        .unwrap();
                    subtrees.extend(tree.subtrees(part.chunks));
                }
                let (width, mut gradient) = (program.partial_len(), [0.0; 2]);
                let mut total = vec![0.0; width];
                tree.add_up(0..tree.chunks(), &subtrees, |i| &partial[i * width..][..width], &mut total);
                if let Some(value) = program.sum_total(&mut batch, &total, careful, &mut gradient).unwrap() {
                    found = Some((value, gradient, clipped, own_norms));
                    break;
                }
            }
            let (value, gradient, clipped, own_norms) = found.unwrap();
            assert_eq!(
                (value.to_bits(), clipped),
                (sum.value.to_bits(), sum.clipped),
                "{p:?} {clip:?} {size}"
            );
            assert_eq!(bits(&gradient), bits(&expected), "{p:?} {clip:?} {size}");
            assert!(clip.is_none() || own_norms == norms);
        }
    }
}
