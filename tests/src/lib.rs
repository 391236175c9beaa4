//! What the tests share: scenarios with their exact derivatives, every mode, and what "close" means.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod close;
pub mod generated;
pub mod modes;
pub mod points;
pub mod scenarios;
pub mod sparse;

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The listings of the guide, compiled and run: each page that has some is here, as `tests/guide.rs` sees to.
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

    // Those that need other crates' arrays.
    #[cfg(feature = "integrations")]
    pages! {
        Sparse "sparse.md"
        Implicit "implicit.md"
        Arrays "arrays.md"
        CompilerMessages "compiler-messages.md"
    }
}
