//! Fixed-point numbers of any precision: an integer v stands for v / 2^bits.
//!
//! The methods that seek a best polynomial need a small absolute error, whatever the size of the numbers, and multiply
//! and divide mostly by differences of nodes, which fit one word: both are what fixed point does best.

use num_bigint::{BigInt, Sign};

/// The bits after the point of a node.
pub(super) const NODE_BITS: u32 = 60;

/// The format of fixed-point numbers with this many bits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixed {
    pub bits: u32,
}

impl Fixed {
    pub fn one(self) -> BigInt {
        BigInt::from(1) << self.bits
    }

    /// x 2^shift, rounded down.
    pub fn number(self, x: f64, shift: i32) -> BigInt {
        let (mantissa, exponent) = decompose(x);
        shifted(BigInt::from(mantissa), i64::from(exponent) + i64::from(shift) + i64::from(self.bits))
    }

    pub fn mul(self, a: &BigInt, b: &BigInt) -> BigInt {
        (a * b) >> self.bits
    }

    /// a / b, for b other than zero.
    pub fn div(self, a: &BigInt, b: &BigInt) -> BigInt {
        (a << self.bits) / b
    }

    /// The root of a number that is not negative.
    pub fn sqrt(self, a: &BigInt) -> BigInt {
        (a << self.bits).sqrt()
    }

    /// log2 of a positive number, correct to 2^-places: the bits of the fraction come from squaring the mantissa.
    ///
    /// Reference: Knuth (1997), The Art of Computer Programming 1, section 1.2.2, exercise 25.
    pub fn log2(self, a: &BigInt, places: u32) -> f64 {
        let working = i64::from(2 * places + 64);
        let length = a.bits() as i64;
        let mut mantissa = shifted(a.clone(), working + 1 - length);
        let mut logarithm = BigInt::from(length - 1 - i64::from(self.bits));
        for _ in 0..places {
            mantissa = (&mantissa * &mantissa) >> working;
            logarithm <<= 1;
            if mantissa.bits() as i64 > working + 1 {
                logarithm += 1;
                mantissa >>= 1;
            }
        }
        Fixed { bits: places }.to_f64(&logarithm)
    }

    /// The nearest f64, but for a rounding in the 25th digit.
    pub fn to_f64(self, a: &BigInt) -> f64 {
        // A number that was written by us is always readable.
        self.scientific(a, 25).parse().unwrap_or(f64::NAN)
    }

