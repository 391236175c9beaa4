//! Gradients as machine code, if the crate dualtape-jit is built in.

use crate::workload::Workload;
use dualtape::Program;

/// Programs with more nodes are not compiled, since that would take seconds.
#[cfg(feature = "peers")]
const MOST: usize = 50_000;

/// Adds the gradient of a program as machine code, and the time of compiling it, under these names.
#[cfg(feature = "peers")]
pub(crate) fn with_machine_code(
    workload: Workload,
    [name, compile]: [&'static str; 2],
    program: &Program<f64>,
    x: &[f64],
) -> Workload {
    use crate::workload::sound;
    use dualtape::codegen::Quantity;
    use dualtape_jit::{Jit, Tier};
    use std::sync::Arc;

    if program.graph().len() > MOST {
        return workload;
    }
    let jit = Jit::new(Tier::Optimised).expect("there is code for this processor");
    let compiled = program.clone().optimized_by(Arc::new(jit.clone()));
    let (mut workspace, point) = (compiled.workspace(), x.to_vec());
    let workload =
        workload.mode(name, move |gradient| sound(compiled.gradient(&mut workspace, &point, gradient)));
    let program = program.clone();
    workload.mode(compile, move |_| {
        let code = jit.compile(&program, Quantity::Gradient).expect("the gradient has code");
        code.outputs().len() as f64
    })
}

/// Without the compiler, there is no machine code.
#[cfg(not(feature = "peers"))]
pub(crate) fn with_machine_code(
    workload: Workload,
    _: [&'static str; 2],
    _: &Program<f64>,
    _: &[f64],
) -> Workload {
    workload
}

/// Adds the Jacobian of a program, at one observation after the other, as machine code.
#[cfg(feature = "peers")]
pub(crate) fn with_machine_code_of_jacobians(
    workload: Workload,
    program: &Program<f64>,
    observations: &[f64],
) -> Workload {
    use crate::functions::projection::{OBSERVATION, WIDTH};
    use crate::workload::{MACHINE_CODE, sound};
    use dualtape_jit::{Jit, Tier};
    use std::sync::Arc;

    let jit = Jit::new(Tier::Optimised).expect("there is code for this processor");
    let compiled = program.clone().optimized_by(Arc::new(jit));
    let (mut workspace, observations) = (compiled.workspace(), observations.to_vec());
    let (mut values, mut jacobian) = ([0.0; 2], [0.0; 2 * OBSERVATION]);
    workload.mode(MACHINE_CODE, move |derivatives| {
        let rows = observations.chunks(OBSERVATION).zip(derivatives.chunks_mut(2 * WIDTH));
        let each = rows.map(|(row, derivatives)| {
            sound(compiled.jacobian(&mut workspace, row, &mut values, &mut jacobian));
            let rows = jacobian.chunks(OBSERVATION).zip(derivatives.chunks_mut(WIDTH));
            rows.for_each(|(all, derivatives)| derivatives.copy_from_slice(&all[..WIDTH]));
            values[0]
        });
        each.sum()
    })
}

/// Without the compiler, there is no machine code.
#[cfg(not(feature = "peers"))]
pub(crate) fn with_machine_code_of_jacobians(workload: Workload, _: &Program<f64>, _: &[f64]) -> Workload {
    workload
}
