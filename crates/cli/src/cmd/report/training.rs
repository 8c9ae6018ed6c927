//! The log of a training as a chart: loss and learning rate over steps.

use std::path::Path;

use anyhow::{Context as _, bail};
use arras_client::store;
use serde::Deserialize;

use crate::plot::{Axis, COLOURS, Chart, Mark, Series, thinned, top};

/// What a line of the log says.
#[derive(Deserialize)]
pub struct Line {
    step: usize,
    pub loss: f64,
    rate: f64,
    #[serde(default)]
    seconds: f64,
}

/// The most bytes of a log.
const MOST: u64 = 1 << 28;

/// The lines of a log; one that is still being written may be cut off.
pub fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let bytes = store::read_at_most(path, MOST)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.rfind('\n').map_or("", |last| text.get(..last).unwrap_or_default());
    let lines: Vec<Line> = whole
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not a log of `arras train transformer`", path.display()))?;
    if lines.is_empty() {
        bail!("{} holds no step of a training yet", path.display());
    }
    Ok(lines)
}

/// Both curves, from zero; the learning rate is drawn as large as the loss.
pub fn chart(lines: &[Line]) -> Chart {
    let curve = |of: fn(&Line) -> f64| {
        thinned(&lines.iter().map(|line| (line.step as f64, of(line))).collect::<Vec<_>>())
    };
    let (loss, rate) = (curve(|line| line.loss), curve(|line| line.rate));
    let (most, fastest) = (top(&loss, f64::MIN_POSITIVE), top(&rate, f64::MIN_POSITIVE));
    let series = |name: String, colour, points| Series { name, colour, mark: Mark::Line, points };
    let rate = rate.into_iter().map(|(step, rate)| (step, rate / fastest * most)).collect();
    let last = lines.iter().map(|line| line.step).max().unwrap_or(1);
    Chart {
        x: Axis::new("step", 0.0, last.max(1) as f64),
        y: Axis::new("loss", 0.0, most),
        series: vec![
            series(format!("learning rate, up to {fastest:.1e}"), COLOURS[2], rate),
            series("loss".to_owned(), COLOURS[0], loss),
        ],
    }
}

/// What a training took and came to, in words.
pub fn summary(lines: &[Line]) -> String {
    let tail = lines.len().div_ceil(20);
    let last = lines.iter().rev().take(tail).map(|line| line.loss).sum::<f64>() / tail.max(1) as f64;
    let steps = lines.iter().map(|line| line.step).max().unwrap_or(0);
    // The clock of a log starts again when its training goes on.
    let turns = lines.windows(2).filter_map(|pair| match pair {
        [one, next] if next.seconds < one.seconds => Some(one.seconds),
        _ => None,
    });
    let seconds = turns.sum::<f64>() + lines.last().map_or(0.0, |line| line.seconds);
    format!("{steps} steps in {seconds:.0} s; mean loss of the last {tail}: {last:.4}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_cut_off_or_was_resumed_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let line = |step: usize, seconds: f64| {
            format!(
                "{{\"step\":{step},\"steps\":9,\"loss\":{},\"rate\":0.001,\"seconds\":{seconds}}}\n",
                1.0 / step as f64
            )
        };
        std::fs::write(&path, line(1, 1.0) + &line(2, 2.0) + &line(3, 0.5) + "{\"step\":4,\"lo").unwrap();
        let lines = read(&path).unwrap();
        assert_eq!(summary(&lines), "3 steps in 2 s; mean loss of the last 1: 0.3333");
        let chart = chart(&lines);
        assert_eq!((chart.y.high, chart.x.high, chart.series[1].points.len()), (1.0, 3.0, 3));
        for other in ["", "no log\n"] {
            std::fs::write(&path, other).unwrap();
            assert!(read(&path).is_err());
        }
    }
}
