//! Operations on rows of numbers that the tensor library would take many passes for, with their derivatives.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

/// x + b for every row of x.
pub fn add_row(x: &Tensor, b: &Tensor) -> Result<Tensor> {
    x.apply_op2(b, AddRow)
}

/// g * x, feature by feature, for every row of x.
pub fn scale_row(x: &Tensor, g: &Tensor) -> Result<Tensor> {
    x.apply_op2(g, ScaleRow)
}

/// The rows of x with mean 0 and variance 1, then times `gain` plus `bias` (Ba, Kiros, Hinton 2016).
pub fn norm(x: &Tensor, gain: &Tensor, bias: &Tensor, epsilon: f32) -> Result<Tensor> {
    x.apply_op3(gain, bias, Norm { epsilon })
}

/// The softmax of every row.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    x.apply_op1(Softmax)
}

/// z times the normal distribution function at z (Hendrycks, Gimpel 2016). **Error**: below 1e-6.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    x.apply_op1(Gelu)
}

struct AddRow;
struct ScaleRow;
struct Norm {
    epsilon: f32,
}
struct Softmax;
struct Gelu;

/// The numbers behind a contiguous layout.
fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (from, to) =
        layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("rows must lie side by side"))?;
    let all = storage.as_slice::<f32>()?;
    all.get(from..to).ok_or_else(|| candle_core::Error::msg("a layout beyond its storage"))
}

fn numbers(x: &Tensor) -> Result<Vec<f32>> {
    x.flatten_all()?.to_vec1()
}

fn like(x: &Tensor, values: Vec<f32>) -> Result<Tensor> {
    Tensor::from_vec(values, x.shape(), x.device())
}

fn stored(values: Vec<f32>, layout: &Layout) -> (CpuStorage, Shape) {
    (CpuStorage::F32(values), layout.shape().clone())
}

/// The sums of the columns.
fn columns(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sum.iter_mut().zip(row).for_each(|(s, x)| *s += x);
    }
    sum
}

impl CustomOp2 for AddRow {
    fn name(&self) -> &'static str {
        "add_row"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, b) = (slice(s1, l1)?, slice(s2, l2)?);
        let mut out = x.to_vec();
        for row in out.chunks_exact_mut(b.len()) {
            row.iter_mut().zip(b).for_each(|(x, b)| *x += b);
        }
        Ok(stored(out, l1))
    }

    fn bwd(
        &self,
        _: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let sum = columns(&numbers(grad)?, b.elem_count());
        Ok((Some(grad.clone()), Some(like(b, sum)?)))
    }
}

impl CustomOp2 for ScaleRow {
    fn name(&self) -> &'static str {
        "scale_row"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, g) = (slice(s1, l1)?, slice(s2, l2)?);
        let mut out = x.to_vec();
        for row in out.chunks_exact_mut(g.len()) {
            row.iter_mut().zip(g).for_each(|(x, g)| *x *= g);
        }
        Ok(stored(out, l1))
    }

    fn bwd(
        &self,
        x: &Tensor,
        g: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (mut dx, factors, values) = (numbers(grad)?, numbers(g)?, numbers(x)?);
        let mut dg = vec![0.0; factors.len()];
        for (row, x) in dx.chunks_exact_mut(dg.len()).zip(values.chunks_exact(dg.len())) {
            for ((d, x), (dg, g)) in row.iter_mut().zip(x).zip(dg.iter_mut().zip(&factors)) {
                *dg += *d * x;
                *d *= g;
            }
        }
        Ok((Some(like(x, dx)?), Some(like(g, dg)?)))
    }
}

/// The mean and one over the deviation.
fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let n = row.len().max(1) as f32;
    let mean = sum(row.iter().copied()) / n;
    let variance = sum(row.iter().map(|x| (x - mean) * (x - mean))) / n;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

/// A sum in eight lanes, so that it vectorises.
fn sum(values: impl Iterator<Item = f32>) -> f32 {
    let mut lanes = [0.0; 8];
    for (i, v) in values.enumerate() {
        if let Some(lane) = lanes.get_mut(i % 8) {
            *lane += v;
        }
    }
    lanes.iter().sum()
}

impl CustomOp3 for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, gain, bias) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let mut out = x.to_vec();
        for row in out.chunks_exact_mut(gain.len()) {
            let (mean, scale) = moments(row, self.epsilon);
            for (x, (g, b)) in row.iter_mut().zip(gain.iter().zip(bias)) {
                *x = (*x - mean) * scale * g + b;
            }
        }
        Ok(stored(out, l1))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gain: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (values, factors, mut dx) = (numbers(x)?, numbers(gain)?, numbers(grad)?);
        let width = factors.len();
        let (db, mut dg) = (columns(&dx, width), vec![0.0; width]);
        let n = width as f32;
        for (d, x) in dx.chunks_exact_mut(width).zip(values.chunks_exact(width)) {
            let (mean, scale) = moments(x, self.epsilon);
            for ((d, x), (dg, g)) in d.iter_mut().zip(x).zip(dg.iter_mut().zip(&factors)) {
                *dg += *d * (x - mean) * scale;
                *d *= g;
            }
            let flat = sum(d.iter().copied()) / n;
            let tilt = sum(d.iter().zip(x).map(|(d, x)| d * (x - mean) * scale)) / n;
            for (d, x) in d.iter_mut().zip(x) {
                *d = scale * (*d - flat - (x - mean) * scale * tilt);
            }
        }
        Ok((Some(like(x, dx)?), Some(like(gain, dg)?), Some(like(bias, db)?)))
    }
}

