//! The samples of each batch of an epoch, for custom training loops.

use crate::Error;
use crate::initialize::{self, Use};
use rand::seq::SliceRandom;

/// The batches of an epoch as indices of samples, in order or shuffled by a seed, like PyTorch's sampler of this name.
///
/// The same seed and epoch give the same batches on every machine, so a loop can continue from any epoch without saved
/// state. A [`Trainer`](crate::Trainer) whose settings have the same seed and batch size uses the same batches.
///
/// ```
/// use dualtape::{Float, program::{Rows, Selected}};
/// use dualtape_nn::{Optimizer, Method, Recorded, data::BatchSampler};
///
/// // Fit the line y = 2x + 1 to ten points, in batches of four.
/// let points: Vec<f64> = (0..10).flat_map(|x| [f64::from(x), 2.0 * f64::from(x) + 1.0]).collect();
/// let rows = Rows::new(&points, 2);
/// let mut loss = Recorded::new(2, 2, |p, s| (p[0] * s[0] + p[1] - s[1]).powi(2))?;
/// let (mut line, mut gradient) = ([0.0; 2], [0.0; 2]);
/// let mut optimizer = Optimizer::new(Method::adam(), 2)?;
/// let batches = BatchSampler::new(10, 4)?.shuffle(7);
/// for epoch in 1..=300 {
///     for batch in batches.epoch(epoch) {
///         let samples = Selected { points: &rows, indices: &batch };
///         loss.mean(&line, &samples, None, &mut gradient)?;
///         optimizer.step(0.05, &mut line, &gradient);
///     }
/// }
/// assert!((line[0] - 2.0).abs() < 1e-3 && (line[1] - 1.0).abs() < 1e-3, "{line:?}");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSampler {
    samples: usize,
    batch_size: usize,
    seed: Option<u64>,
    drop_last: bool,
}

impl BatchSampler {
    /// Batches of `batch_size` samples, in order. The last batch is shorter if some samples are left over.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the batch size is 0.
    ///
    /// ```
    /// use dualtape_nn::data::BatchSampler;
    /// let batches: Vec<_> = BatchSampler::new(5, 2)?.epoch(1).collect();
    /// assert_eq!(batches, [vec![0, 1], vec![2, 3], vec![4]]);
    /// assert!(BatchSampler::new(5, 0).is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn new(samples: usize, batch_size: usize) -> Result<Self, Error> {
        if batch_size == 0 {
            return Err(Error::Setting { what: "batch size", given: "0".to_owned(), expected: "at least 1" });
        }
        Ok(Self { samples, batch_size, seed: None, drop_last: false })
    }

    /// The same batches, but with the samples in an order that is drawn anew for each epoch.
    ///
    /// ```
    /// use dualtape_nn::data::BatchSampler;
    /// let batches = BatchSampler::new(100, 10)?.shuffle(7);
    /// let order = |epoch| batches.epoch(epoch).flatten().collect::<Vec<_>>();
    /// assert!(order(1) == order(1) && order(1) != order(2));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn shuffle(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The same batches, but without the last one if it is short. If there are fewer samples than the batch size, no batch is
    /// left.
    ///
    /// ```
    /// use dualtape_nn::data::BatchSampler;
    /// let batches: Vec<_> = BatchSampler::new(5, 2)?.drop_last().epoch(1).collect();
    /// assert_eq!(batches, [[0, 1], [2, 3]]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn drop_last(self) -> Self {
        Self { drop_last: true, ..self }
    }

    /// How many batches make an epoch.
    ///
    /// ```
    /// use dualtape_nn::data::BatchSampler;
    /// let sampler = BatchSampler::new(5, 2)?;
    /// assert_eq!((sampler.batches(), sampler.drop_last().batches()), (3, 2));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn batches(&self) -> usize {
        if self.drop_last { self.samples / self.batch_size } else { self.samples.div_ceil(self.batch_size) }
    }

    /// The batches of an epoch, which is counted from 1. Each batch is the indices of its samples. Each sample occurs once,
    /// except for those that are dropped.
    ///
    /// # Panics
    ///
    /// If the epoch is 0.
    ///
    /// ```
    /// use dualtape_nn::data::{BatchSampler, iris};
    /// let iris = iris();
    /// let sampler = BatchSampler::new(iris.len(), 32)?.shuffle(1);
    /// let sizes: Vec<usize> = sampler.epoch(1).map(|batch| iris.select(&batch).len()).collect();
    /// assert_eq!(sizes, [32, 32, 32, 32, 22]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn epoch(&self, epoch: usize) -> impl ExactSizeIterator<Item = Vec<usize>> + use<> {
        assert!(epoch > 0, "epochs are counted from 1");
        let order = match self.seed {
            Some(seed) => shuffled(self.samples, seed, epoch),
            None => (0..self.samples).collect(),
        };
        let size = self.batch_size;
        (0..self.batches()).map(move |batch| {
            let first = batch * size;
            order[first..first.saturating_add(size).min(order.len())].to_vec()
        })
    }
}

/// The order of the samples in an epoch, which is counted from 1.
pub(crate) fn shuffled(samples: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples).collect();
    order.shuffle(&mut initialize::substream(seed, Use::Shuffle, epoch as u64));
    order
}
