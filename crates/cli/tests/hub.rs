//! An encoder that is fetched by its name, from a server of this machine.
#![cfg(feature = "hub")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod arras;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use arras::{Outcome, command};
use tiny_http::{Header, Response, Server};

/// Answers as the hub does: `/owner/tiny/resolve/main/FILE`, from the first byte asked for.
fn serve(server: &Server) {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/vectors/pretrained-bert");
    for request in server.incoming_requests() {
        let file = request.url().strip_prefix("/owner/tiny/resolve/main/").map(|name| files.join(name));
        let Some(bytes) = file.and_then(|file| fs::read(file).ok()) else {
            request.respond(Response::empty(404)).unwrap();
            continue;
        };
        let range = request.headers().iter().find(|header| header.field.equiv("Range"));
        let bounds = range.and_then(|range| range.value.as_str().strip_prefix("bytes=")?.split_once('-'));
        let (from, to) = bounds.map_or((0, bytes.len()), |(from, to)| {
            (from.parse().unwrap(), to.parse().map_or(bytes.len(), |to: usize| to + 1))
        });
        let header = |name: &str, value: String| Header::from_bytes(name, value).unwrap();
        let mut response = Response::from_data(&bytes[from..to.min(bytes.len())]).with_status_code(206);
        response.add_header(header("x-repo-commit", "0123abc".to_owned()));
        response.add_header(header("etag", format!("\"{}\"", blake3::hash(&bytes).to_hex())));
        response.add_header(header("Content-Range", format!("bytes {from}-{}/{}", to - 1, bytes.len())));
        request.respond(response).unwrap();
    }
}

#[test]
fn an_encoder_is_fetched_once() {
    let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
    let (home, address) = (tempfile::tempdir().unwrap(), server.server_addr().to_string());
    let table = home.path().join("train.tsv");
    let rows: String =
        (0..40).map(|at| format!("a good film {}\t{}\n", "very ".repeat(at % 7), at % 2)).collect();
    fs::write(&table, format!("sentence\tlabel\n{rows}")).unwrap();
    fs::copy(&table, home.path().join("dev.tsv")).unwrap();
    let (data, out) = (home.path().display().to_string(), home.path().join("out").display().to_string());
    let train = |name: &str| {
        let words =
            ["train", "transformer", "teacher", "--from", name, "--data", &data, "--out", &out, "--json"];
        let endpoint = format!("http://{address}");
        Outcome::of(&command(&words).env("HF_HOME", &data).env("HF_ENDPOINT", endpoint).output().unwrap())
    };
    let own = server.clone();
    let hub = thread::spawn(move || serve(&own));
    train("owner/other").refused("cannot be fetched");
    assert_eq!(train("owner/tiny").json()["texts"], 40);
    server.unblock();
    hub.join().unwrap();
    // What is kept needs no server.
    drop(server);
    assert_eq!(train("owner/tiny").json()["texts"], 40);
    train("owner/other").refused("cannot be fetched");
}
