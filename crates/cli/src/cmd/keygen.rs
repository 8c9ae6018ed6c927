//! `arras keygen`: a folder of keys.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arras_ckks::{KeyRequest, Params};
use arras_client::passphrase::Recipe;
use arras_client::plan::Plan;
use arras_client::{Folder, Source, random, store};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::{Keygen, Mode};
use crate::cmd::bench::boot;
use crate::cmd::params::tenths;
use crate::output::{self, Output};
use crate::{input, keyring};

#[derive(Serialize)]
struct Report {
    out: String,
    params: String,
    n: usize,
    log2_qp: f64,
    security_bits: u32,
    keys: usize,
    passphrase: bool,
    evaluation_key_bytes: u64,
    public_key_bytes: u64,
    secret_key_bytes: u64,
    seconds: f64,
}

pub fn run(args: &Keygen, out: &Output) -> anyhow::Result<ExitCode> {
    let folder = Folder::at(&args.out);
    folder.check_free(args.force)?;
    let (params, request) = wanted(args)?;
    let sizes = request.sizes(params.rlwe())?;
    let words = passphrase(args)?;
    let source = match &words {
        None if args.salt.is_some() => {
            bail!("--salt belongs to a passphrase: give --passphrase or --passphrase-file as well")
        }
        None => Source::Random,
        Some(words) => Source::Passphrase(words, recipe(args)?),
    };
    let started = Instant::now();
    if output::is_watched() || args.bootstrap.is_some() {
        output::note(&format!(
            "{} keys: {} on disk, {} in memory where all are used",
            request.iter().len(),
            output::bytes(sizes.file),
            output::bytes(sizes.memory)
        ));
    }
    keyring::write(&folder, &params, &request, source, args.force)?;
    out.show(&report(args, &params, request.iter().len(), &folder, started), human)
}

/// The parameters and keys that a refresh or a model takes.
fn wanted(args: &Keygen) -> anyhow::Result<(Params, KeyRequest)> {
    if let Some(name) = &args.bootstrap {
        let (spec, params, _) = boot::parameters(name, false)?;
        if !params.is_secure() {
            bail!("{name} is for measurements, and has no security: use another preset");
        }
        let request = spec.request(&params, args.slots.unwrap_or(params.max_slots()))?;
        return Ok((params, request));
    }
    let loaded = input::model(&args.model)?;
    let model = loaded.network();
    let plan = match args.mode {
        None => Plan::for_model(model, args.security.security())?,
        Some(mode) => Plan::for_mode(model, mode.into(), args.security.security())?,
    };
    Ok((plan.params().clone(), plan.request().clone()))
}

/// The most bytes of a passphrase, or of the file that holds it.
const MOST_PASSPHRASE: u64 = 1 << 16;

/// The salt and costs given, or new ones.
fn recipe(args: &Keygen) -> anyhow::Result<Recipe> {
    match &args.salt {
        Some(path) => Recipe::parse(&store::read_at_most(path, store::RECIPE_BYTES)?)
            .with_context(|| path.display().to_string()),
        None => Ok(Recipe::new(&mut random::system()?)),
    }
}

/// The passphrase from where the user says it is; asked for twice on a terminal.
fn passphrase(args: &Keygen) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
    if let Some(path) = &args.passphrase_file {
        return Ok(Some(first_line(&store::read_at_most(path, MOST_PASSPHRASE)?)));
    }
    if !args.passphrase {
        return Ok(None);
    }
    if !std::io::stdin().is_terminal() {
        let mut line = Zeroizing::new(Vec::new());
        std::io::stdin()
            .lock()
            .take(MOST_PASSPHRASE)
            .read_until(b'\n', &mut line)
            .context("standard input cannot be read")?;
        return Ok(Some(first_line(&line)));
    }
    let words = Zeroizing::new(rpassword::prompt_password("passphrase: ")?);
    let again = Zeroizing::new(rpassword::prompt_password("once more: ")?);
    if *words != *again {
        bail!("the two passphrases differ: try again");
    }
    Ok(Some(Zeroizing::new(words.as_bytes().to_vec())))
}

fn first_line(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let line = bytes.split(|&b| b == b'\n').next().unwrap_or(&[]);
    Zeroizing::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

fn report(args: &Keygen, params: &Params, keys: usize, folder: &Folder, started: Instant) -> Report {
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |meta| meta.len());
    Report {
        out: args.out.display().to_string(),
        params: params.id().to_string(),
        n: params.degree(),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        security_bits: params.spec().security.bits(),
        keys,
        passphrase: folder.path().join(store::RECIPE).is_file(),
        evaluation_key_bytes: size(store::EVALUATION),
        public_key_bytes: size(store::PUBLIC),
        secret_key_bytes: size(store::SECRET),
        seconds: started.elapsed().as_secs_f64(),
    }
}

fn human(report: &Report) -> String {
    let keys = format!("{} ({} keys)", output::bytes(report.evaluation_key_bytes), report.keys);
    output::pairs(&[
        ("folder", report.out.clone()),
        (
            "parameters",
            format!(
                "N = {}, log2 QP = {}, {} bits of security",
                report.n, report.log2_qp, report.security_bits
            ),
        ),
        (store::EVALUATION, format!("{keys}, for whoever runs the model, with {}", store::PARAMS)),
        (store::SECRET, "for you alone".to_owned()),
        ("time", format!("{:.2} s", report.seconds)),
    ])
}

impl From<Mode> for arras_nn::job::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Latency => Self::Latency,
            Mode::Throughput => Self::Throughput,
        }
    }
}
