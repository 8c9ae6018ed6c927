//! Arithmetic in Z_Q[X]/(X^N+1) held as residues; the only crate with unsafe.
