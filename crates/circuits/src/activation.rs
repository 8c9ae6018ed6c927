//! Activations that were trained to be cheap.

use crate::ops::Arith;

/// x (x + b) + c in every slot, with b and c learned per slot; a leading factor belongs in the layer before or after.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadratic {
    /// Added before the product, repeated to fill the slots.
    pub b: Vec<f64>,
    /// Added after the product, repeated to fill the slots.
    pub c: Vec<f64>,
}

impl Quadratic {
    /// The same b and c in every slot.
    #[must_use]
    pub fn uniform(b: f64, c: f64) -> Self {
        Quadratic { b: vec![b], c: vec![c] }
    }

    /// The activation of x. Cost: one level, one product.
    ///
    /// # Errors
    /// When x has no level left, or b or c does not fit the slots.
    pub fn apply<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        let shifted = ops.add_plain(x, &self.b)?;
        ops.add_plain(&ops.mul(x, &shifted)?, &self.c)
    }
}
