//! `arras demo deep` on the toy ring: deeper than the chain, right after every step, and as the trace foretold.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;

#[test]
fn a_deep_program_is_right_at_every_step() {
    // 6 levels at the start and at the end, and 4 between two refreshes; a sparse vector has one less of each but the first.
    for (slots, first, refreshes) in [("512", 4.0, 6.0), ("64", 3.0, 8.0)] {
        let run = arras(&["demo", "deep", "--preset", "toy", "--depth", "30", "--slots", slots, "--json"]);
        assert!(run.err.contains(&format!("{refreshes} refreshes")), "{}", run.err);
        let report = run.json();
        let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("no number {key}: {report}"));
        assert_eq!((number("depth"), number("levels"), number("levels_per_refresh")), (30.0, 6.0, first));
        assert_eq!(number("refreshes"), refreshes);
        assert_eq!(report["refreshed_before"].as_array().unwrap().len(), refreshes as usize);
        assert_eq!(report["counts_agree"], true);
        let error = |key: &str| report["error"][key].as_f64().unwrap();
        assert!(error("worst") >= error("last") && error("last") > 0.0, "{report}");
        // A refresh errs by 2^-24 at most, and a step by less.
        assert!(error("worst") < number("sensitivity") * 2f64.powi(-24), "{report}");
        let guards = |key: &str| report["guards"][key].as_f64().unwrap();
        assert_eq!((guards("checked"), guards("log2_tolerance")), (refreshes, -22.0));
        assert!(guards("log2_worst") < -24.0 && guards("log2_worst") > -40.0, "{report}");
        assert!(number("key_bytes") > 1e6 && report["secure"] == false, "{report}");
    }
}

#[test]
fn the_report_for_people_says_what_a_toy_is() {
    let run = arras(&["demo", "deep", "--preset", "toy", "--depth", "3"]).fine();
    assert!(run.out.contains("3 multiplications in a row on 512 encrypted values"), "{}", run.out);
    assert!(
        run.out.contains("the trace foretold every operation") && run.out.contains("a toy"),
        "{}",
        run.out
    );
}

#[test]
fn a_value_that_leaves_the_box_is_refused() {
    // z = -2, 2, 2, ... in the first slot.
    let run = ["demo", "deep", "--preset", "toy", "--depth", "12", "--stray", "4", "--json"];
    arras(&run).refused("a refresh changed slot 1 and 0 more: a value was outside [-1, 1] there");
    let inside = ["demo", "deep", "--preset", "toy", "--depth", "12", "--stray", "2", "--json"];
    assert_eq!(arras(&inside).json()["guards"]["checked"], 2.0);
}

#[test]
fn keys_that_do_not_fit_are_named() {
    let made = arras::made();
    let run = |keys: &str| arras(&["demo", "deep", "--preset", "toy", "--depth", "3", "--keys", keys]);
    run("/nonexistent").refused("arras keygen");
    run(&made.text("keys")).refused("belongs to parameter set");
}

#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_said_before_anything_is_made() {
    let out = tempfile::TempDir::new().unwrap();
    let keys = out.path().join("keys").display().to_string();
    let commands = [
        ("demo deep", 4_000_000),
        ("bench boot --preset boot-n16", 4_000_000),
        (&format!("keygen --bootstrap boot-n16 --out '{keys}'"), 400_000),
    ];
    for (command, kibibytes) in commands {
        let script =
            format!("ulimit -v {kibibytes}; '{}' --threads 1 {command}", env!("CARGO_BIN_EXE_arras"));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {says}");
        assert!(
            says.contains("of memory, and ") && says.contains("use a larger machine"),
            "{command}: {says}"
        );
    }
    assert_eq!(out.path().read_dir().unwrap().count(), 0);
}

#[test]
fn what_cannot_be_shown_is_named() {
    arras(&["demo", "deep", "--preset", "toy", "--stray", "5"]).refused("use 0 to 4");
    arras(&["demo", "deep", "--preset", "boot"])
        .refused("boot-n15, boot-n16, boot-n16-deep, boot-n16-wide, boot-n16-precise, toy");
    arras(&["demo", "deep", "--preset", "toy", "--slots", "4"]).refused("at least 8");
    arras(&["demo", "deep", "--preset", "toy", "--slots", "100"]).refused("power of two");
}

/// The smallest secure refresh: keys are written, opened and used.
#[test]
#[ignore = "slow"]
fn a_deep_program_runs_from_a_folder_of_keys() {
    let work = tempfile::TempDir::new().unwrap();
    let keys = work.path().join("keys");
    let folder = keys.display().to_string();
    let sizes = ["--bootstrap", "boot-n15", "--slots", "8", "--out", &folder, "--json"];
    let made = arras(&[&["keygen"], &sizes[..]].concat()).json();
    assert!(made["keys"].as_f64().unwrap() > 10.0 && made["security_bits"] == 128, "{made}");
    let run = |slots: &str| {
        arras(&[
            "demo", "deep", "--preset", "boot-n15", "--slots", slots, "--depth", "8", "--keys", &folder,
            "--json",
        ])
    };
    let report = run("8").json();
    assert_eq!((report["refreshes"].as_f64(), report["counts_agree"].as_bool()), (Some(1.0), Some(true)));
    run("16").refused("arras keygen --bootstrap boot-n15 --slots 16");
    let file = keys.join("evaluation.key");
    for (words, how) in [("damaged", arras::DAMAGE[3].1), ("cut off", arras::DAMAGE[1].1)] {
        arras::damage(&file, how);
        run("8").refused(words);
    }
}
