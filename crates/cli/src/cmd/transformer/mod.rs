//! `arras train transformer`: a teacher is fine-tuned, a student learns from it.

mod calibrate;
mod files;
mod hub;
mod student;
mod tables;
mod teacher;

use std::process::ExitCode;

use crate::args::transformer::{self as words, Table, Transformer};
use crate::output::Output;

pub fn run(args: &Transformer, out: &Output) -> anyhow::Result<ExitCode> {
    match args {
        Transformer::Teacher(args) => {
            let args = words::Teacher { from: hub::folder(&args.from)?, ..args.clone() };
            match args.table {
                None => teacher::run(&args, out),
                Some(Table::Steps) => tables::steps(&args, out),
                Some(Table::Variations) => tables::variations(&args, out),
            }
        }
        Transformer::Student(args) => {
            let args = words::Student { teacher: hub::folder(&args.teacher)?, ..args.clone() };
            student::run(&args, out)
        }
        Transformer::Calibrate(args) => calibrate::run(args, out),
    }
}
