//! Memory that starts on a cache line, which the widest instructions prefer.

use crate::ProgramScalar;

/// A vector that starts on a cache line.
#[derive(Clone, Debug)]
pub(in crate::program) struct Aligned<F> {
    room: Vec<F>,
    skip: usize,
    len: usize,
}

/// In bytes; more than the size of the elements.
const CACHE_LINE: usize = 64;

impl<F: ProgramScalar> Aligned<F> {
    pub(in crate::program) const fn new() -> Self {
        Self { room: Vec::new(), skip: 0, len: 0 }
    }

    pub(in crate::program) fn resize(&mut self, len: usize) {
        if self.room.len() < len + CACHE_LINE {
            self.room.resize(len + CACHE_LINE, F::zero());
            self.skip = self.room.as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE);
        }
        self.len = len;
    }

    pub(in crate::program) fn get(&self) -> &[F] {
        &self.room[self.skip..self.skip + self.len]
    }

    pub(in crate::program) fn get_mut(&mut self) -> &mut [F] {
        &mut self.room[self.skip..self.skip + self.len]
    }

    pub(in crate::program) fn zeros(&mut self, len: usize) -> &mut [F] {
        self.resize(len);
        let all = self.get_mut();
        all.fill(F::zero());
        all
    }
}
