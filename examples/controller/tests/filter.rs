//! Runs the example.

use std::process::Command;

#[test]
fn the_filter_follows_the_pendulum() {
    let output = Command::new(env!("CARGO_BIN_EXE_dualtape-example-controller")).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("it prints text");
    // The example itself fails if the estimate is wrong.
    assert!(output.status.success() && text.lines().count() == 6, "{text}");
}
