//! Compiles generated code with the Rust and C compilers, and runs it.
//!
//! One program contains many functions. It reads points on its standard input and answers with the bits of the results.

use dualtape::codegen::{Quantity, Routine, Source};
use dualtape::{Program, ProgramScalar};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The language of the generated code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust with its standard library.
    Rust,
    /// Rust with the crate `libm` only; a replacement of `libm` calls the standard library, so that the bits are the same.
    RustWithoutStd,
    /// C.
    C,
}

/// A function: a quantity of a program.
#[derive(Debug)]
pub struct Function<F: ProgramScalar> {
    /// The name in messages.
    pub name: String,
    /// The program.
    pub program: Program<F>,
    /// The quantity.
    pub quantity: Quantity,
}

/// A compiled program that computes several functions.
#[derive(Debug)]
pub struct Built {
    file: PathBuf,
    _folder: tempfile::TempDir,
}

/// A type of number, converted from and to bits.
pub trait Bits: ProgramScalar {
    /// The type in Rust, its bits in Rust, the type in C, its bits in C, and the number of hexadecimal digits.
    const NAMES: [&'static str; 4];
    /// The bits.
    fn bits(self) -> u64;
    /// The number with these bits.
    fn of_bits(bits: u64) -> Self;
}

impl Bits for f64 {
    const NAMES: [&'static str; 4] = ["f64", "u64", "double", "uint64_t"];
    fn bits(self) -> u64 {
        self.to_bits()
    }
    fn of_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

impl Bits for f32 {
    const NAMES: [&'static str; 4] = ["f32", "u32", "float", "uint32_t"];
    fn bits(self) -> u64 {
        self.to_bits().into()
    }
    fn of_bits(bits: u64) -> Self {
        Self::from_bits(u32::try_from(bits).expect("the bits of an f32"))
    }
}

/// Writes, compiles and links the functions.
///
/// # Panics
///
/// If a function has no code, or the compiler rejects it.
pub fn build<F: Bits>(functions: &[Function<F>], language: Language) -> Built {
    let text = match language {
        Language::Rust => rust_program(functions, false),
        Language::RustWithoutStd => rust_program(functions, true),
        Language::C => c_program(functions),
    };
    compile(&text, language)
}

/// Compiles the text of a program.
///
/// # Panics
///
/// If the compiler rejects it, or prints a warning.
pub fn compile(text: &str, language: Language) -> Built {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let source = folder.path().join(if language == Language::C { "main.c" } else { "main.rs" });
    std::fs::write(&source, text).expect("the folder can be written to");
    let file = folder.path().join("program");
    let mut command = compiler(language, &source, &file);
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || errors.contains("warning") {
        let shown = folder.keep();
        panic!("{command:?} in {}: {errors}", shown.display());
    }
    Built { file, _folder: folder }
}

fn compiler(language: Language, source: &Path, file: &Path) -> Command {
    if language == Language::C {
        let mut command = Command::new("cc");
        command.args(["-std=c99", "-O1", "-Wall", "-Wextra", "-Wno-unused-function", "-ffp-contract=off"]);
        command.args([source, Path::new("-o"), file, Path::new("-lm")]);
        return command;
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "-C", "opt-level=1", "-o"]).args([file, source]);
    if let (Language::Rust, Some(libm)) = (language, libm()) {
        command.arg("--extern").arg(format!("libm={}", libm.display()));
    }
    command
}

/// The crate `libm` that was built for this test.
fn libm() -> Option<PathBuf> {
    let test = std::env::current_exe().expect("the test is a program");
    let files = std::fs::read_dir(test.parent()?).ok()?.flatten().map(|entry| entry.path());
    files.into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("liblibm-") && name.ends_with(".rlib")
    })
}

/// The input and output arrays of a function.
struct Shape {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    alone: Vec<bool>,
    may_refuse: bool,
}

fn shape<F: Bits>(function: &Function<F>) -> Shape {
    let routine = Routine::new(&function.program, function.quantity).expect("the function has code");
    Shape {
        inputs: routine.inputs().iter().map(|array| array.len).collect(),
        outputs: routine.outputs().iter().map(|array| array.len).collect(),
        alone: routine.outputs().iter().map(|array| array.name == "value").collect(),
        may_refuse: routine.may_refuse(),
    }
}

/// The name of the function in a piece of code, and whether it takes a workspace.
fn signature<'t>(text: &'t str, start: &str) -> (&'t str, bool) {
    let line = text.lines().find_map(|line| line.strip_prefix(start)).expect("there is a function");
    (line.split('(').next().expect("it has a name"), line.contains("work: ") || line.contains(" work["))
}

const RUST_MAIN: &str = "
fn main() {
    let work = std::thread::Builder::new().stack_size(1 << 28).spawn(answer).unwrap();
    work.join().unwrap();
}

