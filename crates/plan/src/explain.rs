//! A choice in words.

use std::fmt::Write as _;

use crate::candidate::Costs;
use crate::choose::{Choice, Lost, Offer, Turn};
use crate::need::Aim;

impl Choice {
    /// Method, parameters, refreshes, seconds, bytes, failure bound, what lost and why, and where the choice turns.
    #[must_use]
    pub fn explain(&self) -> String {
        let Self { need, best, lost, turns } = self;
        let aim = match need.aim {
            Aim::Latency => "least time in all",
            Aim::Throughput => "least time of a value",
        };
        let unit = need.work.unit();
        let one = if need.values == 1 { unit.trim_end_matches('s') } else { unit };
        let mut text = format!(
            "{}, {} bits, {} {one}, {}, {aim}: {}\n",
            need.work.name(),
            need.bits,
            need.values,
            if need.exact { "exact" } else { "exact or not" },
            name(best),
        );
        // Nothing is lost where a string cannot be written to.
        let _ = write!(text, "{}", taken(best));
        for Lost { method, seconds, why } in lost {
            let seconds = seconds.map_or(String::new(), |seconds| format!(" ({})", time(seconds)));
            let _ = writeln!(text, "  not {}{seconds}: {why}", method.name());
        }
        for Turn { values, from, to } in turns {
            let _ = writeln!(
                text,
                "  the choice turns at {values} {unit}: {} takes less time for {}, {} from there on",
                from.name(),
                values - 1,
                to.name()
            );
        }
        if turns.is_empty() {
            let _ = writeln!(
                text,
                "  no turn: one method takes the least time for every number of {unit} that was priced"
            );
        }
        text
    }
}

fn name(best: &Offer) -> String {
    format!("{}{}", best.method.name(), if best.exact { "" } else { ", approximate" })
}

/// What the best way takes.
fn taken(best: &Offer) -> String {
    let parameters = best.parameters;
    let costs = match best.costs {
        Costs::Measured => "as measured on this machine",
        Costs::Modelled => "as modelled",
        Costs::Recorded => "as recorded",
    };
    format!(
        "  N = {}, {} levels, log2 QP = {:.1}, {} bits of security; {} refreshes\n  {} on one core ({costs}), {:.4} ms a value in full batches\n  \
         sealed {}, answers {}, evaluation keys {}\n  any answer is wrong with probability below 2^{:.0}\n",
        parameters.n,
        parameters.levels,
        parameters.log2_qp,
        parameters.security_bits,
        best.refreshes,
        time(best.seconds),
        best.amortised_ms,
        bytes(best.bytes.sealed),
        bytes(best.bytes.answer),
        bytes(best.bytes.keys),
        best.failure_log2.ceil(),
    )
}

fn time(seconds: f64) -> String {
    if seconds < 100.0 { format!("{seconds:.3} s") } else { format!("{seconds:.0} s") }
}

fn bytes(count: u64) -> String {
    let count = count as f64;
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.into_iter().find(|(unit, _)| count >= *unit);
    unit.map_or(format!("{count} B"), |(unit, name)| format!("{:.1} {name}", count / unit))
}
