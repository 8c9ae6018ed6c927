//! All shortest paths, by Floyd and Warshall (Floyd 1962).

/// The predecessor of a node that cannot be reached, or is the start itself; others are the node's number plus one.
pub const NONE: u64 = 0;

/// The distance that stands for no path: the largest number of so many bits. A path as long or longer is none, too.
pub(super) fn infinity(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// A matrix of weights as the algorithm starts: no way from a node to itself, and the predecessors of single edges.
pub(super) fn start(weights: &[u64], nodes: usize, bits: u32) -> (Vec<u64>, Vec<u64>) {
    let entry = |(at, &weight): (usize, &u64)| {
        let (from, to) = (at / nodes, at % nodes);
        if from == to {
            (0, NONE)
        } else if weight >= infinity(bits) {
            (infinity(bits), NONE)
        } else {
            (weight, from as u64 + 1)
        }
    };
    weights.iter().enumerate().map(entry).unzip()
}

/// The updates (through, from, to) in their order; those that cannot shorten anything are left out.
pub(super) fn updates(nodes: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let all = (0..nodes).flat_map(move |k| (0..nodes).flat_map(move |i| (0..nodes).map(move |j| (k, i, j))));
    all.filter(|&(k, i, j)| k != i && k != j && i != j)
}

/// Distances, and then predecessors, row after row.
pub(super) fn paths(weights: &[u64], nodes: usize, bits: u32) -> Vec<u64> {
    let (mut distance, mut before) = start(weights, nodes, bits);
    for (k, i, j) in updates(nodes) {
        let through = distance[i * nodes + k] + distance[k * nodes + j];
        if through < distance[i * nodes + j] {
            distance[i * nodes + j] = through;
            before[i * nodes + j] = before[k * nodes + j];
        }
    }
    distance.append(&mut before);
    distance
}
