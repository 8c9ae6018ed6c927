//! A program with its signs and its bound, as bytes that both sides hold.

use arras_approx::Polynomial;
use arras_circuits::{Schedule, Sign, Trace, Tracer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::Error;
use crate::program::Program;

/// A program as it runs under some parameters.
///
/// Its bytes go to whoever seals, runs or opens; sealed data name their digest.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared<P> {
    program: P,
    signs: Vec<Sign>,
    bounds: Vec<f64>,
    refresh: Option<Refresh>,
}

/// How a program deeper than its chain is refreshed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The name of the kind of refresh.
    pub preset: String,
    /// Levels of the inputs.
    pub start: u32,
    /// Which points refresh, and to which level.
    pub schedule: Schedule,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<P> {
    program: P,
    signs: Vec<Stages>,
    bounds: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<Refresh>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stages {
    stages: Vec<Polynomial>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    real_after: Option<usize>,
}

impl<P: Program> Prepared<P> {
    /// A program with its signs, and for each output the proved bound of its error in units.
    ///
    /// # Errors
    /// A number of signs or bounds that does not fit, or [`arras_circuits::Error::NotExact`] when a bound is not below one half.
    pub fn new(
        program: P,
        signs: Vec<Sign>,
        bounds: Vec<f64>,
        refresh: Option<Refresh>,
    ) -> Result<Self, Error> {
        let needs = program.needs().len();
        if needs != signs.len() {
            return Err(arras_circuits::Error::WrongLength { need: needs, have: signs.len() }.into());
        }
        let outputs = program.outputs().len();
        if outputs != bounds.len() {
            return Err(arras_circuits::Error::WrongLength { need: outputs, have: bounds.len() }.into());
        }
        for &error in &bounds {
            // What is no number is not below one half either.
            let most = if program.is_exact() { 0.5 } else { f64::INFINITY };
            let good = (0.0..most).contains(&error);
            if !good {
                return Err(arras_circuits::Error::NotExact { error, noise: 0.0, need: 0.5 }.into());
            }
        }
        Ok(Self { program, signs, bounds, refresh })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &P {
        &self.program
    }

    /// Its signs.
    #[must_use]
    pub fn signs(&self) -> &[Sign] {
        &self.signs
    }

    /// By how much each output may differ from an integer, in units.
    #[must_use]
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Its refreshes, if it has any.
    #[must_use]
    pub fn refresh(&self) -> Option<&Refresh> {
        self.refresh.as_ref()
    }

    /// Operations, levels and keys, found by running on nothing.
    ///
    /// # Errors
    /// A schedule of another program.
    pub fn trace(&self) -> Result<Trace, arras_circuits::Error> {
        let slots = self.program.slots();
        let tracer = match &self.refresh {
            None => Tracer::unlimited(slots)?,
            Some(refresh) => Tracer::scheduled(slots, refresh.start, &refresh.schedule)?,
        };
        let inputs = vec![tracer.input(); self.program.inputs().len()];
        let outputs = self.program.run(&tracer, &self.signs, &inputs)?;
        Ok(tracer.trace(&outputs))
    }

    /// The integers in the slots of opened vectors, each as near to one as was proved and in its range.
    ///
    /// # Errors
    /// [`Error::Answer`] for all else; nothing of the vectors is shown.
    pub fn round(&self, vectors: &[Vec<f64>]) -> Result<Vec<Vec<i64>>, Error> {
        let outputs = self.program.outputs();
        if vectors.len() != outputs.len() {
            return Err(Error::Columns { need: outputs.len(), have: vectors.len() });
        }
        let mut rounded = Vec::with_capacity(outputs.len());
        for ((output, bound), vector) in outputs.iter().zip(&self.bounds).zip(vectors) {
            let integer = |&slot: &usize| {
                let value = vector.get(slot).ok_or(Error::Answer)? / output.unit;
                let near = !self.program.is_exact() || (value - value.round()).abs() <= *bound;
                let fits = value.round() >= output.least as f64 && value.round() <= output.most as f64;
                if near && fits { Ok(value.round() as i64) } else { Err(Error::Answer) }
            };
            rounded.push(output.slots.iter().map(integer).collect::<Result<_, _>>()?);
        }
        Ok(rounded)
    }
}

impl<P: Program + Serialize + DeserializeOwned + Clone> Prepared<P> {
    /// The bytes in which it is kept and sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let stages = |sign: &Sign| Stages { stages: sign.stages().to_vec(), real_after: sign.real_after() };
        let record = Record {
            program: self.program.clone(),
            signs: self.signs.iter().map(stages).collect(),
            bounds: self.bounds.clone(),
            refresh: self.refresh.clone(),
        };
        // Finite numbers always serialise.
        serde_json::to_vec(&record).unwrap_or_default()
    }

    /// The program in some bytes.
    ///
    /// # Errors
    /// Bytes that hold none, or one that [`Prepared::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let record: Record<P> = serde_json::from_slice(bytes).map_err(|_| Error::Prepared)?;
        let sign = |Stages { stages, real_after }| {
            let sign = Sign::new(stages)?;
            real_after.map_or(Ok(sign.clone()), |stage| sign.with_real_after(stage))
        };
        let signs = record.signs.into_iter().map(sign).collect::<Result<_, arras_circuits::Error>>()?;
        Self::new(record.program, signs, record.bounds, record.refresh)
    }

    /// BLAKE3 of the bytes: what binds sealed data to it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(&self.to_bytes()).as_bytes()
    }

    /// The label of sealed data.
    #[must_use]
    pub fn label(&self) -> Vec<u8> {
        self.digest().to_vec()
    }

    /// Refuses a label of another program.
    ///
    /// # Errors
    /// [`Error::Label`].
    pub fn check_label(&self, label: &[u8]) -> Result<(), Error> {
        if label == self.digest() { Ok(()) } else { Err(Error::Label) }
    }
}
