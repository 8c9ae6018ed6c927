//! Trees as they are grown: read by the program that runs them, and right about what they were grown on.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_apps::tree::Model;
use arras_train::Error;
use arras_train::rng::Rng;
use arras_train::tree::{Options, Table, grow};
use serde_json::json;

const ONE: Options = Options { bits: 8, depth: 6, trees: 1, seed: 1 };

/// Three features, the last of noise alone; the class is decided by two thresholds.
fn table(rows: usize) -> Table {
    let mut rng = Rng::new(7, 1);
    let row =
        |rng: &mut Rng| vec![f64::from(rng.unit()) * 9.0 - 3.0, rng.below(100) as f64, f64::from(rng.unit())];
    let rows: Vec<Vec<f64>> = (0..rows).map(|_| row(&mut rng)).collect();
    let labels = rows.iter().map(|r| if r[0] < 1.0 { 0 } else { 1 + usize::from(r[1] > 30.0) }).collect();
    Table { names: None, rows, labels, classes: vec![json!("a"), json!("b"), json!(3)] }
}

/// The share of samples whose class the model finds.
fn right(model: &Model, table: &Table) -> f64 {
    let samples = model.quantise(&table.rows, false).unwrap();
    let class = |sample: &Vec<u32>| {
        let votes = model.forest().votes(model.thresholds(), sample);
        votes.iter().position(|v| v == votes.iter().max().unwrap()).unwrap()
    };
    let right = samples.iter().zip(&table.labels).filter(|(sample, label)| class(sample) == **label).count();
    right as f64 / table.rows.len() as f64
}

#[test]
fn two_thresholds_are_found() {
    let table = table(500);
    let model = Model::new(grow(&table, &ONE).unwrap()).unwrap();
    // A value in the cell of a threshold may stand on either side of it.
    assert!(right(&model, &table) > 0.98);
    assert_eq!(model.forest().splits().first(), Some(&0));
    assert!(model.forest().splits().len() < 8, "{:?}", model.forest().splits());
    let shallow = Model::new(grow(&table, &Options { depth: 1, ..ONE }).unwrap()).unwrap();
    assert_eq!(shallow.forest().leaves().len(), 2);
}

#[test]
fn integers_that_fit_stay_what_they_are() {
    let mut table = table(300);
    table.rows.iter_mut().for_each(|row| row[0] = row[0].round());
    table.labels = table.rows.iter().map(|r| usize::from(r[0] > 2.0)).collect();
    let file = grow(&table, &ONE).unwrap();
    assert_eq!(file.scale[..2], [1.0, 1.0]);
    let model = Model::new(file).unwrap();
    assert!((right(&model, &table) - 1.0).abs() < f64::EPSILON);
    assert_eq!(model.forest().splits(), [0]);
}

#[test]
fn forests_come_from_their_seed() {
    let table = table(300);
    let options = Options { trees: 7, depth: 5, ..ONE };
    let text =
        |seed: u64| serde_json::to_string(&grow(&table, &Options { seed, ..options }).unwrap()).unwrap();
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
    let model = Model::parse(&text(1)).unwrap();
    assert_eq!(model.forest().trees().len(), 7);
    assert!(right(&model, &table) > 0.9);
}

#[test]
fn tables_that_make_no_tree_are_refused() {
    let refused = |change: fn(&mut Table)| {
        let mut table = table(20);
        change(&mut table);
        grow(&table, &ONE).unwrap_err()
    };
    assert!(matches!(refused(|t| t.rows.clear()), Error::Table { features: 0, .. }));
    assert!(matches!(refused(|t| t.classes.truncate(1)), Error::Table { classes: 1, .. }));
    assert!(matches!(refused(|t| t.rows[4][1] = f64::NAN), Error::Row { row: 5, .. }));
    assert!(matches!(refused(|t| t.rows[4].truncate(2)), Error::Row { row: 5, .. }));
    assert!(matches!(refused(|t| t.labels[2] = 3), Error::Row { row: 3, .. }));
    assert!(matches!(refused(|t| t.labels.truncate(19)), Error::Row { row: 20, .. }));
    for options in [Options { bits: 0, ..ONE }, Options { depth: 32, ..ONE }, Options { trees: 0, ..ONE }] {
        assert!(matches!(grow(&table(20), &options), Err(Error::Option { .. })));
    }
}
