//! `arras run`: a model on ciphertexts, with nothing but public keys.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use arras_ckks::wire::Batch;
use arras_ckks::{Ciphertext, KeySet, Params};
use arras_client::{Error, store};
use arras_engine::Engine;
use arras_nn::program::Stage;
use arras_nn::{Job, Network};
use arras_rlwe::wire;
use indicatif::ProgressBar;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::Run;
use crate::input::{self, Loaded};
use crate::memory;
use crate::output::{self, Output};
use crate::stop;

#[derive(Serialize)]
struct Report {
    out: String,
    sentences: u32,
    input_bytes: usize,
    output_bytes: usize,
    evaluation_key_bytes: u64,
    seconds: f64,
}

pub fn run(args: &Run, out: &Output) -> anyhow::Result<ExitCode> {
    let (params, keys) = public_side(&args.evaluation_keys, args.params.as_deref())?;
    let sizes = keys.request().sizes(params.rlwe())?;
    let loaded = input::model(&args.model)?;
    let sealed = public_bytes(&args.input, "what `arras seal` wrote")?;
    stop::watch()?;
    let started = Instant::now();
    let server =
        Server::new(&params, keys, &loaded).with_context(|| args.evaluation_keys.display().to_string())?;
    let answer = server
        .answer(&sealed, &output::bar(1, "running"))
        .with_context(|| args.input.display().to_string())?;
    stop::check()?;
    store::write_file(&args.out, &answer.bytes)?;
    let report = Report {
        out: args.out.display().to_string(),
        sentences: answer.sentences,
        input_bytes: sealed.len(),
        output_bytes: answer.bytes.len(),
        evaluation_key_bytes: sizes.file,
        seconds: started.elapsed().as_secs_f64(),
    };
    out.show(&report, |report| {
        let size = output::bytes(report.output_bytes as u64);
        output::pairs(&[
            ("answer", format!("{} ({size}), {} sentence(s)", report.out, report.sentences)),
            ("time", format!("{:.2} s", report.seconds)),
        ])
    })
}

/// Evaluation keys and their parameters, which lie beside them unless they are elsewhere.
pub fn public_side(keys: &Path, params: Option<&Path>) -> anyhow::Result<(Params, KeySet)> {
    check_folder(keys, store::EVALUATION)?;
    let beside = keys.with_file_name(store::PARAMS);
    let params = parameters(params.unwrap_or(&beside))?;
    let keys = public_keys(&params, keys)?;
    Ok((params, keys))
}

/// The bytes of a file, unless it is a secret key: those have no business here.
pub fn public_bytes(path: &Path, wanted: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    check_folder(path, wanted)?;
    let bytes = store::read(path)?;
    if store::is_secret(&bytes) {
        return Err(secret(path, wanted));
    }
    Ok(bytes)
}

fn check_folder(path: &Path, wanted: &str) -> anyhow::Result<()> {
    if path.is_dir() {
        bail!("{} is a folder: give {wanted}, and keep the secret key away from here", path.display());
    }
    Ok(())
}

fn secret(path: &Path, wanted: &str) -> anyhow::Error {
    anyhow!("{} is a secret key, which must not leave its owner: give {wanted} instead", path.display())
}

/// The evaluation keys in a file, with the same care.
fn public_keys(params: &Params, path: &Path) -> anyhow::Result<KeySet> {
    match store::evaluation(params, path) {
        Err(Error::Bytes { source: wire::Error::Kind { found, .. }, .. })
            if found.0 == wire::Kind::SecretKey as u16 =>
        {
            Err(secret(path, store::EVALUATION))
        }
        other => Ok(other?),
    }
}

fn parameters(path: &Path) -> anyhow::Result<Params> {
    let bytes = store::read(path).with_context(|| {
        format!("the file {} belongs beside the evaluation keys, or is named by --params", store::PARAMS)
    })?;
    Ok(store::params_from_bytes(&bytes, path)?)
}

/// The side that evaluates: made from bytes, fed bytes, answering bytes.
pub struct Server<'a> {
    engine: Engine,
    params: Params,
    loaded: &'a Loaded,
}

/// What goes back to the owner of the key.
pub struct Answered {
    pub bytes: Vec<u8>,
    pub sentences: u32,
}

impl<'a> Server<'a> {
    /// A server with evaluation keys for which there is memory.
    pub fn new(params: &Params, keys: KeySet, loaded: &'a Loaded) -> anyhow::Result<Self> {
        memory::check(
            "the evaluation keys",
            keys.request().sizes(params.rlwe())?.memory - keys.bytes() as u64,
        )?;
        Ok(Self {
            engine: Engine::new(params, keys)?.limited(memory::limits()),
            params: params.clone(),
            loaded,
        })
    }

    /// The answer to sealed sentences; the bar shows how far it is.
    pub fn answer(&self, sealed: &[u8], bar: &ProgressBar) -> anyhow::Result<Answered> {
        let batch: Batch = wire::from_bytes(self.params.rlwe(), sealed)?;
        let sentences = Job::from_bytes(&batch.label)?.items;
        let mut progress = |done: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            !stop::asked()
        };
        let answer = self.engine.run(self.loaded.network(), &self.loaded.digest, batch, &mut progress);
        bar.finish_and_clear();
        Ok(Answered { bytes: wire::to_bytes(self.params.rlwe(), &answer?), sentences })
    }

    /// Runs a transformer on one sealed sentence for what each stage leaves.
    pub fn show(
        &self,
        sealed: &[u8],
        show: &mut dyn FnMut(Stage, Vec<Ciphertext>) -> bool,
    ) -> anyhow::Result<()> {
        let Network::Lanes(program) = self.loaded.network() else {
            bail!("the model has no layers to show: give a transformer, as sst2-small is");
        };
        let batch: Batch = wire::from_bytes(self.params.rlwe(), sealed)?;
        self.engine.run_shown(program, &self.loaded.digest, batch, show)?;
        Ok(())
    }
}
