//! Parameters that were checked, with everything precomputed from them.

use std::sync::{Arc, OnceLock};

use arras_ring::{Basis, Kernels, Ring};

use crate::error::{Advice, Error};
use crate::gadget::LevelGadget;
use crate::level::Level;
use crate::security;
use crate::spec::{Refresh, Secret, Spec};

/// The most levels of a chain.
const MOST_LEVELS: usize = 200;

/// Names a parameter set: the first 16 bytes of the hash of its canonical bytes. Stamped on every file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamsId(pub [u8; 16]);

/// A checked parameter set. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Params(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spec: Spec,
    id: ParamsId,
    ring: Ring,
    secure: bool,
    /// Rows of a ciphertext at each level.
    rows: Vec<usize>,
    gadgets: Vec<OnceLock<LevelGadget>>,
}

impl Params {
    /// Checks primes, chain, digits and security.
    ///
    /// # Errors
    /// What is wrong, and what would do.
    pub fn new(spec: &Spec) -> Result<Self, Error> {
        check_security(spec)?;
        Self::build(spec, true)
    }

    /// The same without the security check, for tests alone. The result is marked for life, and `engine` refuses it.
    ///
    /// # Errors
    /// As `new`, but for security.
    pub fn danger_insecure(spec: &Spec) -> Result<Self, Error> {
        let secure = check_security(spec).is_ok();
        Self::build(spec, secure)
    }

    fn build(spec: &Spec, secure: bool) -> Result<Self, Error> {
        check_chain(spec)?;
        let main: Vec<u64> = spec.base.iter().chain(spec.levels.iter().flatten()).copied().collect();
        let ring = Ring::new(spec.log_degree, &main, &spec.special, Kernels::detect()?)?;
        let rows: Vec<usize> = std::iter::once(spec.base.len())
            .chain(spec.levels.iter().scan(spec.base.len(), |sum, level| {
                *sum += level.len();
                Some(*sum)
            }))
            .collect();
        let gadgets = rows.iter().map(|_| OnceLock::new()).collect();
        let id = ParamsId::of(spec);
        Ok(Self(Arc::new(Inner { spec: spec.clone(), id, ring, secure, rows, gadgets })))
    }

    /// The data that these parameters were made from.
    pub fn spec(&self) -> &Spec {
        &self.0.spec
    }

    /// The name of the parameter set.
    pub fn id(&self) -> ParamsId {
        self.0.id
    }

    /// The ring of all primes.
    pub fn ring(&self) -> &Ring {
        &self.0.ring
    }

    /// N.
    pub fn degree(&self) -> usize {
        self.0.ring.degree()
    }

    /// Whether the security check passed.
    pub fn is_secure(&self) -> bool {
        self.0.secure
    }

    /// The highest level of a ciphertext: the top of the chain but for the levels that only a refresh uses.
    pub fn highest(&self) -> Level {
        let internal = self.0.spec.refresh.map_or(0, |refresh| refresh.levels);
        Level(self.summit().0.saturating_sub(internal as u8))
    }

    /// The top of the chain, levels inside a refresh included.
    pub fn summit(&self) -> Level {
        Level((self.0.rows.len() - 1) as u8)
    }

    /// The rows of a ciphertext at a level; levels above the top count as the top.
    pub fn basis(&self, level: Level) -> Basis {
        Basis::main(self.0.rows[level.index().min(self.0.rows.len() - 1)])
    }

    /// The key-switching digits at a level.
    pub(crate) fn gadget(&self, level: Level) -> &LevelGadget {
        let index = level.index().min(self.0.rows.len() - 1);
        self.0.gadgets[index]
            .get_or_init(|| LevelGadget::new(&self.0.ring, self.0.rows[index], self.0.spec.digit))
    }

    /// Key-switching digits at the top level (dnum).
    pub fn digits(&self) -> usize {
        self.gadget(self.summit()).digits()
    }

    /// What the noise of a key switch at a level depends on: for each digit its log2 and its number of primes, then how many
    /// special primes are in use and their log2.
    pub fn digit_sizes(&self, level: Level) -> (Vec<(f64, usize)>, usize, f64) {
        let gadget = self.gadget(level);
        let moduli = self.0.ring.moduli(gadget.basis);
        let size = |from: usize, len: usize| {
            moduli[from..from + len].iter().map(|m| (m.value() as f64).log2()).sum::<f64>()
        };
        let digits =
            gadget.digit_list.iter().map(|digit| (size(digit.first, digit.len), digit.len)).collect();
        (digits, gadget.basis.special, size(gadget.basis.main, gadget.basis.special))
    }

    /// log2 Q at the top.
    pub fn log2_q(&self) -> f64 {
        log2(self.0.spec.base.iter().chain(self.0.spec.levels.iter().flatten()))
    }

    /// log2 P.
    pub fn log2_p(&self) -> f64 {
        log2(&self.0.spec.special)
    }

    /// # Errors
    /// `Error::NoSuchLevel` above the top.
    pub fn check_level(&self, level: Level) -> Result<(), Error> {
        if level > self.highest() {
            return Err(Error::NoSuchLevel { level, highest: self.highest() });
        }
        Ok(())
    }

    /// log2 of the modulus under which the ephemeral secret of a refresh lives: the base and the special primes of level 0.
    pub fn log2_ephemeral(&self) -> f64 {
        let spec = &self.0.spec;
        log2(&spec.base) + log2(&spec.special[..special_count(log2(&spec.base), &spec.special)])
    }

    /// # Errors
    /// `Error::NoSuchLevel` above the top of the chain.
    pub fn check_key_level(&self, level: Level) -> Result<(), Error> {
        if level > self.summit() {
            return Err(Error::NoSuchLevel { level, highest: self.summit() });
        }
        Ok(())
    }

