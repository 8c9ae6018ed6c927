//! `arras eval sst2`: a model on labelled sentences, in the clear and encrypted.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use arras_ckks::wire;
use arras_client::plan::Plan;
use arras_client::{Client, Source, random};
use arras_nn::{Metrics, Mode, Network, Prediction, Reading};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::args::EvalSst2;
use crate::cmd::evaluate::Server;
use crate::cmd::params::tenths;
use crate::input::{self, Loaded};
use crate::output::{self, Output};
use crate::{keyring, memory, stop};

#[derive(Serialize)]
struct Report {
    sentences: usize,
    plain: Metrics,
    #[serde(flatten)]
    encrypted: Option<Encrypted>,
    seconds: f64,
}

#[derive(Serialize)]
struct Encrypted {
    encrypted: Metrics,
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
    key_seconds: f64,
    seal_seconds: f64,
    run_seconds: f64,
    open_seconds: f64,
}

/// Sentences of the development set.
struct Sentences {
    texts: Vec<String>,
    positive: Vec<bool>,
}

pub fn run(args: &EvalSst2, out: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let sentences = read(args)?;
    let loaded = input::model(&args.model)?;
    stop::watch()?;
    let network = loaded.network();
    let readings: Result<Vec<Reading>, _> =
        sentences.texts.iter().map(|text| network.read(text, true)).collect();
    let readings = readings?;
    let plain: Result<Vec<Prediction>, _> = readings.iter().map(|reading| network.plain(reading)).collect();
    let plain = plain?;
    // A transformer has one mode, which nobody needs to name.
    let mode = match (network, args.mode) {
        (_, Some(mode)) => mode.into(),
        (Network::Words(_), None) => Mode::Throughput,
        (Network::Lanes(_), None) => Mode::Latency,
    };
    let encrypted = match args.encrypted {
        true => Some(encrypted(&loaded, &readings, &plain, &sentences.positive, mode)?),
        false => None,
    };
    let report = Report {
        sentences: sentences.texts.len(),
        plain: Metrics::of(&probabilities(&plain), &sentences.positive)?,
        encrypted,
        seconds: started.elapsed().as_secs_f64(),
    };
    out.show(&report, human)
}

/// The table of sentences, the first so many of them.
fn read(args: &EvalSst2) -> anyhow::Result<Sentences> {
    let path = args.data.join("dev.tsv");
    let bytes = input::data(&path)?;
    let examples = arras_train::data::parse(&bytes).with_context(|| path.display().to_string())?;
    let limit = args.limit.map_or(usize::MAX, |limit| limit as usize);
    let positive: Vec<bool> = examples.iter().take(limit).map(|example| example.positive).collect();
    // Tokens joined by spaces read as the same tokens again.
    let texts = examples.iter().take(limit).map(|example| example.tokens.join(" ")).collect();
    Ok(Sentences { texts, positive })
}

fn probabilities(predictions: &[Prediction]) -> Vec<f64> {
    predictions.iter().map(|p| p.probability).collect()
}

/// Times of the steps, and sizes.
#[derive(Default)]
struct Tally {
    seal: f64,
    run: f64,
    open: f64,
    bytes: usize,
    failures: usize,
}

