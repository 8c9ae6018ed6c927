//! What `arras eval sst2 --json` wrote, as tables and charts.

use std::path::Path;

use anyhow::{Context as _, bail};
use arras_client::store;
use arras_nn::metrics::{BINS, Bin, bins, entropy, without_temperature};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::page::{chart, heading, paragraph, table};
use crate::plot::{Axis, COLOURS, Chart, Mark, Series, top};

/// The most bytes of an evaluation.
const MOST: u64 = 1 << 28;

/// The parts of an evaluation that are drawn; all others are listed.
#[derive(Deserialize)]
pub struct Evaluation {
    model: String,
    sentences: usize,
    temperature: f64,
    plain: Map<String, Value>,
    encrypted: Option<Map<String, Value>>,
    predictions: Vec<Said>,
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Said {
    positive: bool,
    plain: f64,
    encrypted: Option<f64>,
}

#[derive(Deserialize)]
struct Layer {
    stage: String,
    seconds: f64,
    max_abs_error: f64,
    rms_error: f64,
    largest: f64,
}

/// Probabilities of one reading, with the truth.
#[derive(Default)]
struct Reading {
    probabilities: Vec<f64>,
    labels: Vec<bool>,
}

/// How near to 0 and 1 log-odds are still taken.
const LEAST: f64 = 1e-9;

/// Bars of the histogram of entropies.
const BARS: usize = 20;

impl Evaluation {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = store::read_at_most(path, MOST)?;
        let read: Self = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not what `arras eval sst2 --json` writes", path.display()))?;
        let bad = |said: &Said| {
            [Some(said.plain), said.encrypted].into_iter().flatten().any(|p| !(0.0..=1.0).contains(&p))
        };
        if let Some(at) = read.predictions.iter().position(bad) {
            bail!("{}: a probability of sentence {} is not between 0 and 1", path.display(), at + 1);
        }
        if read.predictions.is_empty() {
            bail!("{} holds no sentence", path.display());
        }
        Ok(read)
    }

    /// All of it.
    pub fn html(&self) -> String {
        let about =
            format!("{}, {} sentences, temperature {:.4}", self.model, self.sentences, self.temperature);
        let mut html = heading("Evaluation") + &paragraph(&about) + &self.figures();
        html += &self.reliability();
        html += &self.entropies();
        if !self.layers.is_empty() {
            html += &self.by_layer();
        }
        html + &self.rest()
    }

    fn reading(&self, of: impl Fn(&Said) -> Option<f64>) -> Reading {
        let mut reading = Reading::default();
        for (p, said) in self.predictions.iter().filter_map(|said| Some((of(said)?, said))) {
            reading.probabilities.push(p);
            reading.labels.push(said.positive);
        }
        reading
    }

    /// Plain against encrypted: every figure of the plain reading.
    fn figures(&self) -> String {
        let name = |key: &String| key.replace('_', " ");
        let row = |(key, plain): (&String, &Value)| {
            let encrypted =
                self.encrypted.as_ref().map(|figures| shown(figures.get(key).unwrap_or(&Value::Null)));
            [Some(name(key)), Some(shown(plain)), encrypted].into_iter().flatten().collect()
        };
        let titles: &[&str] =
            if self.encrypted.is_some() { &["", "plain", "encrypted"] } else { &["", "plain"] };
        heading("Figures") + &table(titles, &self.plain.iter().map(row).collect::<Vec<_>>())
    }

    /// Accuracy over confidence, before and after the temperature.
    fn reliability(&self) -> String {
        let series = |name: &str, colour, reading: &Reading| Series {
            name: name.to_owned(),
            colour,
            mark: Mark::Dots,
            points: points(&bins(&reading.probabilities, &reading.labels)),
        };
        let plain = self.reading(|said| Some(said.plain));
        let before = self.reading(|said| Some(without_temperature(said.plain, self.temperature, LEAST)));
        let encrypted = self.reading(|said| said.encrypted);
        let mut shown = vec![
            Series {
                name: "perfect".to_owned(),
                colour: COLOURS[2],
                mark: Mark::Line,
                points: vec![(0.5, 0.5), (1.0, 1.0)],
            },
            series("plain, T = 1", COLOURS[1], &before),
            series("plain", COLOURS[0], &plain),
        ];
        if !encrypted.labels.is_empty() {
            shown.push(series("encrypted", "#2f8f4e", &encrypted));
        }
        let diagram =
            Chart { x: Axis::new("confidence", 0.5, 1.0), y: Axis::new("accuracy", 0.0, 1.0), series: shown };
        heading("Reliability")
            + &paragraph(&format!(
                "Predictions in {BINS} equal bins of their confidence: the mean confidence of each bin, and the share that is right."
            ))
            + &chart(&diagram)
    }

