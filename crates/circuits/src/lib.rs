//! Algorithms over hidden vectors, written once against a few small traits, with the clear and the traced reading.
