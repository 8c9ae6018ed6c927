//! Whatever is wrong with the input: one sentence, exit code 1, no panic, and no partial file.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use std::collections::HashMap;
use std::path::Path;

use arras::{DAMAGE, arras, damage, fed, made, model};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use tempfile::TempDir;

fn classify(text: &str) -> arras::Outcome {
    arras(&["classify", "--keys", &made().text("keys"), text])
}

#[test]
fn texts_without_a_word_are_refused() {
    classify("").refused("give at least one");
    classify(" \t\u{7}").refused("give at least one");
    fed(&["classify"], b"").refused("holds no text");
    fed(&["classify"], b"\n \n").refused("holds no text");
    fed(&["classify"], b"fine\n\xff\xfe\x00junk").refused("not UTF-8 from byte 5");
    arras(&["classify", "--file", "/nonexistent"]).refused("/nonexistent cannot be read");
}

#[test]
fn strange_texts_are_read_as_far_as_they_go() {
    let long = classify(&"good ".repeat(20_000)).fine();
    assert!(long.err.contains("(words read: 512, left out: 19488)"), "{}", long.err);
    classify("zxqwv blorptastic \u{1F980} \u{202E}").fine();
    let junk: String = (1..200u8).map(char::from).collect();
    classify(&junk).fine();
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let script =
        format!("'{}' params --json | head -c 1; exit ${{PIPESTATUS:-0}}", env!("CARGO_BIN_EXE_arras"));
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn damaged_keys_are_refused() {
    let made = made();
    for name in ["secret.key", "evaluation.key", "params"] {
        for (words, how) in DAMAGE {
            let copy = made.copy_of_keys();
            damage(&copy.path().join(name), how);
            arras(&["classify", "--keys", &copy.path().display().to_string(), "fine"]).refused(words);
        }
        let copy = made.copy_of_keys();
        std::fs::remove_file(copy.path().join(name)).unwrap();
        arras(&["classify", "--keys", &copy.path().display().to_string(), "fine"])
            .refused("is missing: make keys");
    }
}

#[test]
fn damaged_data_are_refused() {
    let (made, work) = (made(), TempDir::new().unwrap());
    let (file, out) = (work.path().join("file"), work.path().join("out"));
    let (text, keys) = (file.display().to_string(), made.text("keys"));
    let (evaluation, target) = (made.text("keys/evaluation.key"), out.display().to_string());
    for (words, how) in DAMAGE {
        std::fs::copy(made.path("sealed"), &file).unwrap();
        damage(&file, how);
        arras(&["run", "--evaluation-keys", &evaluation, "--in", &text, "--out", &target]).refused(words);
        std::fs::copy(made.path("answer"), &file).unwrap();
        damage(&file, how);
        arras(&["open", "--keys", &keys, "--in", &text]).refused(words);
    }
    arras(&["run", "--evaluation-keys", &evaluation, "--in", "/nonexistent", "--out", &target])
        .refused("cannot be read");
    arras(&["open", "--keys", &keys, "--in", "/nonexistent"]).refused("/nonexistent");
    arras(&["open", "--keys", &keys, "--in", &made.text("sealed")]).refused("run them first");
    arras(&["open", "--keys", &keys, "--in", &evaluation]).refused("holds evaluation keys, not sealed data");
    arras(&[
        "run",
        "--evaluation-keys",
        &made.text("sealed"),
        "--params",
        &made.text("keys/params"),
        "--in",
        &made.text("sealed"),
        "--out",
        &target,
    ])
    .refused("holds sealed data, not evaluation keys");
    assert!(!out.exists());
}

#[test]
fn a_secret_key_never_runs() {
    let made = made();
    let (secret, sealed, out) = (made.text("keys/secret.key"), made.text("sealed"), made.text("never"));
    arras(&["run", "--evaluation-keys", &secret, "--in", &sealed, "--out", &out]).refused("is a secret key");
    let evaluation = made.text("keys/evaluation.key");
    arras(&["run", "--evaluation-keys", &evaluation, "--in", &secret, "--out", &out])
        .refused("is a secret key");
    arras(&["run", "--evaluation-keys", &made.text("keys"), "--in", &sealed, "--out", &out])
        .refused("is a folder");
    assert!(!Path::new(&out).exists());
}

#[cfg(unix)]
#[test]
fn an_exposed_secret_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let copy = made().copy_of_keys();
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(copy.path().join("secret.key"), mode).unwrap();
    arras(&["classify", "--keys", &copy.path().display().to_string(), "fine"]).refused("chmod 600");
}

