//! Graphs from the command line: all in one go, one party at a time, and every reason to refuse.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::{Folder, Outcome, arras};
use serde_json::json;

fn paths(folder: &Folder, graph: &str, more: &[&str]) -> Outcome {
    let file = folder.write("graph.csv", graph);
    arras(&[&["graph", "paths", "--in", &file, "--json"][..], more].concat())
}

#[test]
#[ignore = "slow: 3 GB of memory for keys"]
fn paths_of_an_encrypted_graph_are_found() {
    let report =
        paths(&Folder::new(), "0,10,\n,0,10\n30,inf,0\n", &["--bits", "3", "--scale", "--check"]).json();
    assert_eq!(report["wrong"], 0);
    // The largest weight, 30, becomes 6.
    assert_eq!(report["distances"], json!([[0, 2, 4], [7, 0, 2], [6, 7, 0]]));
    assert_eq!(report["predecessors"], json!([[null, 0, 1], [null, null, 1], [2, null, null]]));
    assert_eq!((&report["infinity"], &report["nodes"], &report["bits"]), (&json!(7), &json!(3), &json!(3)));
    assert!(report["plan"]["certificate"]["bounds"][0].as_f64().unwrap() < 0.5);
}

#[test]
fn each_party_does_its_part() {
    let folder = Folder::new();
    let graph = folder.write("graph.csv", "0,5,,\n,0,,\n,9,0,\n,,,0\n");
    folder.seal("graph", &["--in", &graph, "--reach"]);
    folder.run_without_secret("graph").fine();
    let opened = folder.open("graph", "answer").json();
    assert_eq!(
        opened["reachable"],
        json!([
            [true, true, false, false],
            [false, true, false, false],
            [false, true, true, false],
            [false, false, false, true]
        ])
    );
    // There is nothing to keep of a graph that is not refreshed, and nothing is left.
    let rounds = folder.text("rounds");
    let first = std::fs::read(folder.path("answer")).unwrap();
    let kept = folder.running("graph", &["--journal", &rounds]).output().unwrap();
    Outcome::of(&kept).fine();
    assert_eq!(std::fs::read(folder.path("answer")).unwrap(), first);
    assert!(!folder.path("rounds").exists());
    let no_folder = folder.running("graph", &["--journal", &folder.text("task")]).output().unwrap();
    Outcome::of(&no_folder).refused("a journal of rounds is a folder");
    folder.open("graph", "sealed").refused("run");
    folder.write("task", "{}");
    folder.run("graph").refused("hold no program");
}

#[cfg(unix)]
#[test]
#[ignore = "slow: 3 GB of memory for keys"]
fn a_run_that_was_stopped_goes_on() {
    let folder = Folder::new();
    let graph = folder.write("graph.csv", "0,10,,3\n,0,10,\n30,,0,\n,2,,0\n");
    folder.seal("graph", &["--in", &graph]);
    let rounds = folder.text("rounds");
    let run = || folder.running("graph", &["--journal", &rounds]);
    let mut child = run().stderr(std::process::Stdio::piped()).spawn().unwrap();
    while !folder.path("rounds/round-0002").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let stopped = Outcome::of(&child.wait_with_output().unwrap());
    assert!(stopped.code == Some(1) && stopped.err.contains("goes on from there"), "{}", stopped.err);
    assert!(!folder.path("answer").exists());
    Outcome::of(&run().output().unwrap()).fine();
    assert!(!folder.path("rounds").exists());
    let opened = folder.open("graph", "answer").json();
    assert_eq!(opened["distances"], json!([[0, 5, 15, 3], [40, 0, 10, 43], [30, 35, 0, 33], [42, 2, 12, 0]]));
}

#[test]
fn graphs_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    let refused = |graph: &str, words: &str| paths(&folder, graph, &[]).refused(words);
    refused("", "holds no weights");
    refused("0,1\n1\n", "row 2: the number of weights is 1, and must be 2, the number of rows");
    refused("0,-3\n1,0\n", "row 1, column 2: the weight \"-3\" is negative");
    refused("0,NaN\n1,0\n", "row 1, column 2: \"NaN\" is no weight");
    refused("0,1.5\n1,0\n", "row 1, column 2: \"1.5\" is no weight");
    // Nothing of the file reaches a terminal as it stands.
    refused("0,\u{1b}[2J\n1,0\n", "row 1, column 2: \"\\u{1b}[2J\" is no weight");
    refused("0,1\n255,0\n", "the weight 255 is above 254, the largest 8-bit distance");
    refused("0\n", "a 1-node graph is not taken here: give 2 to 128 nodes");
    let large = format!("{}\n", vec!["1"; 129].join(",")).repeat(129);
    refused(&large, "a 129-node graph is not taken here: give 2 to 128 nodes");
    let beyond = paths(&folder, "0,1\n1,0\n", &["--bits", "13"]);
    assert!(beyond.code == Some(2) && beyond.err.contains("13 is not in 1..=12"), "{}", beyond.err);
    std::fs::write(folder.path("binary.csv"), [0xff, 0xfe, 0x00]).unwrap();
    arras(&["graph", "reach", "--in", &folder.text("binary.csv")]).refused("utf-8");
    arras(&["graph", "reach", "--in", &folder.text("missing.csv")]).refused("missing.csv");
}
