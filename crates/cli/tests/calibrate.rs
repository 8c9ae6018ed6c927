//! `arras calibrate`: measured, kept, continued, refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use std::path::Path;
use std::time::Duration;

use arras::{arras, command};
use arras_plan::{CostTable, Operation};
use serde_json::Value;
use tempfile::TempDir;

/// The smallest ring that has chains of two levels.
fn calibrate(out: &Path, more: &[&str]) -> arras::Outcome {
    let out = out.display().to_string();
    arras(&[&["calibrate", "--ring", "13", "--reps", "1", "--json", "--out", &out], more].concat())
}

fn table(path: &Path) -> CostTable {
    CostTable::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn counts(report: &Value) -> (u64, u64) {
    (report["measured"].as_u64().unwrap(), report["kept"].as_u64().unwrap())
}

#[test]
fn what_is_measured_is_kept() {
    let work = TempDir::new().unwrap();
    let path = work.path().join("costs.json");
    let report = calibrate(&path, &["--depths", "1"]).json();
    assert_eq!(counts(&report), (1, 0));
    assert_eq!((report["threads"].as_u64(), report["n"].as_u64()), (Some(1), Some(1 << 13)));
    let first = table(&path);
    for operation in Operation::ALL {
        assert!(first.chain(1).unwrap().cost(operation, 1).unwrap() > 0.0, "{operation}");
    }

    // A second run adds what is missing, and a third one has nothing to do.
    assert_eq!(counts(&calibrate(&path, &["--depths", "1-2"]).json()), (1, 1));
    let second = table(&path);
    assert_eq!(second.chain(1), first.chain(1));
    assert_eq!(second.depths().collect::<Vec<_>>(), [1, 2]);
    let before = std::fs::read(&path).unwrap();
    assert_eq!(counts(&calibrate(&path, &["--depths", "2,1"]).json()), (0, 2));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    // By force, one chain is measured again and the other is kept in the file.
    assert_eq!(counts(&calibrate(&path, &["--depths", "2", "--force"]).json()), (1, 0));
    assert_eq!(table(&path).chain(1), first.chain(1));
}

#[test]
fn chains_that_are_built_in_another_way_are_measured_again() {
    let work = TempDir::new().unwrap();
    let path = work.path().join("costs.json");
    calibrate(&path, &["--depths", "1"]).fine();
    let text = std::fs::read_to_string(&path).unwrap();
    let digits = table(&path).chain(1).unwrap().digits();
    std::fs::write(&path, text.replace(&format!("\"digits\": {digits}"), "\"digits\": 77")).unwrap();
    assert_eq!(table(&path).chain(1).unwrap().digits(), 77);
    assert_eq!(counts(&calibrate(&path, &["--depths", "1"]).json()), (1, 0));
    assert_eq!(table(&path).chain(1).unwrap().digits(), digits);
}

#[test]
fn without_a_file_the_costs_go_to_the_users_folder() {
    let home = TempDir::new().unwrap();
    let run = || {
        let args = ["calibrate", "--ring", "13", "--depths", "1", "--reps", "1", "--json"];
        let output =
            command(&args).env("HOME", home.path()).env("XDG_DATA_HOME", home.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = run();
    assert_eq!(counts(&report), (1, 0));
    let path = Path::new(report["out"].as_str().unwrap());
    assert!(path.starts_with(home.path()), "{}", path.display());
    assert_eq!(table(path).machine().cpu, report["cpu"]);
    assert_eq!(counts(&run()), (0, 1));
}

#[test]
fn prices_are_compared_with_times() {
    let work = TempDir::new().unwrap();
    let path = work.path().join("costs.json").display().to_string();
    let args =
        ["calibrate", "--ring", "14", "--depths", "4", "--reps", "1", "--json", "--verify", "--out", &path];
    let report = arras(&args).json();
    let rows = report["verified"].as_array().unwrap();
    let degrees: Vec<_> = rows.iter().map(|row| (row["degree"].as_u64(), row["level"].as_u64())).collect();
    assert_eq!(degrees, [(Some(7), Some(3)), (Some(7), Some(4)), (Some(15), Some(4))]);
    for row in rows {
        let [predicted, measured] = ["predicted_ms", "measured_ms"].map(|name| row[name].as_f64().unwrap());
        assert!(predicted > 0.0 && measured > 0.0);
        assert!((row["ratio"].as_f64().unwrap() - predicted / measured).abs() < 1e-9);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on() {
    let work = TempDir::new().unwrap();
    let path = work.path().join("costs.json");
    let out = path.display().to_string();
    let args = ["calibrate", "--ring", "14", "--depths", "1,5", "--reps", "100", "--json", "--out", &out];
    let child =
        command(&args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn();
    let child = child.unwrap();
    // The first chain is there, and the second one takes seconds.
    while !path.exists() || table(&path).depths().count() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let first = table(&path);
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("interrupted at depth 5") && said.contains("the same command goes on"), "{said}");
    assert_eq!(table(&path), first);
    let report =
        arras(&["calibrate", "--ring", "14", "--depths", "1,5", "--reps", "1", "--json", "--out", &out]);
    assert_eq!(counts(&report.json()), (1, 1));
    assert_eq!(table(&path).chain(1), first.chain(1));
}

#[test]
fn files_that_are_no_use_are_refused_and_left_alone() {
    let work = TempDir::new().unwrap();
    let path = work.path().join("costs.json");
    calibrate(&path, &["--depths", "1"]).fine();
    let good = std::fs::read_to_string(&path).unwrap();
    let cpu = table(&path).machine().cpu.clone();
    let cases = [
        (good[..good.len() / 2].to_owned(), "this is no table of costs, from line"),
        (String::new(), "this is no table of costs, from line 1, column 0 on"),
        (good.replace("\"format\": 1", "\"format\": 9"), "has format 9, this program reads 1"),
        (good.replace(&cpu, "abacus"), "measured on another machine (the processor abacus, here"),
        (good.replace("\"threads\":1", "\"threads\":3"), "the threads 3, here 1"),
        (
            good.replace("\"log_degree\":13", "\"log_degree\":16"),
            "for other parameters (log2 N 16, wanted 13)",
        ),
        (
            good.replace("\"rescale\": [", "\"rescale\": [-"),
            "rescale at level 1 of the chain of depth 1 is said to take -",
        ),
        (
            good.replace("\"rescale\": [", "\"rescale\": [1, "),
            "needs a cost of rescale for each of its levels, and the number of costs is 2",
        ),
    ];
    for (text, words) in cases {
        std::fs::write(&path, &text).unwrap();
        calibrate(&path, &["--depths", "1"]).refused(words);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::write(&path, b"\xff\xfe").unwrap();
    calibrate(&path, &["--depths", "1"]).refused("holds no text");
    assert_eq!(counts(&calibrate(&path, &["--depths", "1", "--force"]).json()), (1, 0));
}

#[test]
fn wishes_that_cannot_be_granted() {
    let work = TempDir::new().unwrap();
    let path = work.path().join("costs.json");
    calibrate(&path, &["--depths", "1,9"])
        .refused("a chain of depth 9 does not fit N = 2^13 at 128 bits of security: the largest depth is 2");
    calibrate(&path, &[]).refused("a chain of depth 3 does not fit N = 2^13");
    calibrate(&work.path().join("nowhere").join("costs.json"), &["--depths", "1"])
        .refused("cannot be written");
    for depths in ["0", "5-3", "-1", "x", "1-", "201", ""] {
        let outcome = calibrate(&path, &[&format!("--depths={depths}")]);
        assert_eq!(outcome.code, Some(2), "{depths}");
        assert!(outcome.err.contains("give depths from 1 to 200, as 11 or 16-28"), "{}", outcome.err);
    }
    assert!(!path.exists());
}
