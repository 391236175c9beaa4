//! Sixteen blocks of ChaCha at once, for noise.
//!
//! The cipher is Bernstein's ("ChaCha, a variant of Salsa20", 2008). It has a key of 256 bits, a counter and a stream number
//! of 64 bits each, and twelve rounds. It gives the same words as `ChaCha12Rng` of the crate `rand_chacha`. That crate gives
//! its words one after another, and uses at most the registers of AVX2. This module uses the widest registers that exist,
//! and gives the words in the order in which loops over lanes read them. No attack is known on more than seven rounds.

/// The number of blocks that are computed together: as many as the widest registers have words.
pub(super) const BLOCKS: usize = 16;

/// The words of sixteen blocks. Row `w` holds word `w` of each block. The words of blocks `2i` and `2i + 1` are the lower
/// and the higher half of number `i` in the row.
pub(super) type Words = [[u64; BLOCKS / 2]; 16];

/// A key, and the number of one of its streams of words.
#[derive(Clone, Copy)]
pub(super) struct Stream([u32; 16]);

impl Stream {
    pub(super) fn new(key: &[u8; 32], number: u64) -> Self {
        // "expand 32-byte k"
        let mut state = [0; 16];
        state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        for (word, bytes) in state[4..12].iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        [state[14], state[15]] = halves(number);
        Self(state)
    }

    /// Writes blocks `16 · group` to `16 · group + 15`.
    #[inline(always)]
    pub(super) fn blocks(&self, group: u64, words: &mut Words) {
        let (low, high) = (group.wrapping_mul(BLOCKS as u64) as u32, (group >> 28) as u32);
        let rows: &mut [[u32; BLOCKS]; 16] = pulp::bytemuck::cast_mut(words);
        // This is a single loop over the blocks without branches, so the compiler vectorises it.
        #[allow(clippy::needless_range_loop)] // The rows are what is indexed first.
        for block in 0..BLOCKS {
            let mut start = self.0;
            // The counter is a multiple of 16 for block 0.
            start[12] = low | block as u32;
            start[13] = high;
            let end = twelve_rounds(start);
            for word in 0..16 {
                rows[word][block] = start[word].wrapping_add(end[word]);
            }
        }
        if cfg!(target_endian = "big") {
            words.as_flattened_mut().iter_mut().for_each(|pair| *pair = pair.rotate_left(32));
        }
    }
}

/// The lower and the higher half.
fn halves(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

/// Six double rounds, unrolled: a loop inside the loop over blocks would prevent its vectorisation.
#[inline(always)]
fn twelve_rounds(x: [u32; 16]) -> [u32; 16] {
    let x = double_round(double_round(x));
    let x = double_round(double_round(x));
    double_round(double_round(x))
}

/// A round on the columns of the square of words, and one on its diagonals.
#[inline(always)]
fn double_round(mut x: [u32; 16]) -> [u32; 16] {
    quarter_round(&mut x, [0, 4, 8, 12]);
    quarter_round(&mut x, [1, 5, 9, 13]);
    quarter_round(&mut x, [2, 6, 10, 14]);
    quarter_round(&mut x, [3, 7, 11, 15]);
    quarter_round(&mut x, [0, 5, 10, 15]);
    quarter_round(&mut x, [1, 6, 11, 12]);
    quarter_round(&mut x, [2, 7, 8, 13]);
    quarter_round(&mut x, [3, 4, 9, 14]);
    x
}

#[inline(always)]
fn quarter_round(x: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(16);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(12);
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(8);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use super::{BLOCKS, Stream, Words};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha12Rng;

    #[test]
    fn words_are_those_of_the_cipher() {
        let keys = [[0; 32], [255; 32], std::array::from_fn(|i| (i * 41 + 3) as u8)];
        for key in keys {
            for number in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
                // The groups go past the first carry from word 12 to word 13 of the state, and far beyond it.
                for group in [0, 1, (1 << 28) - 1, 1 << 28, (1 << 58) + 12345, (1 << 60) - 1] {
                    let mut words = Words::default();
                    Stream::new(&key, number).blocks(group, &mut words);
                    let mut expected = ChaCha12Rng::from_seed(key);
                    expected.set_stream(number);
                    expected.set_word_pos(u128::from(group) * 16 * 16);
                    for block in 0..BLOCKS {
                        for row in words {
                            let word = (row[block / 2] >> (32 * (block % 2))) as u32;
                            assert_eq!(
                                word,
                                expected.next_u32(),
                                "stream {number}, group {group}, block {block}"
                            );
                        }
                    }
                }
            }
        }
    }
}
