//! `arras bench`: measurements of the engine, and the clock that they share.

pub mod boot;
pub mod compare;
pub mod composite;
pub mod ops;
pub mod sok;
pub mod tfhe;
pub mod worker;

use std::time::{Duration, Instant};

/// Times of one call.
pub struct Times {
    pub cpu: Duration,
    pub wall: Duration,
}

/// What a call gives, and how long it takes.
pub fn time<T>(call: impl FnOnce() -> T) -> (T, Times) {
    let (cpu, wall) = (cpu_time(), Instant::now());
    let made = call();
    let wall = wall.elapsed();
    let cpu = cpu_time().map_or(wall, |end| end.saturating_sub(cpu.unwrap_or_default()));
    (made, Times { cpu, wall })
}

/// The time since any moment: CPU time on one thread, which other processes do not lengthen; on more that since `start`.
pub fn clock(threads: usize, start: Instant) -> Duration {
    cpu_time().filter(|_| threads == 1).unwrap_or_else(|| start.elapsed())
}

/// CPU time of the whole process, where the system tells it.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}

pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
