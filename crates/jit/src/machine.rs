//! Machine code with its memory: the only place with unsafe code.
#![allow(unsafe_code)]

use crate::layout::Layout;
use crate::number::Number;
use cranelift_jit::JITModule;
use dualtape::codegen::{INPUTS, MachineCode, OUTPUTS};
use std::sync::{Mutex, PoisonError};

/// The type of compiled functions: two input arrays, three output arrays, the workspace and the constants. Returns 0
/// if all checks passed.
type Function<F> = unsafe extern "C" fn(*const F, *const F, *mut F, *mut F, *mut F, *mut F, *const F) -> u32;

/// Pages of machine code, which are freed on drop.
pub(crate) struct Pages(Mutex<Option<JITModule>>);

impl Pages {
    pub(crate) fn new(module: JITModule) -> Self {
        Self(Mutex::new(Some(module)))
    }

    pub(crate) fn module(&mut self) -> &mut JITModule {
        let module = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        module.as_mut().expect("it is taken only on drop")
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

/// Functions that run one after the other on the same memory.
pub(crate) struct Machine<F> {
    functions: Vec<Function<F>>,
    constants: Vec<F>,
    layout: Layout,
    /// The addresses of the functions.
    _pages: Pages,
}

impl<F: Number> Machine<F> {
    /// Functions of the type above, at these addresses in these pages. They must stay within arrays of
    /// these lengths and within these constants: the emitter has checked each place.
    pub(crate) fn new(pages: Pages, addresses: &[*const u8], constants: Vec<F>, layout: Layout) -> Self {
        // SAFETY: the emitter declares each function with this signature and the calling convention of C, and the pages live
        // as long as the functions.
        let function =
            |&address: &*const u8| unsafe { std::mem::transmute::<*const u8, Function<F>>(address) };
        Self { functions: addresses.iter().map(function).collect(), constants, layout, _pages: pages }
    }
}

impl<F: Number> MachineCode<F> for Machine<F> {
    fn workspace(&self) -> usize {
        self.layout.workspace
    }

    #[inline]
    fn run(&self, inputs: [&[F]; INPUTS], outputs: [&mut [F]; OUTPUTS], workspace: &mut [F]) -> bool {
        let Self { functions, constants, layout, .. } = self;
        let ([a, b], [p, q, r]) = (inputs, outputs);
        // One by one: lengths put into an array and compared at once would wait for memory.
        let ([a_len, b_len], [p_len, q_len, r_len]) = (layout.inputs, layout.outputs);
        let fits =
            a.len() == a_len && b.len() == b_len && p.len() == p_len && q.len() == q_len && r.len() == r_len;
        assert!(fits && workspace.len() >= layout.workspace, "all arrays have the lengths of the routine");
        let ([a, b], [p, q, r]) = ([a, b].map(<[F]>::as_ptr), [p, q, r].map(<[F]>::as_mut_ptr));
        let (workspace, constants) = (workspace.as_mut_ptr(), constants.as_ptr());
        // SAFETY: the functions touch no place beyond the lengths of `layout`, nor beyond the constants, and write to no
        // input: the emitter has checked each of their loads and stores. All slices are borrowed for this call.
        functions.iter().all(|function| unsafe { function(a, b, p, q, r, workspace, constants) } == 0)
    }
}
