//! What a model asks for: parameters, and exactly the keys that its programs use.

use arras_circuits::Trace;
use arras_ckks::{KeyRequest, Level, Params, Purpose, Security, Shape};
use arras_nn::program::{Latency, Throughput};
use arras_nn::{Mode, Model};
use arras_rlwe::Spec;

use crate::error::Error;

/// Bits of every scale: what a sentence's probability needs, several times over.
const SCALE_BITS: u32 = 40;

/// Bits left at the bottom: values up to 2^9 can be read there.
const BASE_BITS: u32 = 50;

/// Parameters and keys for a model.
#[derive(Clone, Debug)]
pub struct Plan {
    params: Params,
    request: KeyRequest,
    depth: u32,
}

impl Plan {
    /// The smallest secure ring for a model, and the keys of both modes.
    ///
    /// # Errors
    /// `Error::NoParameters` when no ring has the levels, or a model that does not fit any program.
    pub fn for_model(model: &Model, security: Security) -> Result<Self, Error> {
        Self::build(&[needs(model, Mode::Latency)?, needs(model, Mode::Throughput)?], security)
    }

    /// The same for one mode.
    ///
    /// # Errors
    /// As [`Plan::for_model`].
    pub fn for_mode(model: &Model, mode: Mode, security: Security) -> Result<Self, Error> {
        Self::build(&[needs(model, mode)?], security)
    }

    /// The keys that a model uses under parameters that are there already.
    ///
    /// # Errors
    /// `Error::TooShallow` when they have too few levels.
    pub fn over(params: &Params, model: &Model, mode: Mode) -> Result<Self, Error> {
        let needs = needs(model, mode)?;
        let (have, need) = (u32::from(params.highest().0), needs.trace.depth);
        if have < need {
            return Err(Error::TooShallow { have, need });
        }
        Ok(Self { params: params.clone(), request: needs.request(), depth: need })
    }

    fn build(needs: &[Needs], security: Security) -> Result<Self, Error> {
        let depth = needs.iter().map(|need| need.trace.depth).max().unwrap_or(1).max(1);
        let slots = needs.iter().map(|need| need.slots).max().unwrap_or(1);
        let shape = Shape { log_degree: 0, base_bits: BASE_BITS, scale_bits: SCALE_BITS, depth, security };
        let spec = smallest(shape, slots)?;
        let request = needs.iter().fold(KeyRequest::new(), |all, need| all.union(&need.request()));
        Ok(Self { params: Params::new(&spec)?, request, depth })
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The keys.
    pub fn request(&self) -> &KeyRequest {
        &self.request
    }

    /// The level at which inputs are encrypted: as many multiplications as the model does, and no limb more.
    pub fn level(&self) -> Level {
        Level(self.depth.min(u32::from(self.params.highest().0)) as u8)
    }
}

/// What one program uses.
struct Needs {
    trace: Trace,
    slots: usize,
}

fn needs(model: &Model, mode: Mode) -> Result<Needs, Error> {
    match mode {
        Mode::Latency => {
            let program = Latency::new(model)?;
            Ok(Needs { trace: program.trace(program.period())?, slots: program.period() })
        }
        // Any number of slots will do.
        Mode::Throughput => Ok(Needs { trace: Throughput::new(model)?.trace()?, slots: 2 }),
    }
}

impl Needs {
    fn request(&self) -> KeyRequest {
        key_request(&self.trace)
    }
}

/// The keys of a trace. Levels of one without limit are counted from the bottom, as those of ciphertexts are.
pub(crate) fn key_request(trace: &Trace) -> KeyRequest {
    let level = |level: u32| Level(level.min(255) as u8);
    let rotations = trace.rotations.iter().map(|(&by, &at)| (Purpose::Rotate(by as u32), level(at)));
    let relinearise = trace.relinearise.map(|at| (Purpose::Relinearise, level(at)));
    let conjugate = trace.conjugate.map(|at| (Purpose::Conjugate, level(at)));
    rotations
        .chain(relinearise)
        .chain(conjugate)
        .fold(KeyRequest::new(), |all, (purpose, at)| all.with(purpose, at))
}

/// The smallest secure ring with these slots for a chain of this shape, whatever its degree.
pub(crate) fn smallest(shape: Shape, slots: usize) -> Result<Spec, Error> {
    let least = slots.saturating_mul(2).max(1 << 12).trailing_zeros();
    let spec = (least..=17).find_map(|log_degree| Shape { log_degree, ..shape }.build());
    spec.ok_or(Error::NoParameters { depth: shape.depth, security: shape.security.bits() })
}
