//! What a model asks for: parameters, and exactly the keys that its programs use.

use std::ops::RangeInclusive;

use arras_circuits::{Op, Schedule, Trace, Tracer};
use arras_ckks::boot::presets::{self, BootPreset};
use arras_ckks::{KeyRequest, Level, Params, Purpose, Security, Shape};
use arras_nn::program::{Lanes, Latency, Throughput};
use arras_nn::{Mode, Network};
use arras_plan::{Budget, schedule};
use arras_rlwe::Spec;

use crate::client::correct_bits;
use crate::error::Error;

/// Bits of every scale: what a sentence's probability needs, several times over.
const SCALE_BITS: u32 = 40;

/// Bits by which the bottom exceeds a scale: values up to 2^9 can be read there.
const BASE_BITS: u32 = 10;

/// Bits of every scale for a transformer: the fewest that leave its answers exact enough. More would not fit the ring that it runs
/// in, or leave little room for keys, which makes them many times slower.
const LANES_SCALE_BITS: u32 = 35;

/// The most bits that are added to scales for the noise of a larger ring, as more security takes.
const MORE_BITS: u32 = 5;

/// The refresh of a transformer that is too deep for a chain. Its precision is that of what it is for: features in [-1, 1], of
/// which many add up.
const LANES_REFRESH: &str = "boot-n16";

/// Parameters and keys for a model.
#[derive(Clone, Debug)]
pub struct Plan {
    params: Params,
    request: KeyRequest,
    level: u32,
    rotations: u64,
    refreshes: u64,
}

impl Plan {
    /// The smallest secure ring for a model, and the keys of both modes.
    ///
    /// # Errors
    /// `Error::NoParameters` when no ring has the levels, or a model that does not fit any program.
    pub fn for_model<'a>(model: impl Into<Network<'a>>, security: Security) -> Result<Self, Error> {
        let model = model.into();
        let all: Result<Vec<Needs>, Error> = model.modes().iter().map(|&mode| needs(model, mode)).collect();
        Self::build(model, &all?, security)
    }

    /// The same for one mode.
    ///
    /// # Errors
    /// As [`Plan::for_model`].
    pub fn for_mode<'a>(
        model: impl Into<Network<'a>>,
        mode: Mode,
        security: Security,
    ) -> Result<Self, Error> {
        let model = model.into();
        Self::build(model, &[needs(model, mode)?], security)
    }

    /// The keys that a model uses under parameters that are there already.
    ///
    /// # Errors
    /// `Error::TooShallow` when they have too few levels.
    pub fn over<'a>(params: &Params, model: impl Into<Network<'a>>, mode: Mode) -> Result<Self, Error> {
        let model = model.into();
        if let (Network::Lanes(lanes), Some(preset)) = (model, presets::of(params))
            && lanes.is_refreshable()
        {
            return Self::refreshed(params.clone(), preset, lanes);
        }
        let needs = needs(model, mode)?;
        let (have, need) = (u32::from(params.highest().0), needs.trace.depth);
        if have < need {
            return Err(Error::TooShallow { have, need });
        }
        let (rotations, refreshes) = (needs.rotations(), needs.refreshes());
        Ok(Self { params: params.clone(), request: needs.request(), level: need, rotations, refreshes })
    }

    /// The plan of a transformer that is refreshed on its way, by the cheapest schedule.
    fn refreshed(params: Params, preset: &BootPreset, lanes: &Lanes) -> Result<Self, Error> {
        let slots = lanes.slots();
        let schedule = scheduled(preset, &params, slots, &lanes.trace()?)?;
        let start = u32::from(params.highest().0);
        let tracer = Tracer::scheduled(slots, start, &schedule)?;
        let trace = tracer.trace(&[lanes.run(&tracer, &tracer.input())?]);
        let inside = preset.spec.request(&params, preset.packing(slots))?;
        let rotations = trace.count(Op::Rotate) + trace.count(Op::HoistedRotate);
        let request = key_request(&trace).union(&inside);
        Ok(Self { params, request, level: start, rotations, refreshes: schedule.refreshes() as u64 })
    }

    fn build(model: Network<'_>, needs: &[Needs], security: Security) -> Result<Self, Error> {
        let depth = needs.iter().map(|need| need.trace.depth).max().unwrap_or(1).max(1);
        let slots = needs.iter().map(|need| need.slots).max().unwrap_or(1);
        let scale_bits = needs.iter().map(|need| need.scale_bits).max().unwrap_or(SCALE_BITS);
        if let (Network::Lanes(lanes), Some(preset)) = (model, presets::find(LANES_REFRESH)) {
            // All levels at once would take keys several times as large.
            if depth > preset.spec.depth && lanes.is_refreshable() && security == Security::Bits128 {
                let refresh = preset.spec.build().ok_or(Error::Preset)?;
                return Self::refreshed(Params::new(&refresh)?, preset, lanes);
            }
        }
        let precise = needs.iter().map(|need| need.correct_bits).max().unwrap_or(0);
        let params = params(scale_bits..=scale_bits + MORE_BITS, depth, security, slots, precise)?;
        let request = needs.iter().fold(KeyRequest::new(), |all, need| all.union(&need.request()));
        let rotations = needs.iter().map(Needs::rotations).max().unwrap_or(0);
        let refreshes = needs.iter().map(Needs::refreshes).max().unwrap_or(0);
        Ok(Self { params, request, level: depth, rotations, refreshes })
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The keys.
    pub fn request(&self) -> &KeyRequest {
        &self.request
    }

    /// Rotations and conjugations of one run.
    pub fn rotations(&self) -> u64 {
        self.rotations
    }

    /// Refreshes of one run; each has a guard that comes with the answer.
    pub fn refreshes(&self) -> u64 {
        self.refreshes
    }

    /// The level at which inputs are encrypted: as many multiplications as the model does, and no limb more; with refreshes the
    /// highest.
    pub fn level(&self) -> Level {
        Level(self.level.min(u32::from(self.params.highest().0)) as u8)
    }
}

