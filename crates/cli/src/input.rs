//! What the user gives: texts and models.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use arras_client::store;
use arras_nn::program::Lanes;
use arras_nn::transformer::Transformer;
use arras_nn::{Model, Network};
use zeroize::Zeroizing;

use crate::args::{ModelFile, Texts};
use crate::shipped;

/// The most bytes of text that are read at once.
const MOST_TEXT: u64 = 64 << 20;

/// The sentences of the arguments, the file, or standard input: one per line, blank lines left out.
pub fn texts(from: &Texts) -> anyhow::Result<Vec<String>> {
    if !from.texts.is_empty() {
        return Ok(from.texts.clone());
    }
    let wanted = "there is no text to classify: give sentences as arguments, or one per line in --file or standard input";
    let (bytes, what) = bytes(from.file.as_deref(), wanted)?;
    let text = arras_nn::text::decode(&bytes).with_context(|| what.clone())?;
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        bail!("{what} holds no text: give at least one sentence");
    }
    Ok(lines)
}

/// The bytes of a file or of standard input, and how to call it; `wanted` is what to say to a terminal.
pub fn bytes(file: Option<&Path>, wanted: &'static str) -> anyhow::Result<(Vec<u8>, String)> {
    match file {
        Some(path) if path != Path::new("-") => {
            let cannot = || format!("{} cannot be read", path.display());
            let file = std::fs::File::open(path).with_context(cannot)?;
            Ok((limited(file).with_context(cannot)?, path.display().to_string()))
        }
        Some(_) | None if std::io::IsTerminal::is_terminal(&std::io::stdin()) => bail!(wanted),
        Some(_) | None => {
            let bytes = limited(std::io::stdin().lock()).context("standard input cannot be read")?;
            Ok((bytes, "standard input".to_owned()))
        }
    }
}

/// The values of one line of CSV, quoted or not.
pub fn fields(line: &str) -> anyhow::Result<csv::StringRecord> {
    let mut record = csv::StringRecord::new();
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).trim(csv::Trim::All).buffer_capacity(256);
    builder.from_reader(line.as_bytes()).read_record(&mut record)?;
    Ok(record)
}

fn limited(from: impl std::io::Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_TEXT {
        bail!("it holds more than {} MiB of text: split it into smaller files", MOST_TEXT >> 20);
    }
    Ok(bytes)
}

/// The most bytes of a table of labelled sentences.
const MOST_DATA: u64 = 1 << 30;

/// The bytes of a table of labelled sentences.
pub fn data(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    store::read_at_most(path, MOST_DATA).context("give the folder of the data")
}

/// A model and how to name it.
pub struct Loaded {
    model: Kind,
    /// What the user calls it.
    pub name: String,
    pub digest: [u8; 32],
}

/// A model of either kind.
enum Kind {
    Words(Box<Model>),
    Lanes(Box<Lanes>),
}

impl Loaded {
    pub fn network(&self) -> Network<'_> {
        match &self.model {
            Kind::Words(model) => Network::Words(model),
            Kind::Lanes(lanes) => Network::Lanes(lanes),
        }
    }
}

/// The model of a name, or of a file.
pub fn model(from: &ModelFile) -> anyhow::Result<Loaded> {
    let path = &from.model;
    let name = path.display().to_string();
    if let Some(bytes) = shipped::bytes(path) {
        return parse(bytes, name).context("the model that comes with Arras");
    }
    if shipped::is_name(path) && !path.exists() {
        bail!("there is no model {name}: give {}, or a model file", shipped::names());
    }
    let bytes = store::read_at_most(path, arras_nn::BYTES as u64)?;
    if store::is_secret(&bytes) {
        bail!("{name} is a secret key: give a model file, and keep the key to yourself");
    }
    parse(&bytes, name.clone()).context(name)
}

fn parse(bytes: &[u8], name: String) -> anyhow::Result<Loaded> {
    let model = match Transformer::is_file(bytes) {
        true => Kind::Lanes(Box::new(Lanes::new(Transformer::from_bytes(bytes)?)?)),
        false => Kind::Words(Box::new(Model::from_bytes(bytes)?)),
    };
    Ok(Loaded { model, name, digest: *blake3::hash(bytes).as_bytes() })
}
