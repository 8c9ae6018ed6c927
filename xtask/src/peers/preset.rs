//! Parameters that every library can be given.

use serde::Serialize;

use super::protocol::Request;

/// Every operation that is compared. `bench/peers/README.md` says what each one covers.
pub const OPERATIONS: [&str; 9] = [
    "encode",
    "encrypt",
    "decrypt",
    "add",
    "multiply_plain",
    "multiply",
    "rotate",
    "hoist",
    "rotate_hoisted",
];

/// A ring, a chain of levels, and the levels to time at.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Preset {
    /// What `arras bench ops --preset` calls it.
    pub name: &'static str,
    /// log2 of the ring dimension.
    pub log_ring: u8,
    /// Multiplications one after another.
    pub levels: u8,
    /// Bits left at level 0.
    pub base_bits: u8,
    /// Bits of the scale and of each level.
    pub scale_bits: u8,
    /// The fewest digits with which OpenFHE's key switch stays inside 128 bits of security.
    pub openfhe_digits: u8,
    /// Levels to time at: a ciphertext at level l has l + 1 of the levels' primes (a 60-bit base counts as one).
    pub at: &'static [u8],
    /// Too small to be secure: for trying the scripts.
    pub toy: bool,
}

const PRESETS: [Preset; 3] = [
    Preset {
        name: "n16-l28",
        log_ring: 16,
        levels: 28,
        base_bits: 60,
        scale_bits: 50,
        openfhe_digits: 8,
        at: &[28, 15, 2],
        toy: false,
    },
    // A ring that SEAL takes.
    Preset {
        name: "n15-l14",
        log_ring: 15,
        levels: 14,
        base_bits: 60,
        scale_bits: 45,
        openfhe_digits: 5,
        at: &[14, 7, 2],
        toy: false,
    },
    Preset {
        name: "toy",
        log_ring: 13,
        levels: 3,
        base_bits: 60,
        scale_bits: 50,
        openfhe_digits: 2,
        at: &[3, 1],
        toy: true,
    },
];

impl Preset {
    /// The preset of that name.
    pub fn named(name: &str) -> Result<Self, String> {
        let names = PRESETS.map(|preset| preset.name).join(", ");
        PRESETS.into_iter().find(|preset| preset.name == name).ok_or(format!("the presets are {names}"))
    }

    /// One round's requests, each operation at each level.
    pub fn requests(self, reps: u32) -> impl Iterator<Item = Request> {
        self.at.iter().flat_map(move |&level| OPERATIONS.iter().map(move |&op| Request::new(op, level, reps)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Preset::named("n16-l28").unwrap().levels, 28);
        assert!(Preset::named("n17").unwrap_err().contains("n15-l14"));
    }

    #[test]
    fn every_operation_at_every_level() {
        let requests: Vec<_> = Preset::named("toy").unwrap().requests(7).collect();
        assert_eq!(requests.len(), 2 * OPERATIONS.len());
        assert!(requests.iter().all(|request| request.reps == 7 && request.level <= 3));
    }

    /// 128 bits with a ternary secret, by the table of the Homomorphic Encryption Standard (2018), in OpenFHE's layout:
    /// the special primes of 60 bits cover the largest digit.
    #[test]
    fn presets_are_secure_with_no_digit_to_spare() {
        for preset in PRESETS.into_iter().filter(|preset| !preset.toy) {
            let most = match preset.log_ring {
                15 => 881,
                16 => 1747,
                other => panic!("no entry for 2^{other}"),
            };
            let total = |digits: u32| {
                let (base, scale, levels) =
                    (u32::from(preset.base_bits), u32::from(preset.scale_bits), u32::from(preset.levels));
                let digit = (levels + 1).div_ceil(digits);
                let largest = base + (digit - 1) * scale;
                base + levels * scale + largest.div_ceil(60) * 60
            };
            let digits = u32::from(preset.openfhe_digits);
            assert!(total(digits) <= most, "{}", preset.name);
            assert!(total(digits - 1) > most, "{} could do with fewer digits", preset.name);
        }
    }
}
