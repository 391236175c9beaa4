//! The compiler's messages for code that does not compile, where this library influences them.
//!
//! A crate with a program for each case is checked with the cargo that runs this test, offline and with the versions of the
//! workspace.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A name, a program that does not compile, and phrases of the compiler's message.
const CASES: [(&str, &str, &[&str]); 10] = [
    (
        "a_closure_for_jacobian",
        "fn main() { dualtape::jacobian(|x: &[f64]| vec![x[0]], &[1.0_f64]); }",
        &[
            "is not a `Function` of `f64` numbers of every kind",
            "pass it to `jacobian_forward` or `jacobian_reverse`",
            "implement `dualtape::Function` for a struct",
        ],
    ),
    (
        "a_generic_function_by_name",
        "use dualtape::Differentiable;
        fn f<D: Differentiable>(x: &[D]) -> D { x[0] }
        fn main() { dualtape::gradient(f, &[1.0]); }",
        // The language gives the library no influence here; the documentation of `gradient` shows the closure.
        &["implementation of `FnOnce` is not general enough"],
    ),
    (
        "an_integer",
        "fn main() { dualtape::derivative(|x| x * x, 3_i32); }",
        &[
            "no derivative can be taken through `i32`",
            "an integer `n` becomes a constant by `D::literal(n as f64)`",
        ],
    ),
    (
        "a_dual_number_in_a_program",
        "use dualtape::{Dual, Program, Traced};
        fn main() { let _ = Program::record(|x: &[Traced<Dual<f64>>]| x[0], &[Dual::lift(1.0)]); }",
        &["programs compute with `f32` and `f64`"],
    ),
    (
        "a_number_that_was_not_recorded",
        "use dualtape::{Program, Traced};
        fn main() { let _ = Program::record(|_: &[Traced<f64>]| \"text\", &[1.0]); }",
        &["a recorded function does not return `&", "return a `Traced` number, an array or a `Vec` of them"],
    ),
    (
        "a_slice_for_points",
        "use dualtape::{Program, Traced};
        fn main() {
            let p = Program::record(|x: &[Traced<f64>]| x[0], &[1.0]).unwrap();
            let points = vec![1.0, 2.0];
            let _ = p.sum_gradient(&mut p.batch_workspace(), &[], &points, &mut []);
        }",
        &["does not hold the points of a batch", "write `Rows::new(&numbers, width)`"],
    ),
    (
        "a_closure_for_a_loop",
        "fn main() { let _ = dualtape::loops::scan(&|x: &mut [f64]| x[0] *= 2.0, 10, &[1.0], &[], &[]); }",
        &["is not the step of a loop", "implement `dualtape::loops::Step` for a struct"],
    ),
    (
        "a_closure_for_a_rule",
        "use dualtape::Differentiable;
        fn main() { let _ = f64::call(&|x: f64| x, &[1.0]); }",
        &["is not a rule with its own derivative", "implement `dualtape::CustomRule` for a struct"],
    ),
    (
        "lanes_as_a_plain_type",
        "fn f(_: dualtape::Dual<f64, u8>) {} fn main() {}",
        &["`dualtape::arrays::Dual<f64, 4>` is a dual number of four lanes"],
    ),
    (
        "a_literal_on_the_left_in_generic_code",
        "use dualtape::Differentiable;
        fn f<D: Differentiable<Scalar = f64>>(x: D) -> D { 2.0 * x }
        fn main() { f(1.0); }",
        &["cannot multiply `{float}` by `D`"],
    ),
];

#[test]
fn messages_say_what_to_write_instead() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiler_messages");
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let programs = folder.join("src/bin");
    fs::create_dir_all(&programs).unwrap();
    let core = top.join("crates/core").canonicalize().unwrap();
    let manifest = format!(
        "[package]\nname = \"messages\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         dualtape = {{ path = {core:?} }}\n\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(top.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    for (name, source, _) in CASES {
        fs::write(programs.join(name).with_extension("rs"), source).unwrap();
    }
    for (name, _, expected) in CASES {
        let check = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline", "--bin", name])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&check.stderr);
        assert!(!check.status.success(), "{name} compiles");
        for phrase in expected {
            assert!(said.contains(phrase), "{name}: {phrase:?} is not in\n{said}");
        }
    }
}
