//! The sentences of a table on ciphertexts, one after the other or many at once, with a journal.

use std::ops::Range;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arras_ckks::{Params, Security, wire};
use arras_client::plan::Plan;
use arras_client::{Client, Keys, Source, precision_bits, random};
use arras_nn::metrics::{positive, without_temperature};
use arras_nn::{Mode, Network};
use indicatif::ProgressBar;
use serde::Serialize;

use super::figures::Figures;
use super::journal::{Header, Journal, Line};
use super::layers::{self, Layer};
use super::{Read, Sentences, mode};
use crate::args::EvalSst2;
use crate::cmd::evaluate::Server;
use crate::cmd::params::tenths;
use crate::input::Loaded;
use crate::output;
use crate::{keyring, stop};

/// What a run on ciphertexts found, and what it took; times and sizes are those of all sentences, earlier runs of the journal
/// included.
#[derive(Serialize)]
pub struct Encrypted {
    encrypted: Figures,
    agreement: f64,
    max_abs_error: f64,
    /// The part of it that is not the polynomial's: noise and rounding.
    max_abs_noise: f64,
    failures: usize,
    mode: Mode,
    n: usize,
    log2_qp: f64,
    security_bits: u32,
    levels: u32,
    rotations: u64,
    refreshes: u64,
    evaluation_key_bytes: u64,
    ciphertext_bytes: usize,
    peak_bytes: Option<u64>,
    seconds_per_sentence: f64,
    /// Of this run alone.
    key_seconds: f64,
    seal_seconds: f64,
    run_seconds: f64,
    open_seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Layer>,
    #[serde(skip)]
    found: Vec<Option<f64>>,
}

/// The keys, and both sides in one process with nothing but bytes between them.
struct Session<'a> {
    loaded: &'a Loaded,
    params: &'a Params,
    keys: Keys,
}

/// Runs the first `limit` sentences, or those that the journal has already, if they are more.
pub fn run(
    args: &EvalSst2,
    loaded: &Loaded,
    sentences: &Sentences,
    limit: usize,
) -> anyhow::Result<(Read, Encrypted)> {
    let (network, mode) = (loaded.network(), mode(args, loaded));
    if let (Network::Words(_), Some(_)) = (network, args.layers) {
        bail!("--layers needs a transformer, as sst2-small is: this model has one layer");
    }
    let plan = Plan::for_mode(network, mode, Security::Bits128)?;
    let params = plan.params();
    let header = Header::new(&loaded.digest, &sentences.table, &params.id(), mode);
    let mut journal = Journal::open(args.journal.as_deref(), &header)?;
    check(&journal, sentences)?;
    let read = Read::new(network, sentences, limit.max(journal.lines().len()))?;
    let started = Instant::now();
    let (missing, count) = (journal.lines().len()..read.readings.len(), args.layers.unwrap_or(0) as usize);
    let (mut key_seconds, mut layers) = (0.0, Vec::new());
    if !missing.is_empty() || count > 0 {
        let keys = keyring::generate(params, plan.request(), Source::Random)?;
        key_seconds = started.elapsed().as_secs_f64();
        let session = Session { loaded, params, keys };
        layers = session.all(missing, &read, sentences, mode, count, &mut journal)?;
    }
    let found = Encrypted::new(loaded, &plan, mode, &read, journal.lines(), key_seconds, layers)?;
    Ok((read, found))
}

/// Every sentence of the journal is the one of the table.
fn check(journal: &Journal, sentences: &Sentences) -> anyhow::Result<()> {
    for (at, line) in journal.lines().iter().enumerate() {
        if sentences.texts.get(at).map(|text| name(text)).as_ref() != Some(&line.text) {
            bail!("line {} of the journal is of another sentence: give another file", at + 2);
        }
    }
    Ok(())
}

