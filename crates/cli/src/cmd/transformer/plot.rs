//! The log of a training as a picture: loss and learning rate over steps, as SVG.

use std::path::Path;

use anyhow::Context as _;
use arras_client::store;
use serde::Deserialize;

/// What a line of the log says.
#[derive(Deserialize)]
struct Line {
    step: usize,
    loss: f32,
    rate: f32,
}

const WIDTH: f32 = 720.0;
const HEIGHT: f32 = 320.0;
const EDGE: f32 = 48.0;

/// The most points of a curve.
const POINTS: usize = 400;

/// The most bytes of a log.
const MOST: u64 = 1 << 28;

/// Draws the log at `from` into the file `to`.
pub fn write(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = store::read_at_most(from, MOST)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<Line> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not a log of a training", from.display()))?;
    Ok(store::write_file(to, draw(&lines).as_bytes())?)
}

/// Both curves, each from zero to its largest value, as means over equal runs of steps.
fn draw(lines: &[Line]) -> String {
    let run = lines.len().div_ceil(POINTS).max(1);
    let mean = |of: fn(&Line) -> f32| -> Vec<(f32, f32)> {
        let point = |part: &[Line]| {
            let n = part.len().max(1) as f32;
            let step = part.iter().map(|l| l.step as f32).sum::<f32>() / n;
            (step, part.iter().map(of).sum::<f32>() / n)
        };
        lines.chunks(run).map(point).collect()
    };
    let (loss, rate) = (mean(|l| l.loss), mean(|l| l.rate));
    let last = lines.iter().map(|l| l.step).max().unwrap_or(1) as f32;
    let most = |curve: &[(f32, f32)]| curve.iter().map(|&(_, y)| y).fold(f32::MIN_POSITIVE, f32::max);
    let path = |curve: &[(f32, f32)]| {
        let top = most(curve);
        let place = |&(x, y): &(f32, f32)| {
            let across = EDGE + (WIDTH - 2.0 * EDGE) * x / last.max(1.0);
            format!("{across:.1},{:.1}", HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * y / top)
        };
        curve.iter().map(place).collect::<Vec<_>>().join(" ")
    };
    let curve = |points: String, colour: &str| {
        format!("<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n")
    };
    let label = |x: f32, y: f32, anchor: &str, text: String| {
        format!("<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"{anchor}\">{text}</text>\n")
    };
    let (right, floor) = (WIDTH - EDGE, HEIGHT - EDGE);
    [
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        ),
        format!("<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"),
        format!("<path d=\"M{EDGE} {EDGE}V{floor}H{right}\" fill=\"none\" stroke=\"black\"/>\n"),
        curve(path(&rate), "#bbbbbb"),
        curve(path(&loss), "#1f5fa8"),
        label(EDGE, EDGE - 12.0, "start", format!("loss, up to {:.3}", most(&loss))),
        label(right, EDGE - 12.0, "end", format!("learning rate (grey), up to {:.1e}", most(&rate))),
        label(EDGE, floor + 20.0, "middle", "0".to_owned()),
        label(right, floor + 20.0, "end", format!("{last} steps")),
        "</svg>\n".to_owned(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_stays_on_the_paper() {
        let line = |step: usize| Line { step, loss: 1.0 / step as f32, rate: step as f32 };
        let svg = draw(&(1..=1000).map(line).collect::<Vec<_>>());
        let points: Vec<f32> = svg
            .split("points=\"")
            .skip(1)
            .flat_map(|rest| rest.split('"').next().unwrap().split([' ', ',']))
            .map(|n| n.parse().unwrap())
            .collect();
        assert_eq!(points.len(), 2 * 2 * 334);
        assert!(points.chunks(2).all(|p| (0.0..=WIDTH).contains(&p[0]) && (0.0..=HEIGHT).contains(&p[1])));
        assert!(draw(&[]).starts_with("<svg"));
    }
}
