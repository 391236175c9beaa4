//! Runs the GradBench tool as a program: every eval once, and invalid messages.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running tool.
struct Tool {
    process: Child,
    messages: ChildStdin,
    responses: BufReader<ChildStdout>,
}

impl Tool {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradbench-tool"));
        let process = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.expect("the tool starts");
        let messages = process.stdin.take().expect("its input is a pipe");
        let responses = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        Self { process, messages, responses }
    }

    /// Sends a line and reads the response.
    fn ask(&mut self, line: &str) -> Value {
        writeln!(self.messages, "{line}").expect("the tool reads");
        let mut response = String::new();
        self.responses.read_line(&mut response).expect("the tool answers");
        serde_json::from_str(&response).expect("a response is a line of JSON")
    }

    /// Ends the input, and waits for the tool to end.
    fn finish(mut self) {
        drop(self.messages);
        assert!(self.process.wait().expect("the tool ends").success());
    }
}

/// The cases: small inputs with their outputs; see `data/README.md`.
fn cases() -> Vec<Value> {
    let lines = include_str!("data/evals.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("a case is a line of JSON")).collect()
}

/// Whether two outputs are the same, with numbers up to rounding.
fn agree(given: &Value, expected: &Value) -> bool {
    match (given, expected) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && b.iter().all(|(key, b)| a.get(key).is_some_and(|a| agree(a, b)))
        }
        (Value::Number(a), Value::Number(b)) => {
            let [a, b] = [a, b].map(|x| x.as_f64().expect("a number of JSON"));
            (a - b).abs() <= 1e-10 * b.abs().max(1.0)
        }
        _ => given == expected,
    }
}

/// The distinct values of a field.
fn distinct(cases: &[Value], field: &str) -> Vec<String> {
    let mut all: Vec<String> = cases.iter().map(|case| case[field].as_str().unwrap().to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn every_function_of_every_eval_gives_what_the_suite_expects() {
    let cases = cases();
    assert_eq!(distinct(&cases, "module").len(), 12, "there is a case for each eval");
    for arguments in [&[][..], &["--multithreaded"]] {
        let mut tool = Tool::start(arguments);
        assert_eq!(
            tool.ask(r#"{ "id": 0, "kind": "start", "eval": "all" }"#),
            json!({ "id": 0, "tool": "dualtape" })
        );
        for module in distinct(&cases, "module") {
            let define = json!({ "id": 1, "kind": "define", "module": module });
            assert_eq!(tool.ask(&define.to_string()), json!({ "id": 1, "success": true }));
        }
        for (id, case) in cases.iter().enumerate() {
            let mut message = case.clone();
            message["id"] = json!(id);
            message["kind"] = json!("evaluate");
            let response = tool.ask(&message.to_string());
            let name = format!("{} {}: {}", case["module"], case["function"], response["error"]);
            assert_eq!((&response["id"], &response["success"]), (&json!(id), &json!(true)), "{name}");
            assert!(
                agree(&response["output"], &case["output"]),
                "{name} {} {}",
                response["output"],
                case["output"]
            );
            let analysis = json!({ "id": 1000, "kind": "analysis", "of": id, "valid": true });
            assert_eq!(tool.ask(&analysis.to_string()), json!({ "id": 1000 }));
        }
        tool.finish();
    }
}

#[test]
fn a_function_runs_as_often_and_as_long_as_asked() {
    let mut tool = Tool::start(&[]);
    for (runs, seconds) in [(1, 0.0), (7, 0.0), (1, 0.01)] {
        let input = json!({ "x": [1.0, 2.0], "min_runs": runs, "min_seconds": seconds });
        let message =
            json!({ "id": 1, "kind": "evaluate", "module": "lse", "function": "primal", "input": input });
        let response = tool.ask(&message.to_string());
        let timings = response["timings"].as_array().expect("there are timings");
        let evaluations = timings.iter().filter(|timing| timing["name"] == "evaluate");
        let times: Vec<u64> = evaluations.map(|timing| timing["nanoseconds"].as_u64().unwrap()).collect();
        assert!(times.len() >= runs && (seconds > 0.0 || times.len() == runs), "{times:?}");
        assert!(times.iter().sum::<u64>() as f64 >= seconds * 1e9);
    }
    tool.finish();
}

#[test]
fn what_makes_no_sense_gets_a_failure_and_the_tool_goes_on() {
    let evaluate = |module: &str, function: &str, input: Value| {
        json!({ "id": 5, "kind": "evaluate", "module": module, "function": function, "input": input })
            .to_string()
    };
    let matrix = |entries: usize, ell: usize| json!({ "A": vec![1.0; entries], "ell": ell });
    let ragged = json!({ "points": [[1.0, 2.0], [3.0]], "centroids": [[0.0, 0.0]] });
    let mut tool = Tool::start(&[]);
    for (message, words) in [
        ("no JSON".to_owned(), "not JSON"),
        ("[1, 2]".to_owned(), "no kind"),
        (r#"{ "id": 5, "kind": "define" }"#.to_owned(), "'module'"),
        (
            r#"{ "id": 5, "kind": "define", "module": "gmn" }"#.to_owned(),
            "no module 'gmn', only ba, det, gmm",
        ),
        (evaluate("det", "hessian", matrix(4, 2)), "no function 'hessian' here, only primal and gradient"),
        (evaluate("det", "primal", matrix(5, 2)), "there are 5, but the rest of the input needs 4"),
        (evaluate("det", "primal", matrix(900, 30)), "30!"),
        (evaluate("det", "primal", json!({ "ell": 2 })), "missing field `A`"),
        (evaluate("lse", "primal", json!({ "x": "many" })), "invalid type"),
        (evaluate("lse", "gradient", json!({ "x": [] })), "x is empty"),
        (evaluate("lse", "primal", json!({ "x": [1.0], "min_seconds": -1.0 })), "min_seconds cannot be -1"),
        (evaluate("kmeans", "dir", ragged), "numbers of a point"),
        (evaluate("hello", "square", Value::Null), "cannot be read"),
    ] {
        let response = tool.ask(&message);
        assert_eq!(response["success"], json!(false), "{message}");
        let error = response["error"].as_str().expect("a failure says why");
        assert!(error.contains(words), "{message}: {error}");
    }
    assert_eq!(tool.ask(&evaluate("hello", "square", json!(3.0)))["output"], json!(9.0));
    tool.finish();
}

#[test]
fn an_unknown_option_is_refused_with_the_usage() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gradbench-tool"));
    let output = command.arg("--fast").stdin(Stdio::null()).output().expect("the tool starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: gradbench-tool [--multithreaded]"));
}
