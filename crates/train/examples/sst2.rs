//! Trains the model that Arras ships and measures it on sentences it has never seen.
//!
//! ```text
//! cargo run --release -p arras-train --example sst2 -- TRAIN.tsv DEV.tsv MODEL.safetensors [option=value ...]
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;
use std::ops::ControlFlow;

use arras_nn::{Metrics, Model};
use arras_train::{data, sst2};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, dev, out, options @ ..] = arguments.as_slice() else {
        return Err("usage: sst2 TRAIN.tsv DEV.tsv MODEL.safetensors [option=value ...]".into());
    };
    let options = read(options)?;
    let examples = data::parse(&std::fs::read(train)?)?;
    let model = sst2::train(&examples, &options, &mut |at| {
        if let Some(held) = at.held_out {
            let (percent, epoch) = (at.fraction * 100.0, at.epoch);
            println!(
                "{percent:3.0} % epoch {epoch} loss {:.4}, held out: accuracy {:.4}, cross-entropy {:.4}",
                at.loss, held.accuracy, held.cross_entropy
            );
        }
        ControlFlow::Continue(())
    })?;
    let bytes = model.to_bytes()?;
    std::fs::write(out, &bytes)?;
    println!(
        "{} bytes, temperature {:.4}, {:?}",
        bytes.len(),
        model.head().parts().temperature,
        model.about()
    );
    measure(&Model::from_bytes(&bytes)?, &data::parse(&std::fs::read(dev)?)?)
}

/// The default options with some changed.
fn read(changes: &[String]) -> Result<sst2::Options, Box<dyn Error>> {
    let mut options = serde_json::to_value(sst2::Options::default())?;
    for change in changes {
        let (name, value) = change.split_once('=').ok_or("an option reads name=value")?;
        options[name] = serde_json::from_str(value)?;
    }
    Ok(serde_json::from_value(options)?)
}

fn measure(model: &Model, dev: &[data::Example]) -> Result<(), Box<dyn Error>> {
    let labels: Vec<bool> = dev.iter().map(|e| e.positive).collect();
    let (mut plain, mut polynomial) = (Vec::new(), Vec::new());
    for example in dev {
        let features = model.encoder().features(&example.tokens);
        plain.push(model.plain(&features)?.probability);
        polynomial.push(model.polynomial(&features)?.probability);
    }
    let apart = plain.iter().zip(&polynomial).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("plain      {:?}", Metrics::of(&plain, &labels)?);
    println!("polynomial {:?}", Metrics::of(&polynomial, &labels)?);
    println!("largest difference {apart:.2e}");
    Ok(())
}
