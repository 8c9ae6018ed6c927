//! What operations cost on this machine: where the costs are kept, and how they are measured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use arras_ckks::{Level, Params, Security, Shape, Spec};
use arras_client::{Scales, store};
use arras_engine::probe::{self, Probe};
use arras_plan::{Chain, CostTable, Machine, Operation, Ring};
use etcetera::BaseStrategy as _;

use crate::cmd::bench;
use crate::cmd::params::tenths;
use crate::output;
use crate::stop;

/// Repetitions when a command measures on its own.
const REPETITIONS: u32 = 3;

/// The most bytes of a table: a hundred times what `calibrate` writes.
const MOST_BYTES: u64 = 16 << 20;

/// The ring of a degree with the base and the scale of a chain for columns.
pub fn ring(log_degree: u32, Scales { base_bits, scale_bits }: Scales) -> Ring {
    Ring { log_degree, base_bits, scale_bits, security: Security::Bits128.bits() }
}

/// The chain of a depth in a ring.
pub fn spec(ring: Ring, depth: u32) -> Option<Spec> {
    let Ring { log_degree, base_bits, scale_bits, .. } = ring;
    Shape { log_degree, base_bits, scale_bits, depth, security: Security::Bits128 }.build()
}

/// Costs for chains of these depths: those of the file, else those of `arras calibrate`, else measured now.
///
/// Costs of another machine, or of chains that are built in another way by now, are an error.
pub fn costs(file: Option<&Path>, ring: Ring, depths: &[u32], threads: u32) -> anyhow::Result<CostTable> {
    let here = machine(threads)?;
    let path = match file {
        Some(path) => Some(path.to_path_buf()),
        None => stored(&here, ring).ok().filter(|path| path.exists()),
    };
    let mut table = match &path {
        Some(path) => read(path, &here, ring)?,
        None => CostTable::new(here, ring),
    };
    for &depth in depths {
        let spec = spec(ring, depth).with_context(|| too_deep(ring, depth))?;
        match table.chain(depth) {
            Ok(chain) => check_shape(chain, &spec)?,
            Err(missing) if file.is_some() => return Err(missing.into()),
            Err(_) => {
                output::note(&format!(
                    "measuring what operations cost at depth {depth} (once: `arras calibrate` keeps the costs)"
                ));
                stop::watch()?;
                let steps = output::bar(depth.into(), "measuring");
                let chain = measure(&Params::new(&spec)?, threads, REPETITIONS, || steps.inc(1))?;
                steps.finish_and_clear();
                table.insert(chain.context("interrupted, and nothing was measured")?);
            }
        }
    }
    Ok(table)
}

/// Reads a table of this machine and ring.
pub fn read(path: &Path, here: &Machine, ring: Ring) -> anyhow::Result<CostTable> {
    let table = parse(path)?;
    table.check_machine(here).with_context(|| path.display().to_string())?;
    table.check_ring(&ring).with_context(|| path.display().to_string())?;
    Ok(table)
}

fn parse(path: &Path) -> anyhow::Result<CostTable> {
    let named = || path.display().to_string();
    let bytes = store::read_at_most(path, MOST_BYTES)?;
    let text = std::str::from_utf8(&bytes).with_context(|| {
        format!("{} holds no text: make a table of costs with `arras calibrate`", named())
    })?;
    CostTable::parse(text).with_context(named)
}

/// Costs that were measured before, for whoever can do without: those of a file, or what `arras calibrate` keeps.
///
/// Methods compare alike on one thread and on more, so costs of one thread stand in for those of more.
pub enum Known {
    File(CostTable),
    Stored(u32),
}

impl Known {
    /// The costs of the file if there is one, which must be of this machine; else the stored ones.
    pub fn new(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else { return Ok(Self::Stored(u32::try_from(rayon::current_num_threads())?)) };
        let table = parse(path)?;
        let here = machine(table.machine().threads)?;
        table.check_machine(&here).with_context(|| path.display().to_string())?;
        Ok(Self::File(table))
    }

