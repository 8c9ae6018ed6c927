//! One JSON request per line, one JSON answer per line.

use std::io::{BufRead, Write};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Perform an operation at a level, so many times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    pub op: String,
    pub level: u8,
    pub reps: u32,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Milliseconds of each call: CPU time of the whole process, and wall time.
    Times { cpu_ms: Vec<f64>, wall_ms: Vec<f64> },
    /// The library has no such operation.
    Unsupported,
}

/// What a worker says of itself before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub name: String,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Deserialize)]
struct Hello {
    ready: About,
}

#[derive(Deserialize)]
struct Reply {
    op: Option<String>,
    level: Option<u8>,
    cpu_ms: Option<Vec<f64>>,
    wall_ms: Option<Vec<f64>>,
    unsupported: Option<String>,
    error: Option<String>,
}

/// Both ends of a conversation, and who is at the other one.
pub struct Link<R, W> {
    answers: R,
    requests: W,
    /// Who answers.
    pub about: About,
}

impl<R: BufRead, W: Write> Link<R, W> {
    /// Waits until the worker has its keys.
    pub fn open(mut answers: R, requests: W) -> Result<Self> {
        let line = line(&mut answers)?;
        let hello: Hello = serde_json::from_str(&line).with_context(|| format!("no greeting: {line}"))?;
        Ok(Self { answers, requests, about: hello.ready })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> Result<Answer> {
        let mut text = serde_json::to_string(request)?;
        text.push('\n');
        self.requests
            .write_all(text.as_bytes())
            .and_then(|()| self.requests.flush())
            .context("it hung up")?;
        let line = line(&mut self.answers)?;
        let reply: Reply = serde_json::from_str(&line).with_context(|| format!("no answer: {line}"))?;
        reply.to(request)
    }
}

fn line(answers: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    ensure!(answers.read_line(&mut line)? > 0, "it ended without an answer");
    line.truncate(line.trim_end().len());
    Ok(line)
}

impl Reply {
    fn to(self, request: &Request) -> Result<Answer> {
        let Request { op, level, reps } = request;
        if let Some(error) = self.error {
            bail!("{op} at level {level}: {error}");
        }
        let same = self.op.as_ref() == Some(op) && self.level == Some(*level);
        ensure!(same, "asked for {op} at level {level}, it answered for {:?} at {:?}", self.op, self.level);
        if self.unsupported.is_some() {
            return Ok(Answer::Unsupported);
        }
        let (Some(cpu_ms), Some(wall_ms)) = (self.cpu_ms, self.wall_ms) else {
            bail!("{op} at level {level}: no times");
        };
        let sound = |times: &[f64]| {
            times.len() == *reps as usize && times.iter().all(|&time| time.is_finite() && time >= 0.0)
        };
        ensure!(sound(&cpu_ms) && sound(&wall_ms), "{op} at level {level}: not {reps} times");
        Ok(Answer::Times { cpu_ms, wall_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"ready": {"name": "arras", "version": "1", "ring": 8192}}"#;

    fn request() -> Request {
        Request { op: "add".into(), level: 2, reps: 2 }
    }

    fn ask(answer: &str) -> Result<Answer> {
        let answers = format!("{HELLO}\n{answer}");
        Link::open(answers.as_bytes(), Vec::new())?.ask(&request())
    }

    #[test]
    fn a_conversation() {
        let answers = format!(
            "{HELLO}\n{}\n{}\n",
            r#"{"op": "add", "level": 2, "cpu_ms": [1.5, 1], "wall_ms": [2, 2.5]}"#,
            r#"{"op": "add", "level": 2, "unsupported": "it cannot"}"#
        );
        let mut link = Link::open(answers.as_bytes(), Vec::new()).unwrap();
        assert_eq!(link.about.name, "arras");
        assert_eq!(link.about.more["ring"], 8192);
        let times = Answer::Times { cpu_ms: vec![1.5, 1.0], wall_ms: vec![2.0, 2.5] };
        assert_eq!(link.ask(&request()).unwrap(), times);
        assert_eq!(link.ask(&request()).unwrap(), Answer::Unsupported);
        let asked = "{\"op\":\"add\",\"level\":2,\"reps\":2}\n";
        assert_eq!(String::from_utf8(link.requests).unwrap(), asked.repeat(2));
    }

    #[test]
    fn bad_answers() {
        for answer in [
            "",
            "not json\n",
            "{}\n",
            r#"{"op": "add", "level": 2}"#,
            r#"{"op": "add", "level": 2, "error": "out of memory"}"#,
            r#"{"op": "sub", "level": 2, "cpu_ms": [1, 1], "wall_ms": [1, 1]}"#,
            r#"{"op": "add", "level": 3, "cpu_ms": [1, 1], "wall_ms": [1, 1]}"#,
            r#"{"op": "add", "level": 2, "cpu_ms": [1], "wall_ms": [1]}"#,
            r#"{"op": "add", "level": 2, "cpu_ms": [1, -1], "wall_ms": [1, 1]}"#,
        ] {
            assert!(ask(answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn no_greeting() {
        assert!(Link::open("".as_bytes(), Vec::new()).is_err());
        assert!(Link::open("Traceback (most recent call last):\n".as_bytes(), Vec::new()).is_err());
    }
}