    /// With this many digits after the point, rounded to nearest.
    pub fn decimal(self, a: &BigInt, places: u32) -> String {
        let scaled = a.magnitude() * num_bigint::BigUint::from(10_u32).pow(places);
        let digits = round_shift(&BigInt::from(scaled), self.bits).to_string();
        let places = places as usize;
        // Not by a width in a format, which ends at 65,535.
        let digits = "0".repeat((places + 1).saturating_sub(digits.len())) + &digits;
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if a.sign() == Sign::Minus { "-" } else { "" };
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// With this many significant digits (one at least), as in 1.25e-203.
    pub fn scientific(self, a: &BigInt, digits: usize) -> String {
        if a.sign() == Sign::NoSign {
            return "0".to_owned();
        }
        // From above, so that at least one digit too many is computed.
        let log2 = a.bits() as i64 - i64::from(self.bits);
        let log10 = (log2 as f64 * std::f64::consts::LOG10_2).floor() as i64;
        let places = digits as i64 + 1 - log10;
        let power = num_bigint::BigUint::from(10_u32).pow(places.unsigned_abs() as u32);
        let power = BigInt::from(power);
        let magnitude = BigInt::from(a.magnitude().clone());
        let scaled = if places < 0 { magnitude / power } else { magnitude * power };
        let text = round_shift(&scaled, self.bits).to_string();
        let (kept, exponent) = round_digits(&text, digits.max(1));
        let exponent = exponent - places;
        let sign = if a.sign() == Sign::Minus { "-" } else { "" };
        let (first, rest) = kept.split_at(1);
        if rest.is_empty() {
            format!("{sign}{first}e{exponent}")
        } else {
            format!("{sign}{first}.{rest}e{exponent}")
        }
    }
}

/// The first digits of a decimal integer, rounded, and the power of ten of the first.
fn round_digits(text: &str, digits: usize) -> (String, i64) {
    if text.len() <= digits {
        return (text.to_owned() + &"0".repeat(digits - text.len()), text.len() as i64 - 1);
    }
    let up = text.as_bytes().get(digits).is_some_and(|&c| c >= b'5');
    let kept: BigInt = text.get(..digits).and_then(|head| head.parse().ok()).unwrap_or_default();
    let rounded = (kept + i32::from(up)).to_string();
    let carry = rounded.len() - digits;
    (rounded.chars().take(digits).collect(), (text.len() + carry) as i64 - 1)
}

/// a / 2^shift, rounded to nearest.
fn round_shift(a: &BigInt, shift: u32) -> BigInt {
    if shift == 0 { a.clone() } else { ((a >> (shift - 1)) + 1) >> 1_u32 }
}

/// a 2^shift, rounded down.
pub(super) fn shifted(a: BigInt, shift: i64) -> BigInt {
    if shift >= 0 { a << shift } else { a >> -shift }
}

/// a times a difference of nodes.
pub(super) fn mul_node(a: &mut BigInt, k: i64) {
    *a *= k;
    *a >>= NODE_BITS;
}

/// a divided by a difference of nodes that is not zero.
pub(super) fn div_node(a: &mut BigInt, k: i64) {
    *a <<= NODE_BITS;
    *a /= k;
}

/// a / b in f64; infinite or not a number for b = 0.
pub(super) fn ratio(a: &BigInt, b: &BigInt) -> f64 {
    let leading = |v: &BigInt| {
        let excess = v.bits() as i64 - 64;
        let top = shifted(BigInt::from(v.magnitude().clone()), -excess);
        let top = u64::try_from(top).unwrap_or(0) as f64;
        (if v.sign() == Sign::Minus { -top } else { top }, excess)
    };
    let ((x, i), (y, j)) = (leading(a), leading(b));
    let exponent = (i - j).clamp(-1100, 1100) as i32;
    // In two steps, so that the power itself does not leave the range.
    (x / y) * 2.0_f64.powi(exponent / 2) * 2.0_f64.powi(exponent - exponent / 2)
}

/// The integer m and the exponent e with x = m 2^e, for a finite x.
fn decompose(x: f64) -> (i64, i32) {
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    (if x < 0.0 { -mantissa } else { mantissa }, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_to_decimals_and_back() {
        let fixed = Fixed { bits: 300 };
        for x in [
            1.0,
            -1.0,
            0.1,
            123_456.789,
            -3.0e-20,
            9.999_999_999_999_999e9,
            0.5,
            1.0 / 3.0,
            2.0_f64.powi(-240),
        ] {
            let v = fixed.number(x, 0);
            assert_eq!(fixed.to_f64(&v), x);
            assert_eq!(ratio(&v, &fixed.one()), x);
            assert_eq!(fixed.decimal(&v, 120).parse::<f64>().unwrap(), x);
        }
        assert_eq!(fixed.scientific(&fixed.number(999.96, 0), 4), "1.000e3");
        assert_eq!(fixed.scientific(&fixed.number(-0.125, 0), 3), "-1.25e-1");
        assert_eq!(fixed.scientific(&fixed.number(0.5, 0), 1), "5e-1");
        assert_eq!(fixed.decimal(&fixed.number(-2.75, 0), 1), "-2.8");
        assert_eq!(fixed.decimal(&fixed.number(2.75, 0), 0), "3");
        assert_eq!(fixed.scientific(&BigInt::ZERO, 5), "0");
    }

    #[test]
    fn logarithms_agree_with_the_library() {
        let fixed = Fixed { bits: 200 };
        for x in [1.0, 2.0, 0.5, 3.0, 1e-30, 0.999_999, 1.75, 12_345.678] {
            let got = fixed.log2(&fixed.number(x, 0), 100);
            assert!((got - x.log2()).abs() <= 2e-16 * x.log2().abs(), "{x}: {got} {}", x.log2());
        }
    }
}
