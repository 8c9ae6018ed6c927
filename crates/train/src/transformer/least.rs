//! Linear maps by least squares: y ~ g * x + W z + b, where g multiplies feature by feature.

use arras_nn::head::Linear;
use candle_core::{Device, Result, Tensor};

use crate::Error;

/// Sums over rows of z (with a column of ones), x and y, from which the best map follows.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// z z^T, row after row.
    squares: Vec<f64>,
    /// x z^T and y z^T: a row for each feature.
    around: Vec<f64>,
    through: Vec<f64>,
    /// x x and x y, feature by feature.
    own: Vec<f64>,
    cross: Vec<f64>,
    columns: usize,
}

/// g, and W with b.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) around: Vec<f64>,
    pub(super) linear: Linear,
}

/// What is added to each square on the diagonal, in parts of the variance of its column.
const RIDGE: f64 = 3e-3;

impl Sums {
    /// No row yet, of `columns` numbers z and `width` features.
    pub(super) fn new(columns: usize, width: usize) -> Self {
        let all = columns + 1;
        Self {
            squares: vec![0.0; all * all],
            around: vec![0.0; width * all],
            through: vec![0.0; width * all],
            own: vec![0.0; width],
            cross: vec![0.0; width],
            columns: all,
        }
    }

    /// Takes in rows, each counted `weight` times.
    pub(super) fn add(&mut self, z: &Tensor, x: &Tensor, y: &Tensor, weight: f64) -> Result<()> {
        let ones = Tensor::ones((z.dim(0)?, 1), z.dtype(), &Device::Cpu)?;
        let z = Tensor::cat(&[z, &ones], 1)?;
        let product =
            |a: &Tensor, sum: &mut [f64]| accumulate(sum, &a.t()?.contiguous()?.matmul(&z)?, weight);
        product(&z, &mut self.squares)?;
        product(x, &mut self.around)?;
        product(y, &mut self.through)?;
        accumulate(&mut self.own, &x.sqr()?.sum(0)?, weight)?;
        accumulate(&mut self.cross, &(x * y)?.sum(0)?, weight)
    }

    /// The best map. W and b follow from g: both are solved for y and for x alone, and g is what the rest of x says of the rest
    /// of y (Frisch, Waugh 1933).
    ///
    /// **Cost**: columns^3 / 6 multiplications, and 2 columns^2 for every feature.
    pub(super) fn solve(&self) -> std::result::Result<Fit, Error> {
        let factor = Cholesky::of(self.ridged(), self.columns);
        let (mut around, mut weights, mut bias) = (Vec::new(), Vec::new(), Vec::new());
        let features = self.around.chunks_exact(self.columns).zip(self.through.chunks_exact(self.columns));
        for ((x, y), (own, cross)) in features.zip(self.own.iter().zip(&self.cross)) {
            let (from_x, from_y) = (factor.solve(x), factor.solve(y));
            let rest = (own - dot(&from_x, x)).max(1e-9 * own);
            let g = if rest > 0.0 { (cross - dot(&from_x, y)) / rest } else { 0.0 };
            let mut map = from_y.iter().zip(&from_x).map(|(y, x)| y - g * x);
            weights.extend(map.by_ref().take(self.columns - 1));
            bias.extend(map);
            around.push(g);
        }
        Ok(Fit { around, linear: Linear::new(self.columns - 1, weights, bias)? })
    }

    /// The squares with the ridge; the column of ones is free of it.
    fn ridged(&self) -> Vec<f64> {
        let mut squares = self.squares.clone();
        let sums = self.squares.chunks_exact(self.columns).last().unwrap_or_default().to_vec();
        let rows = sums.last().copied().unwrap_or(1.0);
        for (at, sum) in sums.iter().enumerate().take(self.columns - 1) {
            if let Some(square) = squares.get_mut(at * (self.columns + 1)) {
                *square += RIDGE * (*square - sum * sum / rows).max(1e-6 * *square) + f64::MIN_POSITIVE;
            }
        }
        squares
    }
}

fn accumulate(sum: &mut [f64], x: &Tensor, weight: f64) -> Result<()> {
    let values: Vec<f32> = x.flatten_all()?.to_vec1()?;
    sum.iter_mut().zip(values).for_each(|(sum, x)| *sum += weight * f64::from(x));
    Ok(())
}

/// A positive matrix as L L^T: the rows of L up to the diagonal.
struct Cholesky(Vec<Vec<f64>>);

impl Cholesky {
    /// A pivot that rounding leaves at or below zero counts as infinite: its unknown becomes zero.
    fn of(matrix: Vec<f64>, size: usize) -> Self {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
        for (at, line) in matrix.chunks_exact(size).enumerate() {
            let mut row: Vec<f64> = Vec::with_capacity(at + 1);
            for (above, &entry) in rows.iter().zip(line) {
                let rest = entry - dot(&row, above);
                row.push(rest / above.last().copied().unwrap_or(f64::INFINITY));
            }
            let whole = line.get(at).copied().unwrap_or(0.0);
            let rest = whole - dot(&row, &row);
            row.push(if rest > 1e-12 * whole { rest.sqrt() } else { f64::INFINITY });
            rows.push(row);
        }
        Self(rows)
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = Vec::with_capacity(right.len());
        for (row, &value) in self.0.iter().zip(right) {
            let rest = value - dot(&x, row);
            x.push(rest / row.last().copied().unwrap_or(f64::INFINITY));
        }
        for (at, row) in self.0.iter().enumerate().rev() {
            let (below, rest) = x.split_at_mut(at);
            let (Some(value), Some((pivot, row))) = (rest.first_mut(), row.split_last()) else { continue };
            *value /= pivot;
            below.iter_mut().zip(row).for_each(|(b, l)| *b -= *value * l);
        }
        x
    }
}

/// The inner product, as far as the shorter of both reaches; in eight lanes, so that it vectorises.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let both = x.len().min(y.len());
    let (x, y) = (x.get(..both).unwrap_or_default(), y.get(..both).unwrap_or_default());
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (x, y) in x.iter().zip(y) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f64>() + x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_map_that_is_there_is_found() {
        let mut rng = Rng::new(5, 5);
        let (count, columns, width) = (4000, 11, 3);
        let mut draw = |n: usize| (0..n).map(|_| rng.symmetric(1.0)).collect::<Vec<f32>>();
        let (z, x, map) = (draw(count * columns), draw(count * width), draw(columns * width));
        let (g, b) = ([0.7f32, -1.2, 0.1], [3.0f32, 0.0, -2.0]);
        let mut y = Vec::new();
        for (z, x) in z.chunks(columns).zip(x.chunks(width)) {
            for f in 0..width {
                let through: f32 = z.iter().zip(&map[f * columns..]).map(|(z, w)| z * w).sum();
                y.push(g[f] * x[f] + through + b[f]);
            }
        }
        let tensor = |v: &[f32], d: usize| Tensor::from_slice(v, (count, d), &Device::Cpu).unwrap();
        let mut sums = Sums::new(columns, width);
        sums.add(&tensor(&z, columns), &tensor(&x, width), &tensor(&y, width), 0.5).unwrap();
        let fit = sums.solve().unwrap();
        for (f, (row, bias)) in fit.linear.iter().enumerate() {
            assert!((fit.around[f] - f64::from(g[f])).abs() < 5e-3 && (bias - f64::from(b[f])).abs() < 5e-3);
            assert!(row.iter().zip(&map[f * columns..]).all(|(w, m)| (w - f64::from(*m)).abs() < 5e-3));
        }
    }
}
