//! Everything that needs the secret key: generate, seal, open.