/// A text in a few letters.
fn name(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

impl Session<'_> {
    /// The missing sentences, batch after batch, and then the layers of the first ones.
    fn all(
        self,
        missing: Range<usize>,
        read: &Read,
        sentences: &Sentences,
        mode: Mode,
        count: usize,
        journal: &mut Journal,
    ) -> anyhow::Result<Vec<Layer>> {
        let client = Client::new(self.loaded.network(), self.loaded.digest, self.params, &self.keys.secret)?;
        let server = Server::new(self.params, self.keys.evaluation, self.loaded)?;
        let chunk = match mode {
            Mode::Latency => 1,
            Mode::Throughput => self.params.max_slots() - 1,
        };
        let bar = match mode {
            Mode::Throughput => ProgressBar::hidden(),
            Mode::Latency => output::bar(read.readings.len() as u64, "evaluating"),
        };
        bar.set_position(missing.start as u64);
        bar.reset_eta();
        for start in missing.clone().step_by(chunk) {
            let batch = start..(start + chunk).min(missing.end);
            let lines = round(&client, &server, self.params, batch.clone(), read, sentences, mode)
                .and_then(|lines| journal.append(lines));
            if let (Err(error), true) = (&lines, stop::asked()) {
                bail!("{}", interrupted(error, journal));
            }
            lines?;
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        layers::measure(&client, &server, self.params, self.loaded, &read.readings, count)
    }
}

/// What to say of a run that was stopped.
fn interrupted(error: &anyhow::Error, journal: &Journal) -> String {
    match journal.is_kept() {
        true => format!(
            "{error}: the journal keeps what is done (sentences: {}), and the same command goes on from there",
            journal.lines().len()
        ),
        false => format!("{error}: with --journal the same command would go on from here"),
    }
}

/// One batch there and back through bytes; an answer that is refused is one of each of its sentences.
fn round(
    client: &Client<'_>,
    server: &Server<'_>,
    params: &Params,
    batch: Range<usize>,
    read: &Read,
    sentences: &Sentences,
    mode: Mode,
) -> anyhow::Result<Vec<Line>> {
    let readings = read.readings.get(batch.clone()).unwrap_or_default();
    let started = Instant::now();
    let sealed = client.sealer().seal_readings(readings, mode, &mut random::system()?)?;
    let sealed = wire::to_bytes(params.rlwe(), &sealed);
    let seal = started.elapsed().as_secs_f64();
    let bar = match mode {
        Mode::Throughput => output::bar(1, "running"),
        Mode::Latency => ProgressBar::hidden(),
    };
    let answer = server.answer(&sealed, &bar)?.bytes;
    let run = started.elapsed().as_secs_f64() - seal;
    let opened = client.open(&wire::from_bytes(params.rlwe(), &answer)?);
    let open = started.elapsed().as_secs_f64() - seal - run;
    let found = match opened {
        Ok(predictions) => predictions.iter().map(|found| Some(found.probability)).collect(),
        Err(arras_client::Error::Sentinel(error)) => {
            output::note(&format!("arras: sentence {}: {error}", batch.start + 1));
            vec![None; batch.len()]
        }
        Err(other) => return Err(other.into()),
    };
    let (plain, share) = (read.plain(), 1.0 / batch.len().max(1) as f64);
    let line = |(index, encrypted): (usize, Option<f64>)| {
        Some(Line {
            index,
            text: name(sentences.texts.get(index)?),
            plain: *plain.get(index)?,
            encrypted,
            seal_seconds: seal * share,
            run_seconds: run * share,
            open_seconds: open * share,
            sealed_bytes: sealed.len(),
            peak_bytes: crate::memory::peak(),
        })
    };
    batch.zip(found).map(line).collect::<Option<_>>().context("the answer has another number of sentences")
}

impl Encrypted {
    fn new(
        loaded: &Loaded,
        plan: &Plan,
        mode: Mode,
        read: &Read,
        lines: &[Line],
        key_seconds: f64,
        layers: Vec<Layer>,
    ) -> anyhow::Result<Self> {
        let (network, params) = (loaded.network(), plan.params());
        let found: Vec<Option<f64>> = lines.iter().map(|line| line.encrypted).collect();
        let sum = |of: fn(&Line) -> f64| lines.iter().map(of).sum::<f64>();
        let (seal, run, open) = (sum(|l| l.seal_seconds), sum(|l| l.run_seconds), sum(|l| l.open_seconds));
        let count = lines.len().max(1) as f64;
        let plain = read.plain();
        let agree = found
            .iter()
            .zip(&plain)
            .filter(|&(found, &plain)| found.is_some_and(|found| positive(found) == positive(plain)));
        Ok(Self {
            encrypted: figures(network, &found, &read.positive)?,
            agreement: agree.count() as f64 / count,
            max_abs_error: largest(&found, &plain),
            max_abs_noise: largest(&found, &softened(network, read)?),
            failures: found.iter().filter(|found| found.is_none()).count(),
            mode,
            n: params.degree(),
            log2_qp: tenths(params.log2_q() + params.log2_p()),
            security_bits: params.spec().security.bits(),
            levels: u32::from(plan.level().0),
            rotations: plan.rotations(),
            refreshes: plan.refreshes(),
            evaluation_key_bytes: plan.request().sizes(params.rlwe())?.file,
            ciphertext_bytes: lines.iter().map(|line| line.sealed_bytes).max().unwrap_or(0),
            peak_bytes: lines.iter().filter_map(|line| line.peak_bytes).max(),
            seconds_per_sentence: (seal + run + open) / count,
            key_seconds,
            seal_seconds: seal,
            run_seconds: run,
            open_seconds: open,
            layers,
            found,
        })
    }

    /// Probabilities of class 1; none where an answer was refused.
    pub fn probabilities(&self) -> Vec<Option<f64>> {
        self.found.clone()
    }

    pub const fn figures(&self) -> &Figures {
        &self.encrypted
    }

    pub fn human(&self) -> String {
        let mut text = format!(
            "encrypted: the logistic polynomial; ECE at T = 1 from the answers' log-odds\n\n\
             agreement {:.4}, largest error {:.1e} (of which noise {:.1e}), failures {}\n\
             keys {:.1} s, seal {:.1} s, run {:.1} s, open {:.1} s; {:.2} s for each sentence\n\
             N = {}, log2 QP = {}, {} bits of security; {} levels, {} rotations, {} refreshes\n\
             evaluation keys {}, sealed {}{}\n",
            self.agreement,
            self.max_abs_error,
            self.max_abs_noise,
            self.failures,
            self.key_seconds,
            self.seal_seconds,
            self.run_seconds,
            self.open_seconds,
            self.seconds_per_sentence,
            self.n,
            self.log2_qp,
            self.security_bits,
            self.levels,
            self.rotations,
            self.refreshes,
            output::bytes(self.evaluation_key_bytes),
            output::bytes(self.ciphertext_bytes as u64),
            self.peak_bytes.map_or_else(String::new, |peak| format!(", peak memory {}", output::bytes(peak))),
        );
        if !self.layers.is_empty() {
            text += &format!("\n{}\n", layers::table(&self.layers));
        }
        text
    }
}

/// Figures of the answers; one that was refused counts as undecided.
fn figures(network: Network<'_>, found: &[Option<f64>], labels: &[bool]) -> anyhow::Result<Figures> {
    let values: Vec<f64> = found.iter().map(|found| found.unwrap_or(0.5)).collect();
    let half = 0.5_f64.powi(precision_bits(network).cast_signed() + 1);
    let undone = |&p: &f64| without_temperature(p, network.temperature(), half);
    Figures::new(&values, &values.iter().map(undone).collect::<Vec<_>>(), labels, "polynomial")
}

/// What an exact server would answer.
fn softened(network: Network<'_>, read: &Read) -> anyhow::Result<Vec<f64>> {
    let one = |reading| Ok(network.polynomial(reading)?.probability.clamp(0.0, 1.0));
    read.readings.iter().map(one).collect()
}

fn largest(found: &[Option<f64>], wanted: &[f64]) -> f64 {
    let errors =
        found.iter().zip(wanted).filter_map(|(found, wanted)| Some((found.as_ref()? - wanted).abs()));
    errors.fold(0.0, f64::max)
}
