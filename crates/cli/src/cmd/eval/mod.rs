//! `arras eval sst2`: a model on labelled sentences, in the clear and encrypted.

mod encrypted;
mod figures;
mod journal;
mod layers;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use arras_nn::head::logistic;
use arras_nn::metrics::BINS;
use arras_nn::{Mode, Network, Reading};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::EvalSst2;
use crate::input::{self, Loaded};
use crate::output::{self, Output};
use crate::stop;
use encrypted::Encrypted;
use figures::Figures;

#[derive(Serialize)]
struct Report {
    model: String,
    sentences: usize,
    temperature: f64,
    /// Equal bins of confidence in [0, 1], behind every expected calibration error.
    ece_bins: usize,
    plain: Figures,
    #[serde(flatten)]
    encrypted: Option<Encrypted>,
    /// One object for each sentence, on one line.
    predictions: Box<RawValue>,
    seconds: f64,
}

/// A sentence and what was said of it.
#[derive(Serialize)]
struct Said {
    positive: bool,
    plain: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted: Option<f64>,
}

/// Sentences of the development set.
pub struct Sentences {
    texts: Vec<String>,
    positive: Vec<bool>,
    /// The bytes of their table.
    table: Vec<u8>,
}

/// The sentences that count, as the model reads them in the clear.
pub struct Read {
    readings: Vec<Reading>,
    logits: Vec<f64>,
    positive: Vec<bool>,
}

impl Read {
    /// The first so many sentences.
    fn new(network: Network<'_>, sentences: &Sentences, count: usize) -> anyhow::Result<Self> {
        let texts = sentences.texts.iter().take(count);
        let readings = texts.map(|text| network.read(text, true)).collect::<Result<Vec<_>, _>>()?;
        let logits = readings.iter().map(|reading| network.logit(reading)).collect::<Result<_, _>>()?;
        Ok(Self { readings, logits, positive: sentences.positive.iter().take(count).copied().collect() })
    }

    /// The probabilities by the exact logistic function.
    fn plain(&self) -> Vec<f64> {
        self.logits.iter().map(|&logit| logistic(logit)).collect()
    }

    fn figures(&self, temperature: f64) -> anyhow::Result<Figures> {
        let without: Vec<f64> = self.logits.iter().map(|logit| logistic(logit * temperature)).collect();
        Figures::new(&self.plain(), &without, &self.positive, "exact")
    }
}

pub fn run(args: &EvalSst2, out: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let sentences = read(&args.data)?;
    let loaded = input::model(&args.model)?;
    stop::watch()?;
    let limit = args.limit.map_or(usize::MAX, |limit| limit as usize).min(sentences.texts.len());
    let (read, encrypted) = match args.encrypted {
        true => {
            let (read, encrypted) = encrypted::run(args, &loaded, &sentences, limit)?;
            (read, Some(encrypted))
        }
        false => (Read::new(loaded.network(), &sentences, limit)?, None),
    };
    let temperature = loaded.network().temperature();
    let report = Report {
        sentences: read.readings.len(),
        temperature,
        ece_bins: BINS,
        plain: read.figures(temperature)?,
        predictions: predictions(&read, encrypted.as_ref())?,
        encrypted,
        seconds: started.elapsed().as_secs_f64(),
        model: loaded.name,
    };
    out.show(&report, human)
}

/// The table of sentences, as they are written: models read them each in its way.
fn read(data: &Path) -> anyhow::Result<Sentences> {
    let path = data.join("dev.tsv");
    let table = input::data(&path)?.to_vec();
    let rows = arras_train::data::rows(&table).with_context(|| path.display().to_string())?;
    ensure!(!rows.is_empty(), "{} holds no sentences: give a table with at least one", path.display());
    let (texts, positive) = rows.into_iter().map(|row| (row.text, row.positive)).unzip();
    Ok(Sentences { texts, positive, table })
}

fn predictions(read: &Read, encrypted: Option<&Encrypted>) -> anyhow::Result<Box<RawValue>> {
    let found = encrypted.map(Encrypted::probabilities).unwrap_or_default();
    let said = |(at, (plain, &positive)): (usize, (f64, &bool))| Said {
        positive,
        plain,
        encrypted: found.get(at).copied().flatten(),
    };
    let said: Vec<Said> = read.plain().into_iter().zip(&read.positive).enumerate().map(said).collect();
    Ok(serde_json::value::to_raw_value(&said)?)
}

/// The mode of an encrypted run; a transformer has one, which nobody needs to name.
fn mode(args: &EvalSst2, loaded: &Loaded) -> Mode {
    match (loaded.network(), args.mode) {
        (_, Some(mode)) => mode.into(),
        (Network::Words(_), None) => Mode::Throughput,
        (Network::Lanes(_), None) => Mode::Latency,
    }
}

fn human(report: &Report) -> String {
    let rows = [
        Some(report.plain.row("plain")),
        report.encrypted.as_ref().map(|encrypted| encrypted.figures().row("encrypted")),
    ];
    let table = output::table(&Figures::TITLES, &rows.into_iter().flatten().collect::<Vec<_>>());
    let mut text = format!(
        "{}, {} sentences in {:.1} s\n\n{table}\n\nplain: the exact logistic function; ECE: expected calibration error, {BINS} equal \
         bins; T = {:.4}\n",
        report.model, report.sentences, report.seconds, report.temperature
    );
    if let Some(encrypted) = &report.encrypted {
        text += &encrypted.human();
    }
    text
}

#[cfg(test)]
mod tests {
    /// What `classify` would be given.
    #[test]
    fn sentences_are_read_as_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let text = "it Doesn't work -- sadly...  (1,000 dollars!!!!!)";
        std::fs::write(folder.path().join("dev.tsv"), format!("sentence\tlabel\n{text}\t0\n")).unwrap();
        let read = super::read(folder.path()).unwrap();
        assert_eq!((read.texts, read.positive), (vec![text.to_owned()], vec![false]));
    }

    #[test]
    fn a_table_without_sentences_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev.tsv");
        for table in ["sentence\tlabel\n", "sentence\tlabel\n\n \n"] {
            std::fs::write(&path, table).unwrap();
            let error = super::read(folder.path()).err().unwrap().to_string();
            assert!(error.starts_with(&format!("{} holds no sentences", path.display())), "{error}");
        }
    }
}
