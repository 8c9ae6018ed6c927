//! One JSON request per line, one JSON answer per line.

use std::io::{BufRead, Write};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::samples::Times;

/// Perform an operation at a level, so many times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    pub op: String,
    pub level: u8,
    pub reps: u32,
    /// What the operation takes besides.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Request {
    pub fn new(op: &str, level: u8, reps: u32) -> Self {
        Self { op: op.into(), level, reps, more: Map::new() }
    }

    /// The same with one more field.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.into(), value);
        self
    }
}

/// What came of a request.
#[derive(Debug)]
pub enum Answer {
    /// Each call's CPU time of the whole process and wall time, and what else there is to say.
    Done { times: Times, more: Map<String, Value> },
    /// The library has no such operation, and why.
    Unsupported(String),
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
    #[serde(flatten)]
    more: Map<String, Value>,
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
        let Request { op, level, reps, .. } = request;
        if let Some(error) = self.error {
            bail!("{op} at level {level}: {error}");
        }
        let same = self.op.as_ref() == Some(op) && self.level == Some(*level);
        ensure!(same, "asked for {op} at level {level}, it answered for {:?} at {:?}", self.op, self.level);
        if let Some(reason) = self.unsupported {
            return Ok(Answer::Unsupported(reason));
        }
        // What takes no time to speak of is asked for without calls to time.
        if *reps == 0 {
            return Ok(Answer::Done { times: Times::default(), more: self.more });
        }
        let (Some(cpu_ms), Some(wall_ms)) = (self.cpu_ms, self.wall_ms) else {
            bail!("{op} at level {level}: no times");
        };
        let sound = |times: &[f64]| {
            times.len() == *reps as usize && times.iter().all(|&time| time.is_finite() && time >= 0.0)
        };
        ensure!(sound(&cpu_ms) && sound(&wall_ms), "{op} at level {level}: not {reps} times");
        Ok(Answer::Done { times: Times { cpu_ms, wall_ms }, more: self.more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"ready": {"name": "arras", "version": "1", "ring": 8192}}"#;

    fn request() -> Request {
        Request::new("add", 2, 2)
    }

    fn ask(answer: &str) -> Result<Answer> {
        let answers = format!("{HELLO}\n{answer}");
        Link::open(answers.as_bytes(), Vec::new())?.ask(&request())
    }

    #[test]
    fn a_conversation() {
        let answers = format!(
            "{HELLO}\n{}\n{}\n",
            r#"{"op": "add", "level": 2, "cpu_ms": [1.5, 1], "wall_ms": [2, 2.5], "max_error": 0.5}"#,
            r#"{"op": "add", "level": 2, "unsupported": "it cannot"}"#
        );
        let mut link = Link::open(answers.as_bytes(), Vec::new()).unwrap();
        assert_eq!(link.about.name, "arras");
        assert_eq!(link.about.more["ring"], 8192);
        let Answer::Done { times, more } = link.ask(&request()).unwrap() else { panic!("it did it") };
        assert_eq!((times.cpu_ms, times.wall_ms), (vec![1.5, 1.0], vec![2.0, 2.5]));
        assert_eq!(Value::from(more), serde_json::json!({"max_error": 0.5}));
        assert!(
            matches!(link.ask(&request()).unwrap(), Answer::Unsupported(reason) if reason == "it cannot")
        );
        let asked = "{\"op\":\"add\",\"level\":2,\"reps\":2}\n";
        assert_eq!(String::from_utf8(link.requests).unwrap(), asked.repeat(2));
    }

    #[test]
    fn without_calls_to_time() {
        let answers = format!("{HELLO}\n{}\n", r#"{"op": "plan", "level": 5, "products": 7}"#);
        let mut link = Link::open(answers.as_bytes(), Vec::new()).unwrap();
        let request = Request::new("plan", 5, 0).with("stages", Value::from(vec![1, 2]));
        let Answer::Done { more, .. } = link.ask(&request).unwrap() else { panic!("it did it") };
        assert_eq!(more["products"], 7);
        let asked = "{\"op\":\"plan\",\"level\":5,\"reps\":0,\"stages\":[1,2]}\n";
        assert_eq!(String::from_utf8(link.requests).unwrap(), asked);
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
