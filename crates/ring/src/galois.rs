//! Automorphisms X -> X^g.

/// An odd exponent modulo 2N: the automorphism X -> X^g.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Galois(u32);

impl Galois {
    /// Rotation of N/2 slots to the left by `by`, as 5^by mod 2N.
    pub fn rotation(by: i64, degree: usize) -> Self {
        let (order, modulus) = (degree as i64 / 2, 2 * degree as u64);
        let mut exponent = by.rem_euclid(order) as u64;
        let (mut result, mut square) = (1u64, 5u64);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * square % modulus;
            }
            square = square * square % modulus;
            exponent >>= 1;
        }
        Self(result as u32)
    }

    /// Complex conjugation of the slots: X -> X^(2N - 1).
    pub fn conjugation(degree: usize) -> Self {
        Self(2 * degree as u32 - 1)
    }

    /// An exponent read from elsewhere; `None` unless odd and below 2N.
    pub fn from_exponent(exponent: u32, degree: usize) -> Option<Self> {
        (exponent % 2 == 1 && (exponent as usize) < 2 * degree).then_some(Self(exponent))
    }

    /// The exponent.
    pub const fn exponent(self) -> u32 {
        self.0
    }

    /// The automorphism that undoes this one.
    pub fn inverse(self, degree: usize) -> Self {
        // The group of odd residues mod 2N has exponent N/2: g^(N/2 - 1) is the inverse.
        let modulus = 2 * degree as u64;
        let (mut result, mut square, mut exponent) = (1u64, u64::from(self.0), degree as u64 / 2 - 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * square % modulus;
            }
            square = square * square % modulus;
            exponent >>= 1;
        }
        Self(result as u32)
    }

    /// Where each point of a transformed row comes from: `result[i] = row[index[i]]`.
    pub fn permutation(self, degree: usize) -> Vec<u32> {
        let shift = usize::BITS - degree.trailing_zeros();
        let reverse = |i: usize| i.reverse_bits() >> shift;
        (0..degree)
            .map(|i| {
                let exponent = (2 * reverse(i) + 1) * self.0 as usize % (2 * degree);
                reverse((exponent - 1) / 2) as u32
            })
            .collect()
    }
}
