//! Times of calls, and their minima and medians.

use serde::Serialize;

/// Milliseconds of each call.
#[derive(Debug, Default)]
pub struct Times {
    pub cpu_ms: Vec<f64>,
    pub wall_ms: Vec<f64>,
}

impl Times {
    /// Keeps the times of more calls.
    pub fn extend(&mut self, more: Self) {
        self.cpu_ms.extend(more.cpu_ms);
        self.wall_ms.extend(more.wall_ms);
    }
}

/// What reports say of some calls.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub cpu_ms_min: f64,
    pub cpu_ms_median: f64,
    pub wall_ms_min: f64,
    pub calls: usize,
}

impl Summary {
    /// Nothing without calls.
    pub fn new(times: &Times) -> Option<Self> {
        Some(Self {
            cpu_ms_min: sorted(&times.cpu_ms).first().copied()?,
            cpu_ms_median: median(&times.cpu_ms)?,
            wall_ms_min: sorted(&times.wall_ms).first().copied()?,
            calls: times.cpu_ms.len(),
        })
    }

    /// The least CPU time over that of others: above one, the others are faster.
    pub fn over(&self, other: Option<&Self>) -> Option<f64> {
        other.map(|other| other.cpu_ms_min).filter(|&least| least > 0.0).map(|least| self.cpu_ms_min / least)
    }
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times
}

fn median(times: &[f64]) -> Option<f64> {
    let times = sorted(times);
    let upper = times.get(times.len() / 2)?;
    let lower = times.get((times.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[2.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 4.0]), Some(4.0));
        assert_eq!(median(&[9.0, 1.0, 4.0, 2.0]), Some(3.0));
    }

    #[test]
    fn ratios_of_minima() {
        let summary = |cpu_ms: &[f64]| Summary::new(&Times { cpu_ms: cpu_ms.into(), wall_ms: cpu_ms.into() });
        let (theirs, ours) = (summary(&[9.0, 7.0]).unwrap(), summary(&[4.0, 2.0]));
        assert_eq!(theirs.over(ours.as_ref()), Some(3.5));
        assert_eq!(theirs.over(summary(&[0.0]).as_ref()), None);
        assert_eq!(theirs.over(summary(&[]).as_ref()), None);
    }
}
