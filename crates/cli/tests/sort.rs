//! `arras sort`: in one go, by three parties, and every reason to refuse.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod arras;

use arras::{arras, command, fed};
use serde_json::json;
use tempfile::TempDir;

#[test]
fn numbers_are_sorted_with_a_certificate() {
    let report = fed(&["sort", "--bits", "4", "--check", "--json"], b"7\n0\n15\n\n7\n").json();
    assert_eq!(report["sorted"], json!([0, 7, 7, 15]));
    assert_eq!((&report["wrong"], &report["values"]), (&json!(0), &json!(4)));
    assert_eq!(report["plan"]["security_bits"], json!(128));
    let bounds = report["plan"]["certificate"]["bounds"].as_array().unwrap().clone();
    assert!(!bounds.is_empty() && bounds.iter().all(|bound| bound.as_f64().unwrap() < 0.5));
    assert!(report["run_seconds"].as_f64().unwrap() > 0.0);
    let choice = &report["plan"]["choice"];
    assert_eq!((&choice["need"]["work"], &choice["need"]["values"]), (&json!("sort"), &json!(4)));
    assert!(choice["explanation"].as_str().unwrap().contains("sort, 4 bits, 4 elements"));
}

#[test]
fn three_parties_find_the_median() {
    let (owner, server) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = |name: &str| owner.path().join(name).display().to_string();
    std::fs::write(path("numbers"), "3\r\n200\r\n3\r\n8\r\n").unwrap();
    let values = ["--in", &path("numbers"), "--mode", "median"];
    let files = ["--keys", &path("keys"), "--task", &path("task"), "--out", &path("sealed")];
    let sealed = arras(&[&["sort", "seal", "--json"], &values[..], &files[..]].concat()).json();
    assert!(sealed["bytes"].as_u64().unwrap() > 0 && sealed["plan"]["refreshes"] == 0);
    for name in ["keys/evaluation.key", "keys/params", "task", "sealed"] {
        std::fs::copy(path(name), server.path().join(name.trim_start_matches("keys/"))).unwrap();
    }
    let mut run = command(&["sort", "run", "--evaluation-keys", "evaluation.key", "--task", "task"]);
    run.args(["--in", "sealed", "--out", "answer"]).current_dir(server.path());
    assert!(run.output().unwrap().status.success());
    let answer = server.path().join("answer").display().to_string();
    let open = ["sort", "open", "--keys", &path("keys"), "--task", &path("task"), "--in"];
    let opened = arras(&[&open[..], &[&answer, "--json"]].concat()).json();
    assert_eq!(opened, json!({ "bits": 8, "values": 4, "median": 5.5 }));
    arras(&[&open[..], &[&path("numbers")]].concat()).refused("numbers");
}

#[test]
#[ignore = "minutes on a small machine"]
fn many_equal_numbers_in_all_modes_and_sizes() {
    for (count, bits, mode) in
        [(128, 8, "sort"), (256, 8, "sort"), (64, 12, "top"), (9, 16, "rank"), (100, 8, "median")]
    {
        let most = (1_u64 << bits) - 1;
        let value = |i: u64| match i % 4 {
            0 => most,
            1 => most / 2 + i % 3,
            2 => i * i * 2_654_435_761 % (most + 1),
            _ => 0,
        };
        let lines: String = (0..count).map(|i| format!("{}\n", value(i))).collect();
        let bits = bits.to_string();
        let mut args = vec!["sort", "--check", "--json", "--bits", &bits, "--mode", mode];
        args.extend((mode == "top").then_some(["--k", "10"]).into_iter().flatten());
        let report = fed(&args, lines.as_bytes()).json();
        assert_eq!((&report["wrong"], &report["values"]), (&json!(0), &json!(count)), "{mode} {count}");
    }
}

#[test]
fn bad_numbers_are_refused_in_one_sentence() {
    let long = "1\n".repeat(513);
    let cases: [(&[u8], &[&str], &str); 13] = [
        (b"", &[], "holds no numbers"),
        (b"\n \n", &[], "holds no numbers"),
        (b"1\n256\n", &[], "line 2: \"256\" is not a whole number from 0 to 255"),
        (b"1\n2\n", &["--bits", "1"], "line 2: \"2\" is not a whole number from 0 to 1"),
        (b"NaN\n", &[], "line 1: \"NaN\" is not a whole number"),
        (b"-1\n", &[], "line 1: \"-1\" is not a whole number"),
        (b"1.5\n", &[], "line 1: \"1.5\" is not a whole number"),
        (b"1,2\n", &[], "line 1: \"1,2\" is not a whole number"),
        (b"99999999999999999999999\n", &[], "is not a whole number"),
        (b"\xff\xfe\n", &[], "is no text"),
        (b"1\n2\n", &["--mode", "top", "--k", "3"], "ask for 1 to 2"),
        (b"1\n2\n", &["--k", "1"], "--k is for --mode top"),
        (long.as_bytes(), &[], "the number of values is 513: give 1 to 512"),
    ];
    for (input, args, words) in cases {
        fed(&[&["sort"], args].concat(), input).refused(words);
    }
    arras(&["sort", "--in", "/no/such/file"]).refused("/no/such/file cannot be read");
}

#[test]
fn help_has_examples() {
    for args in [&["sort"][..], &["sort", "seal"], &["sort", "run"], &["sort", "open"]] {
        let help = arras(&[args, &["--help"]].concat()).fine().out;
        assert!(help.contains("Example") && help.contains(&format!("arras {}", args.join(" "))), "{help}");
    }
}
