//! The keys of this user: made on first use, reused after.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use arras_ckks::{KeyRequest, Params};
use arras_client::plan::Plan;
use arras_client::{Error, Folder, Keys, Owner, Source, random};
use arras_rlwe::wire;
use etcetera::BaseStrategy as _;

use crate::{memory, output, stop};

/// The folder in which keys for a plan are kept for this user: one for each parameter set and set of keys.
pub fn folder(plan: &Plan) -> anyhow::Result<Folder> {
    let home = etcetera::choose_base_strategy()
        .context("this user has no home folder: say with --keys where keys shall be kept")?;
    // Keys in a format of another version are not in the way.
    let name = format!("{}-{}-v{}", plan.params().id(), fingerprint(plan.request()), wire::VERSION);
    Ok(Folder::at(home.data_dir().join("arras").join("keys").join(name)))
}

/// Names a request in a few letters.
fn fingerprint(request: &KeyRequest) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("arras 2026 key request, with a hash of each key");
    for (purpose, level) in request.iter() {
        hasher.update(format!("{purpose} at {level};").as_bytes());
    }
    hasher.finalize().to_hex().chars().take(8).collect()
}

/// Makes keys with a bar on the terminal; Ctrl-C stops between two keys.
pub fn generate(params: &Params, request: &KeyRequest, source: Source<'_>) -> anyhow::Result<Keys> {
    stop::watch()?;
    let bar = output::bar(request.iter().len() as u64, "making keys");
    let mut rng = random::system()?;
    let keys = Keys::generate(params, request, source, &mut rng, |done| {
        bar.set_position(done as u64);
        !stop::asked()
    });
    bar.finish_and_clear();
    Ok(keys?)
}

/// Makes keys with a bar on the terminal, and gives the evaluation keys as the bytes of their file, which takes a third of the memory;
/// Ctrl-C stops between two keys.
pub fn bytes(params: &Params, request: &KeyRequest) -> anyhow::Result<(Owner, Vec<u8>)> {
    let sizes = request.sizes(params.rlwe())?;
    // Read again, they are there twice.
    memory::check("the evaluation keys", sizes.file + sizes.memory)?;
    stop::watch()?;
    let bar = output::bar(request.iter().len() as u64, "making keys");
    let (mut rng, mut bytes) = (random::system()?, Vec::with_capacity(usize::try_from(sizes.file)?));
    // Bytes in memory refuse nothing.
    let refused = |_| Error::Interrupted;
    let owner = Owner::generate(params, request, Source::Random, &mut rng, &mut bytes, refused, |done| {
        bar.set_position(done as u64);
        !stop::asked()
    });
    bar.finish_and_clear();
    Ok((owner?, bytes))
}

/// Writes new keys into a folder as they are made, with a bar on the terminal; Ctrl-C stops between two keys.
pub fn write(
    folder: &Folder,
    params: &Params,
    request: &KeyRequest,
    source: Source<'_>,
    replace: bool,
) -> anyhow::Result<()> {
    let sizes = request.sizes(params.rlwe())?;
    // The key, the bytes of its half, and what its making takes, in pages of 2 MiB.
    memory::check("the largest key and its making", 4 * sizes.largest)?;
    stop::watch()?;
    let bar = output::bar(request.iter().len() as u64, "making keys");
    let mut rng = random::system()?;
    let made = folder.generate(params, request, source, &mut rng, replace, |done| {
        bar.set_position(done as u64);
        !stop::asked()
    });
    bar.finish_and_clear();
    Ok(made?)
}

/// Makes keys for a task in a folder, or checks that those which are there are enough.
pub fn for_task(folder: &Folder, params: &Params, request: &KeyRequest) -> anyhow::Result<()> {
    if !folder.path().exists() || folder.check_free(false).is_ok() {
        output::note(&format!("making keys in {} (once)", folder.path().display()));
        return write(folder, params, request, Source::Random, false);
    }
    let there = folder.params()?;
    if there.id() != params.id() {
        bail!(
            "the keys in {} were made for another program: choose another folder, in which keys will be made",
            folder.path().display()
        );
    }
    let keys = folder.evaluation(&there)?;
    for (purpose, level) in request.iter() {
        keys.check(purpose, level).with_context(|| {
            format!("{} has not all keys for this program: choose another folder", folder.path().display())
        })?;
    }
    Ok(())
}

/// The folder of keys for a plan, which is made if it is not there. True if it was.
pub fn provide(chosen: Option<&PathBuf>, plan: &Plan) -> anyhow::Result<(Folder, bool)> {
    let folder = match chosen {
        Some(path) => Folder::at(path),
        None => folder(plan)?,
    };
    if folder.path().exists() && folder.check_free(false).is_err() {
        return Ok((folder, false));
    }
    if output::is_watched() {
        let size = output::bytes(plan.request().sizes(plan.params().rlwe())?.file);
        output::note(&format!("making keys in {} (once, {size})", folder.path().display()));
    }
    match write(&folder, plan.params(), plan.request(), Source::Random, false) {
        // Another process was faster, and its keys are as good.
        Err(error) if matches!(error.downcast_ref(), Some(Error::Exists { .. })) => Ok((folder, false)),
        other => other.map(|()| (folder, true)),
    }
}
