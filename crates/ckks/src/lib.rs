//! Approximate arithmetic on encrypted vectors of numbers.
