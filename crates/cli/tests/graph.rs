//! Runs `graph` as a user does.

mod common;

use common::{check_svg, fails, said};
use roxmltree::{Document, Node};
use std::fs;
use std::path::Path;
use std::process::Command;

type Point = (f64, f64);

/// Low and high corner.
type Area = (Point, Point);

#[test]
fn expressions_are_drawn_with_names_values_and_gradients() {
    let folder = tempfile::tempdir().unwrap();
    let dot = said(folder.path(), &["graph", "a*b + sin(a)", "a=2", "b=-3"]);
    // d/da (ab + sin a) = b + cos a.
    let derivative = (-3.0 + 2.0_f64.cos()) * 1e4;
    assert!(dot.contains(&format!("a | data 2 | grad {}", derivative.round() / 1e4)), "{dot}");
    assert!(dot.contains("b | data -3 | grad 2") && dot.contains("label=\"sin\""), "{dot}");
    // A variable without a value is 1; spaces around the equals sign do not matter; a constant is not an input.
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

/// The value and the gradient that code in C computes.
fn run_in_c(folder: &Path, header: &str, call: &str) -> Vec<f64> {
    let main = format!("#include <stdio.h>\n#include \"{header}\"\nint main(void) {{ {call} }}\n");
    fs::write(folder.join("main.c"), main).unwrap();
    let source = header.replace(".h", ".c");
    let arguments = ["-std=c99", "-ffp-contract=off", "-I.", "main.c", &source, "-lm", "-o", "main"];
    let compiled = Command::new("cc").args(arguments).current_dir(folder).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(folder.join("main")).output().unwrap();
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(|word| word.parse().unwrap()).collect()
}

#[test]
fn graph_and_code_of_a_run_take_and_give_the_units_of_the_data_as_predict_does() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..120).map(|i| {
        let (area, color) = (40 + (i * 37) % 90, ["red", "blue"][i % 2]);
        format!("{area},{color},{}\n", 1000 + 30 * area + 200 * (i % 2))
    });
    let file: String = std::iter::once("area,color,price\n".to_owned()).chain(rows).collect();
    fs::write(folder.path().join("flats.csv"), file).unwrap();
    fs::write(folder.path().join("new.csv"), "area,color\n75,red\n").unwrap();
    let train = "train flats.csv --regression --categories color --hidden 2 --epochs 5 --quiet --output run";
    said(folder.path(), &train.split(' ').collect::<Vec<_>>());
    let predicted = said(folder.path(), &["predict", "run", "new.csv", "--quiet"]);
    let predicted: f64 = predicted.lines().nth(1).unwrap().parse().unwrap();
    assert!(predicted > 1000.0, "{predicted}");

    // A feature may have an equals sign in its name.
    let given = ["area=75", "color=red=1", "color=blue=0"];
    let dot = said(folder.path(), &[&["graph", "--model", "run"], &given[..]].concat());
    for node in ["area | data 75 |", "color=red | data 1 |", "color=blue | data 0 |"] {
        assert!(dot.contains(node), "{node}: {dot}");
    }
    let shown: Vec<f64> = dot
        .split("data ")
        .skip(1)
        .map(|rest| rest.split([' ', '"', '}', '\\']).next().unwrap().parse().unwrap())
        .collect();
    let is_near = |x: &f64| (x / predicted - 1.0).abs() < 1e-4;
    assert!(shown.iter().any(is_near), "{predicted} in {dot}");

    said(folder.path(), &["graph", "--model", "run", "--output", "run.c", "--output", "run.h"]);
    let header = fs::read_to_string(folder.path().join("run.h")).unwrap();
    let count: usize = header.split("double x[").nth(1).unwrap().split(']').next().unwrap().parse().unwrap();
    // The inputs follow the parameters; the encoder sorts the categories.
    let model = dualtape_nn::SavedModel::load(folder.path().join("run/model.safetensors")).unwrap();
    let numbers: Vec<String> =
        model.parameters.iter().chain(&[75.0, 0.0, 1.0]).map(|x| format!("{x:?}")).collect();
    assert_eq!(numbers.len(), count);
    let call = format!(
        "double x[] = {{{}}}; double y, g[{count}]; value_and_gradient(x, &y, g); printf(\"%.17g %.17g\", y, g[{}]);",
        numbers.join(", "),
        count - 3
    );
    let results = run_in_c(folder.path(), "run.h", &call);
    assert!((results[0] / predicted - 1.0).abs() < 1e-14, "{results:?} {predicted}");
    // The derivative by the area is in prices for each unit of the area.
    let beside = |area: f64| model.predict(&[area, 0.0, 1.0]).unwrap()[0];
    let slope = (beside(75.001) - beside(74.999)) / 0.002;
    assert!((results[1] / slope - 1.0).abs() < 1e-5, "{results:?} {slope}");
}

