//! The embedding table of a student from its teacher's: the principal coordinates of the teacher's embedded pieces.

use arras_nn::transformer::Pretrained;

use crate::rng::Rng;

/// How many times the subspace is multiplied by the covariance.
const ROUNDS: usize = 30;

/// One row of `width` numbers per piece: coordinates along the directions in which pieces, weighted by `counts`, differ most;
/// the numbers have the mean square 1.
///
/// **Cost**: a covariance of the teacher's width w, and 30 w^2 `width` multiplications (subspace iteration).
#[must_use]
pub fn principal(encoder: &Pretrained, counts: &[u32], width: usize) -> Vec<f32> {
    let d = encoder.width();
    let position: Vec<f64> = encoder
        .positions()
        .chunks_exact(d)
        .nth(1)
        .unwrap_or_default()
        .iter()
        .map(|&p| f64::from(p))
        .collect();
    let embedded: Vec<Vec<f64>> = encoder
        .words()
        .chunks_exact(d)
        .map(|row| {
            encoder
                .norm()
                .apply(&row.iter().zip(&position).map(|(w, p)| f64::from(*w) + p).collect::<Vec<_>>())
        })
        .collect();
    let weight = |row: usize| (1.0 + counts.get(row).copied().map_or(0.0, f64::from)).ln();
    let (mut mean, mut total) = (vec![0.0; d], 0.0);
    for (row, x) in embedded.iter().enumerate() {
        total += weight(row);
        mean.iter_mut().zip(x).for_each(|(m, x)| *m += weight(row) * x);
    }
    mean.iter_mut().for_each(|m| *m /= f64::max(total, 1e-9));
    let centred: Vec<Vec<f64>> =
        embedded.iter().map(|x| x.iter().zip(&mean).map(|(x, m)| x - m).collect()).collect();
    let mut covariance = vec![vec![0.0; d]; d];
    for (row, x) in centred.iter().enumerate().filter(|&(row, _)| weight(row) > 0.0) {
        for (line, xi) in covariance.iter_mut().zip(x) {
            let factor = weight(row) * xi;
            line.iter_mut().zip(x).for_each(|(c, xj)| *c += factor * xj);
        }
    }
    let directions = subspace(&covariance, width.min(d));
    let mut table: Vec<f32> = Vec::with_capacity(centred.len() * width);
    for x in &centred {
        let along = directions.iter().map(|v| v.iter().zip(x).map(|(v, x)| v * x).sum::<f64>() as f32);
        table.extend(along.chain(std::iter::repeat(0.0)).take(width));
    }
    let square = table.iter().map(|t| f64::from(t * t)).sum::<f64>() / table.len().max(1) as f64;
    let scale = 1.0 / square.sqrt().max(1e-9) as f32;
    table.iter_mut().for_each(|t| *t *= scale);
    table
}

/// Orthonormal vectors that span the leading directions of a symmetric matrix, the leading one first.
fn subspace(matrix: &[Vec<f64>], count: usize) -> Vec<Vec<f64>> {
    let mut rng = Rng::new(1, 37);
    let mut vectors: Vec<Vec<f64>> =
        (0..count).map(|_| matrix.iter().map(|_| f64::from(rng.symmetric(1.0))).collect()).collect();
    for _ in 0..ROUNDS {
        for v in &mut vectors {
            let mut out = vec![0.0; v.len()];
            for (line, x) in matrix.iter().zip(v.iter()) {
                out.iter_mut().zip(line).for_each(|(o, c)| *o += x * c);
            }
            *v = out;
        }
        orthonormalise(&mut vectors);
    }
    vectors
}

/// Makes the vectors orthonormal, in order (Gram, Schmidt; twice, for the rounding).
fn orthonormalise(vectors: &mut [Vec<f64>]) {
    for at in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(at);
        let Some(v) = rest.first_mut() else { return };
        for _ in 0..2 {
            for u in done.iter() {
                let along: f64 = u.iter().zip(v.iter()).map(|(u, v)| u * v).sum();
                v.iter_mut().zip(u).for_each(|(v, u)| *v -= along * u);
            }
        }
        let length = v.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-300);
        v.iter_mut().for_each(|v| *v /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_directions_are_found() {
        // Eigenvectors (1, 1, 0), (1, -1, 0) and (0, 0, 1) with 5, 1 and 3.
        let matrix = [vec![3.0, 2.0, 0.0], vec![2.0, 3.0, 0.0], vec![0.0, 0.0, 3.0]];
        let found = subspace(&matrix, 2);
        let half = std::f64::consts::FRAC_1_SQRT_2;
        assert!((found[0][0].abs() - half).abs() < 1e-6 && (found[0][0] - found[0][1]).abs() < 1e-6);
        assert!((found[1][2].abs() - 1.0).abs() < 1e-6);
    }
}