    /// What operations cost on a chain, if that is known. Stored costs that are of no use any more count as none.
    pub fn chain(&self, spec: &Spec) -> Option<Chain> {
        let ring = ring_of(spec);
        let of = |table: &CostTable| {
            let chain = table.chain(u32::try_from(spec.levels.len()).ok()?).ok()?;
            check_shape(chain, spec).is_ok().then(|| chain.clone())
        };
        match self {
            Self::File(table) => table.check_ring(&ring).ok().and_then(|()| of(table)),
            Self::Stored(threads) => [*threads, 1].into_iter().find_map(|threads| {
                let here = machine(threads).ok()?;
                let path = stored(&here, ring).ok().filter(|path| path.exists())?;
                of(&read(&path, &here, ring).ok()?)
            }),
        }
    }
}

/// The ring of a chain with one size of levels.
fn ring_of(spec: &Spec) -> Ring {
    let bits = |primes: &[u64]| primes.iter().map(|&q| (q as f64).log2()).sum::<f64>().round() as u32;
    Ring {
        log_degree: spec.log_degree,
        base_bits: bits(&spec.base),
        scale_bits: spec.levels.first().map_or(0, |level| bits(level)),
        security: spec.security.bits(),
    }
}

/// Refuses a chain that has other digits or special primes than a specification.
pub fn check_shape(chain: &Chain, spec: &Spec) -> anyhow::Result<()> {
    let primes = spec.base.len() + spec.levels.iter().map(Vec::len).sum::<usize>();
    Ok(chain.check_shape(count(primes.div_ceil(spec.digit)), count(spec.special.len()))?)
}

/// Says that a chain does not fit a ring.
pub fn too_deep(ring: Ring, depth: u32) -> String {
    let most = (1..depth).rev().find(|&depth| spec(ring, depth).is_some()).unwrap_or(0);
    format!(
        "a chain of depth {depth} does not fit N = 2^{} at {} bits of security: the largest depth is {most}",
        ring.log_degree, ring.security
    )
}

/// Where the costs of a machine are kept for this user.
pub fn stored(machine: &Machine, ring: Ring) -> anyhow::Result<PathBuf> {
    let home = etcetera::choose_base_strategy()
        .context("this user has no home folder: say with --out where costs shall be kept")?;
    let name = format!(
        "{}-{}-{}-n{}-b{}-s{}.json",
        slug(&machine.cpu),
        slug(&machine.kernel),
        machine.threads,
        ring.log_degree,
        ring.base_bits,
        ring.scale_bits
    );
    Ok(home.data_dir().join("arras").join("costs").join(name))
}

/// This machine, as far as the system tells.
pub fn machine(threads: u32) -> anyhow::Result<Machine> {
    let kernel = arras_rlwe::ring::Kernels::detect()?.name.to_owned();
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    Ok(Machine { cpu: processor(&text), kernel, threads })
}

/// The processor of a system: virtual machines hide its name, and so family and model are part of it.
fn processor(cpuinfo: &str) -> String {
    let field = |name: &str| {
        let mut pairs = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
    };
    let name = field("model name").unwrap_or(std::env::consts::ARCH);
    let numbers = [("family", field("cpu family")), ("model", field("model"))];
    let numbers = numbers.into_iter().filter_map(|(label, value)| Some(format!(" {label} {}", value?)));
    numbers.fold(name.to_owned(), |name, number| name + &number)
}

