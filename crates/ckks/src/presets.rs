//! A tested catalogue of parameter sets.

use arras_rlwe::{Security, Spec};

use crate::chain::Shape;

/// A named parameter set.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name: `n<log2 N>-l<levels>`, with `-s<security>` when above 128.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Its shape.
    pub shape: Shape,
}

const fn preset(
    name: &'static str,
    purpose: &'static str,
    log_degree: u32,
    base: u32,
    scale: u32,
    depth: u32,
    security: Security,
) -> Preset {
    Preset { name, purpose, shape: Shape { log_degree, base_bits: base, scale_bits: scale, depth, security } }
}

/// The catalogue, smallest ring first.
pub const PRESETS: [Preset; 12] = [
    preset("n13-l2", "two multiplications, smallest keys", 13, 45, 35, 2, Security::Bits128),
    preset("n14-l7", "sentence classification", 14, 50, 40, 7, Security::Bits128),
    preset("n15-l14", "deep networks, comparison of 8 bits", 15, 60, 45, 14, Security::Bits128),
    preset("n16-l28", "comparison of 20 bits, wide vectors", 16, 60, 50, 28, Security::Bits128),
    preset("n13-l1-s192", "one multiplication at 192 bits", 13, 40, 30, 1, Security::Bits192),
    preset("n14-l4-s192", "a small network at 192 bits", 14, 50, 40, 4, Security::Bits192),
    preset("n15-l7-s192", "sentence classification at 192 bits", 15, 50, 40, 7, Security::Bits192),
    preset("n15-l9-s192", "a deeper network at 192 bits", 15, 60, 45, 9, Security::Bits192),
    preset("n16-l18-s192", "deep programs at 192 bits", 16, 60, 50, 18, Security::Bits192),
    preset("n14-l3-s256", "shallow programs at 256 bits", 14, 46, 36, 3, Security::Bits256),
    preset("n15-l6-s256", "a network at 256 bits", 15, 60, 45, 6, Security::Bits256),
    preset("n16-l13-s256", "deep programs at 256 bits", 16, 60, 50, 13, Security::Bits256),
];

impl Preset {
    /// The parameters; `None` never happens for the catalogue, which a test builds whole.
    pub fn spec(&self) -> Option<Spec> {
        self.shape.build()
    }
}

/// The preset of a name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
