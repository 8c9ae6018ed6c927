//! `arras minimax me` and `arras minimax store`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use std::path::Path;

use arras::{Outcome, arras};
use tempfile::TempDir;

const WHOLE: &str = include_str!("../../approx/data/me.csv");

fn me(tau: &str, degree: &str, more: &[&str]) -> Outcome {
    let words = ["minimax", "me", "--tau", tau, "--degree", degree];
    arras(&words.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
}

fn store(path: &Path) -> Outcome {
    arras(&["minimax", "store", "--out", &path.display().to_string(), "--json"])
}

#[test]
fn one_polynomial_is_shown() {
    let found = me("0.5", "7", &["--json"]).json();
    let number = |name: &str| found[name].as_f64().unwrap();
    assert_eq!((number("degree"), number("tau"), number("scaling")), (7.0, 0.5, 1.0));
    assert_eq!(found["domain"], serde_json::json!([0.5, 1.5]));
    let error: f64 = found["error"].as_str().unwrap().parse().unwrap();
    assert!((error.log2() - number("log2_error")).abs() < 1e-12);
    assert!(number("iterations") >= 2.0 && number("precision_bits") > 64.0);
    assert_eq!(found["scaled"]["scaling"], 1.5);
    // p is 1 - error at both ends of the interval, in both bases.
    for (basis, scaling) in [(&found, 1.0), (&found["scaled"], 1.5)] {
        let coefficients: Vec<f64> =
            basis["coefficients"].as_array().unwrap().iter().map(|c| c.as_f64().unwrap()).collect();
        for x in [0.5, 1.5] {
            let y: f64 = x / scaling;
            let (mut before, mut now, mut sum) = (y, y, 0.0);
            for c in &coefficients {
                sum += c * now;
                (before, now) = (now, (4.0 * y * y - 2.0) * now - before);
            }
            assert!((sum - (1.0 - error)).abs() < 1e-12, "{x} over {scaling}: {sum}");
        }
    }
    let said = me("0.5", "7", &[]).fine().out;
    assert!(said.contains("2^-4.725680") && said.contains("T7") && said.lines().count() == 10, "{said}");
}

#[test]
fn digits_survive_that_no_f64_holds() {
    let out = me("2^-21", "63", &["--json"]).fine().out;
    let digits =
        out.lines().filter(|line| line.trim().trim_start_matches('-').starts_with("0.0")).map(str::len);
    assert!(digits.min().unwrap() > 200, "{out}");
    assert!(out.contains("\"error\": \"1.01397346546153"), "{out}");
    assert!(me("1-2^-21", "3", &[]).fine().out.contains("1 - 2^-19.622557"));
    assert_eq!(me("1-2^-30", "15", &["--json"]).json()["domain"][0], 2.0_f64.powi(-30));
}

#[test]
fn a_wrong_tau_or_degree_is_refused() {
    for tau in ["0", "1", "-0.5", "2", "nan", "inf", "2^3", "1-2^2", "2^-2000"] {
        me(tau, "7", &[]).refused("must lie between 0 and 1");
    }
    for tau in ["", "half", "2^", "1-2^x", "1 - 2^-3"] {
        me(tau, "7", &[]).refused("must be a number between 0 and 1, or 2^-K, or 1-2^-K");
    }
    me("2^-500", "7", &[]).refused("nearer to its limit than 2^-200");
    me("1-2^-500", "7", &[]).refused("nearer to its limit than 2^-200");
    for degree in ["-7", "0", "1", "65", "9000000000000000000"] {
        me("0.5", degree, &[]).refused("is not between 3 and 63");
    }
    me("0.5", "8", &[]).refused("the degree 8 is even, and must be odd: 7 or 9");
}

#[test]
fn a_table_is_continued() {
    let (folder, missing) = (TempDir::new().unwrap(), [5, 100, 404]);
    let path = folder.path().join("me.csv");
    let rows = WHOLE.split_inclusive('\n').enumerate().filter(|(i, _)| !missing.contains(i));
    std::fs::write(&path, rows.map(|(_, row)| row).collect::<String>()).unwrap();
    let report = store(&path).json();
    assert_eq!((&report["values"], &report["computed"]), (&12_462.into(), &(3 * 31).into()));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), WHOLE);
    // A whole one is left as it is.
    assert_eq!(store(&path).json()["computed"], 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), WHOLE);
}

#[cfg(unix)]
#[test]
fn an_interrupted_table_is_kept() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("me.csv");
    let words = ["minimax", "store", "--threads", "1", "--out", &path.display().to_string()];
    use std::process::Stdio;
    let child = arras::command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !path.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Not SIGINT, which whoever runs the tests in the background may have had ignored.
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the same command goes on from there"));
    let kept = std::fs::read_to_string(&path).unwrap();
    let rows = kept.lines().count();
    assert!((5..406).contains(&rows), "{rows}");
    assert!(WHOLE.starts_with(&kept));
    // Nothing else is left in the folder.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn broken_and_foreign_tables_are_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("me.csv");
    let cut = &WHOLE[..WHOLE.len() / 2];
    let grid = WHOLE.replacen("2^-20.9", "2^-20.95", 1);
    let degrees = WHOLE.replacen("tau,3,", "tau,1,3,", 1);
    let number = WHOLE.replacen("-63.", "-6e.", 1);
    for (text, words) in [
        (cut, "is broken: it has no end"),
        (&grid, "line 6 of the table is broken: its tau is not of the grid"),
        (&number, "line 5 of the table is broken: a number cannot be read"),
        (&degrees, "line 4 is not that of a table of best errors on this grid"),
        ("", "line 1 is not that of a table"),
        ("another file\n", "line 1 is not that of a table"),
    ] {
        std::fs::write(&path, text).unwrap();
        store(&path).refused(words);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    store(&path).refused("me.csv cannot be read");
    store(folder.path()).refused("cannot be read");
    store(&folder.path().join("none").join("me.csv")).refused("cannot be written");
}