/// The width of the rows: the last dimension.
fn width(layout: &Layout) -> usize {
    layout.dims().last().copied().unwrap_or(1).max(1)
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut out = slice(storage, layout)?.to_vec();
        for row in out.chunks_exact_mut(width(layout)) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|x| *x = exp(*x - most));
            let total = row.iter().sum::<f32>();
            row.iter_mut().for_each(|x| *x /= total);
        }
        Ok(stored(out, layout))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (y, mut dx) = (numbers(y)?, numbers(grad)?);
        let width = width(x.layout());
        for (d, y) in dx.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
            let dot: f32 = d.iter().zip(y).map(|(d, y)| d * y).sum();
            d.iter_mut().zip(y).for_each(|(d, y)| *d = y * (*d - dot));
        }
        Ok(Some(like(x, dx)?))
    }
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(stored(slice(storage, layout)?.iter().map(|&z| z * normal(z).0).collect(), layout))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut dx = numbers(grad)?;
        for (d, z) in dx.iter_mut().zip(numbers(x)?) {
            let (below, density) = normal(z);
            *d *= below + z * density;
        }
        Ok(Some(like(x, dx)?))
    }
}

/// The normal distribution function and density (Abramowitz, Stegun 1964, formula 7.1.26).
#[inline]
fn normal(z: f32) -> (f32, f32) {
    const TERMS: [f32; 5] = [0.254_829_6, -0.284_496_74, 1.421_413_7, -1.453_152, 1.061_405_4];
    let x = z.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let bell = exp(-x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let tail = 0.5 * bell * t * TERMS.iter().rev().fold(0.0, |sum, c| sum * t + c);
    (if z < 0.0 { tail } else { 1.0 - tail }, bell * 0.398_942_3)
}

/// e^x without a branch, so that it vectorises. **Error**: below 1e-6 of the value; zero below -87.
#[inline]
fn exp(x: f32) -> f32 {
    const TERMS: [f32; 7] = [1.0, 1.0, 0.5, 0.166_666_67, 0.041_666_67, 0.008_333_334, 0.001_388_889];
    let x = x.clamp(-87.0, 88.0);
    let whole = (x * std::f32::consts::LOG2_E + 12_582_912.0) - 12_582_912.0;
    let rest = (x - whole * 0.693_359_4) - whole * -2.121_944_4e-4;
    let series = TERMS.iter().rev().fold(0.0, |sum, c| sum * rest + c);
    series * f32::from_bits((((whole as i32) + 127) << 23).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::rng::Rng;

    #[test]
    fn exponentials_and_the_normal_distribution() {
        for i in -800..=800 {
            let x = i as f32 / 10.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-6, "{x}");
        }
        assert!((normal(1.0).0 - 0.841_344_8).abs() < 1e-6 && (normal(-2.0).0 - 0.022_750_13).abs() < 1e-6);
        assert!((normal(0.5).1 - 0.352_065_3).abs() < 1e-6);
    }

    /// Compares derivatives with differences along a random direction.
    fn check(inputs: &[Var], f: impl Fn() -> Result<Tensor>) {
        let mut rng = Rng::new(1, 1);
        let mut draw = |shape: &Shape| {
            let values = (0..shape.elem_count()).map(|_| rng.symmetric(1.0)).collect::<Vec<_>>();
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        let weight = draw(f().unwrap().shape());
        let value = || (f().unwrap() * &weight).unwrap().sum_all().unwrap();
        let grads = value().backward().unwrap();
        for input in inputs {
            let (at, way) = (input.as_tensor().copy().unwrap(), draw(input.shape()));
            let slope =
                (grads.get(input).unwrap() * &way).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
            let [up, down] = [1e-2, -1e-2].map(|h| {
                input.set(&(&at + (&way * h).unwrap()).unwrap()).unwrap();
                value().to_scalar::<f32>().unwrap()
            });
            input.set(&at).unwrap();
            assert!(((up - down) / 2e-2 - slope).abs() < 2e-2 * (1.0 + slope.abs()), "{up} {down} {slope}");
        }
    }

    #[test]
    fn derivatives_are_differences() {
        let mut rng = Rng::new(7, 1);
        let mut var = |shape: &[usize]| {
            let values = (0..shape.iter().product()).map(|_| rng.symmetric(1.5)).collect::<Vec<_>>();
            Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
        };
        let (x, g, b) = (var(&[3, 10]), var(&[10]), var(&[10]));
        check(&[x.clone(), b.clone()], || add_row(&x, &b));
        check(&[x.clone(), g.clone()], || scale_row(&x, &g));
        check(&[x.clone(), g.clone(), b.clone()], || norm(&x, &g, &b, 1e-5));
        check(std::slice::from_ref(&x), || softmax(&x));
        check(std::slice::from_ref(&x), || gelu(&x));
    }
}
