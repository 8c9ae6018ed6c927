//! `arras classify`: client and engine in one process, with nothing but bytes between them.

use std::process::ExitCode;
use std::slice;
use std::time::{Duration, Instant};

use anyhow::bail;
use arras_ckks::{Params, SecretKey, wire};
use arras_client::plan::Plan;
use arras_client::{Client, Folder, random};
use arras_nn::{Mode, Network, Prediction, Reading};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::args::Classify;
use crate::cmd::evaluate::Server;
use crate::cmd::params::tenths;
use crate::input::{self, Loaded};
use crate::output::{self, Output};
use crate::{keyring, stop};

#[derive(Serialize)]
struct Report {
    results: Vec<Answer>,
    model: String,
    n: usize,
    log2_qp: f64,
    security_bits: u32,
    secret: String,
    params: String,
    evaluation_key_bytes: u64,
    ciphertext_bytes: usize,
    answer_bytes: usize,
    keys: String,
    keys_made: bool,
    key_seconds: f64,
    setup_seconds: f64,
    max_abs_error: f64,
}

#[derive(Serialize)]
struct Answer {
    text: String,
    label: String,
    class: usize,
    probability: f64,
    plain_probability: f64,
    difference: f64,
    seconds: f64,
    seal_seconds: f64,
    run_seconds: f64,
    open_seconds: f64,
}

/// One sentence that went there and back.
struct Round {
    prediction: Prediction,
    seal: Duration,
    run: Duration,
    open: Duration,
    sealed: usize,
    answered: usize,
}

pub fn run(args: &Classify, out: &Output) -> anyhow::Result<ExitCode> {
    let texts = input::texts(&args.texts)?;
    let loaded = input::model(&args.model)?;
    // Before any key is made: a text that cannot be read is no reason to wait for keys.
    let readings = readings(&loaded, &texts, args.texts.truncate)?;
    let plain: Result<Vec<Prediction>, _> =
        readings.iter().map(|reading| loaded.network().plain(reading)).collect();
    let plain = plain?;
    stop::watch()?;
    let started = Instant::now();
    let plan = Plan::for_mode(loaded.network(), Mode::Latency, args.security.security())?;
    let (folder, keys_made) = keyring::provide(args.keys.as_ref(), &plan)?;
    let key_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let params = folder.params()?;
    check_security(&params, args, &folder)?;
    let secret = folder.secret(&params)?;
    let keys = folder.evaluation(&params)?;
    let evaluation_key_bytes = keys.request().sizes(params.rlwe())?.file;
    let server = Server::new(&params, keys, &loaded)?;
    let setup_seconds = started.elapsed().as_secs_f64();
    let rounds = rounds(&loaded, &params, &secret, &server, &readings)?;
    let results: Vec<Answer> = texts
        .into_iter()
        .zip(plain)
        .zip(&rounds)
        .map(|((text, plain), round)| answer(&loaded, text, plain, round))
        .collect();
    let report = Report {
        n: params.degree(),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        security_bits: params.spec().security.bits(),
        secret: params.spec().secret.to_string(),
        params: params.id().to_string(),
        evaluation_key_bytes,
        ciphertext_bytes: rounds.first().map_or(0, |round| round.sealed),
        answer_bytes: rounds.first().map_or(0, |round| round.answered),
        keys: folder.path().display().to_string(),
        keys_made,
        key_seconds,
        setup_seconds,
        max_abs_error: results.iter().map(|answer| answer.difference.abs()).fold(0.0, f64::max),
        results,
        model: loaded.name,
    };
    out.show(&report, human)
}

/// Keys that are there already may be weaker than what is asked for.
fn check_security(params: &Params, args: &Classify, folder: &Folder) -> anyhow::Result<()> {
    let (have, need) = (params.spec().security.bits(), args.security.security().bits());
    if have < need {
        bail!(
            "the keys in {} have {have} bits of security, and {need} are asked for: give another folder, where keys are made",
            folder.path().display()
        );
    }
    Ok(())
}

