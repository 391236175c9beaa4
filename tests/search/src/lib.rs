//! Random search for programs on which modes disagree.
//!
//! A package of its own, because it evaluates for minutes what other tests evaluate once: it is optimised in development builds, and
//! the other tests, which take longer to build than to run, are not.

#![forbid(unsafe_code)]
