//! AdamW (Loshchilov, Hutter 2019) on the tensors of a network, in one pass over each.

use std::collections::BTreeMap;
use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var};

/// The settings of one step.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Learning rate.
    pub rate: f32,
    /// Decoupled weight decay, of tensors with two dimensions.
    pub decay: f32,
    /// The gradient is scaled down to this length where it is longer.
    pub clip: f32,
}

/// Running moments of each tensor's gradient.
#[derive(Debug, Default)]
pub struct AdamW {
    moments: BTreeMap<String, Mutex<Moments>>,
    steps: i32,
}

#[derive(Debug, Default)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

const BETA: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

impl AdamW {
    /// Moves every tensor by its gradient, and returns the gradient's length.
    pub fn step(
        &mut self,
        vars: &BTreeMap<String, Var>,
        grads: &BTreeMap<String, Tensor>,
        step: Step,
    ) -> Result<f32> {
        let mut square = 0.0f64;
        for grad in grads.values() {
            square += f64::from(grad.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
        let length = square.sqrt() as f32;
        if !length.is_finite() {
            return Ok(length);
        }
        self.steps += 1;
        for (name, grad) in grads {
            let Some(var) = vars.get(name) else { continue };
            let moments = self.moments.entry(name.clone()).or_default();
            let update = Update {
                moments,
                rate: step.rate,
                decay: if var.dims().len() > 1 { step.rate * step.decay } else { 0.0 },
                shrink: if length > step.clip { step.clip / length } else { 1.0 },
                correction: (1.0 - BETA.0.powi(self.steps), 1.0 - BETA.1.powi(self.steps)),
            };
            var.as_tensor().inplace_op2(&grad.contiguous()?, &update)?;
        }
        Ok(length)
    }

    /// The moments as tensors, to be kept with the network, and the number of steps.
    pub fn state(&self, vars: &BTreeMap<String, Var>) -> Result<(BTreeMap<String, Tensor>, i32)> {
        let mut state = BTreeMap::new();
        for (name, moments) in &self.moments {
            let (Some(var), Ok(moments)) = (vars.get(name), moments.lock()) else { continue };
            for (kind, values) in [("first", &moments.first), ("second", &moments.second)] {
                let tensor = Tensor::from_slice(values, var.shape(), var.device())?;
                state.insert(format!("{kind}.{name}"), tensor);
            }
        }
        Ok((state, self.steps))
    }

    /// The optimiser of a state.
    pub fn resume(state: &BTreeMap<String, Tensor>, steps: i32) -> Result<Self> {
        let mut moments: BTreeMap<String, Mutex<Moments>> = BTreeMap::new();
        for (name, first) in state.iter().filter_map(|(name, t)| Some((name.strip_prefix("first.")?, t))) {
            let Some(second) = state.get(&format!("second.{name}")) else { continue };
            let values = |t: &Tensor| t.flatten_all()?.to_vec1();
            let pair = Moments { first: values(first)?, second: values(second)? };
            moments.insert(name.to_owned(), Mutex::new(pair));
        }
        Ok(Self { moments, steps })
    }
}

struct Update<'a> {
    moments: &'a Mutex<Moments>,
    rate: f32,
    decay: f32,
    shrink: f32,
    correction: (f32, f32),
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        let bad = || candle_core::Error::msg("weights and gradients must be contiguous");
        let ((from, to), (g_from, g_to)) =
            (l1.contiguous_offsets().ok_or_else(bad)?, l2.contiguous_offsets().ok_or_else(bad)?);
        let CpuStorage::F32(weights) = s1 else { return Err(bad()) };
        let weights = weights.get_mut(from..to).ok_or_else(bad)?;
        let grad = s2.as_slice::<f32>()?.get(g_from..g_to).ok_or_else(bad)?;
        let mut moments = self.moments.lock().map_err(|_| bad())?;
        let Moments { first, second } = &mut *moments;
        first.resize(weights.len(), 0.0);
        second.resize(weights.len(), 0.0);
        let rate = self.rate / self.correction.0;
        for ((w, g), (m, v)) in weights.iter_mut().zip(grad).zip(first.iter_mut().zip(second)) {
            let g = g * self.shrink;
            *m = BETA.0 * *m + (1.0 - BETA.0) * g;
            *v = BETA.1 * *v + (1.0 - BETA.1) * g * g;
            *w -= self.decay * *w + rate * *m / ((*v / self.correction.1).sqrt() + EPSILON);
        }
        Ok(())
    }
}
