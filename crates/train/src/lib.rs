//! Trains models whose nonlinearities are already polynomials; never sees a ciphertext.
