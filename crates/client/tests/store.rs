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
    let swept = Folder::at(folder.path().with_file_name(".arras-keys-mine"));
    assert!(matches!(swept.write(&params, &keys(2), false), Err(Error::Reserved { .. })));
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

#[test]
fn keys_written_as_they_are_made_are_those_made_at_once() {
    let (work, params) = (TempDir::new().unwrap(), params());
    let at = |name: &str| Folder::at(work.path().join(name));
    at("once").write(&params, &keys(1), false).unwrap();
    let mut steps = Vec::new();
    let generate = |folder: &Folder, progress: &mut dyn FnMut(usize) -> bool| {
        folder.generate(&params, &request(), Source::Random, &mut rng(1), false, progress)
    };
    let mut count = |done| {
        steps.push(done);
        true
    };
    generate(&at("stream"), &mut count).unwrap();
    assert_eq!(steps, [0, 0, 1, 2]);
    for name in [store::SECRET, store::PUBLIC, store::EVALUATION, store::PARAMS] {
        let read = |folder: &str| std::fs::read(work.path().join(folder).join(name)).unwrap();
        assert_eq!(read("once"), read("stream"), "{name}");
    }
    assert!(matches!(generate(&at("stream"), &mut |_| true), Err(Error::Exists { .. })));
    for stop in 0..=request().iter().len() {
        let stopped = generate(&at("stopped"), &mut |done| done < stop);
        assert!(matches!(stopped, Err(Error::Interrupted)), "{stop}");
        assert!(!at("stopped").path().exists());
    }
    // Nothing is left beside the two.
    assert_eq!(work.path().read_dir().unwrap().count(), 2);
}

#[test]
fn a_damaged_key_is_refused_when_it_is_used() {
    let (work, params) = (TempDir::new().unwrap(), params());
    let folder = Folder::at(work.path().join("keys"));
    folder.write(&params, &keys(1), false).unwrap();
    let path = folder.path().join(store::EVALUATION);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 4;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let keys = folder.evaluation(&params).unwrap();
    keys.key(Purpose::Rotate(1), Level(1)).unwrap();
    let error = keys.key(Purpose::Relinearise, Level(1)).unwrap_err().to_string();
    assert!(error.contains("for relinearisation cannot be used: the file is damaged"), "{error}");
    std::fs::write(&path, &bytes[..middle]).unwrap();
    assert!(matches!(folder.evaluation(&params), Err(Error::Bytes { .. })));
}

#[test]
fn what_a_killed_maker_left_is_removed_by_the_next() {
    let (work, params) = (TempDir::new().unwrap(), params());
    let at = |name: &str| work.path().join(name);
    let leave = |name: &str, files: &[&str]| {
        std::fs::create_dir(at(name)).unwrap();
        files.iter().for_each(|file| std::fs::write(at(name).join(file), "half").unwrap());
    };
    leave(".arras-keys-dead", &[store::PARAMS, store::EVALUATION, store::SECRET]);
    // No maker of ours leaves such folders.
    leave(".arras-keys-mine", &[store::PARAMS, "notes.txt"]);
    leave(".arras-keys-empty", &[]);
    leave("other", &[store::PARAMS]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(at("other"), at(".arras-keys-link")).unwrap();
    Folder::at(at("keys")).write(&params, &keys(1), false).unwrap();
    assert!(!at(".arras-keys-dead").exists());
    assert!(at(".arras-keys-mine/notes.txt").exists() && at(".arras-keys-empty").exists());
    assert!(at("other").join(store::PARAMS).exists());
}

#[test]
fn a_maker_at_work_is_left_alone() {
    let (work, params) = (TempDir::new().unwrap(), params());
    let at = |name: &str| Folder::at(work.path().join(name));
    let other = |done: usize| {
        at(&format!("other-{done}")).write(&params, &keys(2), true).unwrap();
        true
    };
    at("keys").generate(&params, &request(), Source::Random, &mut rng(1), false, other).unwrap();
    let whole = at("keys");
    assert!(whole.is_complete() && whole.evaluation(&params).is_ok() && at("other-2").is_complete());
}

#[test]
fn keys_of_an_older_format_say_what_to_do() {
    let (work, params) = (TempDir::new().unwrap(), params());
    let folder = Folder::at(work.path().join("keys"));
    folder.write(&params, &keys(1), false).unwrap();
    let path = folder.path().join(store::EVALUATION);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 1;
    std::fs::write(&path, &bytes).unwrap();
    let Err(error) = folder.evaluation(&params) else { panic!("the format is another") };
    let error = error.to_string();
    assert!(
        error.contains("evaluation.key: the file has format version 1") && error.contains("make it again")
    );
}
