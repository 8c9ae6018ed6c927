//! `arras bench boot` on the toy ring: every figure is there and plausible, and what cannot be refreshed is named.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::{arras, fed};

#[test]
fn a_refresh_is_measured() {
    for (slots, left) in [(512, 4), (64, 3)] {
        let slots_text = slots.to_string();
        let report =
            arras(&["bench", "boot", "--preset", "toy", "--slots", &slots_text, "--threads", "1", "--json"])
                .json();
        let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("no number {key}: {report}"));
        assert_eq!(
            (number("slots"), number("levels_left"), number("threads")),
            (f64::from(slots), f64::from(left), 1.0)
        );
        let worst = report["precision_bits"]["worst"].as_f64().unwrap();
        let mean = report["precision_bits"]["mean"].as_f64().unwrap();
        assert!(worst > 24.0 && mean > worst, "{report}");
        assert!(number("failure_log2") < -128.0 && number("log2_scale") == 45.0);
        assert!(number("key_bytes") > 1e6 && number("peak_bytes") > number("key_bytes"));
        assert!(number("log2_qp") > number("log2_ephemeral") && number("log2_ephemeral") > 50.0);
        let seconds = |key: &str| report["seconds"][key].as_f64().unwrap();
        let phases: f64 = ["to_coefficients", "raise", "to_slots", "reduce"].map(seconds).iter().sum();
        assert!((phases - seconds("total")).abs() < 0.01 + 0.2 * seconds("total"), "{report}");
    }
}

#[test]
fn what_cannot_be_refreshed_is_named() {
    arras(&["bench", "boot", "--preset", "boot"])
        .refused("boot-n15, boot-n16, boot-n16-deep, boot-n16-wide, boot-n16-precise, toy");
    arras(&["bench", "boot", "--preset", "toy", "--slots", "4"]).refused("at least 8");
    arras(&["bench", "boot", "--preset", "toy", "--slots", "100"]).refused("power of two");
}

#[test]
fn a_worker_refreshes_on_request() {
    let requests = "{\"op\":\"refresh\",\"level\":0,\"reps\":2}\n{\"op\":\"refresh\",\"level\":0,\"reps\":0}\n{\"op\":\"fly\",\"level\":0,\"reps\":1}\n";
    let worker = ["bench", "boot", "--preset", "toy", "--slots", "64", "--worker"];
    let out = fed(&worker, requests.as_bytes()).fine().out;
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ready = &lines[0]["ready"];
    assert_eq!((&ready["ring"], &ready["slots"], &ready["threads"]), (&1024.into(), &64.into(), &1.into()));
    let done = &lines[1];
    assert_eq!((done["cpu_ms"].as_array().unwrap().len(), &done["levels_left"]), (2, &3.into()));
    let (bits, error) = (&done["precision_bits"]["worst"], done["max_error"].as_f64().unwrap());
    assert!(bits.as_f64().unwrap() > 24.0 && (bits.as_f64().unwrap() + error.log2()).abs() < 0.1, "{done}");
    assert!(lines[2]["error"].is_string() && lines[3]["unsupported"].is_string() && lines.len() == 4);
}
