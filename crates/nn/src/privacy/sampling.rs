//! Poisson sampling of batches: each sample is drawn independently, and all with the same probability.
//!
//! Privacy accountants assume it (Abadi and others, "Deep learning with differential privacy", 2016;
//! Mironov, Talwar and Zhang, "Rényi differential privacy of the sampled Gaussian mechanism", 2019). The size of a batch
//! is random, and may be 0.

use super::elementary::{WORDS, minus_twice_ln, minus_twice_ln_of_complement};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// The position at which the words for samples begin, in words of 32 bits: the counter of their blocks is 2⁶³. The words
/// for noise with the same key and step begin at 0, and no memory holds enough components to reach this position.
const FIRST_WORD: u128 = 1 << 67;

/// Replaces `chosen` by a part of the indices below `count`, in their order. It contains each index with the given
/// probability, 0 < `probability` ≤ 1, independently of all others. The same key and step choose the same indices on any
/// machine.
///
/// The time is proportional to the number of chosen indices: the gaps between them have a geometric distribution (Devroye,
/// *Non-Uniform Random Variate Generation*, 1986, chapter X.2), and each gap takes one word of 64 bits.
pub(crate) fn poisson_sample(
    key: &[u8; 32],
    step: u64,
    probability: f64,
    count: usize,
    chosen: &mut Vec<usize>,
) {
    debug_assert!(probability > 0.0 && probability <= 1.0, "a probability above 0, not {probability}");
    chosen.clear();
    if probability >= 1.0 {
        chosen.extend(0..count);
        return;
    }
    let mut stream = ChaCha12Rng::from_seed(*key);
    stream.set_stream(step);
    stream.set_word_pos(FIRST_WORD);
    let scale = minus_twice_ln_of_complement(probability);
    let mut next = 0;
    loop {
        // A gap of at least n has the probability (1 − q)ⁿ, which is also the probability that a uniform number is below it.
        let gap = minus_twice_ln_uniform(stream.next_u64()) / scale;
        if gap >= (count - next) as f64 {
            return;
        }
        next += gap as usize;
        chosen.push(next);
        next += 1;
    }
}