/// Where a program is refreshed under a preset, as cheaply as can be. All its vectors have the same slots, so every point costs the
/// same.
pub(crate) fn scheduled(
    preset: &BootPreset,
    params: &Params,
    slots: usize,
    trace: &Trace,
) -> Result<Schedule, Error> {
    let [input, output] = preset.spec.levels(preset.packing(slots));
    let budget = Budget { start: u32::from(params.highest().0), input, output };
    Ok(schedule(&trace.points, budget, &|_| 1.0)?)
}

/// What one program uses.
struct Needs {
    trace: Trace,
    slots: usize,
    scale_bits: u32,
    correct_bits: u32,
}

/// The parameters of the fewest bits whose noise an answer can hide, or those of the most.
fn params(
    scales: RangeInclusive<u32>,
    depth: u32,
    security: Security,
    slots: usize,
    correct_bits: u32,
) -> Result<Params, Error> {
    let most = *scales.end();
    for scale_bits in scales {
        let shape = Shape { log_degree: 0, base_bits: scale_bits + BASE_BITS, scale_bits, depth, security };
        let params = Params::new(&smallest(shape, slots)?)?;
        if scale_bits == most || fewest_correct_bits(&params) >= f64::from(correct_bits) {
            return Ok(params);
        }
    }
    Err(Error::NoParameters { depth, security: security.bits() })
}

/// Correct bits that the rounding of the last rescale leaves: no answer has less noise, and those of models have about a bit more.
pub(crate) fn fewest_correct_bits(params: &Params) -> f64 {
    params.rescale_noise(params.max_slots(), Level(0)).correct_bits(params.max_slots())
}

fn needs(model: Network<'_>, mode: Mode) -> Result<Needs, Error> {
    let (trace, slots, scale_bits) = match (model, mode) {
        (Network::Words(model), Mode::Latency) => {
            let program = Latency::new(model)?;
            (program.trace(program.period())?, program.period(), SCALE_BITS)
        }
        // Any number of slots will do.
        (Network::Words(model), Mode::Throughput) => (Throughput::new(model)?.trace()?, 2, SCALE_BITS),
        (Network::Lanes(lanes), Mode::Latency) => (lanes.trace()?, lanes.slots(), LANES_SCALE_BITS),
        (Network::Lanes(_), Mode::Throughput) => return Err(arras_nn::Error::NoThroughput.into()),
    };
    Ok(Needs { trace, slots, scale_bits, correct_bits: correct_bits(model) })
}

impl Needs {
    fn request(&self) -> KeyRequest {
        key_request(&self.trace)
    }

    fn rotations(&self) -> u64 {
        self.trace.count(Op::Rotate) + self.trace.count(Op::HoistedRotate)
    }

    fn refreshes(&self) -> u64 {
        self.trace.count(Op::Refresh)
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