#[test]
fn code_is_printed_and_written_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let rust = said(folder.path(), &["graph", "r * sin(phi)", "--code", "rust"]);
    assert!(
        rust.contains("pub fn value_and_gradient(x: &[f64; 2]") && rust.contains("r * phi.sin()"),
        "{rust}"
    );
    said(folder.path(), &["graph", "r * sin(phi)", "--output", "f.c", "--output", "f.h", "--output", "f.rs"]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("f.rs"), rust);
    assert_eq!(read("f.c"), said(folder.path(), &["graph", "r * sin(phi)", "--code", "c"]));
    assert!(
        read("f.h").contains("int value_and_gradient(const double x[2], double *value, double gradient[2]);")
    );
    // If no code can be made, no file is written.
    let failing = ["graph", "digamma(x)", "--output", "g.svg", "--output", "g.c"];
    fails(folder.path(), &failing, 1, &["no code can be made of this program: C has no `digamma`"]);
    assert!(!folder.path().join("g.svg").exists());
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
        (
            &["x*y", "z=1"],
            "'z=1' does not give a value to an input; expected NAME=NUMBER, with a name among x, y",
        ),
        (
            &["2+3", "x=1"],
            "'x=1' does not give a value to an input; expected no values, since there are no names",
        ),
        (
            &["x*pi", "pi=3"],
            "'pi=3' gives a value to the constant pi; expected NAME=NUMBER, with a name among x",
        ),
        (
            &["x*e", "e = 2"],
            "'e = 2' gives a value to the constant e; expected NAME=NUMBER, with a name among x",
        ),
        (&["x", "x=1", "x=2"], "'x=2' gives x a second value, after 1; expected one value for each name"),
        (&["x", "x=1", "x=1"], "'x=1' gives x a second value, after 1; expected one value for each name"),
        (&["x*y", "x=one"], "'x=one': expected a finite number"),
        (&["x*y", "x"], "'x': expected a finite number after ="),
        (&["x*y", "x=inf"], "'x=inf': expected a finite number"),
        (&[], "there is nothing to draw; expected an expression, or --model"),
        (&["x", "--output", "x.jpg"], "--output is x.jpg; expected a drawing ending in .dot or .svg"),
        (&["x", "--code", "go"], "invalid value 'go' for '--code <LANGUAGE>'"),
        (&["x", "--code", "c", "--output", "x.c"], "cannot be used with"),
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

