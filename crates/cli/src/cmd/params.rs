//! `arras params`: the catalogue, or parameters for a wish.

use std::process::ExitCode;

use arras_ckks::{Params, Spec, Wish, presets::PRESETS};
use serde::Serialize;

use crate::args;
use crate::output::{self, Output};

/// What is said of a parameter set.
#[derive(Serialize)]
struct Row {
    name: Option<&'static str>,
    purpose: Option<&'static str>,
    n: usize,
    levels: usize,
    slots: usize,
    log2_q: f64,
    log2_p: f64,
    log2_qp: f64,
    log2_scale: f64,
    dnum: usize,
    security_bits: u32,
    secret: String,
    error_deviation: f64,
    moduli: Moduli,
}

#[derive(Serialize)]
struct Moduli {
    base: Vec<u64>,
    levels: Vec<Vec<u64>>,
    special: Vec<u64>,
}

pub fn run(args: &args::Params, out: &Output) -> anyhow::Result<ExitCode> {
    let Some(depth) = args.depth else {
        let rows: Result<Vec<Row>, _> = PRESETS
            .iter()
            .filter_map(|p| p.spec().map(|spec| row(&spec, Some(p.name), Some(p.purpose))))
            .collect();
        return out.show(&rows?, |rows| catalogue(rows));
    };
    let security = args.security.unwrap_or(args::Bits::B128).security();
    let wish = Wish {
        security,
        precision_bits: args.precision.unwrap_or(20),
        slots: args.slots.unwrap_or(1),
        depth,
    };
    out.show(&row(&wish.grant()?, None, None)?, one)
}

fn row(spec: &Spec, name: Option<&'static str>, purpose: Option<&'static str>) -> anyhow::Result<Row> {
    let params = Params::new(spec)?;
    Ok(Row {
        name,
        purpose,
        n: params.degree(),
        levels: spec.levels.len(),
        slots: params.max_slots(),
        log2_q: tenths(params.log2_q()),
        log2_p: tenths(params.log2_p()),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        log2_scale: tenths(params.scale(params.highest()).log2()),
        dnum: params.digits(),
        security_bits: spec.security.bits(),
        secret: spec.secret.to_string(),
        error_deviation: arras_rlwe::ring::sample::SIGMA,
        moduli: Moduli {
            base: spec.base.clone(),
            levels: spec.levels.clone(),
            special: spec.special.clone(),
        },
    })
}

/// To one digit after the point.
pub fn tenths(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

fn catalogue(rows: &[Row]) -> String {
    let line = |row: &Row| {
        vec![
            row.name.unwrap_or("").to_owned(),
            row.security_bits.to_string(),
            format!("2^{}", row.n.trailing_zeros()),
            row.levels.to_string(),
            row.slots.to_string(),
            format!("{:.1}", row.log2_q),
            format!("{:.1}", row.log2_p),
            row.dnum.to_string(),
            bits(&row.moduli),
            row.purpose.unwrap_or("").to_owned(),
        ]
    };
    let header = ["name", "λ", "N", "levels", "slots", "log2 Q", "log2 P", "digits", "moduli (bits)", "for"];
    let table = output::table(&header, &rows.iter().map(line).collect::<Vec<_>>());
    let secret = rows.first().map_or("", |row| &row.secret);
    format!(
        "{table}\n\nAll have {secret} and Gaussian errors of deviation {}; --json shows the primes.",
        arras_rlwe::ring::sample::SIGMA
    )
}

fn one(row: &Row) -> String {
    let list = |primes: &[u64]| primes.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    output::pairs(&[
        ("N", row.n.to_string()),
        ("security", format!("{} bits, {}", row.security_bits, row.secret)),
        ("levels", row.levels.to_string()),
        ("slots", row.slots.to_string()),
        ("scale", format!("2^{:.1}", row.log2_scale)),
        ("log2 Q", format!("{:.1}", row.log2_q)),
        ("log2 P", format!("{:.1}", row.log2_p)),
        ("digits", row.dnum.to_string()),
        ("base", list(&row.moduli.base)),
        ("levels", row.moduli.levels.iter().map(|level| list(level)).collect::<Vec<_>>().join(" ")),
        ("special", list(&row.moduli.special)),
    ])
}

/// Sizes of the primes: base, levels, special.
fn bits(moduli: &Moduli) -> String {
    let size = |primes: &[u64]| primes.iter().map(|&q| (q as f64).log2()).sum::<f64>().round();
    let level = moduli.levels.first().map_or(0.0, |primes| size(primes));
    let special = moduli.special.first().map_or(0.0, |&q| size(&[q]));
    format!(
        "{} + {}×{} | {}×{}",
        size(&moduli.base),
        moduli.levels.len(),
        level,
        moduli.special.len(),
        special
    )
}
