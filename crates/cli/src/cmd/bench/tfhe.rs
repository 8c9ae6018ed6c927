//! `arras bench tfhe`: workloads and applications on bit-wise TFHE alone, beside the SoK's figures.

use std::process::ExitCode;

use arras_plan::sok;
use arras_switch::baseline::{Query, Select, Task, Tree, Work as Workload};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;

use crate::args::bench_tfhe::{BenchTfhe, Work};
use crate::cmd::baseline::{BitWise, Published, Report, published, published_line};
use crate::output::Output;
use crate::stop;

/// The deepest tree: its nodes double with each level.
const MOST_DEPTH: u32 = 12;

#[derive(Serialize)]
struct Shown {
    work: &'static str,
    bits: u32,
    /// Values, elements, nodes, depth or rows.
    size: usize,
    tfhe: Report,
    published: Vec<Published>,
}

pub fn run(args: &BenchTfhe, out: &Output) -> anyhow::Result<ExitCode> {
    stop::watch()?;
    let (size, sample) = sizes(args);
    let work = sok::Work::from(args.work);
    let published = published(work, args.bits, size)?;
    let task = task(args, size)?;
    let tfhe = BitWise::new()?.measure(&task, sample)?;
    let wrong = tfhe.wrong;
    let shown = Shown { work: work.name(), bits: args.bits, size, tfhe, published };
    let code = out.show(&shown, |shown| {
        let Shown { work, bits, size, tfhe, published } = shown;
        format!("{work} at {bits} bits, size {size}\n{}\n{}", tfhe.human(), published_line(published))
    })?;
    Ok(if wrong > 0 { ExitCode::FAILURE } else { code })
}

/// How large the task is, and how much of it is measured.
fn sizes(args: &BenchTfhe) -> (usize, usize) {
    let (size, sample) = match args.work {
        Work::W1 | Work::W2 | Work::W3 | Work::Tree => (1, 1),
        Work::Sort => (8, 8),
        Work::Paths => (16, 4),
        Work::Sql => (512, 1),
    };
    let size = if args.work == Work::Tree { 6 } else { size };
    let chosen = |choice: Option<u32>, default: usize| choice.map_or(default, |choice| choice as usize);
    (chosen(args.size, size), chosen(args.sample, sample))
}

fn task(args: &BenchTfhe, size: usize) -> anyhow::Result<Task> {
    let bits = args.bits;
    // What is no width is refused with the task; a number has 64 bits whatever is asked.
    let most = |bits: u32| u64::MAX >> (64 - bits.clamp(1, 32));
    let mut rng = ChaCha20Rng::seed_from_u64(args.seed);
    let mut random = |bits: u32| rng.next_u64() & most(bits);
    let mut row = |c_bits: u32| [random(bits), random(bits), random(c_bits), random(bits)];
    let task = match args.work {
        Work::W1 => Task::workload(Workload::W1, bits, &rows(size, || row(2 * bits.min(16)))),
        Work::W2 => Task::workload(Workload::W2, bits, &rows(size, || row(bits))),
        Work::W3 => Task::workload(Workload::W3, bits, &rows(size, || row(2 * bits.min(16)))),
        Work::Sort => Task::sort(bits, &rows(size, || random(bits))),
        // Half of the edges that there could be, and small weights, so that there are paths to find.
        Work::Paths => {
            let most_nodes = Task::MOST_NODES;
            anyhow::ensure!(
                size <= most_nodes,
                "a graph of {size} nodes is too large: the most is {most_nodes}"
            );
            let weight = || if random(1) == 0 { most(bits) } else { random(bits.div_ceil(2)) };
            Task::paths(bits, size, &rows(size * size, weight))
        }
        Work::Tree => {
            let depth = u32::try_from(size).unwrap_or(u32::MAX);
            anyhow::ensure!(
                depth <= MOST_DEPTH,
                "a tree of depth {depth} is too large: the most is {MOST_DEPTH}"
            );
            let nodes = (1 << depth) - 1;
            let thresholds = rows(nodes, || random(bits));
            let classes = rows(nodes + 1, || random(1));
            let sample = rows(nodes, || random(bits));
            Task::tree(bits, Tree::complete(&thresholds, &classes, !args.plain_model)?, &[sample])
        }
        Work::Sql => {
            let (product, sum) = (most(2 * bits.min(16)), most(bits));
            let query =
                Query { product: (product / 8, product / 2), sum: (sum / 2, sum), select: Select::Rows };
            Task::rows(bits, query, &rows(size, || row(bits)))
        }
    };
    Ok(task?)
}

fn rows<T>(count: usize, row: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(row).take(count).collect()
}
