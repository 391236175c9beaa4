//! `graph`, run as a user runs it.

mod common;

use common::{check_svg, fails, said};
use std::fs;

#[test]
fn expressions_are_drawn_with_names_values_and_gradients() {
    let folder = tempfile::tempdir().unwrap();
    let dot = said(folder.path(), &["graph", "a*b + sin(a)", "a=2", "b=-3"]);
    // d/da (ab + sin a) = b + cos a.
    let slope = (-3.0 + 2.0_f64.cos()) * 1e4;
    assert!(dot.contains(&format!("a | data 2 | grad {}", slope.round() / 1e4)), "{dot}");
    assert!(dot.contains("b | data -3 | grad 2") && dot.contains("label=\"sin\""), "{dot}");
    // What has no value is 1; spaces around the sign do not matter, and a constant is no input.
    let dot = said(folder.path(), &["graph", "x*y*pi", "y = 2"]);
    assert!(dot.contains("x | data 1 |") && dot.contains("y | data 2 |") && !dot.contains("pi"), "{dot}");
    // A sign binds less than a power, after '--'.
    let dot = said(folder.path(), &["graph", "--", "-x**2", "x=3"]);
    assert!(dot.contains("x | data 3 | grad -6") && dot.contains("data -9"), "{dot}");
}

#[test]
fn models_are_drawn_untrained_and_trained() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "graph --model 2,3,1 --activation relu x1=0.5 --output m.svg --output m.dot";
    said(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
    check_svg(&folder.path().join("m.svg"), "w1.3.2");
    check_svg(&folder.path().join("m.svg"), "data 0.5");
    assert!(fs::read_to_string(folder.path().join("m.dot")).unwrap().starts_with("digraph"));

    said(folder.path(), &["train", "moons", "--hidden", "2", "--epochs", "1", "--quiet"]);
    assert!(said(folder.path(), &["graph", "--model", "runs/moons", "x=1", "y=0"]).contains("y | data 0 |"));
}

#[test]
fn what_cannot_be_drawn_is_named_with_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let (long, deep) = ("x+".repeat(50_000), "(".repeat(100_000));
    let nested = "(".repeat(5_000);
    for (arguments, expected) in [
        (
            &["x +"][..],
            "the expression cannot be read at character 4: it ends; expected a number, a name, a sign or '('",
        ),
        (&["2x"], "at character 2: 'x' is given; expected an operator, or the end"),
        (&[&long], "at character 10001: it is longer than 10000 characters"),
        (&[&deep], "at character 10001: it is longer than 10000 characters"),
        (&[&nested], "at character 202: it nests deeper than 200"),
        (&["clamp(x, 3, 2)"], "clamp is given the limits 3 and 2; expected the lower one first"),
        (&["sni(x)"], "there is no function 'sni'; expected one of "),
        (&["x*y", "z=1"], "'z=1' gives no input its value; expected NAME=NUMBER, with a name of x, y"),
        (&["2+3", "x=1"], "'x=1' gives no input its value; expected no values, since there are no names"),
        (
            &["x*pi", "pi=3"],
            "'pi=3' gives a value to the constant pi; expected NAME=NUMBER, with a name of x",
        ),
        (
            &["x*e", "e = 2"],
            "'e = 2' gives a value to the constant e; expected NAME=NUMBER, with a name of x",
        ),
        (&["x", "x=1", "x=2"], "'x=2' gives x a second value, after 1; expected one value for each name"),
        (&["x", "x=1", "x=1"], "'x=1' gives x a second value, after 1; expected one value for each name"),
        (&["x*y", "x=one"], "'x=one': expected a finite number"),
        (&["x*y", "x"], "'x': expected a finite number after ="),
        (&["x*y", "x=inf"], "'x=inf': expected a finite number"),
        (&[], "there is nothing to draw; expected an expression, or --model"),
        (&["x", "--output", "x.jpg"], "--output is x.jpg; expected a file ending in .dot or .svg"),
        (&["--model", "two"], "--model is two; expected sizes such as 2,3,1, or the folder of a run"),
        (&["--model", "2,1", "x1=1", "x1=2"], "'x1=2' gives x1 a second value, after 1"),
        (
            &["--model", "2,1", "--seed", "-1"],
            "invalid value '-1' for '--seed <N>': expected a whole number from 0 to",
        ),
        (&["x", "--seed", "1.5"], "invalid value '1.5' for '--seed <N>': expected a whole number from 0 to"),
    ] {
        fails(folder.path(), &[&["graph"], arguments].concat(), 2, &[expected]);
    }
    for (sizes, expected) in [
        ("100,100,10", "has 11110 parameters; expected at most 500"),
        ("4", "the layer sizes are [4]; expected at least two"),
    ] {
        fails(folder.path(), &["graph", "--model", sizes], 1, &[expected]);
    }
    assert!(common::names(folder.path()).is_empty());
}
