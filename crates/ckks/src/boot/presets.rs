//! A tested catalogue of refreshes.

use super::BootSpec;
use crate::params::Params;

/// A named refresh with its parameters.
#[derive(Clone, Copy, Debug)]
pub struct BootPreset {
    /// Its name: `boot-n<log2 N>`.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Its specification.
    pub spec: BootSpec,
    /// Rounds that its precision takes.
    pub rounds: u32,
    /// Whether vectors of few slots are refreshed in all slots, over and over: slower, and a level more.
    pub dense: bool,
}

impl BootPreset {
    /// The slots in which it refreshes vectors of so many.
    pub fn packing(&self, slots: usize) -> usize {
        if self.dense { 1 << (self.spec.log_degree - 1) } else { slots }
    }
}

const fn preset(name: &'static str, purpose: &'static str, spec: BootSpec, rounds: u32) -> BootPreset {
    BootPreset { name, purpose, spec, rounds, dense: false }
}

/// The catalogue. Each serves every number of slots that its matrices reach.
pub const PRESETS: [BootPreset; 5] = [
    preset("boot-n15", "4 levels of 34 bits after each refresh, 16 bits right", N15, 1),
    preset("boot-n16", "10 levels of 45 bits after each refresh, 24 bits right", N16, 1),
    preset("boot-n16-deep", "18 levels of 40 bits after each refresh of few slots, 18 bits right", DEEP, 1),
    BootPreset {
        dense: true,
        ..preset(
            "boot-n16-wide",
            "18 levels of 42 bits after each refresh of all slots, 20 bits right",
            WIDE,
            1,
        )
    },
    preset("boot-n16-precise", "6 levels of 64 bits after each refresh, 45 bits right", PRECISE, 2),
];

pub(super) const N16: BootSpec = BootSpec {
    log_degree: 16,
    base_bits: 50,
    scale_bits: 45,
    depth: 12,
    to_coefficients: 2,
    to_slots: 3,
    reduction_bits: 50,
    to_slots_bits: 50,
    baby_excess: 1,
    weight: 32,
    range: 16.0,
    degree: 23,
    doublings: 4,
    ratio: 18.0,
    round_bits: 22,
};

const N15: BootSpec = BootSpec {
    log_degree: 15,
    base_bits: 41,
    scale_bits: 34,
    depth: 6,
    to_coefficients: 2,
    to_slots: 2,
    reduction_bits: 41,
    to_slots_bits: 41,
    baby_excess: 1,
    round_bits: 14,
    ..N16
};

/// For few slots one matrix to coefficients and two to slots are as fast as more, and leave more levels.
const DEEP: BootSpec = BootSpec {
    base_bits: 45,
    scale_bits: 40,
    depth: 20,
    to_coefficients: 1,
    to_slots: 2,
    reduction_bits: 45,
    to_slots_bits: 45,
    round_bits: 18,
    ..N16
};

const WIDE: BootSpec = BootSpec {
    base_bits: 47,
    scale_bits: 42,
    depth: 20,
    reduction_bits: 47,
    to_slots_bits: 47,
    round_bits: 20,
    ..N16
};

const PRECISE: BootSpec = BootSpec { scale_bits: 64, depth: 8, ..N16 };

/// The preset that these parameters were made for.
pub fn of(params: &Params) -> Option<&'static BootPreset> {
    PRESETS.iter().find(|preset| preset.spec.build().as_ref() == Some(params.spec()))
}

/// The preset of a name.
pub fn find(name: &str) -> Option<&'static BootPreset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