/// What is encrypted of each text; says of long ones what is left out.
pub fn readings(loaded: &Loaded, texts: &[String], truncate: bool) -> anyhow::Result<Vec<Reading>> {
    let one = |(i, text): (usize, &String)| {
        let reading = loaded
            .network()
            .read(text, truncate)
            .map_err(|source| arras_client::Error::Text { position: i + 1, source })?;
        let (read, dropped) = reading.lengths();
        if dropped > 0 {
            output::note(&format!(
                "arras: text {} is long, and only its beginning counts (words read: {read}, left out: {dropped})",
                i + 1
            ));
        }
        Ok(reading)
    };
    texts.iter().enumerate().map(one).collect()
}

fn rounds(
    loaded: &Loaded,
    params: &Params,
    secret: &SecretKey,
    server: &Server<'_>,
    readings: &[Reading],
) -> anyhow::Result<Vec<Round>> {
    let client = Client::new(loaded.network(), loaded.digest, params, secret)?;
    let mut rng = random::system()?;
    let bar = match loaded.network() {
        Network::Words(_) => output::bar(readings.len() as u64, "classifying"),
        Network::Lanes(_) => ProgressBar::hidden(),
    };
    let mut one = |(at, reading): (usize, &Reading)| -> anyhow::Result<Round> {
        let started = Instant::now();
        let batch = client.sealer().seal_readings(slice::from_ref(reading), Mode::Latency, &mut rng)?;
        let sealed = wire::to_bytes(params.rlwe(), &batch);
        let seal = started.elapsed();
        let answer = server.answer(&sealed, &steps(reading, at + 1, readings.len()))?.bytes;
        let run = started.elapsed() - seal;
        let predictions = client.open(&wire::from_bytes(params.rlwe(), &answer)?)?;
        let open = started.elapsed() - seal - run;
        let prediction = predictions.first().copied().ok_or(arras_client::Error::NoText)?;
        bar.inc(1);
        stop::check()?;
        Ok(Round { prediction, seal, run, open, sealed: sealed.len(), answered: answer.len() })
    };
    let rounds = readings.iter().enumerate().map(&mut one).collect();
    bar.finish_and_clear();
    rounds
}

/// A bar for the steps of one sentence, where it takes long enough to be watched.
fn steps(reading: &Reading, sentence: usize, of: usize) -> ProgressBar {
    match reading {
        Reading::Words(_) => ProgressBar::hidden(),
        Reading::Lanes(_) => {
            let bar = output::bar(1, "running");
            bar.set_message(format!("sentence {sentence} of {of},"));
            bar
        }
    }
}

fn answer(loaded: &Loaded, text: String, plain: Prediction, round: &Round) -> Answer {
    Answer {
        text,
        label: loaded.network().label(&round.prediction).to_owned(),
        class: round.prediction.label,
        probability: round.prediction.probability,
        plain_probability: plain.probability,
        difference: round.prediction.probability - plain.probability,
        seconds: (round.seal + round.run + round.open).as_secs_f64(),
        seal_seconds: round.seal.as_secs_f64(),
        run_seconds: round.run.as_secs_f64(),
        open_seconds: round.open.as_secs_f64(),
    }
}

fn human(report: &Report) -> String {
    let width = report.results.iter().map(|answer| answer.label.len()).max().unwrap_or(0).max(5);
    let mut text =
        format!("{:width$}  encrypted    plain  difference     seal      run     open  text\n", "label");
    let time = |seconds: f64| format!("{:>7}", output::seconds(Duration::from_secs_f64(seconds)));
    for answer in &report.results {
        text += &format!(
            "{}  {:9.5}  {:7.5}  {:>10}  {}  {}  {}  {}\n",
            output::label(&answer.label, answer.class, width),
            answer.probability,
            answer.plain_probability,
            format!("{:+.1e}", answer.difference),
            time(answer.seal_seconds),
            time(answer.run_seconds),
            time(answer.open_seconds),
            output::excerpt(&answer.text, 60),
        );
    }
    let bytes = |count: usize| output::bytes(count as u64);
    text += &format!(
        "\nN = {}, log2 QP = {}, {} bits of security ({})\n",
        report.n, report.log2_qp, report.security_bits, report.secret
    );
    text += &format!(
        "evaluation keys {}, sealed {}, answer {} per sentence; keys in {}{}\n",
        output::bytes(report.evaluation_key_bytes),
        bytes(report.ciphertext_bytes),
        bytes(report.answer_bytes),
        report.keys,
        if report.keys_made { format!(" (made in {:.2} s)", report.key_seconds) } else { String::new() },
    );
    text
}
