//! Keys on disk are whole, private, and theirs who made them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use arras_ckks::{KeyRequest, Level, Params, Purpose, presets};
use arras_client::{Error, Folder, Keys, Source, store};
use arras_testkit::rng;
use tempfile::TempDir;

fn params() -> Params {
    Params::new(&presets::find("n13-l2").and_then(|preset| preset.spec()).unwrap()).unwrap()
}

fn request() -> KeyRequest {
    KeyRequest::new().with(Purpose::Relinearise, Level(2)).with(Purpose::Rotate(1), Level(1))
}

fn keys(seed: u64) -> Keys {
    Keys::generate(&params(), &request(), Source::Random, &mut rng(seed), |_| true).unwrap()
}

#[test]
fn what_was_written_is_read() {
    let (work, keys) = (TempDir::new().unwrap(), keys(1));
    let folder = Folder::at(work.path().join("deep/er/keys"));
    assert!(!folder.is_complete());
    folder.write(&params(), &keys, false).unwrap();
    assert!(folder.is_complete() && folder.recipe().unwrap().is_none());
    let params = folder.params().unwrap();
    assert_eq!(*folder.secret(&params).unwrap().export_secret(), *keys.secret.export_secret());
    assert_eq!(folder.evaluation(&params).unwrap().request(), request());
    assert_eq!(folder.public(&params).unwrap().id(), params.id());
}

#[test]
fn the_first_writer_wins_unless_told_otherwise() {
    let (work, params) = (TempDir::new().unwrap(), params());
    let folder = Folder::at(work.path().join("keys"));
    let secret = || folder.secret(&params).unwrap().export_secret().to_vec();
    folder.write(&params, &keys(1), false).unwrap();
    let first = secret();
    assert!(matches!(folder.write(&params, &keys(2), false), Err(Error::Exists { .. })));
    assert_eq!(secret(), first);
    folder.write(&params, &keys(2), true).unwrap();
    assert_ne!(secret(), first);
    // Nothing is left beside it.
    assert_eq!(work.path().read_dir().unwrap().count(), 1);
}

#[test]
fn generation_stops_between_any_two_keys() {
    for stop in 0..=request().iter().len() {
        let made = Keys::generate(&params(), &request(), Source::Random, &mut rng(1), |done| done < stop);
        assert!(matches!(made, Err(Error::Interrupted)), "{stop}");
    }
}

#[test]
fn a_missing_file_says_how_to_make_one() {
    let folder = Folder::at("/nonexistent/keys");
    let Err(error) = folder.params() else { panic!("there is nothing to read") };
    assert!(error.to_string().contains("arras keygen"), "{error}");
}

#[test]
fn parameters_whose_header_lies_are_refused() {
    let (work, params) = (TempDir::new().unwrap(), params());
    let mut id = params.id();
    id.0[0] ^= 1;
    let path = work.path().join("params");
    store::write_file(&path, &arras_rlwe::wire::spec_to_bytes(params.spec(), id)).unwrap();
    let bytes = store::read(&path).unwrap();
    assert!(matches!(store::params_from_bytes(&bytes, &path), Err(Error::Bytes { .. })));
}

#[test]
fn parameters_without_security_are_refused() {
    let mut spec = params().spec().clone();
    spec.log_degree = 12;
    let id = Params::danger_insecure(&spec).unwrap().id();
    let bytes = arras_rlwe::wire::spec_to_bytes(&spec, id);
    let Err(error) = store::params_from_bytes(&bytes, "params".as_ref()) else { panic!("they are insecure") };
    assert!(error.to_string().contains("exceeds 106"), "{error}");
}
