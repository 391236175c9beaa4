//! Machine code with its memory: the one place where the compiler's word is not enough.
#![allow(unsafe_code)]

use crate::number::Number;
use cranelift_jit::JITModule;
use std::sync::{Mutex, PoisonError};

/// What is compiled: it reads and writes the numbers of one memory, reads constants, and gives 0 if all checks held.
type Function<F> = unsafe extern "C" fn(*mut F, *const F) -> u32;

/// Pages of machine code, which are given back in the end.
pub(crate) struct Pages(Mutex<Option<JITModule>>);

impl Pages {
    pub(crate) fn new(module: JITModule) -> Self {
        Self(Mutex::new(Some(module)))
    }

    pub(crate) fn module(&mut self) -> &mut JITModule {
        let module = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        module.as_mut().expect("it is taken in the end only")
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let module = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // SAFETY: nobody can call the functions any more: a `Machine` owns the pages of its functions, and only calls them
        // while it is borrowed.
        module.into_iter().for_each(|module| unsafe { module.free_memory() });
    }
}

/// Functions that are run one after the other on one memory.
pub(crate) struct Machine<F> {
    functions: Vec<Function<F>>,
    constants: Vec<F>,
    memory: usize,
    /// Where the functions stand.
    _pages: Pages,
}

impl<F: Number> Machine<F> {
    /// Functions of the type above, which stand in these pages at these addresses. They keep within so many numbers of memory
    /// and within these constants: whoever wrote them has checked each place.
    pub(crate) fn new(pages: Pages, addresses: &[*const u8], constants: Vec<F>, memory: usize) -> Self {
        // SAFETY: the emitter declares each function with this signature and the calling convention of C, and the pages live
        // as long as the functions.
        let function =
            |&address: &*const u8| unsafe { std::mem::transmute::<*const u8, Function<F>>(address) };
        Self { functions: addresses.iter().map(function).collect(), constants, memory, _pages: pages }
    }

    /// How many numbers the memory has.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Runs all functions, until one refuses; says whether none did.
    ///
    /// # Panics
    ///
    /// If the memory is shorter than [`Machine::memory`].
    #[inline]
    pub(crate) fn run(&self, memory: &mut [F]) -> bool {
        assert!(memory.len() >= self.memory, "the memory has {} numbers, not {}", memory.len(), self.memory);
        let (numbers, constants) = (memory.as_mut_ptr(), self.constants.as_ptr());
        // SAFETY: the functions touch no place beyond `self.memory` and `self.constants`, which the emitter has checked for
        // each of their loads and stores; both are valid for the call, and the memory is borrowed for this call alone.
        self.functions.iter().all(|function| unsafe { function(numbers, constants) } == 0)
    }
}
