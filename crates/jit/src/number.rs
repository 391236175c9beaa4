//! The types of numbers that machine code computes with.

use cranelift_codegen::ir::{Type, types};
use dualtape::ProgramScalar;

/// A type of number with machine code: `f32` or `f64`.
///
/// The trait is sealed, like [`ProgramScalar`].
///
/// ```
/// use dualtape_jit::{Jit, Number, Tier};
/// use dualtape::{Program, codegen::Quantity};
/// fn twice<F: Number>(x: F) -> Result<F, dualtape_jit::Error> {
///     let program = Program::record(|x| x[0] + x[0], &[x])?;
///     let mut outputs = [F::zero()];
///     Jit::new(Tier::SinglePass)?.compile(&program, Quantity::Values)?.call(&[x], &mut outputs)?;
///     Ok(outputs[0])
/// }
/// assert_eq!((twice(1.5_f32)?, twice(1.5_f64)?), (3.0, 3.0));
/// # Ok::<(), dualtape_jit::Error>(())
/// ```
pub trait Number: ProgramScalar + Details {}

impl Number for f32 {}
impl Number for f64 {}

/// What the emitter has to know about a type of number.
pub trait Details: Sized {
    /// The Cranelift type of a number, and of its bits.
    const TYPE: Type;
    const BITS: Type;
    /// The vector types of numbers, and of their bits.
    const LANES: Type;
    const BIT_LANES: Type;
    const BYTES: usize;
    /// The smallest positive normal number.
    const SMALLEST_NORMAL: Self;

    /// The bits, zero-extended.
    fn bits(self) -> u64;

    fn of_bits(bits: u64) -> Self;
}

macro_rules! details {
    ($F:ty, $Bits:ty, $number:ident, $bits:ident, $lanes:ident, $bit_lanes:ident) => {
        impl Details for $F {
            const TYPE: Type = types::$number;
            const BITS: Type = types::$bits;
            const LANES: Type = types::$lanes;
            const BIT_LANES: Type = types::$bit_lanes;
            const BYTES: usize = size_of::<$F>();
            const SMALLEST_NORMAL: Self = <$F>::MIN_POSITIVE;

            fn bits(self) -> u64 {
                self.to_bits().into()
            }

            // The bits are those of a number of this type.
            #[allow(clippy::cast_possible_truncation)]
            fn of_bits(bits: u64) -> Self {
                Self::from_bits(bits as $Bits)
            }
        }
    };
}

details!(f32, u32, F32, I32, F32X4, I32X4);
details!(f64, u64, F64, I64, F64X2, I64X2);