#[test]
fn edges_of_drawings_cross_no_box_and_colours_have_six_digits() {
    let folder = tempfile::tempdir().unwrap();
    let chain = (0..30).fold("x".to_owned(), |inner, turn| {
        if turn % 2 == 0 { format!("({inner})*y") } else { format!("sin({inner})") }
    });
    // One variable is used at every depth, so some edges cross all columns.
    let depths = (0..8).fold("x".to_owned(), |inner, _| format!("exp({inner})*x"));
    // Values with different numbers of digits make boxes of different widths.
    let widths = (1..9).map(|i| format!("sin(x*{i}.12345)*a{i}")).collect::<Vec<_>>().join("+");
    for arguments in [
        &["(c - a*x)**2 + sin(a)", "a=2", "x=-3", "c=10"][..],
        &["max(x,0)"],
        &["x"],
        &["7"],
        &["x*x + x"],
        &["select(x, y, x*y) % clamp(x, -1, y)"],
        &["x*sin(x*exp(x+y*ln(x))) + x/(y+x**2)", "x=2", "y=3"],
        &[&chain],
        &[&depths, "x=0.1"],
        &[&widths],
        &["--model", "2,2,1", "x1=1", "x2=-1"],
        &["--model", "4,8,3"],
        &["--model", "3,4,4,4,2", "--activation", "gelu"],
    ] {
        said(
            folder.path(),
            &[&["graph", "--overwrite", "--output", "g.svg", "--output", "g.dot"], arguments].concat(),
        );
        let text = fs::read_to_string(folder.path().join("g.svg")).unwrap();
        let document = Document::parse(&text).unwrap();
        let dot = fs::read_to_string(folder.path().join("g.dot")).unwrap();
        let (nodes, edges) = (nodes(&document), edges(&document));
        assert_eq!(nodes.len(), dot.matches("label=").count(), "{arguments:?}");
        assert_eq!(edges.len(), dot.matches("->").count(), "{arguments:?}");
        for edge in &edges {
            assert_eq!(crossed(edge, &nodes), Ok(vec![]), "{arguments:?}");
        }
        let page = page(&document);
        let corners = nodes.iter().flat_map(|area| [area.0, area.1]).chain(edges.into_iter().flatten());
        assert!(corners.into_iter().all(|point| holds(page, point, 0.0)), "{arguments:?}");
        check_colors(&document);
    }
}

#[test]
fn an_edge_through_a_box_would_be_seen() {
    let document = "<svg><rect x='0' y='0' width='20' height='10'/><rect x='0' y='0' width='10' height='10'/>\
        <rect x='40' y='0' width='20' height='10'/><ellipse cx='90' cy='5' rx='10' ry='5'/>\
        <path d='M 20 5 L 80 5'/><path d='M 20 5 C 50 5, 50 50, 60 50 L 80 5'/><path d='M 30 5 L 80 5'/></svg>";
    let document = Document::parse(document).unwrap();
    let (nodes, edges) = (nodes(&document), edges(&document));
    assert_eq!(
        nodes,
        [((0.0, 0.0), (20.0, 10.0)), ((40.0, 0.0), (60.0, 10.0)), ((80.0, 0.0), (100.0, 10.0))]
    );
    assert_eq!(crossed(&edges[0], &nodes), Ok(vec![nodes[1]]));
    assert_eq!(crossed(&edges[1], &nodes), Ok(vec![]));
    assert_eq!(crossed(&edges[2], &nodes), Err((30.0, 5.0)));
}

/// Whether a point is in an area, or at most this far outside.
fn holds((low, high): Area, (x, y): Point, distance: f64) -> bool {
    (low.0 - distance..=high.0 + distance).contains(&x) && (low.1 - distance..=high.1 + distance).contains(&y)
}

/// The nodes that an edge touches without being its ends; also an end that lies on no node.
fn crossed(edge: &[Point], nodes: &[Area]) -> Result<Vec<Area>, Point> {
    let (first, last) = (edge[0], edge[edge.len() - 1]);
    for end in [first, last] {
        nodes.iter().find(|&&node| holds(node, end, 0.1)).ok_or(end)?;
    }
    let others = nodes.iter().filter(|&&node| !holds(node, first, 0.1) && !holds(node, last, 0.1));
    Ok(others.filter(|&&node| edge.iter().any(|&point| holds(node, point, 2.0))).copied().collect())
}

fn numbers(node: Node<'_, '_>, names: [&str; 4]) -> [f64; 4] {
    names.map(|name| node.attribute(name).unwrap().parse().unwrap())
}

