//! Queries from the command line: all in one go, one party at a time, and every reason to refuse.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::{Folder, Outcome, arras};
use serde_json::json;

const SCHEMA: &str = r#"{"emp": {"id": 4, "salary": 5, "hours": 3, "kind": 1}, "other": {"x": 3}}"#;
const ROWS: &str =
    "id,name,salary,hours,kind\n1,ann,31,7,0\n2,bob,0,0,1\n3,cid,20,4,1\n4,dan,20,5,0\n5,eve,7,7,1\n";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("schema.json", SCHEMA);
    folder.write("emp.csv", ROWS);
    folder
}

/// The words for a query on the table.
fn words(folder: &Folder, sql: &str) -> [String; 5] {
    let [emp, schema] = ["emp.csv", "schema.json"].map(|name| folder.text(name));
    [sql.to_owned(), "--table".to_owned(), format!("emp={emp}"), "--schema".to_owned(), schema]
}

fn ask(folder: &Folder, sql: &str, more: &[&str]) -> Outcome {
    let words = words(folder, sql);
    arras(&[&["sql"], &words.each_ref().map(String::as_str)[..], more].concat())
}

#[test]
fn aggregates_are_those_in_the_clear() {
    let folder = folder();
    let sql = "SELECT kind, COUNT(*) AS n, SUM(salary), AVG(hours) FROM emp WHERE salary < 31 GROUP BY kind";
    let report = ask(&folder, sql, &["--check", "--json"]).json();
    assert_eq!(report["columns"], json!(["kind", "n", "SUM(salary)", "AVG(hours)"]));
    assert_eq!(report["rows"], json!([[0, 1, 20, 5.0], [1, 3, 27, 11.0 / 3.0]]));
    assert_eq!((&report["exact"], &report["table_rows"]), (&json!(true), &json!(5)));
    assert!(report["plan"]["certificate"]["bounds"][0].as_f64().unwrap() < 0.5);
    assert!(report["run_seconds"].as_f64().unwrap() > 0.0);
    // Nobody has measured such a query elsewhere.
    assert!(report["plan"]["choice"].is_null());
}

#[test]
fn a_product_and_a_sum_between_bounds_stand_beside_what_was_measured() {
    let sql = "SELECT id FROM emp WHERE salary * hours BETWEEN 50 AND 200 AND kind + hours BETWEEN 3 AND 7";
    let report = ask(&folder(), sql, &["--check", "--json"]).json();
    assert_eq!((&report["exact"], &report["rows"]), (&json!(true), &json!([[3], [4]])));
    let choice = &report["plan"]["choice"];
    // The widest of the columns has 5 bits.
    assert_eq!((&choice["need"]["bits"], &choice["need"]["values"]), (&json!(6), &json!(5)));
    assert_eq!(choice["lost"].as_array().unwrap().len(), 1);
}

#[test]
fn each_party_does_its_part() {
    let folder = folder();
    let query = "SELECT ID, salary - hours FROM emp WHERE salary BETWEEN 10 AND 30 OR hours = 0";
    folder.seal("sql", &words(&folder, query).each_ref().map(String::as_str));
    folder.run_without_secret("sql").fine();
    let report = folder.open("sql", "answer").json();
    assert_eq!(report["columns"], json!(["ID", "salary - hours"]));
    assert_eq!(report["rows"], json!([[2, 0], [3, 16], [4, 15]]));
    folder.open("sql", "sealed").refused("not");
    let mut bytes = std::fs::read(folder.path("task")).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(folder.path("task"), bytes).unwrap();
    folder.open("sql", "answer").refused("hold no program");
}

#[test]
fn bad_input_is_refused_with_a_sentence() {
    let folder = folder();
    let refused = |sql: &str, words: &str| ask(&folder, sql, &[]).refused(words);
    refused("SELECT id FROM emp WHERE", "cannot be read");
    refused("SELECT wage FROM emp", "no column wage");
    refused("SELECT id FROM staff", "no table staff");
    refused("SELECT x FROM other", "--table other=FILE");
    refused("SELECT salary / 2 FROM emp", "division salary / 2");
    refused("SELECT id FROM emp ORDER BY id", "ORDER BY");
    refused(
        "SELECT id FROM emp WHERE salary * salary * salary * salary * salary * salary * salary > 1",
        "0 to",
    );
    for (rows, words) in [
        ("", "no column id"),
        ("id,salary,hours,kind\n", "no rows"),
        ("id,salary,hours,kind\n1,2\n", "line 2: the number of cells is 2"),
        ("id,salary,hours,kind\n1,32,1,1\n", "\"32\" is not an integer from 0 to 31"),
        ("id,salary,hours,kind\n1,NaN,1,1\n", "\"NaN\""),
    ] {
        folder.write("emp.csv", rows);
        refused("SELECT id FROM emp WHERE salary > 3", words);
    }
    folder.write("schema.json", r#"{"emp": {"id": 99}}"#);
    refused("SELECT id FROM emp", "99-bit integers");
    folder.write("schema.json", "[]");
    refused("SELECT id FROM emp", "the schema is no schema");
    // Words that are missing are named with the usage, as for every command.
    let usage = arras(&["sql"]);
    assert_eq!(usage.code, Some(2));
    assert!(usage.err.contains("--schema") && usage.err.contains("Usage"), "{}", usage.err);
}
