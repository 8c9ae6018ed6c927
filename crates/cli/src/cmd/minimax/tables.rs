//! `arras minimax tables`: published tables beside ours.

use std::process::ExitCode;

use arras_approx::degrees::published::{Composition, Evaluation, Optimum, table_1, table_3, table_4};
use serde::Serialize;

use super::degrees::set;
use crate::output::{self, Output};

/// The tables, and whether all rows agree or are explained.
#[derive(Serialize)]
struct Tables {
    table_1: Vec<Cost>,
    table_3: Vec<Row>,
    table_4: Vec<Row>,
    settled: bool,
}

/// A row of table 1.
#[derive(Serialize)]
struct Cost {
    degree: usize,
    published: Count,
    ours: Count,
    agreement: String,
}

#[derive(Serialize)]
struct Count {
    depth: u32,
    mults: u32,
}

/// A row of table 3 or 4.
#[derive(Serialize)]
struct Row {
    alpha: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    zeta: Option<u8>,
    max_degree: usize,
    published: Set,
    ours: Set,
    agreement: String,
}

#[derive(Serialize)]
struct Set {
    degrees: Vec<usize>,
    depth: u32,
    mults: u32,
    sign_error_log2: f64,
}

pub fn run(out: &Output) -> anyhow::Result<ExitCode> {
    let (first, third, fourth) = (table_1(), table_3()?, table_4()?);
    let settled = first.iter().all(|row| row.agreement.is_settled())
        && third.iter().chain(&fourth).all(|row| row.agreement.is_settled());
    let tables = Tables {
        table_1: first.into_iter().map(cost).collect(),
        table_3: third.into_iter().map(row).collect(),
        table_4: fourth.into_iter().map(row).collect(),
        settled,
    };
    let shown = out.show(&tables, human)?;
    Ok(if settled { shown } else { ExitCode::FAILURE })
}

fn cost(row: Evaluation) -> Cost {
    let count = |(depth, mults)| Count { depth, mults };
    Cost {
        degree: row.degree,
        published: count(row.published),
        ours: count(row.ours),
        agreement: row.agreement.to_string(),
    }
}

fn row(row: Optimum) -> Row {
    let set = |c: Composition| Set {
        degrees: c.degrees,
        depth: c.depth,
        mults: c.mults,
        sign_error_log2: c.log2_error,
    };
    Row {
        alpha: row.alpha,
        zeta: row.zeta,
        max_degree: row.max_degree,
        published: set(row.published),
        ours: set(row.ours),
        agreement: row.agreement.to_string(),
    }
}

fn human(tables: &Tables) -> String {
    let costs: Vec<Vec<String>> = tables.table_1.iter().map(cost_line).collect();
    let header = ["degree", "depth", "products", "our depth", "our products", ""];
    let first = format!("Table 1: the cost of odd polynomials\n{}", output::table(&header, &costs));
    let third = format!("Table 3: comparison with epsilon = 2^-alpha\n{}", optima(&tables.table_3));
    let fourth = format!("Table 4: max and ReLU with epsilon = zeta 2^-alpha\n{}", optima(&tables.table_4));
    let verdict = if tables.settled {
        "Every row agrees, or the difference is explained."
    } else {
        "Some rows differ without an explanation."
    };
    format!(
        "Lee, Lee, Kim and No (2022), Optimization of homomorphic comparison algorithm on RNS-CKKS scheme, and ours\n\n\
         {first}\n\n{third}\n\n{fourth}\n\n{verdict}"
    )
}

fn cost_line(row: &Cost) -> Vec<String> {
    let numbers = [row.degree as u64, row.published.depth.into(), row.published.mults.into()];
    let ours = [u64::from(row.ours.depth), row.ours.mults.into()];
    numbers.iter().chain(&ours).map(u64::to_string).chain([row.agreement.clone()]).collect()
}

fn optima(rows: &[Row]) -> String {
    let with_zeta = rows.iter().any(|row| row.zeta.is_some());
    let titles = [
        "alpha",
        "zeta",
        "to degree",
        "published",
        "depth",
        "products",
        "ours",
        "depth",
        "products",
        "log2 error",
        "",
    ];
    let keep = |i: &usize| with_zeta || *i != 1;
    let header: Vec<&str> = titles.iter().enumerate().filter(|(i, _)| keep(i)).map(|(_, t)| *t).collect();
    let line = |row: &Row| -> Vec<String> {
        let cells = [
            row.alpha.to_string(),
            row.zeta.map_or_else(String::new, |zeta| zeta.to_string()),
            row.max_degree.to_string(),
            set(&row.published.degrees),
            row.published.depth.to_string(),
            row.published.mults.to_string(),
            set(&row.ours.degrees),
            row.ours.depth.to_string(),
            row.ours.mults.to_string(),
            format!("{:.4}", row.ours.sign_error_log2),
            row.agreement.clone(),
        ];
        cells.into_iter().enumerate().filter(|(i, _)| keep(i)).map(|(_, cell)| cell).collect()
    };
    output::table(&header, &rows.iter().map(line).collect::<Vec<_>>())
}