fn encrypted(
    loaded: &Loaded,
    readings: &[Reading],
    plain: &[Prediction],
    positive: &[bool],
    mode: Mode,
) -> anyhow::Result<Encrypted> {
    let started = Instant::now();
    let plan = Plan::for_mode(loaded.network(), mode, arras_ckks::Security::Bits128)?;
    let params = plan.params();
    let keys = keyring::generate(params, plan.request(), Source::Random)?;
    let evaluation_bytes = keys.evaluation.request().sizes(params.rlwe())?.file;
    let server = Server::new(params, keys.evaluation, loaded)?;
    let key_seconds = started.elapsed().as_secs_f64();
    let client = Client::new(loaded.network(), loaded.digest, params, &keys.secret)?;
    let chunk = match mode {
        Mode::Latency => 1,
        Mode::Throughput => params.max_slots() - 1,
    };
    let (mut tally, mut found) = (Tally::default(), Vec::new());
    let bar = match mode {
        Mode::Throughput => ProgressBar::hidden(),
        Mode::Latency => output::bar(readings.len() as u64, "evaluating"),
    };
    for chunk in readings.chunks(chunk) {
        found.extend(round(&client, &server, params, chunk, mode, &mut tally)?);
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    let pairs = || found.iter().zip(plain);
    let agree =
        pairs().filter(|(found, plain)| found.is_some_and(|found| found.label == plain.label)).count();
    let exact: Result<Vec<Prediction>, _> =
        readings.iter().map(|reading| loaded.network().polynomial(reading)).collect();
    let exact = exact?;
    let error = |(found, plain): (&Option<Prediction>, &Prediction)| {
        found.map(|p| (p.probability - plain.probability.clamp(0.0, 1.0)).abs())
    };
    // An answer that failed counts as undecided.
    let values: Vec<f64> = found.iter().map(|found| found.map_or(0.5, |p| p.probability)).collect();
    Ok(Encrypted {
        encrypted: Metrics::of(&values, positive)?,
        agreement: agree as f64 / readings.len().max(1) as f64,
        max_abs_error: pairs().filter_map(error).fold(0.0, f64::max),
        max_abs_noise: found.iter().zip(&exact).filter_map(error).fold(0.0, f64::max),
        failures: tally.failures,
        mode,
        n: params.degree(),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        security_bits: params.spec().security.bits(),
        levels: u32::from(plan.level().0),
        rotations: plan.rotations(),
        refreshes: 0,
        evaluation_key_bytes: evaluation_bytes,
        ciphertext_bytes: tally.bytes,
        peak_bytes: memory::peak(),
        seconds_per_sentence: (tally.seal + tally.run + tally.open) / readings.len().max(1) as f64,
        key_seconds,
        seal_seconds: tally.seal,
        run_seconds: tally.run,
        open_seconds: tally.open,
    })
}

/// One batch there and back through bytes; an answer that is refused is a failure of each of its sentences.
fn round(
    client: &Client<'_>,
    server: &Server<'_>,
    params: &arras_ckks::Params,
    readings: &[Reading],
    mode: Mode,
    tally: &mut Tally,
) -> anyhow::Result<Vec<Option<Prediction>>> {
    let started = Instant::now();
    let sealed = wire::to_bytes(
        params.rlwe(),
        &client.sealer().seal_readings(readings, mode, &mut random::system()?)?,
    );
    let seal = started.elapsed().as_secs_f64();
    let bar = match mode {
        Mode::Throughput => output::bar(1, "running"),
        Mode::Latency => ProgressBar::hidden(),
    };
    let answer = server.answer(&sealed, &bar)?.bytes;
    let run = started.elapsed().as_secs_f64() - seal;
    let opened = client.open(&wire::from_bytes(params.rlwe(), &answer)?);
    tally.seal += seal;
    tally.run += run;
    tally.open += started.elapsed().as_secs_f64() - seal - run;
    tally.bytes = sealed.len();
    match opened {
        Ok(predictions) => Ok(predictions.into_iter().map(Some).collect()),
        Err(arras_client::Error::Sentinel(error)) => {
            output::note(&format!("arras: {error}"));
            tally.failures += readings.len();
            Ok(vec![None; readings.len()])
        }
        Err(other) => Err(other.into()),
    }
}

fn human(report: &Report) -> String {
    let row = |name: &str, m: &Metrics| {
        let figures = [m.accuracy, m.precision, m.recall, m.f1, m.auroc].map(|x| format!("{x:.4}"));
        [name.to_owned()].into_iter().chain(figures).collect::<Vec<_>>()
    };
    let rows = [
        Some(row("plain", &report.plain)),
        report.encrypted.as_ref().map(|e| row("encrypted", &e.encrypted)),
    ];
    let table = output::table(
        &["", "accuracy", "precision", "recall", "F1", "AUROC"],
        &rows.into_iter().flatten().collect::<Vec<_>>(),
    );
    let mut text = format!("{} sentences in {:.1} s\n\n{table}\n", report.sentences, report.seconds);
    if let Some(e) = &report.encrypted {
        let bytes = |count: usize| output::bytes(count as u64);
        text += &format!(
            "\nagreement {:.4}, largest error {:.1e} (of which noise {:.1e}), failures {}\nkeys {:.1} s, seal {:.1} s, run {:.1} s, open {:.1} s\n\
             N = {}, log2 QP = {}, {} bits of security; {} levels, {} rotations, evaluation keys {}, sealed {}, {:.2} s for each sentence\n",
            e.agreement,
            e.max_abs_error,
            e.max_abs_noise,
            e.failures,
            e.key_seconds,
            e.seal_seconds,
            e.run_seconds,
            e.open_seconds,
            e.n,
            e.log2_qp,
            e.security_bits,
            e.levels,
            e.rotations,
            output::bytes(e.evaluation_key_bytes),
            bytes(e.ciphertext_bytes),
            e.seconds_per_sentence,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    /// The table is read as tokens, and texts are made of them again.
    #[test]
    fn tokens_joined_by_spaces_are_the_same_tokens() {
        let tables = [
            "It doesn't work -- sadly... (1,000 u.s. dollars!!!!!) \u{201c}so-so\u{201d} a/b n't can't",
            "-lrb- '' `` '90s rock'n'roll",
        ];
        for text in tables {
            let tokens = arras_nn::text::tokenise(text).unwrap().tokens;
            assert_eq!(arras_nn::text::tokenise(&tokens.join(" ")).unwrap().tokens, tokens);
        }
    }
}
