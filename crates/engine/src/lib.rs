//! Runs a plan on ciphertexts with evaluation keys alone; cannot hold a secret key.
