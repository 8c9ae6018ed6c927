//! A library in a process of its own, kept alive so that its keys are made once.

use std::io::BufReader;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

use super::preset::Preset;
use super::protocol::{About, Answer, Link, Request};

/// What every process runs under: one thread, and memory in huge pages where the C library allocates it.
pub const ENVIRONMENT: [(&str, &str); 3] =
    [("OMP_NUM_THREADS", "1"), ("RAYON_NUM_THREADS", "1"), ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")];

/// A running library.
pub struct Worker {
    child: Child,
    link: Link<BufReader<ChildStdout>, ChildStdin>,
}

impl Worker {
    /// Starts a process on one core and waits for its greeting.
    pub fn start(command: Command, core: u32) -> Result<Self> {
        let mut child = pinned(&command, core)
            .envs(ENVIRONMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let link = stdin
            .zip(stdout)
            .context("the process has no pipes")
            .and_then(|(stdin, stdout)| Link::open(BufReader::new(stdout), stdin));
        match link {
            Ok(link) => Ok(Self { child, link }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    /// The same process under another name.
    pub fn named(mut self, name: &str) -> Self {
        self.link.about.name = name.into();
        self
    }

    /// What the library calls itself.
    pub fn name(&self) -> &str {
        &self.link.about.name
    }

    /// What the library says of itself.
    pub fn about(&self) -> &About {
        &self.link.about
    }

    /// Has one operation timed.
    pub fn ask(&mut self, request: &Request) -> Result<Answer> {
        self.link.ask(request)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A process that has ended already is no fault here.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The same command tied to a core, where the machine has `taskset`.
fn pinned(command: &Command, core: u32) -> Command {
    let present =
        Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let mut pinned = match present {
        Ok(status) if status.success() => {
            let mut taskset = Command::new("taskset");
            taskset.arg("-c").arg(core.to_string()).arg(command.get_program());
            taskset
        }
        _ => Command::new(command.get_program()),
    };
    pinned.args(command.get_args());
    pinned
}

/// Our own worker.
pub fn ours(arras: &Path, preset: Preset) -> Command {
    let mut command = Command::new(arras);
    command.args(["bench", "ops", "--preset", preset.name, "--worker"]);
    command
}

/// Another library's worker.
pub fn theirs(python: &Path, script: &Path, preset: Preset) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(script);
    for (option, value) in [
        ("--log-ring", preset.log_ring),
        ("--levels", preset.levels),
        ("--base-bits", preset.base_bits),
        ("--scale-bits", preset.scale_bits),
        ("--digits", preset.openfhe_digits),
    ] {
        command.arg(option).arg(value.to_string());
    }
    if preset.toy {
        command.arg("--danger-insecure");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_answers() {
        let script = r#"echo '{"ready": {"name": "shell"}}'
            while read request; do echo '{"op": "add", "level": 1, "cpu_ms": [3], "wall_ms": [4]}'; done"#;
        let mut worker = Worker::start(shell(script), 0).unwrap();
        assert_eq!(worker.name(), "shell");
        let request = Request::new("add", 1, 1);
        for _ in 0..3 {
            let Answer::Done { times, .. } = worker.ask(&request).unwrap() else { panic!("it did it") };
            assert_eq!((times.cpu_ms, times.wall_ms), (vec![3.0], vec![4.0]));
        }
    }

    #[test]
    fn a_process_that_says_nothing() {
        assert!(Worker::start(shell("exit 3"), 0).is_err());
        assert!(Worker::start(Command::new("no-such-program-here"), 0).is_err());
    }

    #[test]
    fn insecure_parameters_are_asked_for_by_name() {
        let spell = |name| {
            let preset = Preset::named(name).unwrap();
            let command = theirs(Path::new("python"), Path::new("script.py"), preset);
            command.get_args().any(|argument| argument == "--danger-insecure")
        };
        assert!(spell("toy"));
        assert!(!spell("n16-l28"));
        assert!(!spell("n15-l14"));
    }
}
