//! Queries from the command line: all in one go, one party at a time, and every reason to refuse.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;
use serde_json::json;
use tempfile::TempDir;

const SCHEMA: &str = r#"{"emp": {"id": 4, "salary": 5, "hours": 3, "kind": 1}, "other": {"x": 3}}"#;
const ROWS: &str =
    "id,name,salary,hours,kind\n1,ann,31,7,0\n2,bob,0,0,1\n3,cid,20,4,1\n4,dan,20,5,0\n5,eve,7,7,1\n";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("schema.json", SCHEMA);
        folder.write("emp.csv", ROWS);
        folder
    }

    fn text(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    /// The words of a query on the table.
    fn words(&self, sql: &[&str]) -> Vec<String> {
        let own = ["--table".to_owned(), format!("emp={}", self.text("emp.csv")), "--schema".to_owned()];
        let sql = std::iter::once("sql").chain(sql.iter().copied()).map(str::to_owned);
        sql.chain(own).chain([self.text("schema.json")]).collect()
    }
}

#[test]
fn aggregates_are_those_in_the_clear() {
    let folder = Folder::new();
    let sql = "SELECT kind, COUNT(*) AS n, SUM(salary), AVG(hours) FROM emp WHERE salary < 31 GROUP BY kind";
    let report = arras(&folder.words(&[sql, "--check", "--json"])).json();
    assert_eq!(report["columns"], json!(["kind", "n", "SUM(salary)", "AVG(hours)"]));
    assert_eq!(report["rows"], json!([[0, 1, 20, 5.0], [1, 3, 27, 11.0 / 3.0]]));
    assert_eq!((&report["exact"], &report["table_rows"]), (&json!(true), &json!(5)));
    assert!(report["plan"]["certificate"]["bounds"][0].as_f64().unwrap() < 0.5);
    assert!(report["run_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn each_party_does_its_part() {
    let folder = Folder::new();
    let path = |name: &str| folder.text(name);
    let (keys, task, sealed, answer) = (path("keys"), path("task"), path("sealed"), path("answer"));
    let query = "SELECT ID, salary - hours FROM emp WHERE salary BETWEEN 10 AND 30 OR hours = 0";
    let files = ["--keys", &keys, "--task", &task, "--out", &sealed];
    arras(&folder.words(&[&["seal", query][..], &files].concat())).fine();
    let evaluation = path("keys/evaluation.key");
    let run =
        ["sql", "run", "--evaluation-keys", &evaluation, "--task", &task, "--in", &sealed, "--out", &answer];
    std::fs::rename(path("keys/secret.key"), path("kept")).unwrap();
    arras(&run).fine();
    std::fs::rename(path("kept"), path("keys/secret.key")).unwrap();
    let open = ["sql", "open", "--keys", &keys, "--task", &task, "--in", &answer, "--json"];
    let report = arras(&open).json();
    assert_eq!(report["columns"], json!(["ID", "salary - hours"]));
    assert_eq!(report["rows"], json!([[2, 0], [3, 16], [4, 15]]));
    let unopened = ["sql", "open", "--keys", &keys, "--task", &task, "--in", &sealed];
    arras(&unopened).refused("not");
    let mut bytes = std::fs::read(&task).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&task, bytes).unwrap();
    arras(&open).refused("hold no program");
}

#[test]
fn bad_input_is_refused_with_a_sentence() {
    let folder = Folder::new();
    let refused = |sql: &str, words: &str| arras(&folder.words(&[sql])).refused(words);
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
        ("id,salary,hours,kind\n1,2\n", "line 2 has 2 cells"),
        ("id,salary,hours,kind\n1,32,1,1\n", "\"32\" is not an integer from 0 to 31"),
        ("id,salary,hours,kind\n1,NaN,1,1\n", "\"NaN\""),
    ] {
        folder.write("emp.csv", rows);
        refused("SELECT id FROM emp WHERE salary > 3", words);
    }
    folder.write("schema.json", r#"{"emp": {"id": 99}}"#);
    refused("SELECT id FROM emp", "99 bits");
    folder.write("schema.json", "[]");
    refused("SELECT id FROM emp", "the schema is no schema");
    // Words that are missing are named with the usage, as for every command.
    let usage = arras(&["sql"]);
    assert_eq!(usage.code, Some(2));
    assert!(usage.err.contains("--schema") && usage.err.contains("Usage"), "{}", usage.err);
}
