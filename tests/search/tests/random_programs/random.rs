//! Random numbers.

use crate::case::INPUTS;
use dualtape::ProgramScalar;
use dualtape_tests::points::EDGES;

/// Beyond the range in which lanes have sines and cosines of their own, or near its end.
const LARGE_ANGLES: [f64; 4] = [3e4, -1e9, 1e15, -1e20];

/// Uniform random numbers (splitmix64), so that a seed determines the case.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A moderate number or, with `edges`, sometimes an edge.
    pub(crate) fn number(&mut self, edges: bool) -> f64 {
        if edges {
            match self.below(16) {
                0..4 => return self.pick(&EDGES),
                4 => return self.pick(&LARGE_ANGLES),
                _ => {}
            }
        }
        -2.0 + 4.0 * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn point<F: ProgramScalar>(&mut self, edges: bool) -> Vec<F> {
        (0..INPUTS).map(|_| F::nearest(self.number(edges))).collect()
    }
}
