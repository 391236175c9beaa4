//! Compiles a routine to machine code.

use crate::Error;
use crate::emit::{Constants, Features, Known, Shared, emit, signature};
use crate::layout::Layout;
use crate::machine::{Machine, Pages};
use crate::number::Number;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, default_libcall_names};
use dualtape::codegen::Routine;

/// The target: the processor of this machine, with compiler settings.
pub(crate) fn processor(registers: &str) -> Result<OwnedTargetIsa, Error> {
    let mut flags = settings::builder();
    let verifies = if cfg!(debug_assertions) { "true" } else { "false" };
    for (name, value) in [
        ("opt_level", "none"),
        ("regalloc_algorithm", registers),
        ("enable_verifier", verifies),
        ("unwind_info", "false"),
        ("is_pic", "false"),
        ("probestack_strategy", "inline"),
    ] {
        flags.set(name, value).map_err(Error::processor)?;
    }
    let processor = cranelift_native::builder().map_err(Error::processor)?;
    processor.finish(settings::Flags::new(flags)).map_err(Error::processor)
}

/// Machine code of a routine, with one function for each part.
pub(crate) fn compile<F: Number>(isa: &OwnedTargetIsa, routine: &Routine<F>) -> Result<Machine<F>, Error> {
    let layout = Layout::of(routine);
    let builder = JITBuilder::with_isa(isa.clone(), default_libcall_names());
    let mut pages = Pages::new(JITModule::new(builder));
    let module = pages.module();
    let mut shared = Shared {
        layout: &layout,
        required: routine.outputs(),
        features: Features::of(&**isa),
        target: isa.frontend_config(),
        constants: Constants::default(),
        known: Known::new(routine.values()),
    };
    let (mut context, mut functions) = (module.make_context(), FunctionBuilderContext::new());
    let mut numbers = Vec::with_capacity(routine.parts().len());
    for part in routine.parts() {
        context.func.signature = signature(isa.frontend_config());
        let number = module.declare_anonymous_function(&context.func.signature).map_err(Error::cranelift)?;
        emit(part, &mut shared, &mut context.func, &mut functions)?;
        module.define_function(number, &mut context).map_err(Error::cranelift)?;
        module.clear_context(&mut context);
        numbers.push(number);
    }
    module.finalize_definitions().map_err(Error::cranelift)?;
    let addresses: Vec<*const u8> =
        numbers.iter().map(|&number| module.get_finalized_function(number)).collect();
    Ok(Machine::new(pages, &addresses, shared.constants.numbers, layout))
}
