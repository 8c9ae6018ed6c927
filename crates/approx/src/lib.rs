//! Finds polynomials, plans their evaluation and certifies their error; numbers only.
