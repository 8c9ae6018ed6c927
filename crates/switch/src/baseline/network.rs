//! Batcher's odd-even merge sort (Batcher 1968): which pairs are put in order, whatever the data.

/// The comparators of a network that sorts `count` elements in ascending order.
///
/// It is the network of the next power of two, less every comparator that touches an element beyond the end: those would
/// hold the largest of all, and never move.
pub(super) fn comparators(count: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let size = count.next_power_of_two();
    let mut run = 1;
    while run < size {
        let mut gap = run;
        while gap >= 1 {
            let starts = (gap % run..size - gap).step_by(2 * gap);
            let lows = starts.flat_map(|start| start..(start + gap).min(size - gap));
            // Both ends lie in one pair of sorted runs.
            let within = lows.filter(|low| low / (2 * run) == (low + gap) / (2 * run));
            pairs.extend(within.map(|low| (low, low + gap)).filter(|&(_, high)| high < count));
            gap /= 2;
        }
        run *= 2;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::comparators;

    /// A network sorts everything if it sorts zeros and ones (Knuth, volume 3, section 5.3.4, theorem Z).
    #[test]
    fn every_sequence_of_zeros_and_ones_is_sorted() {
        for count in 0..=13_usize {
            let network = comparators(count);
            for bits in 0..1_u32 << count {
                let mut row: Vec<u32> = (0..count).map(|i| bits >> i & 1).collect();
                for &(low, high) in &network {
                    if row[low] > row[high] {
                        row.swap(low, high);
                    }
                }
                assert!(row.is_sorted(), "{count} elements, {bits:b}");
            }
        }
    }

    /// The counts of Knuth, volume 3, section 5.3.4.
    #[test]
    fn it_has_as_many_comparators_as_published() {
        assert_eq!([2, 4, 8, 16, 64].map(|count| comparators(count).len()), [1, 5, 19, 63, 543]);
    }
}
