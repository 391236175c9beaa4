//! Shared by the tests: scenarios with their exact derivatives, all modes, and comparisons up to a tolerance.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod close;
pub mod generated;
pub mod modes;
pub mod points;
pub mod scenarios;
pub mod sparse;

/// Compiles and runs the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles and runs the listings of the guide: every page with listings is included, which `tests/guide.rs` checks.
#[cfg(doctest)]
mod guide {
    macro_rules! pages {
        ($($Page:ident $file:literal)*) => { $(
            #[doc = include_str!(concat!("../../docs/guide/src/", $file))]
            struct $Page;
        )* };
    }

    pages! {
        Introduction "introduction.md"
        FirstDerivative "first-derivative.md"
        Modes "modes.md"
        Choosing "choosing.md"
        Programs "programs.md"
        Structures "structures.md"
        Loops "loops.md"
        Taylor "taylor.md"
        Laplacian "laplacian.md"
        OwnFunctions "own-functions.md"
        Networks "networks.md"
        PrivateTraining "private-training.md"
        Pictures "pictures.md"
        Performance "performance.md"
        AsFastAsByHand "as-fast-as-by-hand.md"
        Numerics "numerics.md"
        ComingFrom "coming-from.md"
        Extending "extending.md"
    }

    // Pages that need the arrays of other crates.
    #[cfg(feature = "integrations")]
    pages! {
        Sparse "sparse.md"
        Implicit "implicit.md"
        Arrays "arrays.md"
        CompilerMessages "compiler-messages.md"
    }
}
