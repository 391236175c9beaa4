//! The compiler's messages for code that does not compile, where this library influences them.
//!
//! A crate with a program for each case is checked with the cargo that runs this test, offline and with the versions of the
//! workspace.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A name, a program that does not compile, and phrases of the compiler's message.
const CASES: [(&str, &str, &[&str]); 19] = [
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
    (
        "a_struct_that_is_no_structure",
        "struct Point { x: f64 }
        fn main() { let _ = dualtape::parameters::gradient(|_| 1.0.into(), &Point { x: 1.0 }); }",
        &["`Point` is not a structure of numbers", "becomes one by `#[derive(dualtape::Parameters)]`"],
    ),
    (
        "parameters_of_an_enum",
        "#[derive(dualtape::Parameters)]
        enum Shape<T> { Circle(T) }
        fn main() {}",
        &[
            "can be derived for a struct, not for an enum; implement the trait by hand",
            "parameters_of_an_enum.rs:2:9",
        ],
    ),
    (
        "parameters_of_a_union",
        "#[derive(dualtape::Parameters)]
        union Either<T: Copy> { one: T, other: T }
        fn main() {}",
        &["can be derived for a struct, not for a union", "parameters_of_a_union.rs:2:9"],
    ),
    (
        "parameters_without_a_type_parameter",
        "#[derive(dualtape::Parameters)]
        struct Layer<const N: usize> { weights: [f64; N] }
        #[derive(dualtape::Parameters)]
        struct Nothing;
        fn main() {}",
        &[
            "`Layer` has no type parameter for its numbers; make it generic, `struct Layer<T>`, with `T` in place of `f64`",
            "parameters_without_a_type_parameter.rs:2:16",
            "`Nothing` has no type parameter",
            "parameters_without_a_type_parameter.rs:4:16",
        ],
    ),
    (
        "parameters_of_several_types",
        "#[derive(dualtape::Parameters)]
        struct Pair<A, B> { a: A, b: B }
        #[derive(dualtape::Parameters)]
        #[parameters(number = C)]
        struct Other<A, B> { a: A, #[parameters(skip)] b: B }
        fn main() {}",
        &[
            "`Pair` has several type parameters; say which is that of its numbers, for example by \
             `#[parameters(number = A)]`",
            "parameters_of_several_types.rs:2:20",
            "`Other` has no type parameter `C`",
            "parameters_of_several_types.rs:4:31",
        ],
    ),
    (
        "constant_fields_of_parameters",
        "#[derive(dualtape::Parameters)]
        struct Layer<T> { weights: Vec<T>, rate: f64, name: String, #[parameters(skip)] bias: Option<T> }
        fn main() {}",
        // All of them at once.
        &[
            "this field has no numbers of type `T`; give it numbers of that type, or keep it constant by \
             `#[parameters(skip)]`",
            "constant_fields_of_parameters.rs:2:50",
            "constant_fields_of_parameters.rs:2:61",
            "a skipped field keeps its type, so it cannot contain `T`",
            "constant_fields_of_parameters.rs:2:95",
        ],
    ),
    (
        "attributes_of_parameters",
        "#[derive(dualtape::Parameters)]
        struct Layer<T> { #[parameters(skipped)] weights: T }
        #[derive(dualtape::Parameters)]
        #[parameters(skip)]
        struct Other<T>(T);
        fn main() {}",
        &[
            "expected `skip`, which keeps the field constant",
            "attributes_of_parameters.rs:2:40",
            "expected `number = T`, with the type parameter of the numbers; `skip` belongs to a field",
            "attributes_of_parameters.rs:4:22",
        ],
    ),
    (
        "a_field_that_is_no_structure",
        "#[derive(dualtape::Parameters)]
        struct Layer<T> { weights: std::collections::VecDeque<T> }
        fn main() {}",
        &["`VecDeque<T>` is not a structure of numbers", "a_field_that_is_no_structure.rs:2:36"],
    ),
    (
        "a_bound_that_not_every_number_fulfils",
        "#[derive(dualtape::Parameters)]
        struct Layer<T: 'static + std::hash::Hash> { weights: Vec<T> }
        fn main() {}",
        &["the trait bound `__U: Hash` is not satisfied"],
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
         dualtape = {{ path = {core:?}, features = [\"derive\"] }}\n\n[workspace]\n"
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
