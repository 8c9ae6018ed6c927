//! Three parties, each a process with files of its own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::{SENTENCES, arras, command, fed, made};
use tempfile::TempDir;

/// Largest difference of the encrypted answer from the plain model, the polynomial's error included.
const ERROR: f64 = 5e-3;

#[test]
fn the_engine_answers_without_the_secret() {
    let (made, server) = (made(), TempDir::new().unwrap());
    for name in ["keys/evaluation.key", "keys/params", "sealed"] {
        std::fs::copy(made.path(name), server.path().join(name.trim_start_matches("keys/"))).unwrap();
    }
    let mut run = command(&[
        "run",
        "--evaluation-keys",
        "evaluation.key",
        "--in",
        "sealed",
        "--out",
        "answer",
        "--json",
    ]);
    assert!(run.current_dir(server.path()).output().unwrap().status.success());
    let answer = server.path().join("answer").display().to_string();
    let opened = arras(&["open", "--keys", &made.text("keys"), "--in", &answer, "--json"]).json();
    let keys = made.text("keys");
    let classified = arras(&["classify", "--keys", &keys, "--json", SENTENCES[0], SENTENCES[1]]).json();
    for (i, label) in ["positive", "negative"].into_iter().enumerate() {
        let (there, here) = (&opened["results"][i], &classified["results"][i]);
        assert_eq!((&there["label"], &here["label"]), (&label.into(), &label.into()));
        let plain = here["plain_probability"].as_f64().unwrap();
        assert!((there["probability"].as_f64().unwrap() - plain).abs() < ERROR);
        assert!((here["probability"].as_f64().unwrap() - plain).abs() < ERROR);
        assert!(here["seconds"].as_f64().unwrap() > 0.0 && here["text"] == SENTENCES[i]);
    }
    assert_eq!((&classified["n"], &classified["security_bits"]), (&16384.into(), &128.into()));
    assert!(classified["log2_qp"].as_f64().unwrap() <= 430.0);
    assert!(classified["evaluation_key_bytes"].as_u64().unwrap() <= 300_000_000);
    assert!(classified["ciphertext_bytes"].as_u64().unwrap() <= 1_000_000);
}

#[test]
fn many_sentences_share_ciphertexts() {
    let (made, work) = (made(), TempDir::new().unwrap());
    let path = |name: &str| work.path().join(name).display().to_string();
    let keys = made.text("keys");
    let lines = "a fine film\n\na dull, lifeless film\nwarm and funny\n";
    fed(&["seal", "--keys", &keys, "--mode", "throughput", "--out", &path("sealed")], lines.as_bytes())
        .fine();
    let evaluation = made.text("keys/evaluation.key");
    arras(&["run", "--evaluation-keys", &evaluation, "--in", &path("sealed"), "--out", &path("answer")])
        .fine();
    let opened = arras(&["open", "--keys", &keys, "--in", &path("answer")]).fine().out;
    let labels: Vec<&str> = opened.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(labels, ["positive", "negative", "positive"]);
}

#[test]
fn anyone_seals_with_the_public_key() {
    let (made, work) = (made(), TempDir::new().unwrap());
    let path = |name: &str| work.path().join(name).display().to_string();
    for name in ["public.key", "params"] {
        std::fs::copy(made.path("keys").join(name), work.path().join(name)).unwrap();
    }
    arras(&["seal", "--public", "--keys", &path(""), SENTENCES[0], "--out", &path("sealed")]).fine();
    arras(&["open", "--keys", &made.text("keys"), "--in", &path("sealed")]).refused("run them first");
    let evaluation = made.text("keys/evaluation.key");
    arras(&["run", "--evaluation-keys", &evaluation, "--in", &path("sealed"), "--out", &path("answer")])
        .fine();
    let opened = arras(&["open", "--keys", &made.text("keys"), "--in", &path("answer")]).fine().out;
    assert!(opened.starts_with("positive"), "{opened}");
}

