//! From the base modulus to a whole chain: the first step of a refresh.
//!
//! A ciphertext at level 0, read modulo a larger Q, encrypts m + q_0 I with an integer polynomial I whose size grows with the
//! weight of the secret. So it is carried to an ephemeral sparse secret first, raised, and carried back (sparse-secret
//! encapsulation: Bossuat, Troncoso-Pastoriza and Hubaux 2022).

use arras_ring::{Basis, Coeff, Conversion, Eval, Modulus, Poly, Ring, Target, par};

use crate::cipher::Ciphertext;
use crate::error::Error;
use crate::keyset::KeySet;
use crate::keyswitch::switch;
use crate::level::Level;
use crate::params::Params;
use crate::request::Purpose;
use crate::switchkey::SwitchKey;

/// A ciphertext at level 0 read at a higher level: m becomes m + q_0 I, where a coefficient of I is a rounded sum of h + 1
/// numbers uniform in [-1/2, 1/2], for an ephemeral secret of weight h.
///
/// Cost: one key switch at level 0, one product with a key of one digit.
///
/// # Errors
/// No keys for it, or none that reach so high; a ciphertext above level 0 is cut down to it.
pub fn raise(params: &Params, keys: &KeySet, c: &Ciphertext, to: Level) -> Result<Ciphertext, Error> {
    params.check_id("ciphertext", c.id)?;
    params.check_key_level(to)?;
    let (there, back) = (keys.key(Purpose::ToSparse, Level(0))?, keys.key(Purpose::ToDense, to)?);
    let ring = params.ring();
    let c = c.copy(ring, params, Level(0));
    let mut sparse = switch(params, &c.parts[1], Level(0), there).divide(params, Level(0));
    ring.add_assign(&mut sparse[0], &c.parts[0]);
    let (basis, _) = SwitchKey::shape(params, Purpose::ToDense, to);
    let wide = Basis::main(basis.main);
    let [c0, c1] = sparse;
    let (c0, c1) = (lift(ring, c0, wide), lift(ring, c1, basis));
    let mut parts = [ring.blank(basis), ring.blank(basis)];
    let [first, second] = &mut parts;
    let rows: Vec<_> = first.rows_mut().zip(second.rows_mut()).enumerate().collect();
    par::each(rows, |(i, (first, second))| {
        let keys = [0, 1].map(|half| [back.row(half, 0, basis, i)]);
        (ring.kernels().dot)(first, second, &[c1.row(i)], &keys[0], &keys[1], ring.modulus(basis, i));
    });
    let mut parts = ring.divide([&parts[0], &parts[1]], wide);
    ring.add_assign(&mut parts[0], &c0);
    Ok(Ciphertext { parts, level: to, id: params.id() })
}

/// The centred integer residues of a polynomial modulo the base prime, modulo every prime of a basis.
fn lift(ring: &Ring, c: Poly<Eval>, basis: Basis) -> Poly<Eval> {
    let moduli: Vec<&Modulus> = ring.moduli(basis);
    let conversion = Conversion::new(&moduli[..1], &moduli, |_| 1);
    let mut digits = c;
    ring.to_digits(digits.row_mut(0), None, ring.table(basis, 0), &conversion, 0);
    let mut lifted: Poly<Coeff> = ring.blank(basis);
    let rows: Vec<_> = lifted.rows_mut().enumerate().collect();
    par::each(rows, |(i, row)| {
        let (weights, offset) = conversion.target(i);
        ring.convert(&[digits.row(0)], &mut [Target { row, weights, offset, modulus: moduli[i] }]);
    });
    ring.ntt(lifted)
}
