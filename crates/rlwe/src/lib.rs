//! Keys, ciphertexts, key switching and bytes common to every ring-LWE scheme, under parameters whose security was checked.