    /// # Errors
    /// `Error::ForeignParams` unless `found` is this parameter set.
    pub fn check_id(&self, what: &'static str, found: ParamsId) -> Result<(), Error> {
        if found != self.0.id {
            return Err(Error::ForeignParams { what, found, expected: self.0.id });
        }
        Ok(())
    }
}

impl ParamsId {
    /// The name of a parameter set that need not be valid.
    pub(crate) fn of(spec: &Spec) -> Self {
        // Canonical bytes: every number as 8 little-endian bytes, every list preceded by its length.
        let mut hasher = blake3::Hasher::new_derive_key("arras 2026 parameter set");
        let mut number = |x: u64| {
            hasher.update(&x.to_le_bytes());
        };
        number(u64::from(spec.log_degree));
        let lists = std::iter::once(&spec.base).chain(&spec.levels).chain(std::iter::once(&spec.special));
        number(spec.levels.len() as u64);
        for list in lists {
            number(list.len() as u64);
            list.iter().for_each(|&q| number(q));
        }
        number(spec.digit as u64);
        number(match spec.secret {
            Secret::Ternary => 0,
            Secret::Sparse { weight } => u64::from(weight),
        });
        number(u64::from(spec.security.bits()));
        if let Some(refresh) = spec.refresh {
            number(u64::from(refresh.levels));
            number(u64::from(refresh.weight));
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(id)
    }
}

impl std::fmt::Display for ParamsId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0[..6].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ParamsId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ParamsId({self})")
    }
}

/// Special primes that key switching uses beside a modulus of so many bits; half a bit of slack, as for digits.
pub(crate) fn special_count(modulus_log2: f64, special: &[u64]) -> usize {
    let enough = |&k: &usize| log2(&special[..k]) >= modulus_log2 - 0.5;
    (1..=special.len()).find(enough).unwrap_or(special.len())
}

fn log2<'a>(primes: impl IntoIterator<Item = &'a u64>) -> f64 {
    primes.into_iter().map(|&q| (q as f64).log2()).sum()
}

fn check_security(spec: &Spec) -> Result<(), Error> {
    let log2_qp = log2(spec.base.iter().chain(spec.levels.iter().flatten()).chain(&spec.special));
    let (log_degree, bits) = (spec.log_degree, spec.security.bits());
    let limit = security::limit(log_degree, spec.secret, spec.security).ok_or(Error::NoLimit {
        log_degree,
        bits,
        secret: spec.secret,
    })?;
    if log2_qp > f64::from(limit) {
        let advice = security::smallest_degree(log2_qp, spec.secret, spec.security)
            .map_or(Advice::FewerLevels, Advice::Degree);
        return Err(Error::Insecure { log_degree, log2_qp, limit, bits, advice });
    }
    spec.refresh.map_or(Ok(()), |refresh| check_ephemeral(spec, refresh))
}

/// The ephemeral secret is sparse, and so its modulus must be small.
fn check_ephemeral(spec: &Spec, Refresh { weight, .. }: Refresh) -> Result<(), Error> {
    let (log_degree, bits) = (spec.log_degree, spec.security.bits());
    let base = log2(&spec.base);
    let log2_qp = base + log2(&spec.special[..special_count(base, &spec.special)]);
    match security::ephemeral_limit(log_degree, weight, spec.security) {
        Some(limit) if log2_qp <= f64::from(limit) => Ok(()),
        Some(limit) => Err(Error::Ephemeral { weight, log_degree, log2_qp, limit }),
        None => Err(Error::NoLimit { log_degree, bits, secret: Secret::Sparse { weight } }),
    }
}

fn check_refresh(spec: &Spec, Refresh { levels, weight }: Refresh) -> Result<(), Error> {
    let log_degree = spec.log_degree;
    if weight == 0 || 1u32.checked_shl(log_degree).is_some_and(|degree| weight > degree) {
        return Err(Error::Weight { weight, log_degree });
    }
    if spec.base.len() != 1 || levels == 0 || levels as usize >= spec.levels.len() {
        return Err(Error::Refresh { levels, of: spec.levels.len(), base: spec.base.len() });
    }
    Ok(())
}

fn check_chain(spec: &Spec) -> Result<(), Error> {
    if !(1..=3).contains(&spec.base.len()) {
        return Err(Error::Chain { level: 0, primes: spec.base.len() });
    }
    if let Some((i, level)) =
        spec.levels.iter().enumerate().find(|(_, level)| !(1..=2).contains(&level.len()))
    {
        return Err(Error::Chain { level: i + 1, primes: level.len() });
    }
    if spec.levels.len() > MOST_LEVELS {
        return Err(Error::Levels { levels: spec.levels.len(), most: MOST_LEVELS });
    }
    if let Secret::Sparse { weight } = spec.secret
        && (weight == 0 || 1u32.checked_shl(spec.log_degree).is_some_and(|degree| weight > degree))
    {
        return Err(Error::Weight { weight, log_degree: spec.log_degree });
    }
    if let Some(refresh) = spec.refresh {
        check_refresh(spec, refresh)?;
    }
    let main: Vec<u64> = spec.base.iter().chain(spec.levels.iter().flatten()).copied().collect();
    let digit = main.chunks(spec.digit.max(1)).map(log2).fold(0.0, f64::max);
    let special = log2(&spec.special);
    // Half a bit of slack: special primes and digits may be made of primes of the same size.
    if spec.digit == 0 || special < digit - 0.5 {
        return Err(Error::Digits { special, digit, limbs: spec.digit });
    }
    Ok(())
}
