//! How large a modulus may be: the table behind every parameter check.

use crate::spec::{Secret, Security};

/// Largest log2 QP for a dense ternary secret and errors of deviation 3.19, classical attacks: for each log2 N, the limits
/// at 128, 192 and 256 bits; 0 where none is given. Bossuat et al. 2024 (Security Guidelines), table 5.2.
const TERNARY: [(u32, [u32; 3]); 8] = [
    (10, [26, 0, 0]),
    (11, [53, 36, 27]),
    (12, [106, 73, 56]),
    (13, [214, 147, 114]),
    (14, [430, 297, 230]),
    (15, [868, 597, 462]),
    (16, [1747, 1199, 929]),
    (17, [3523, 2411, 1866]),
];

/// Largest log2 QP for a sparse secret at 128 bits: (log2 N, smallest weight, limit). No official table exists; these are the
/// sets that the lattice estimator puts at 144 bits without hybrid attacks (docs/security.md), for sparse secrets alone.
const SPARSE: [(u32, u32, u32); 2] = [(15, 192, 768), (16, 192, 1553)];

/// The largest log2 QP that gives the wanted security, if any is known.
pub fn limit(log_degree: u32, secret: Secret, security: Security) -> Option<u32> {
    match secret {
        Secret::Ternary => {
            let column = match security {
                Security::Bits128 => 0,
                Security::Bits192 => 1,
                Security::Bits256 => 2,
            };
            let row = TERNARY.iter().find(|(log, _)| *log == log_degree)?;
            Some(row.1[column]).filter(|&limit| limit > 0)
        }
        Secret::Sparse { weight } if security == Security::Bits128 => SPARSE
            .iter()
            .find(|&&(log, least, _)| log == log_degree && weight >= least && weight <= 1 << log)
            .map(|row| row.2),
        Secret::Sparse { .. } => None,
    }
}

/// Largest log2 of the modulus of an ephemeral secret: (log2 N, smallest weight, limit). Bossuat et al. 2022 (section 4) put
/// weight 32 under a base of 60 and a special prime of 61 bits at 128 bits for both rings (docs/security.md).
const EPHEMERAL: [(u32, u32, u32); 2] = [(15, 32, 121), (16, 32, 121)];

/// The largest log2 of the modulus under which a sparse ephemeral secret gives the wanted security, if any is known.
pub fn ephemeral_limit(log_degree: u32, weight: u32, security: Security) -> Option<u32> {
    let fits =
        |&&(log, least, _): &&(u32, u32, u32)| log == log_degree && (least..=1 << log).contains(&weight);
    EPHEMERAL.iter().find(fits).filter(|_| security == Security::Bits128).map(|row| row.2)
}

/// The smallest log2 N that allows a modulus of so many bits.
pub fn smallest_degree(log2_qp: f64, secret: Secret, security: Security) -> Option<u32> {
    (10..=17).find(|&log| limit(log, secret, security).is_some_and(|limit| log2_qp <= f64::from(limit)))
}