#[test]
fn a_passphrase_gives_the_same_secret_again() {
    let work = TempDir::new().unwrap();
    let path = |name: &str| work.path().join(name).display().to_string();
    let phrase = b"correct horse battery staple\n";
    std::fs::write(work.path().join("phrase"), phrase).unwrap();
    let only = ["--mode", "throughput"];
    fed(&[&["keygen", "--out", &path("a"), "--passphrase"], &only[..]].concat(), phrase).fine();
    let (recipe, file) = (path("a/passphrase.json"), path("phrase"));
    arras(
        &[&["keygen", "--out", &path("b"), "--passphrase-file", &file, "--salt", &recipe], &only[..]]
            .concat(),
    )
    .fine();
    arras(&[&["keygen", "--out", &path("c"), "--passphrase-file", &file], &only[..]].concat()).fine();
    let read = |name: &str| std::fs::read(work.path().join(name)).unwrap();
    assert!(read("a/secret.key") == read("b/secret.key") && read("a/secret.key") != read("c/secret.key"));
    // Masks and errors are fresh all the same.
    assert!(read("a/evaluation.key") != read("b/evaluation.key"));
}

#[cfg(target_os = "linux")]
#[test]
fn two_at_once_share_one_set_of_keys() {
    let home = TempDir::new().unwrap();
    let start = |text: &str| {
        let mut classify = command(&["classify", text, "--json"]);
        classify.env("XDG_DATA_HOME", home.path()).stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let both = [start("fine"), start("dreadful")];
    for mut child in both {
        assert!(child.wait().unwrap().success());
    }
    let folders = home.path().join("arras/keys").read_dir().unwrap();
    assert_eq!(folders.count(), 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |name: &str| std::fs::metadata(made().path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys/secret.key"), mode("keys")), (0o600, 0o755));
    assert_eq!(mode("sealed") & 0o444, 0o444);
}

#[test]
fn the_catalogue_and_a_wish() {
    let all = arras(&["params", "--json"]).json();
    let bits = |row: &serde_json::Value| row["security_bits"].as_u64().unwrap();
    for security in [128, 192, 256] {
        assert!(all.as_array().unwrap().iter().any(|row| bits(row) == security));
    }
    let wish =
        ["params", "--security", "128", "--precision", "20", "--slots", "64", "--depth", "7", "--json"];
    let one = arras(&wish).json();
    assert_eq!((&one["levels"], &one["n"]), (&7.into(), &16384.into()));
    let human = arras(&["params"]).fine().out;
    assert!(human.contains("n14-l7") && human.contains("ternary"));
    arras(&["params", "--security", "256", "--precision", "30", "--depth", "100"]).refused("the most is");
}

#[test]
fn every_command_explains_itself() {
    let commands = [
        &["classify"][..],
        &["keygen"],
        &["seal"],
        &["run"],
        &["open"],
        &["params"],
        &["train", "sst2"],
        &["eval", "sst2"],
        &["bench", "ops"],
    ];
    for words in commands {
        let help = arras(&[words, &["--help"]].concat()).fine().out;
        assert!(help.contains("Example") && help.contains("--json"), "{help}");
    }
    let usage = arras(&["classify", "--no-such-flag"]);
    assert_eq!(usage.code, Some(2));
}

#[test]
fn the_engine_is_timed() {
    let report =
        arras(&["bench", "ops", "--preset", "n13-l2", "--reps", "1", "--threads", "1", "--json"]).json();
    assert_eq!(
        (&report["preset"], &report["threads"], &report["n"]),
        (&"n13-l2".into(), &1.into(), &8192.into())
    );
    for field in ["ntt_us", "encode_ms", "encrypt_ms", "decrypt_ms", "log2_qp", "dnum"] {
        assert!(report[field].as_f64().unwrap() > 0.0, "{field}");
    }
    for field in ["limbs", "multiply_ms", "rotate_ms", "hoisted_rotate_ms", "multiply_plain_ms", "add_ms"] {
        assert!(report["levels"][0][field].as_f64().unwrap() > 0.0, "{field}");
    }
    arras(&["bench", "ops", "--preset", "n99"]).refused("n14-l7");
    arras(&["bench", "ops", "--preset", "n13-l2", "--levels", "9"]).refused("its highest is 2");
}

#[test]
fn a_worker_answers_line_by_line() {
    let requests = "{\"op\":\"multiply\",\"level\":3,\"reps\":2}\n{\"op\":\"fly\",\"level\":1,\"reps\":1}\n{\"op\":\"add\",\"level\":7,\"reps\":1}\n";
    let out = fed(&["bench", "ops", "--preset", "toy", "--worker"], requests.as_bytes()).fine().out;
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["ready"]["name"], &lines[0]["ready"]["threads"]), (&"arras".into(), &1.into()));
    assert_eq!(lines[1]["cpu_ms"].as_array().unwrap().len(), 2);
    assert!(lines[2]["unsupported"].is_string() && lines[3]["error"].is_string() && lines.len() == 4);
}

#[test]
fn a_worker_applies_polynomials_by_the_plans_that_it_gives() {
    let ring = ["--log-ring", "12", "--levels", "5", "--danger-insecure"];
    let command = [&["bench", "composite"], &ring[..]].concat();
    let answers = |requests: &str| -> Vec<serde_json::Value> {
        let out = fed(&command, requests.as_bytes()).fine().out;
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let plan = answers(r#"{"op":"plan","level":5,"reps":0,"degrees":[3,7],"epsilon":0.25}"#).remove(1);
    assert_eq!((&plan["op"], &plan["depth"], &plan["products"]), (&"plan".into(), &5.into(), &7.into()));
    assert_eq!(plan["stages"][0]["powers"], serde_json::json!([[2, 1, 1]]));
    let stages = &plan["stages"];
    let lines = answers(&format!(
        "{{\"op\":\"composite\",\"level\":5,\"reps\":2,\"epsilon\":0.25,\"stages\":{stages}}}\n\
         {{\"op\":\"composite\",\"level\":4,\"reps\":1,\"epsilon\":0.25,\"stages\":{stages}}}\n\
         {{\"op\":\"plan\",\"level\":5,\"reps\":0,\"degrees\":[4],\"epsilon\":0.25}}\n\
         {{\"op\":\"fly\",\"level\":5,\"reps\":1}}\n"
    ));
    assert_eq!(lines[0]["ready"]["levels"], 5);
    let done = &lines[1];
    assert_eq!((done["cpu_ms"].as_array().unwrap().len(), &done["levels_left"]), (2, &0.into()));
    assert!(done["max_error"].as_f64().unwrap() < 1e-6 && done["precision_bits"].as_f64().unwrap() > 20.0);
    // The composition is as near to the sign as was proved, and not nearer: inputs of all sizes come by its worst.
    let (sign, proved) = (done["sign_error"].as_f64().unwrap(), plan["noisy_error"].as_f64().unwrap());
    assert!(sign <= proved && sign > 0.99 * proved, "{sign} {proved}");
    assert!(lines[2]["error"].as_str().unwrap().contains("level"));
    assert!(lines[3]["error"].is_string() && lines[4]["unsupported"].is_string());
}

#[test]
fn a_model_is_evaluated_and_trained() {
    let work = TempDir::new().unwrap();
    let mut table = String::from("sentence\tlabel\n");
    for i in 0..60 {
        table +=
            &format!("a good and lovely film number {i} here\t1\na bad and boring film number {i} here\t0\n");
    }
    std::fs::write(work.path().join("train.tsv"), &table).unwrap();
    std::fs::write(work.path().join("dev.tsv"), &table).unwrap();
    let path = |name: &str| work.path().join(name).display().to_string();
    let (data, out) = (path(""), path("m.safetensors"));
    let trained = arras(&["train", "sst2", "--data", &data, "--out", &out, "--epochs", "2", "--json"]).json();
    assert_eq!(trained["examples"], 120);
    let eval = ["eval", "sst2", "--data", &data, "--model", &out, "--encrypted", "--limit", "20", "--json"];
    let report = arras(&eval).json();
    assert_eq!((&report["failures"], &report["agreement"]), (&0.into(), &1.0.into()));
    for figure in ["accuracy", "precision", "recall", "f1", "auroc"] {
        assert!(report["plain"][figure].is_f64() && report["encrypted"][figure].is_f64(), "{figure}");
    }
    let foreign = ["--model", &out, "--in", &made().text("sealed"), "--out", &path("answer")];
    let evaluation = made().text("keys/evaluation.key");
    arras(&[&["run", "--evaluation-keys", &evaluation], &foreign[..]].concat()).refused("for another model");
    assert!(report["max_abs_error"].as_f64().unwrap() < ERROR && report["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn columns_are_compared_in_one_go() {
    let compared =
        fed(&["compare", "--alpha", "5", "--check", "--json"], b"a,b\n0.75,0.25\n0.1,0.9\n0.5,0.5\n").json();
    let results: Vec<f64> = (0..3).map(|i| compared["results"][i]["result"].as_f64().unwrap()).collect();
    assert_eq!(results, [1.0, 0.0, 0.5]);
    assert_eq!((&compared["failures"], &compared["security_bits"]), (&0.into(), &128.into()));
    let words = ["compare", "--bits", "3", "--function", "max", "--check"];
    let table = fed(&words, b"7,2\n3,3\n0,6\n").fine().out;
    let largest: Vec<&str> =
        table.lines().skip(1).take(3).filter_map(|l| l.split_whitespace().nth(3)).collect();
    assert_eq!(largest, ["7", "3", "6"]);
}

/// Whoever runs has a folder of its own, with nothing in it that opens anything.
#[test]
fn columns_are_compared_one_party_at_a_time() {
    let work = TempDir::new().unwrap();
    let path = |name: &str| work.path().join(name).display().to_string();
    std::fs::write(work.path().join("pairs.csv"), "a,b\n3,5\n7,7\n6,1\n").unwrap();
    let wanted =
        ["--bits", "3", "--function", "greater-equal", "--keys", &path("keys"), "--task", &path("task")];
    let seal = |more: &[&str]| {
        arras(
            &[&["compare", "seal", &path("pairs.csv"), "--out", &path("sealed")], &wanted[..], more].concat(),
        )
    };
    let sealed = seal(&["--json"]).json();
    assert_eq!((&sealed["rows"], &sealed["security_bits"]), (&3.into(), &128.into()));
    std::fs::create_dir(work.path().join("server")).unwrap();
    for (from, to) in [
        ("keys/evaluation.key", "evaluation.key"),
        ("keys/params", "params"),
        ("task", "task"),
        ("sealed", "sealed"),
    ] {
        std::fs::copy(work.path().join(from), work.path().join("server").join(to)).unwrap();
    }
    let run = |input: &str| {
        let [keys, task, out] = ["server/evaluation.key", "server/task", "server/answer"].map(path);
        arras(&["compare", "run", "--evaluation-keys", &keys, "--task", &task, "--in", input, "--out", &out])
    };
    let open = |task: &str, more: &[&str]| {
        let args =
            ["compare", "open", "--keys", &path("keys"), "--task", task, "--in", &path("server/answer")];
        arras(&[&args, more].concat())
    };
    run(&path("server/sealed")).fine();
    let opened = open(&path("task"), &["--json"]).json();
    assert_eq!(opened["results"], serde_json::json!([0.0, 1.0, 1.0]));
    assert_eq!(open(&path("task"), &[]).fine().out, "0\n1\n1\n");
    // The same folder seals again, and under the public key.
    std::fs::write(work.path().join("pairs.csv"), "0,0\n0,7\n").unwrap();
    seal(&["--public"]).fine();
    run(&path("sealed")).fine();
    assert_eq!(open(&path("task"), &[]).fine().out, "1\n0\n");
    // Another function, keys that are none, a task that is none, data that are not run, a secret where it must not be.
    let other =
        ["compare", "seal", &path("pairs.csv"), "--bits", "6", "--keys", &path("keys"), "--function", "max"];
    arras(&[&other[..], &["--task", &path("other"), "--out", &path("other-sealed")]].concat())
        .refused("were made for another program");
    assert!(!work.path().join("other").exists() && !work.path().join("other-sealed").exists());
    open(&path("pairs.csv"), &[]).refused("hold no function of columns");
    std::fs::copy(path("sealed"), path("server/answer")).unwrap();
    open(&path("task"), &[]).refused("not yet run");
    run(&path("keys/secret.key")).refused("is a secret key");
    run(&path("pairs.csv")).refused("not an Arras file");
}
