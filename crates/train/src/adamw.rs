//! AdamW (Loshchilov and Hutter 2019) for a dense vector and, row by row, for a table of which a step touches few rows.
//!
//! The table is why this is our own and no tensor library's: one batch touches some five hundred of eighty thousand rows,
//! and a dense step would move the other rows' gradients, moments and weights through memory for nothing. A row's
//! decoupled weight decay for the steps it sat out is made up exactly when it is next touched; its moments wait.

/// The constants of one run.
#[derive(Debug, Clone, Copy)]
pub struct AdamW {
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// What keeps the division finite.
    pub epsilon: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// First and second moments of a vector.
#[derive(Debug, Clone)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moments {
    fn zeros(length: usize) -> Self {
        Self { first: vec![0.0; length], second: vec![0.0; length] }
    }
}

/// Moves weights by one step; `steps` counts from one.
fn step(a: &AdamW, steps: u32, rate: f32, w: &mut [f32], g: &[f32], first: &mut [f32], second: &mut [f32]) {
    let power = i32::try_from(steps).unwrap_or(i32::MAX);
    let scale = rate * (1.0 - a.beta2.powi(power)).sqrt() / (1.0 - a.beta1.powi(power));
    for (((w, &g), m), v) in w.iter_mut().zip(g).zip(first).zip(second) {
        *m = a.beta1 * *m + (1.0 - a.beta1) * g;
        *v = a.beta2 * *v + (1.0 - a.beta2) * g * g;
        *w -= scale * *m / (v.sqrt() + a.epsilon);
    }
}

/// The optimiser of one dense vector.
#[derive(Debug, Clone)]
pub struct Dense {
    moments: Moments,
    steps: u32,
}

impl Dense {
    /// For a vector of this length.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { moments: Moments::zeros(length), steps: 0 }
    }

    /// One step with this gradient, rate and decoupled decay.
    pub fn step(&mut self, a: &AdamW, rate: f32, decay: f32, w: &mut [f32], g: &[f32]) {
        self.steps = self.steps.saturating_add(1);
        for w in w.iter_mut() {
            *w *= 1.0 - rate * decay;
        }
        step(a, self.steps, rate, w, g, &mut self.moments.first, &mut self.moments.second);
    }
}

/// The optimiser of a table, row by row.
#[derive(Debug, Clone)]
pub struct Table {
    width: usize,
    moments: Moments,
    steps: Vec<u32>,
    /// The logarithm of all decay so far, and as of each row's last step.
    decayed: f64,
    seen: Vec<f64>,
}

impl Table {
    /// For `rows` rows of `width` weights.
    #[must_use]
    pub fn new(rows: usize, width: usize) -> Self {
        Self {
            width,
            moments: Moments::zeros(rows * width),
            steps: vec![0; rows],
            decayed: 0.0,
            seen: vec![0.0; rows],
        }
    }

    /// One step that touches only `rows`, the gradient of the i-th of which is the i-th row of `g`.
    pub fn step(&mut self, a: &AdamW, rate: f32, decay: f32, w: &mut [f32], rows: &[u32], g: &[f32]) {
        self.decayed += f64::from(1.0 - rate * decay).ln();
        for (&row, g) in rows.iter().zip(g.chunks_exact(self.width)) {
            let row = row as usize;
            self.settle(row, w);
            let span = row * self.width..(row + 1) * self.width;
            let (Some(w), Some(m), Some(v), Some(steps)) = (
                w.get_mut(span.clone()),
                self.moments.first.get_mut(span.clone()),
                self.moments.second.get_mut(span),
                self.steps.get_mut(row),
            ) else {
                continue;
            };
            *steps = steps.saturating_add(1);
            step(a, *steps, rate, w, g, m, v);
        }
    }

    /// Applies the decay that a row has still to see.
    fn settle(&mut self, row: usize, w: &mut [f32]) {
        if let (Some(seen), Some(w)) =
            (self.seen.get_mut(row), w.get_mut(row * self.width..(row + 1) * self.width))
        {
            let factor = (self.decayed - *seen).exp() as f32;
            *seen = self.decayed;
            for w in w {
                *w *= factor;
            }
        }
    }

    /// Applies the outstanding decay to every row.
    pub fn finish(&mut self, w: &mut [f32]) {
        for row in 0..self.steps.len() {
            self.settle(row, w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_touched_every_step_moves_like_a_dense_vector() {
        let a = AdamW::default();
        let (mut dense, mut table) = (Dense::new(3), Table::new(2, 3));
        let mut w = vec![0.3f32, -0.2, 0.9];
        let mut t = [w.clone(), w.clone()].concat();
        for i in 0..20 {
            let g = [0.1 * i as f32, -0.3, 0.02];
            dense.step(&a, 0.01, 0.1, &mut w, &g);
            table.step(&a, 0.01, 0.1, &mut t, &[1], &g);
        }
        table.finish(&mut t);
        for (x, y) in w.iter().zip(&t[3..]) {
            assert!((x - y).abs() < 1e-6);
        }
        let left = 0.999f32.powi(20);
        for (x, y) in [0.3f32, -0.2, 0.9].iter().zip(&t[..3]) {
            assert!((x * left - y).abs() < 1e-6);
        }
    }

    #[test]
    fn a_quadratic_is_minimised() {
        let (a, mut dense, mut w) = (AdamW::default(), Dense::new(1), vec![5.0f32]);
        for _ in 0..2000 {
            let g = [2.0 * (w[0] - 1.5)];
            dense.step(&a, 0.01, 0.0, &mut w, &g);
        }
        assert!((w[0] - 1.5).abs() < 1e-2);
    }
}
