//! Encoders by their names on the Hugging Face hub.

use std::path::{Path, PathBuf};

/// The folder of an encoder: the folder that is meant, or the one that keeps what the hub has under this name. What was fetched
/// before needs no network.
pub fn folder(encoder: &Path) -> anyhow::Result<PathBuf> {
    match encoder.to_str().filter(|name| is_name(name) && !encoder.exists()) {
        Some(name) => fetched(name),
        None => Ok(encoder.to_owned()),
    }
}

/// Whether a text can be a name on the hub: an owner, a slash and a model.
fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    matches!(text.split('/').collect::<Vec<_>>().as_slice(), [owner, model] if part(owner) && part(model))
}

#[cfg(feature = "hub")]
fn fetched(name: &str) -> anyhow::Result<PathBuf> {
    use std::io::IsTerminal as _;

    use anyhow::Context as _;
    use hf_hub::api::sync::ApiBuilder;

    use super::files::{CONFIG, MODEL, TOKENIZER};

    let api = ApiBuilder::from_env().with_progress(std::io::stderr().is_terminal()).build()?;
    let model = api.model(name.to_owned());
    let mut folder = PathBuf::new();
    for file in [CONFIG, TOKENIZER, MODEL] {
        let path = model.get(file).with_context(|| {
            format!("there is no folder {name}, and {file} of that name cannot be fetched: give a folder, or a name on the hub")
        })?;
        folder = path.parent().unwrap_or(&path).to_owned();
    }
    Ok(folder)
}

#[cfg(not(feature = "hub"))]
fn fetched(name: &str) -> anyhow::Result<PathBuf> {
    anyhow::bail!(
        "there is no folder {name}: give one, or build with `--features hub` to fetch encoders by name"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_an_owner_and_a_model() {
        for name in ["sentence-transformers/all-MiniLM-L6-v2", "a/b", "x.y/z_1"] {
            assert!(is_name(name), "{name}");
        }
        for other in ["", "teacher", "/a", "a/", "./a", "../a", "a/..", "a/b/c", "a b/c", "a//b"] {
            assert!(!is_name(other), "{other}");
        }
    }
}
