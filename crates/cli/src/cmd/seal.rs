//! `arras seal`: sentences to a file of ciphertexts.

use std::process::ExitCode;
use std::time::Instant;

use arras_ckks::wire;
use arras_client::{Client, Folder, Sealer, random, store};
use serde::Serialize;

use crate::args::Seal;
use crate::cmd::classify::readings;
use crate::input;
use crate::output::{self, Output};
use crate::stop;

#[derive(Serialize)]
struct Report {
    out: String,
    sentences: usize,
    bytes: usize,
    params: String,
    seconds: f64,
}

pub fn run(args: &Seal, out: &Output) -> anyhow::Result<ExitCode> {
    let texts = input::texts(&args.texts)?;
    let loaded = input::model(&args.model)?;
    let folder = Folder::at(&args.keys);
    stop::watch()?;
    let params = folder.params()?;
    let readings = readings(&loaded, &texts, args.texts.truncate)?;
    let started = Instant::now();
    let batch = match args.public {
        true => {
            let public = folder.public(&params)?;
            let sealer = Sealer::public(loaded.network(), loaded.digest, &params, &public)?;
            sealer.seal_readings(&readings, args.mode.into(), &mut random::system()?)?
        }
        false => {
            let secret = folder.secret(&params)?;
            let client = Client::new(loaded.network(), loaded.digest, &params, &secret)?;
            client.sealer().seal_readings(&readings, args.mode.into(), &mut random::system()?)?
        }
    };
    let bytes = wire::to_bytes(params.rlwe(), &batch);
    stop::check()?;
    store::write_file(&args.out, &bytes)?;
    let report = Report {
        out: args.out.display().to_string(),
        sentences: texts.len(),
        bytes: bytes.len(),
        params: params.id().to_string(),
        seconds: started.elapsed().as_secs_f64(),
    };
    out.show(&report, |report| {
        output::pairs(&[
            (
                "sealed",
                format!(
                    "{} ({}), {} sentence(s)",
                    report.out,
                    output::bytes(report.bytes as u64),
                    report.sentences
                ),
            ),
            ("time", format!("{:.2} s", report.seconds)),
        ])
    })
}
