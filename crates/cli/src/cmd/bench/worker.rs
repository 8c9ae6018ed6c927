//! Our side of the line protocol of `bench/peers`: one JSON request a line in, one JSON answer a line out.

use std::io::BufRead as _;
use std::process::ExitCode;

use anyhow::Context as _;
use arras_ckks::Params;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cmd::bench::{Times, milliseconds};
use crate::cmd::params::tenths;
use crate::output;

/// An operation at a level, so many times.
#[derive(Deserialize)]
pub struct Request {
    pub op: String,
    pub level: u8,
    #[serde(default)]
    pub reps: u32,
    /// What the operation takes besides.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Greets, and answers until standard input ends; what cannot be done is an answer too.
pub fn serve(
    about: &Value,
    mut answer: impl FnMut(&Request) -> anyhow::Result<Value>,
) -> anyhow::Result<ExitCode> {
    output::line(&json!({"ready": about}).to_string())?;
    for line in std::io::stdin().lock().lines() {
        let request: Request =
            serde_json::from_str(&line?).context("a request is one JSON object per line")?;
        let mut answer = answer(&request).unwrap_or_else(|error| json!({"error": error.to_string()}));
        answer["op"] = request.op.into();
        answer["level"] = request.level.into();
        output::line(&answer.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What every worker says of itself, and this one besides.
pub fn about(params: &Params, more: &Value) -> Value {
    let security = match params.is_secure() {
        true => format!("{} bits", params.spec().security.bits()),
        false => "none".to_owned(),
    };
    let about = json!({
        "name": "arras",
        "version": env!("CARGO_PKG_VERSION"),
        "ring": params.degree(),
        "levels": params.highest().0,
        "security": security,
        "key_switch": format!("hybrid, {} digits", params.digits()),
        "log2_qp": tenths(params.log2_q() + params.log2_p()),
        "threads": rayon::current_num_threads(),
        "kernel": params.ring().kernels().name,
    });
    joined(about, more)
}

/// The times of some calls, and what there is to say of their result.
pub fn done(times: &[Times], more: &Value) -> Value {
    let times = json!({
        "cpu_ms": times.iter().map(|times| milliseconds(times.cpu)).collect::<Vec<_>>(),
        "wall_ms": times.iter().map(|times| milliseconds(times.wall)).collect::<Vec<_>>(),
    });
    joined(times, more)
}

/// The answer to what this worker does not do.
pub fn unsupported() -> Value {
    json!({"unsupported": "there is no such operation"})
}

fn joined(mut fields: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        fields[name] = value.clone();
    }
    fields
}
