//! Seeds, strategies and naive oracles for tests; imports no crate of ours.
