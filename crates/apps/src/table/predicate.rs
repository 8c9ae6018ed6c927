//! Conditions on rows: polynomials in sets of integers, joined by AND and OR.
//!
//! A comparison of two expressions says that their difference lies in an interval. Differences are reduced, so that `a < b`
//! and `2 * b - 2 * a > 1` speak of the same polynomial; conditions on the same one are joined in public, and NOT goes
//! into the sets. What is left to compute is one step for each end of an interval.

use super::poly::Poly;

/// Beyond every value.
pub(super) const FAR: i128 = 1 << 100;

/// A condition on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Predicate {
    /// Of every row, or of none.
    Always(bool),
    /// A reduced polynomial without constant lies in a set.
    In(Poly, Set),
    /// All of at least two.
    And(Vec<Predicate>),
    /// Any of at least two.
    Or(Vec<Predicate>),
}

/// Integers of a range: intervals with gaps between them, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub range: (i128, i128),
    pub spans: Vec<(i128, i128)>,
}

impl Set {
    /// What of these intervals is in the range.
    fn new(range: (i128, i128), mut spans: Vec<(i128, i128)>) -> Self {
        spans.sort_unstable();
        let mut set = Set { range, spans: Vec::new() };
        for (lo, hi) in spans {
            let (lo, hi) = (lo.max(range.0), hi.min(range.1));
            match set.spans.last_mut() {
                _ if lo > hi => {}
                Some(last) if lo <= last.1 + 1 => last.1 = last.1.max(hi),
                _ => set.spans.push((lo, hi)),
            }
        }
        set
    }

    fn union(&self, other: &Set) -> Set {
        Set::new(self.range, [self.spans.as_slice(), &other.spans].concat())
    }

    fn complement(&self) -> Set {
        let starts = std::iter::once(self.range.0).chain(self.spans.iter().map(|(_, hi)| hi + 1));
        let ends = self.spans.iter().map(|(lo, _)| lo - 1).chain(std::iter::once(self.range.1));
        Set::new(self.range, starts.zip(ends).collect())
    }

    pub fn contains(&self, value: i128) -> bool {
        self.spans.iter().any(|(lo, hi)| (*lo..=*hi).contains(&value))
    }
}

impl Predicate {
    /// p in lo..=hi, where [`FAR`] is no bound, for columns up to `most`.
    ///
    /// `reach` is how far p is taken to go beyond its range: no condition is settled by what lies nearer to it.
    pub fn between(p: &Poly, (lo, hi): (i128, i128), most: &[u64], reach: i128) -> Self {
        let (rest, constant) = p.split();
        let (lo, hi) = (lo.saturating_sub(constant), hi.saturating_sub(constant));
        if rest.is_constant() {
            return Predicate::Always(lo <= 0 && 0 <= hi);
        }
        let (q, divisor) = rest.reduced();
        let ends = (divided(lo, divisor.abs(), true), divided(hi, divisor.abs(), false));
        let ends = if divisor < 0 { (-ends.1, -ends.0) } else { ends };
        let range = q.range(most);
        let range = (range.0 - reach, range.1 + reach);
        let set = Set::new(range, vec![ends]);
        Predicate::In(q, set).settled()
    }

    pub fn not(self) -> Self {
        match self {
            Predicate::Always(holds) => Predicate::Always(!holds),
            Predicate::In(p, set) => Predicate::In(p, set.complement()).settled(),
            Predicate::And(parts) => Predicate::any(parts.into_iter().map(Predicate::not).collect()),
            Predicate::Or(parts) => Predicate::all(parts.into_iter().map(Predicate::not).collect()),
        }
    }

    pub fn any(parts: Vec<Predicate>) -> Self {
        let mut joined: Vec<Predicate> = Vec::new();
        for part in parts {
            match part {
                Predicate::Always(false) => {}
                Predicate::Always(true) => return part,
                Predicate::Or(parts) => parts.into_iter().for_each(|part| join(&mut joined, part)),
                Predicate::In(..) | Predicate::And(_) => join(&mut joined, part),
            }
        }
        if joined.contains(&Predicate::Always(true)) {
            return Predicate::Always(true);
        }
        match joined.len() {
            0 => Predicate::Always(false),
            1 => joined.swap_remove(0),
            _ => Predicate::Or(joined),
        }
    }

    /// Not any that is not: the sets of one polynomial are joined on the way.
    pub fn all(parts: Vec<Predicate>) -> Self {
        let mut joined: Vec<Predicate> = Vec::new();
        for part in parts {
            match part {
                Predicate::Always(true) => {}
                Predicate::Always(false) => return part,
                Predicate::And(parts) => parts.into_iter().for_each(|part| meet(&mut joined, part)),
                Predicate::In(..) | Predicate::Or(_) => meet(&mut joined, part),
            }
        }
        if joined.contains(&Predicate::Always(false)) {
            return Predicate::Always(false);
        }
        match joined.len() {
            0 => Predicate::Always(true),
            1 => joined.swap_remove(0),
            _ => Predicate::And(joined),
        }
    }

    /// Whether it holds in a row.
    pub fn holds(&self, row: &dyn Fn(usize) -> u64) -> bool {
        match self {
            Predicate::Always(holds) => *holds,
            Predicate::In(p, set) => set.contains(p.value(row)),
            Predicate::And(parts) => parts.iter().all(|part| part.holds(row)),
            Predicate::Or(parts) => parts.iter().any(|part| part.holds(row)),
        }
    }

    /// A set that is all or nothing is no condition.
    fn settled(self) -> Self {
        match &self {
            Predicate::In(_, set) if set.spans.is_empty() => Predicate::Always(false),
            Predicate::In(_, set) if set.spans == [set.range] => Predicate::Always(true),
            Predicate::In(..) | Predicate::Always(_) | Predicate::And(_) | Predicate::Or(_) => self,
        }
    }
}

/// Adds an alternative to some.
fn join(joined: &mut Vec<Predicate>, part: Predicate) {
    merge(joined, part, |a, b| a.union(b));
}

/// Adds a condition to some.
fn meet(joined: &mut Vec<Predicate>, part: Predicate) {
    merge(joined, part, |a, b| a.complement().union(&b.complement()).complement());
}

fn merge(joined: &mut Vec<Predicate>, part: Predicate, sets: impl Fn(&Set, &Set) -> Set) {
    if let Predicate::In(p, set) = &part {
        for known in joined.iter_mut() {
            match known {
                Predicate::In(q, other) if p == q => {
                    *known = Predicate::In(p.clone(), sets(other, set)).settled();
                    return;
                }
                Predicate::In(..) | Predicate::Always(_) | Predicate::And(_) | Predicate::Or(_) => {}
            }
        }
    }
    if !joined.contains(&part) {
        joined.push(part);
    }
}

/// a / b for b > 0, towards minus infinity or, if `up`, towards plus infinity.
fn divided(a: i128, b: i128, up: bool) -> i128 {
    if up { -(-a).div_euclid(b) } else { a.div_euclid(b) }
}
