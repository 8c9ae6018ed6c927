//! The error of each layer of a transformer against the clear reading, and its time.
//!
//! The process that measures holds the secret key and opens what the engine shows it between layers; the engine does not.

use std::time::Instant;

use anyhow::bail;
use arras_ckks::{Ciphertext, Params, wire};
use arras_client::{Client, random};
use arras_nn::program::{Lanes, Stage};
use arras_nn::transformer::Embedded;
use arras_nn::{Mode, Network, Reading};
use serde::Serialize;

use crate::cmd::evaluate::Server;
use crate::input::Loaded;
use crate::output;

/// What a stage took, and how far its values are from those of the clear reading.
#[derive(Serialize)]
pub struct Layer {
    stage: String,
    /// The least over the sentences.
    seconds: f64,
    max_abs_error: f64,
    /// The root of the mean squared error of a sentence, the largest of them.
    rms_error: f64,
    /// The largest value of the clear reading.
    largest: f64,
}

impl Layer {
    fn join(&mut self, other: &Self) {
        self.seconds = self.seconds.min(other.seconds);
        self.max_abs_error = self.max_abs_error.max(other.max_abs_error);
        self.rms_error = self.rms_error.max(other.rms_error);
        self.largest = self.largest.max(other.largest);
    }
}

/// Measures all stages of a transformer on the first so many sentences, after one that warms up.
pub fn measure(
    client: &Client<'_>,
    server: &Server<'_>,
    params: &Params,
    loaded: &Loaded,
    readings: &[Reading],
    count: usize,
) -> anyhow::Result<Vec<Layer>> {
    let (mut layers, Network::Lanes(lanes)) = (Vec::<Layer>::new(), loaded.network()) else {
        return Ok(Vec::new());
    };
    if count == 0 {
        return Ok(layers);
    }
    let bar = output::bar(count as u64 + 1, "measuring layers");
    for (at, reading) in readings.iter().take(1).chain(readings.iter().take(count)).enumerate() {
        let Reading::Lanes(text) = reading else { bail!(arras_nn::Error::OtherReading) };
        let sealed = client.sealer().seal_readings(
            std::slice::from_ref(reading),
            Mode::Latency,
            &mut random::system()?,
        )?;
        let found = one(client, server, lanes, text, &wire::to_bytes(params.rlwe(), &sealed))?;
        match (at, layers.is_empty()) {
            (0, _) => {}
            (_, true) => layers = found,
            (_, false) => layers.iter_mut().zip(&found).for_each(|(layer, found)| layer.join(found)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(layers)
}

/// All stages of one sentence.
fn one(
    client: &Client<'_>,
    server: &Server<'_>,
    lanes: &Lanes,
    text: &Embedded,
    sealed: &[u8],
) -> anyhow::Result<Vec<Layer>> {
    let (mut layers, mut failed, mut before) = (Vec::new(), None, Instant::now());
    let mut show = |stage: Stage, shown: Vec<Ciphertext>| {
        let seconds = before.elapsed().as_secs_f64();
        match layer(client, lanes, text, stage, &shown, seconds) {
            Ok(layer) => layers.push(layer),
            Err(error) => failed = Some(error),
        }
        before = Instant::now();
        failed.is_none()
    };
    let shown = server.show(sealed, &mut show);
    failed.map_or(Ok(()), Err)?;
    shown?;
    Ok(layers)
}

fn layer(
    client: &Client<'_>,
    lanes: &Lanes,
    text: &Embedded,
    stage: Stage,
    shown: &[Ciphertext],
    seconds: f64,
) -> anyhow::Result<Layer> {
    let found = client.danger_inside(lanes, stage, shown, text.tokens)?;
    let exact = lanes.exact(stage, text)?;
    let errors = || found.iter().zip(exact.iter().cycle()).map(|(found, exact)| (found - exact).abs());
    Ok(Layer {
        stage: title(stage, lanes.model().shape().layers),
        seconds,
        max_abs_error: errors().fold(0.0, f64::max),
        rms_error: (errors().map(|error| error * error).sum::<f64>() / found.len().max(1) as f64).sqrt(),
        largest: exact.iter().map(|x| x.abs()).fold(0.0, f64::max),
    })
}

fn title(stage: Stage, layers: usize) -> String {
    match stage {
        Stage::Input => "input".to_owned(),
        Stage::Layer(at) => format!("layer {}", at + 1),
        Stage::Logit => format!("layer {layers}, classifier"),
        Stage::Probability => "logistic polynomial".to_owned(),
    }
}

/// The layers as a table.
pub fn table(layers: &[Layer]) -> String {
    let row = |layer: &Layer| {
        vec![
            layer.stage.clone(),
            format!("{:.3}", layer.seconds),
            format!("{:.1e}", layer.max_abs_error),
            format!("{:.1e}", layer.rms_error),
            format!("{:.3}", layer.largest),
        ]
    };
    output::table(
        &["stage", "seconds", "largest error", "rms error", "largest value"],
        &layers.iter().map(row).collect::<Vec<_>>(),
    )
}