    fn entropies(&self) -> String {
        let histogram = |name: &str, colour, reading: Reading| {
            let mut bars = [0.0; BARS];
            for p in &reading.probabilities {
                let at = (entropy(*p) * BARS as f64) as usize;
                if let Some(bar) = bars.get_mut(at.min(BARS - 1)) {
                    *bar += 1.0 / reading.labels.len() as f64;
                }
            }
            let middle = |(at, share): (usize, f64)| ((at as f64 + 0.5) / BARS as f64, share);
            let points = bars.into_iter().enumerate().map(middle).collect();
            Series { name: name.to_owned(), colour, mark: Mark::Bars, points }
        };
        let mut series = vec![histogram("plain", COLOURS[0], self.reading(|said| Some(said.plain)))];
        let encrypted = self.reading(|said| said.encrypted);
        if !encrypted.labels.is_empty() {
            series.push(histogram("encrypted", COLOURS[1], encrypted));
        }
        let most = series.iter().map(|series| top(&series.points, 0.05)).fold(0.0, f64::max);
        let x = Axis::new("entropy of the output, bits", 0.0, 1.0);
        heading("Entropy") + &chart(&Chart { x, y: Axis::new("share of the sentences", 0.0, most), series })
    }

    /// Error and time of each layer: a table, and bars.
    fn by_layer(&self) -> String {
        let row = |(at, layer): (usize, &Layer)| {
            vec![
                (at + 1).to_string(),
                layer.stage.clone(),
                format!("{:.3}", layer.seconds),
                format!("{:.1e}", layer.max_abs_error),
                format!("{:.1e}", layer.rms_error),
                format!("{:.3}", layer.largest),
            ]
        };
        let titles = ["", "stage", "seconds", "largest error", "rms error", "largest value"];
        let bars = |what: &str, of: fn(&Layer) -> f64| {
            let points: Vec<(f64, f64)> =
                (1..).zip(&self.layers).map(|(at, layer)| (f64::from(at), of(layer))).collect();
            let count = self.layers.len() as f64;
            chart(&Chart {
                x: Axis::new("stage", 0.5, count + 0.5),
                y: Axis::new(what, 0.0, top(&points, f64::MIN_POSITIVE)),
                series: vec![Series { name: what.to_owned(), colour: COLOURS[0], mark: Mark::Bars, points }],
            })
        };
        heading("Layers")
            + &paragraph(
                "Ciphertexts between layers, opened by the process that holds the key, against the clear reading.",
            )
            + &table(&titles, &self.layers.iter().enumerate().map(row).collect::<Vec<_>>())
            + &bars("seconds", |layer| layer.seconds)
            + &bars("largest error", |layer| layer.max_abs_error)
    }

    /// Everything else that the file says.
    fn rest(&self) -> String {
        let row = |(key, value): (&String, &Value)| vec![key.replace('_', " "), shown(value)];
        let scalar = |value: &Value| !value.is_array() && !value.is_object();
        let rows: Vec<Vec<String>> = self.rest.iter().filter(|(_, value)| scalar(value)).map(row).collect();
        heading("The run") + &table(&["", ""], &rows)
    }
}

/// The bins that hold anything.
fn points(bins: &[Bin]) -> Vec<(f64, f64)> {
    bins.iter().filter(|bin| bin.count > 0).map(|bin| (bin.confidence, bin.accuracy)).collect()
}

/// A value as a cell.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(x)) if x != 0.0 && x.abs() < 1e-3 => format!("{x:.2e}"),
            (None, Some(x)) => format!("{x:.4}"),
            (None, None) => number.to_string(),
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