#[test]
fn other_keys_and_parameters_are_refused() {
    let (made, work) = (made(), TempDir::new().unwrap());
    let path = |name: &str| work.path().join(name).display().to_string();
    arras(&["keygen", "--out", &path("same"), "--mode", "throughput"]).fine();
    arras(&["open", "--keys", &path("same"), "--in", &made.text("answer")]).refused("the sentinel has moved");
    // Keys of throughput mode have no rotations.
    let run = ["--in", &made.text("sealed"), "--out", &path("out")];
    arras(&[&["run", "--evaluation-keys", &path("same/evaluation.key")], &run[..]].concat())
        .refused("no evaluation key for rotation by");
    arras(&["keygen", "--out", &path("other"), "--mode", "throughput", "--security", "192"]).fine();
    arras(&[&["run", "--evaluation-keys", &path("other/evaluation.key")], &run[..]].concat())
        .refused("belongs to parameter set");
    arras(&["open", "--keys", &path("other"), "--in", &made.text("answer")])
        .refused("belongs to parameter set");
    std::fs::copy(made.path("keys/evaluation.key"), work.path().join("other/evaluation.key")).unwrap();
    arras(&["classify", "--keys", &path("other"), "fine"]).refused("belongs to parameter set");
    assert!(!work.path().join("out").exists());
}

/// A copy of the model after a change to its tensors.
fn changed(path: &Path, change: impl Fn(&mut HashMap<String, (Vec<usize>, Vec<u8>)>)) {
    let bytes = std::fs::read(model()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let types: HashMap<String, _> = file.tensors().into_iter().map(|(n, v)| (n, v.dtype())).collect();
    let mut tensors =
        file.tensors().into_iter().map(|(n, v)| (n, (v.shape().to_vec(), v.data().to_vec()))).collect();
    change(&mut tensors);
    let views =
        tensors.iter().map(|(n, (shape, data))| (n, TensorView::new(types[n], shape.clone(), data).unwrap()));
    std::fs::write(path, safetensors::serialize(views, metadata.metadata().clone()).unwrap()).unwrap();
}

#[test]
fn damaged_models_are_refused() {
    let work = TempDir::new().unwrap();
    let file = work.path().join("model.safetensors");
    let text = file.display().to_string();
    let refused = |words| arras(&["classify", "--model", &text, "fine"]).refused(words);
    refused("cannot be read");
    std::fs::write(&file, b"").unwrap();
    refused("bytes of the model file");
    std::fs::copy(model(), &file).unwrap();
    damage(&file, |bytes| bytes.truncate(bytes.len() - 100));
    refused("not a readable safetensors file");
    std::fs::copy(model(), &file).unwrap();
    damage(&file, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x04;
    });
    refused("checksum");
    changed(&file, |tensors| {
        let (shape, data) = tensors.get_mut("hidden.bias").unwrap();
        shape[0] -= 1;
        data.truncate(data.len() - 4);
    });
    refused("the rest of the model needs");
    changed(&file, |tensors| drop(tensors.remove("output.weight")));
    refused("output.weight");
    arras(&["classify", "--model", "/", "fine"]).refused("cannot be read");
    arras(&["classify", "--model", "sst2-smal", "fine"]).refused("sst2-small or sst2-words");
}

#[test]
fn nothing_is_overwritten_unasked() {
    let (made, work) = (made(), TempDir::new().unwrap());
    arras(&["keygen", "--out", &made.text("keys")]).refused("exists already");
    let other = work.path().join("photos");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("cat.jpg"), b"meow").unwrap();
    let path = other.display().to_string();
    arras(&["keygen", "--out", &path]).refused("exists already");
    arras(&["keygen", "--out", &path, "--force"]).refused("is no folder of keys");
    assert!(other.join("cat.jpg").exists());
    let keys = made.copy_of_keys();
    let (path, diary) = (keys.path().display().to_string(), keys.path().join("diary.txt"));
    std::fs::write(&diary, b"dear").unwrap();
    arras(&["keygen", "--out", &path, "--force"]).refused("holds other files too");
    std::fs::remove_file(diary).unwrap();
    let secret = keys.path().join("secret.key").display().to_string();
    arras(&["seal", "--keys", &path, "fine", "--out", &secret]).refused("is not overwritten");
    let (path, before) =
        (keys.path().join("secret.key"), std::fs::read(keys.path().join("secret.key")).unwrap());
    arras(&["keygen", "--out", &keys.path().display().to_string(), "--mode", "throughput", "--force"]).fine();
    assert_ne!(std::fs::read(path).unwrap(), before);
}

