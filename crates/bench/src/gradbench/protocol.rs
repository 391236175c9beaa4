//! GradBench's protocol: one message per line and one response per line, in JSON.

use super::eval;
use super::measure::{Failure, Reply, Timing};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A response. Fields that do not apply stay empty.
#[derive(Default, Serialize)]
struct Response {
    /// The id of the message; `None` if it could not be read.
    id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timings: Vec<Timing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Answers every line of `input` with a line of `output`, until the input ends.
///
/// Every message is answered, and the next one is read. If a request cannot be done, the answer has
/// `"success": false` and an error message.
///
/// # Errors
///
/// If reading or writing fails.
///
/// ```
/// let messages = r#"{ "id": 1, "kind": "evaluate", "module": "hello", "function": "double", "input": 3.0 }"#;
/// let mut responses = Vec::new();
/// dualtape_bench::gradbench::serve(messages.as_bytes(), &mut responses)?;
/// assert!(String::from_utf8_lossy(&responses).contains(r#""success":true,"output":6.0"#));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for line in input.split(b'\n') {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut output, &answer(&line))?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

/// The response to one message.
fn answer(line: &[u8]) -> Response {
    let message: Value = match serde_json::from_slice(line) {
        Ok(message) => message,
        Err(error) => return failed(None, Failure(format!("the message is not JSON: {error}"))),
    };
    let id = message.get("id").cloned();
    let done = match message.get("kind").and_then(Value::as_str) {
        Some("start") => return Response { id, tool: Some("dualtape"), ..Response::default() },
        Some("define") => define(&message),
        Some("evaluate") => evaluate(&message),
        Some(_) => return Response { id, ..Response::default() },
        None => Err(Failure("the message has no kind".to_owned())),
    };
    match done {
        Ok(Some(Reply { output, timings })) => {
            Response { id, success: Some(true), output: Some(output), timings, ..Response::default() }
        }
        Ok(None) => Response { id, success: Some(true), ..Response::default() },
        Err(failure) => failed(id, failure),
    }
}

fn failed(id: Option<Value>, failure: Failure) -> Response {
    Response { id, success: Some(false), error: Some(failure.0), ..Response::default() }
}

/// Whether the module is known.
fn define(message: &Value) -> Result<Option<Reply>, Failure> {
    eval(text(message, "module")?).map(|_| None)
}

/// Evaluates a function. A panic is also turned into an answer.
fn evaluate(message: &Value) -> Result<Option<Reply>, Failure> {
    let eval = eval(text(message, "module")?)?;
    let function = text(message, "function")?;
    let input = message.get("input").unwrap_or(&Value::Null);
    match catch_unwind(AssertUnwindSafe(|| eval(function, input))) {
        Ok(reply) => reply.map(Some),
        Err(_) => Err(Failure(format!("'{function}' panicked on this input"))),
    }
}

/// A field that must be text.
fn text<'a>(message: &'a Value, field: &str) -> Result<&'a str, Failure> {
    let text = message.get(field).and_then(Value::as_str);
    text.ok_or_else(|| Failure(format!("the message has no '{field}', or its '{field}' is not text")))
}