/// A name as part of a file's name.
fn slug(name: &str) -> String {
    let words = name.to_lowercase();
    let words: Vec<&str> =
        words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Measures a chain at every level, from the top; `None` when the user asks to stop.
pub fn measure(
    params: &Params,
    threads: u32,
    reps: u32,
    mut step: impl FnMut() + Send,
) -> anyhow::Result<Option<Chain>> {
    on_threads(threads, || {
        let mut probe = bench::ops::probe(params)?;
        let mut columns: BTreeMap<Operation, Vec<f64>> = BTreeMap::new();
        for level in (1..=params.highest().0).rev() {
            if stop::asked() {
                return Ok(None);
            }
            for (operation, cost) in at_level(&mut probe, Level(level), reps)? {
                columns.entry(operation).or_default().insert(0, cost);
            }
            probe.clear();
            step();
        }
        let log2_qp = tenths(params.log2_q() + params.log2_p());
        let (digits, special) = (count(params.digits()), count(params.spec().special.len()));
        Ok(Some(Chain::new(params.highest().0.into(), digits, special, log2_qp, columns)?))
    })
}

/// Runs something on so many threads.
pub fn on_threads<T: Send>(
    threads: u32,
    call: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build()?.install(call)
}

/// The operations that occur together: those of arithmetic, and those of rotations.
const GROUPS: [&[Operation]; 2] = [
    &[
        Operation::Product,
        Operation::Add,
        Operation::RelineariseRescale,
        Operation::ScalarProduct,
        Operation::Rescale,
        Operation::Relinearise,
    ],
    &[Operation::PlainProduct, Operation::Rotate, Operation::Hoist, Operation::HoistedRotate],
];

/// The least time of every operation over some rounds.
///
/// A round does each operation of a group once: as in a program, operands are not where the same call left them a moment ago,
/// and keys may be. A first round is not counted.
fn at_level(probe: &mut Probe<'_>, level: Level, reps: u32) -> anyhow::Result<BTreeMap<Operation, f64>> {
    probe.prepare(level)?;
    let mut least = BTreeMap::new();
    for (group, round) in GROUPS.into_iter().flat_map(|group| (0..=reps).map(move |round| (group, round))) {
        for &operation in group {
            let (op, share) = timed(operation);
            let (done, times) = bench::time(|| probe.run(op, level));
            done?;
            if round > 0 {
                let least = least.entry(operation).or_insert(f64::INFINITY);
                *least = least.min(share * milliseconds(&times));
            }
        }
    }
    Ok(least)
}

/// What is timed for a cost, and the share of it that is the cost.
fn timed(operation: Operation) -> (probe::Op, f64) {
    match operation {
        Operation::Product => (probe::Op::Product, 1.0),
        Operation::Add => (probe::Op::Add, 1.0),
        Operation::RelineariseRescale => (probe::Op::RelineariseRescale, 1.0),
        Operation::Relinearise => (probe::Op::Relinearise, 1.0),
        Operation::Rescale => (probe::Op::Rescale, 1.0),
        // Two terms are summed.
        Operation::ScalarProduct => (probe::Op::Combine, 0.5),
        Operation::PlainProduct => (probe::Op::MultiplyPlain, 1.0),
        Operation::Rotate => (probe::Op::Rotate, 1.0),
        Operation::Hoist => (probe::Op::Hoist, 1.0),
        Operation::HoistedRotate => (probe::Op::RotateHoisted, 1.0),
    }
}

/// CPU time of one thread; of more, the time that passes.
pub fn milliseconds(times: &bench::Times) -> f64 {
    let time: Duration = if rayon::current_num_threads() == 1 { times.cpu } else { times.wall };
    bench::milliseconds(time)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_in_one_group() {
        let mut all = GROUPS.concat();
        all.sort_unstable();
        assert_eq!(all, Operation::ALL);
    }

    #[test]
    fn a_chain_names_its_ring() {
        for scales in [Scales::NARROW, Scales::WIDE] {
            let ring = ring(16, scales);
            let spec = spec(ring, 11).unwrap();
            assert_eq!(ring_of(&spec), ring);
            let params = Params::new(&spec).unwrap();
            let primes = spec.base.len() + 11;
            assert_eq!(params.digits(), primes.div_ceil(spec.digit));
        }
    }

    #[test]
    fn processors() {
        let text =
            "processor\t: 0\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: Some(R) CPU\n\nmodel\t\t: 9\n";
        assert_eq!(processor(text), "Some(R) CPU family 26 model 2");
        assert_eq!(slug(&processor(text)), "some-r-cpu-family-26-model-2");
        assert_eq!(processor(""), std::env::consts::ARCH);
    }

    #[test]
    fn the_deepest_chain_is_named() {
        assert!(spec(ring(16, Scales::WIDE), 28).is_some() && spec(ring(16, Scales::NARROW), 40).is_none());
        assert!(
            too_deep(ring(13, Scales::WIDE), 9)
                .contains("N = 2^13 at 128 bits of security: the largest depth is 2")
        );
    }
}