fn answer() {
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let mut words = line.split(' ');
        let function: usize = words.next().unwrap().parse().unwrap();
        let x: Vec<F> = words.map(|word| F::from_bits(Bits::from_str_radix(word, 16).unwrap())).collect();
        match call(function, &x) {
            None => println!(\"refused\"),
            Some(z) => {
                let z: Vec<String> = z.iter().map(|z| format!(\"{:x}\", z.to_bits())).collect();
                println!(\"{}\", z.join(\" \"));
            }
        }
    }
}
";

fn rust_program<F: Bits>(functions: &[Function<F>], no_std: bool) -> String {
    let [number, bits, ..] = F::NAMES;
    let mut text =
        format!("#![allow(dead_code, unused_mut)]\ntype F = {number};\ntype Bits = {bits};\n{RUST_MAIN}");
    let mut calls =
        String::from("fn call(function: usize, x: &[F]) -> Option<Vec<F>> {\n    match function {\n");
    for (index, function) in functions.iter().enumerate() {
        let source = Source::new(&function.program).quantities(&[function.quantity]);
        let source = if no_std { source.no_std() } else { source };
        let code = source.rust().unwrap_or_else(|error| panic!("{}: {error}", function.name));
        let (name, works) = signature(&code, "pub fn ");
        let Shape { inputs, outputs, alone, may_refuse } = shape(function);
        let _ = write!(
            calls,
            "        {index} => {{\n            let mut rest = x;\n            let mut z = Vec::new();\n"
        );
        let mut arguments = Vec::new();
        for (input, len) in inputs.iter().enumerate() {
            let _ = writeln!(
                calls,
                "            let (x{input}, later) = rest.split_first_chunk::<{len}>().unwrap();"
            );
            let _ = writeln!(calls, "            rest = later;");
            arguments.push(format!("x{input}"));
        }
        let _ = writeln!(calls, "            assert!(rest.is_empty());");
        for (output, (len, alone)) in outputs.iter().zip(&alone).enumerate() {
            if !alone {
                let _ = writeln!(calls, "            let mut z{output} = [0.0; {len}];");
                arguments.push(format!("&mut z{output}"));
            }
        }
        if works {
            let _ = writeln!(calls, "            let mut work = Box::new([0.5; _]);");
            arguments.push("&mut work".to_owned());
        }
        let result = if may_refuse { ".ok()?" } else { "" };
        let _ =
            writeln!(calls, "            let value = m{index}::{name}({}){result};", arguments.join(", "));
        for (output, alone) in alone.iter().enumerate() {
            let more = if *alone { "z.push(value);".to_owned() } else { format!("z.extend(z{output});") };
            let _ = writeln!(calls, "            {more}");
        }
        let unused = if alone.contains(&true) { "" } else { "            let () = value;\n" };
        let _ = write!(calls, "{unused}            Some(z)\n        }}\n");
        let shim = if no_std { "use super::libm;\n" } else { "" };
        let _ = write!(text, "\n#[allow(unused_imports)]\nmod m{index} {{\n{shim}{code}}}\n");
    }
    if no_std {
        text += &stand_in(number);
    }
    text + "\n" + &calls + "        _ => panic!(\"no such function\"),\n    }\n}\n"
}

/// The functions of the crate `libm`, implemented with the standard library.
fn stand_in(number: &str) -> String {
    let suffix = if number == "f32" { "f" } else { "" };
    let mut text = String::from("\nmod libm {\n");
    let one = [
        ("exp", "exp"),
        ("exp2", "exp2"),
        ("expm1", "exp_m1"),
        ("log", "ln"),
        ("log2", "log2"),
        ("log10", "log10"),
        ("log1p", "ln_1p"),
        ("sin", "sin"),
        ("cos", "cos"),
        ("tan", "tan"),
        ("asin", "asin"),
        ("acos", "acos"),
        ("atan", "atan"),
        ("sinh", "sinh"),
        ("cosh", "cosh"),
        ("tanh", "tanh"),
        ("asinh", "asinh"),
        ("acosh", "acosh"),
        ("atanh", "atanh"),
        ("sqrt", "sqrt"),
        ("cbrt", "cbrt"),
        ("floor", "floor"),
        ("ceil", "ceil"),
        ("round", "round"),
        ("trunc", "trunc"),
    ];
    for (name, method) in one {
        let _ = writeln!(text, "    pub fn {name}{suffix}(x: {number}) -> {number} {{ x.{method}() }}");
    }
    for (name, method) in [("pow", "powf"), ("atan2", "atan2"), ("hypot", "hypot")] {
        let _ = writeln!(
            text,
            "    pub fn {name}{suffix}(x: {number}, y: {number}) -> {number} {{ x.{method}(y) }}"
        );
    }
    let _ = writeln!(
        text,
        "    #[allow(deprecated)] pub fn fdim{suffix}(x: {number}, y: {number}) -> {number} {{ x.abs_sub(y) }}"
    );
    let _ = writeln!(
        text,
        "    pub fn fma{suffix}(x: {number}, y: {number}, z: {number}) -> {number} {{ x.mul_add(y, z) }}"
    );
    text + "}\n"
}

const C_MAIN: &str = "
int main(void) {
    static char word[64];
    while (scanf(\"%63s\", word) == 1) {
        size_t function = strtoull(word, NULL, 10), count = 0;
        while (getchar() == ' ' && scanf(\"%63s\", word) == 1) {
            bits b = (bits)strtoull(word, NULL, 16);
            memcpy(&x[count++], &b, sizeof b);
        }
        long outputs = call(function);
        if (outputs < 0) {
            puts(\"refused\");
            continue;
        }
        for (long i = 0; i < outputs; ++i) {
            bits b;
            memcpy(&b, &z[i], sizeof b);
            printf(i ? \" %llx\" : \"%llx\", (unsigned long long)b);
        }
        putchar('\\n');
    }
    return 0;
}
";

fn c_program<F: Bits>(functions: &[Function<F>]) -> String {
    let [_, _, number, bits] = F::NAMES;
    let mut text = String::from("#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n");
    let mut calls = String::from("static long call(size_t function) {\n    switch (function) {\n");
    let (mut most_in, mut most_out) = (1, 1);
    let mut helpers = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        let prefix = format!("m{index}");
        let source = Source::new(&function.program).quantities(&[function.quantity]).prefix(&prefix);
        let code = source.c().unwrap_or_else(|error| panic!("{}: {error}", function.name));
        let header = source.c_header().expect("a header is no more than its code");
        let Shape { inputs, outputs, .. } = shape(function);
        let (name, works) = signature(&header, "int ");
        let (mut arguments, mut at) = (Vec::new(), 0);
        for len in &inputs {
            arguments.push(format!("x + {at}"));
            at += len;
        }
        most_in = most_in.max(at);
        at = 0;
        for len in &outputs {
            arguments.push(format!("z + {at}"));
            at += len;
        }
        most_out = most_out.max(at);
        let _ = writeln!(calls, "    case {index}: {{");
        if works {
            let _ = writeln!(calls, "        static {number} work[{name}_work];");
            arguments.push("work".to_owned());
        }
        let _ = writeln!(calls, "        return {name}({}) ? -1 : {at};\n    }}", arguments.join(", "));
        for line in header.lines().filter(|line| line.starts_with("enum")) {
            let _ = writeln!(text, "{line}");
        }
        text += &without_known(&code, &mut helpers);
    }
    let arrays = format!("static {number} x[{most_in}], z[{most_out}];\ntypedef {bits} bits;\n");
    text + "\n" + &arrays + &calls + "    }\n    abort();\n}\n" + C_MAIN
}

/// Code without the helpers that are already in other code, so that several files can be joined.
fn without_known(code: &str, known: &mut Vec<String>) -> String {
    let mut text = String::new();
    for block in code.split_inclusive("\n\n") {
        let name = block.split("dt_").nth(1).and_then(|rest| rest.split('(').next()).unwrap_or_default();
        let is_helper = block.starts_with("static ") && block.contains(" dt_");
        if (is_helper || block.starts_with("#if defined(__GNUC__)"))
            && known.iter().any(|known| known == name)
        {
            continue;
        }
        if is_helper || block.starts_with("#if defined(__GNUC__)") {
            known.push(name.to_owned());
        }
        text += block;
    }
    text
}

impl Built {
    /// Evaluates functions, by number, at points; `None` where the code refuses.
    ///
    /// # Panics
    ///
    /// If the program does not answer.
    pub fn ask<F: Bits>(&self, questions: &[(usize, Vec<F>)]) -> Vec<Option<Vec<F>>> {
        let mut program = Command::new(&self.file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be run");
        let mut text = String::new();
        for (function, x) in questions {
            let _ = write!(text, "{function}");
            x.iter().for_each(|x| {
                let _ = write!(text, " {:x}", x.bits());
            });
            text += "\n";
        }
        let mut input = program.stdin.take().expect("it was asked for");
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()).expect("the program reads"));
        let output = program.wait_with_output().expect("the program ends");
        writer.join().expect("all was written");
        assert!(output.status.success(), "the program failed: {}", output.status);
        let text = String::from_utf8(output.stdout).expect("it writes text");
        let answer = |line: &str| match line {
            "refused" => None,
            line => Some(
                line.split_whitespace()
                    .map(|word| F::of_bits(u64::from_str_radix(word, 16).expect("bits")))
                    .collect(),
            ),
        };
        let answers: Vec<_> = text.lines().map(answer).collect();
        assert_eq!(answers.len(), questions.len(), "the program answers each question");
        answers
    }
}
