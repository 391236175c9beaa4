//! Twelve programs that show what dualtape is for. Each stands in a file of its own, prints or draws what it finds, and asserts
//! that the result is right: `cargo run --release -p dualtape-examples --example three_bodies`.

#![forbid(unsafe_code)]
