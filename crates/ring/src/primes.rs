//! Primes that split X^N + 1.

/// Whether n is prime: Miller and Rabin with the twelve bases that decide every 64-bit integer (Sorenson and Webster 2015).
pub fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return false;
    }
    if let Some(&p) = BASES.iter().find(|&&p| n.is_multiple_of(p)) {
        return n == p;
    }
    let shift = (n - 1).trailing_zeros();
    let odd = (n - 1) >> shift;
    BASES.iter().all(|&base| {
        let mut x = pow(base, odd, n);
        if x == 1 || x == n - 1 {
            return true;
        }
        (1..shift).any(|_| {
            x = mul(x, x, n);
            x == n - 1
        })
    })
}

/// The primes congruent to 1 mod 2N closest to `target`, nearest first, all below 2^50.
///
/// Ties go to the smaller. The sequence is finite: it ends when both directions leave (2N, 2^50).
pub fn near(target: f64, degree: usize) -> impl Iterator<Item = u64> {
    let step = 2 * degree as u64;
    let limit = 1u64 << crate::modulus::MAX_MODULUS_BITS;
    let centre = ((target.clamp(0.0, limit as f64) as u64) / step) * step + 1;
    let mut below =
        std::iter::successors(Some(centre), move |&x| x.checked_sub(step)).filter(|&x| x > 1).peekable();
    let mut above = std::iter::successors(Some(centre + step), move |&x| Some(x + step))
        .take_while(move |&x| x < limit)
        .peekable();
    std::iter::from_fn(move || {
        let take_below = match (below.peek(), above.peek()) {
            (Some(&b), Some(&a)) => (target - b as f64) <= (a as f64 - target),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return None,
        };
        if take_below { below.next() } else { above.next() }
    })
    .filter(move |&x| x < limit && is_prime(x))
}

fn mul(a: u64, b: u64, m: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(m)) as u64
}

fn pow(mut base: u64, mut exponent: u64, m: u64) -> u64 {
    let mut result = 1;
    base %= m;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul(result, base, m);
        }
        base = mul(base, base, m);
        exponent >>= 1;
    }
    result
}