/// −2 ln u, where u is an odd multiple of 2⁻⁶⁴ below 1. It is positive, and right to the last bits at both ends.
fn minus_twice_ln_uniform(word: u64) -> f64 {
    let complement = (!word | 1) as f64 / WORDS;
    if complement < 0.25 {
        minus_twice_ln_of_complement(complement)
    } else {
        minus_twice_ln((word | 1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_WORD, minus_twice_ln_uniform, poisson_sample};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha12Rng;

    const KEY: [u8; 32] = *b"samples are drawn with this key.";
    const PROBABILITIES: [f64; 6] = [0.01, 0.1, 0.25, 0.3, 0.8, 0.99];

    fn sample(step: u64, probability: f64, count: usize) -> Vec<usize> {
        let mut chosen = vec![7; 3];
        poisson_sample(&KEY, step, probability, count, &mut chosen);
        chosen
    }

    #[test]
    fn each_sample_is_chosen_as_often_as_it_should_be_and_on_its_own() {
        const COUNT: usize = 40;
        const STEPS: usize = 20_000;
        for q in PROBABILITIES {
            let (mut single, mut both) = ([0.0; COUNT], [[0.0; COUNT]; COUNT]);
            for step in 0..STEPS {
                let chosen = sample(step as u64, q, COUNT);
                for &i in &chosen {
                    single[i] += 1.0;
                    chosen.iter().filter(|&&j| j != i).for_each(|&j| both[i][j] += 1.0);
                }
            }
            let assert_share = |times: f64, share: f64, what: &str| {
                let (expected, variance) = (share * STEPS as f64, share * (1.0 - share) * STEPS as f64);
                // Thousands of shares are checked; the share of two at 1 % is small, and its distribution is skewed.
                assert!(
                    (times - expected).abs() < 4.5 * variance.sqrt() + 2.0,
                    "{q}, {what}: {times} of {expected}"
                );
            };
            for i in 0..COUNT {
                assert_share(single[i], q, &format!("{i}"));
                (0..i).for_each(|j| assert_share(both[i][j], q * q, &format!("{i} and {j}")));
            }
        }
    }

    #[test]
    fn sizes_of_batches_have_mean_and_variance_of_the_binomial_distribution() {
        const STEPS: u64 = 4000;
        for (q, count) in PROBABILITIES.into_iter().zip([1000, 1000, 100, 5000, 300, 2000]) {
            let sizes: Vec<f64> = (0..STEPS).map(|step| sample(step, q, count).len() as f64).collect();
            let steps = STEPS as f64;
            let mean = sizes.iter().sum::<f64>() / steps;
            let variance =
                sizes.iter().map(|size| (size - mean) * (size - mean)).sum::<f64>() / (steps - 1.0);
            let (expected, spread) = (q * count as f64, q * (1.0 - q) * count as f64);
            assert!(
                (mean - expected).abs() < 4.0 * (spread / steps).sqrt(),
                "{q}: mean {mean}, not {expected}"
            );
            assert!(
                (variance / spread - 1.0).abs() < 4.0 * (2.0 / steps).sqrt() + 0.01,
                "{q}: {variance}, not {spread}"
            );
        }
    }

    #[test]
    fn batches_of_successive_steps_are_independent() {
        // If two batches have q = ½, half of the indices are in both or in neither.
        let (steps, count) = (200_u64, 1000);
        let mut same = 0;
        for step in 0..steps {
            let (one, other) = (sample(step, 0.5, count), sample(step + 1, 0.5, count));
            same +=
                (0..count).filter(|i| one.binary_search(i).is_ok() == other.binary_search(i).is_ok()).count();
        }
        let all = (steps * count as u64) as f64;
        assert!((same as f64 - all / 2.0).abs() < 4.0 * (all / 4.0).sqrt(), "{same} of {all}");
    }

    #[test]
    fn indices_rise_and_stay_below_the_count() {
        for q in PROBABILITIES {
            let chosen = sample(3, q, 10_000);
            assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.last().is_some_and(|&i| i < 10_000));
        }
    }

    #[test]
    fn edges_are_exact() {
        assert_eq!(sample(1, 1.0, 5), [0, 1, 2, 3, 4]);
        assert!(PROBABILITIES.into_iter().chain([1.0]).all(|q| sample(1, q, 0).is_empty()));
        for q in [5e-324, 1e-300, 1e-30] {
            assert!((0..100).all(|step| sample(step, q, usize::MAX).is_empty()), "{q}");
        }
        // The probability of leaving a sample out is 2⁻⁵³.
        assert_eq!(sample(1, 1.0_f64.next_down(), 1000), sample(1, 1.0, 1000));
    }

    #[test]
    fn tiny_probabilities_of_huge_counts_choose_as_many_as_they_should() {
        for (q, count) in [(1e-18, 1_u64 << 63), (3e-13, 1 << 45), (1e-6, 10_000_000)] {
            let sizes: f64 = (0..1000).map(|step| sample(step, q, count as usize).len() as f64).sum();
            let expected = 1000.0 * q * count as f64;
            assert!((sizes - expected).abs() < 4.0 * expected.sqrt(), "{q}: {sizes}, not {expected}");
        }
    }

    #[test]
    fn exponential_numbers_are_those_of_their_words_at_both_ends() {
        for word in [0, 1, 2, 3, 1 << 62, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 1, u64::MAX] {
            let from_top = ((u64::MAX - (word | 1)) as f64 + 1.0) / 2.0_f64.powi(64);
            let expected = if word >> 63 == 1 {
                (-from_top).ln_1p()
            } else {
                ((word | 1) as f64).ln() - 64.0 * 2.0_f64.ln()
            };
            let given = minus_twice_ln_uniform(word);
            assert!(
                (given + 2.0 * expected).abs() <= 1e-14 * given,
                "{word}: {given}, not {}",
                -2.0 * expected
            );
        }
    }

    #[test]
    fn words_are_none_of_the_noise() {
        let mut stream = ChaCha12Rng::from_seed(KEY);
        stream.set_word_pos(FIRST_WORD);
        // A block has 16 words. In 2⁶⁴ bytes, the narrowest numbers take 4 bytes each, and each needs 8 bytes of the cipher.
        let blocks_of_noise = (1_u128 << 64) / 4 * 8 / 64;
        assert!(stream.get_word_pos() == FIRST_WORD && FIRST_WORD / 16 >= blocks_of_noise);
        // There are still words after this position.
        let first = stream.next_u64();
        assert!(stream.get_word_pos() > FIRST_WORD && first != 0);
    }

    #[test]
    fn samples_are_those_of_their_definition_and_the_same_as_ever() {
        // Another program computed the cipher, and the logarithms to 40 digits.
        assert_eq!(
            sample(1, 0.01, 1000),
            [56, 108, 404, 488, 491, 520, 591, 633, 652, 846, 850, 871, 942, 961]
        );
        let of_step_2 = [7, 22, 23, 45, 189, 273, 345, 397, 427, 447, 462, 585, 823, 841, 901, 917, 928, 967];
        assert_eq!(sample(2, 0.01, 1000), of_step_2);
    }
}