#[test]
fn bad_passphrases_are_refused() {
    let work = TempDir::new().unwrap();
    let out = work.path().join("keys").display().to_string();
    fed(&["keygen", "--out", &out, "--passphrase"], b"short\n").refused("shorter than 8 bytes");
    fed(&["keygen", "--out", &out, "--passphrase"], b"").refused("shorter than 8 bytes");
    arras(&["keygen", "--out", &out, "--salt", "/dev/null"]).refused("belongs to a passphrase");
    fed(&["keygen", "--out", &out, "--passphrase", "--salt", "/dev/null"], b"long enough words\n")
        .refused("damaged");
    assert_eq!(work.path().read_dir().unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing() {
    let (made, work) = (made(), TempDir::new().unwrap());
    arras(&["seal", "--keys", &made.text("keys"), "fine", "--out", "/dev/full"]).refused("No space left");
    let run = ["run", "--evaluation-keys", &made.text("keys/evaluation.key"), "--in", &made.text("sealed")];
    arras(&[&run[..], &["--out", "/dev/full"]].concat()).refused("No space left");
    // A limit on file sizes stands in for a folder on a full disk.
    let limited = |words: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 100; '{}' {words}", env!("CARGO_BIN_EXE_arras"));
        std::process::Command::new("sh").args(["-c", &script]).output().unwrap()
    };
    for words in [
        format!("keygen --model sst2-words --out '{}' --mode throughput", work.path().join("keys").display()),
        format!(
            "seal --model sst2-words --keys '{}' fine --out '{}'",
            made.text("keys"),
            work.path().join("sealed").display()
        ),
    ] {
        let output = limited(&words);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"));
    }
    assert_eq!(work.path().read_dir().unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn endless_and_huge_files_are_refused_at_once() {
    let (made, work) = (made(), TempDir::new().unwrap());
    let huge = work.path().join("huge");
    std::fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    let (keys, evaluation, out) =
        (made.text("keys"), made.text("keys/evaluation.key"), work.path().join("out").display().to_string());
    for file in ["/dev/zero", &huge.display().to_string()] {
        arras(&["open", "--keys", &keys, "--in", file]).refused("not an Arras file");
        let run = ["run", "--evaluation-keys", &evaluation, "--in", file, "--out", &out];
        arras(&run).refused("not an Arras file");
        arras(&[&run[..], &["--params", file]].concat()).refused("not an Arras file");
        arras(&["classify", "--model", file, "fine"]).refused("too long");
        arras(&["classify", "--file", file]).refused("64 MiB");
        arras(&["keygen", "--out", &out, "--passphrase-file", file]).refused("too long");
    }
    // A file that goes on after its end.
    std::fs::copy(made.path("answer"), &huge).unwrap();
    std::fs::OpenOptions::new().write(true).open(&huge).unwrap().set_len(1 << 40).unwrap();
    arras(&["open", "--keys", &keys, "--in", &huge.display().to_string()])
        .refused("is 1099511627776 bytes long");
    assert!(!Path::new(&out).exists());
}

#[test]
fn more_than_fits_is_refused() {
    let (made, work) = (made(), TempDir::new().unwrap());
    let (file, out) = (work.path().join("texts"), work.path().join("out").display().to_string());
    std::fs::write(&file, "fine\n".repeat(10_000)).unwrap();
    let seal = ["seal", "--keys", &made.text("keys"), "--file", &file.display().to_string(), "--out", &out];
    arras(&seal).refused("in parts");
    arras(&[&seal[..], &["--mode", "throughput"]].concat()).refused("split them");
    assert!(!Path::new(&out).exists());
}

#[test]
fn keys_weaker_than_asked_for_are_refused() {
    arras(&["classify", "--keys", &made().text("keys"), "--security", "192", "fine"])
        .refused("128 bits of security, and 192 are asked for");
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_named() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = arras::command(&["params"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("standard output cannot be written: No space left"), "{said}");
    let seal = ["seal", "--keys", &made().text("keys"), "fine", "--out", "/nonexistent/sealed"];
    let output = arras::command(&seal).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot be written: entity not found") && !said.contains(".arras-"), "{said}");
}

/// Before there is work that could be left half done, a signal ends the command as it ends others.
#[cfg(unix)]
#[test]
fn a_signal_ends_the_wait_for_input() {
    use std::process::Stdio;
    let work = TempDir::new().unwrap();
    let out = work.path().join("keys").display().to_string();
    for args in [&["classify"][..], &["keygen", "--passphrase", "--out", &out]] {
        let mut command = arras::command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        // Not SIGINT, which whoever runs the tests in the background may have had ignored.
        std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        // Its input stays open: only the signal can end it.
        let input = child.stdin.take();
        assert!(!child.wait().unwrap().success(), "{args:?} ended well without input");
        drop(input);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_key_generation_leaves_nothing() {
    for (signal, delay) in [("-INT", 60), ("-INT", 250), ("-TERM", 400), ("-KILL", 120), ("-KILL", 400)] {
        let work = TempDir::new().unwrap();
        let out = work.path().join("keys");
        let args = ["keygen", "--security", "256", "--out", &out.display().to_string()];
        let mut child = arras::command(&args).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let finished = child.wait().unwrap().success();
        let whole = || {
            ["secret.key", "public.key", "evaluation.key", "params"]
                .iter()
                .all(|name| out.join(name).is_file())
        };
        assert!(if finished { whole() } else { !out.exists() || whole() });
        if !finished && signal != "-KILL" {
            assert_eq!(work.path().read_dir().unwrap().count(), 0);
        }
        // What a kill leaves is hidden, and gone after the next keys are made here.
        let next = work.path().join("next").display().to_string();
        arras(&["keygen", "--mode", "throughput", "--out", &next]).fine();
        let names = work.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        assert!(
            names.into_iter().all(|name| name == "next" || name == "keys"),
            "after {signal} at {delay} ms"
        );
    }
}

#[test]
fn bad_data_for_training_are_refused() {
    let work = TempDir::new().unwrap();
    let (data, out) = (work.path().display().to_string(), work.path().join("m").display().to_string());
    arras(&["train", "sst2", "--data", &data, "--out", &out]).refused("train.tsv cannot be read");
    arras(&["eval", "sst2", "--data", &data]).refused("dev.tsv cannot be read");
    std::fs::write(work.path().join("train.tsv"), "sentence\tlabel\ngood\t7\n").unwrap();
    arras(&["train", "sst2", "--data", &data, "--out", &out]).refused("line 2");
    assert!(!Path::new(&out).exists());
}

#[test]
fn columns_that_cannot_be_compared_are_refused_by_line() {
    let line = |words: &[&str], input: &str, wanted: &str| {
        fed(&[&["compare"], words].concat(), input.as_bytes()).refused(wanted);
    };
    line(&[], "", "holds no numbers");
    line(&[], "a,b\n", "holds no numbers");
    line(&[], "a,b\n0.5,0.5\n0.5,x\n", "line 3: \"x\" is not a number");
    line(&[], "0.5,0.5\n0.5\n", "line 2: the number of values is 1, and compare takes 2");
    line(&[], "0.5,0.5\n\n0.5,1.5\n", "line 3: 1.5 is not a number from 0 to 1");
    line(&[], "\"0.5\",nan\n", "line 1: NaN is not a number from 0 to 1");
    line(&["--bits", "3", "--function", "max"], "7,8\n", "line 1: 8 is not an integer from 0 to 7");
    let of_integers = "compare is not for integers: with --bits, --function is one of max, min, greater, greater-equal, equal";
    line(&["--bits", "3"], "1,2\n", of_integers);
    line(
        &["--function", "equal"],
        "1,1\n",
        "equal compares integers: say with --bits how many bits they have",
    );
    // Before anything is read, let alone planned.
    for function in ["greater", "greater-equal", "equal"] {
        arras(&["compare", "--function", function, "/nonexistent"])
            .refused("compares integers: say with --bits");
    }
    line(&["--bits", "17", "--function", "max"], "1,1\n", "17-bit integers");
    line(&["--alpha", "60"], "1,1\n", "60");
    line(&["--alpha", "-1"], "1,1\n", "not between 0 and 1");
    line(&["--max-degree", "8"], "1,1\n", "8");
    line(&["--optimise", "depth", "--costs", "x"], "0,1\n", "--costs belongs to --optimise time");
    line(&["--costs", "/nonexistent"], "0,1\n", "/nonexistent cannot be read");
    line(&["--costs", "Cargo.toml"], "0,1\n", "this is no table of costs");
    line(&["--alpha", "nan"], "0,1\n", "is not between 0 and 1");
    arras(&["compare", "/nonexistent"]).refused("/nonexistent cannot be read");
}

#[test]
fn keys_for_refreshes_that_do_not_exist_are_refused() {
    let work = TempDir::new().unwrap();
    let out = work.path().join("keys").display().to_string();
    let make = |more: &[&str]| arras(&[&["keygen", "--out", &out], more].concat());
    let unknown = make(&["--bootstrap", "boot"]);
    assert!(!unknown.err.contains("toy"), "{}", unknown.err);
    unknown.refused("use one of boot-n15, boot-n16, boot-n16-deep, boot-n16-wide, boot-n16-precise");
    make(&["--bootstrap", "toy"]).refused("no security");
    make(&["--bootstrap", "boot-n15", "--slots", "2"]).refused("at least 4");
    make(&["--bootstrap", "boot-n15", "--slots", "24"]).refused("power of two");
    assert_eq!(work.path().read_dir().unwrap().count(), 0);
}