/// The boxes and ellipses, without the fields of boxes.
fn nodes(document: &Document<'_>) -> Vec<Area> {
    let mut nodes: Vec<Area> = Vec::new();
    for node in document.descendants() {
        let area = match node.tag_name().name() {
            "rect" => {
                let [x, y, width, height] = numbers(node, ["x", "y", "width", "height"]);
                ((x, y), (x + width, y + height))
            }
            "ellipse" => {
                let [x, y, rx, ry] = numbers(node, ["cx", "cy", "rx", "ry"]);
                ((x - rx, y - ry), (x + rx, y + ry))
            }
            _ => continue,
        };
        if !nodes.iter().any(|&outer| holds(outer, area.0, 0.1) && holds(outer, area.1, 0.1)) {
            nodes.push(area);
        }
    }
    nodes
}

/// The area of the picture.
fn page(document: &Document<'_>) -> Area {
    let view = document.root_element().attribute("viewBox").unwrap();
    let [x, y, width, height] =
        <[f64; 4]>::try_from(view.split(' ').map(|number| number.parse().unwrap()).collect::<Vec<_>>())
            .unwrap();
    ((x, y), (x + width, y + height))
}

/// The paths, each as points along it.
fn edges(document: &Document<'_>) -> Vec<Vec<Point>> {
    let paths = document.descendants().filter(|node| node.tag_name().name() == "path");
    paths.map(|path| points(path.attribute("d").unwrap())).collect()
}

fn points(path: &str) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut words = path.split([' ', ',']).filter(|word| !word.is_empty());
    while let Some(command) = words.next() {
        let mut next = || -> Point {
            let mut number = || words.next().unwrap().parse().unwrap();
            (number(), number())
        };
        match command {
            "M" => points.push(next()),
            "L" => {
                let (from, to) = (*points.last().unwrap(), next());
                points.extend(curve([from, from, to, to]));
            }
            "C" => {
                let from = *points.last().unwrap();
                points.extend(curve([from, next(), next(), next()]));
            }
            _ => panic!("{command} in {path}"),
        }
    }
    points
}

/// Points on a Bézier curve with these four control points.
fn curve([a, b, c, d]: [Point; 4]) -> impl Iterator<Item = Point> {
    (1..=400).map(move |step| {
        let t = f64::from(step) / 400.0;
        let s = 1.0 - t;
        let along = |a: f64, b: f64, c: f64, d: f64| {
            s * s * s * a + 3.0 * s * s * t * b + 3.0 * s * t * t * c + t * t * t * d
        };
        (along(a.0, b.0, c.0, d.0), along(a.1, b.1, c.1, d.1))
    })
}

/// Older viewers know colours of six digits only, and take others for black.
#[track_caller]
fn check_colors(document: &Document<'_>) {
    let is_known = |color: &str| {
        color == "none"
            || color.strip_prefix('#').is_some_and(|digits| {
                digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit())
            })
    };
    let mut colors = 0;
    for node in document.descendants() {
        assert!(!node.has_attribute("style") && node.tag_name().name() != "style", "{node:?}");
        for color in ["fill", "stroke"].into_iter().filter_map(|name| node.attribute(name)) {
            assert!(is_known(color), "{color}");
            colors += 1;
        }
    }
    assert!(colors >= 2);
}

#[test]
fn the_example_in_c_calls_the_code_and_finds_the_minimum() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["--output", "valley.c", "--output", "valley.h"];
    said(folder.path(), &[&["graph", "(1 - x)**2 + 100*(y - x**2)**2"], &files[..]].concat());
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/c/descend.c");
    let compiled = Command::new("cc")
        .args([
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-ffp-contract=off",
            "-I.",
            example,
            "valley.c",
            "-lm",
        ])
        .args(["-o", "descend"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(folder.path().join("descend")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("the minimum is at (1.000000, 1.000000)"), "{text}");
}
