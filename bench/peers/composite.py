"""Polynomials applied one after another, by the plans that arrive with a request.

A stage is {"coefficients": [c_0, c_1, ...], "depth", "powers", "root"}: a polynomial sum c_k T_k on [-1, 1], and how it is
evaluated. `powers` lists [index, left, right] for T_index = 2 T_left T_right - T_(left-right), each after its operands. A
node of the plan is {"leaf": [[k, c_k], ...]} or {"giant": g, "quotient": node, "remainder": node} for quotient T_g +
remainder. Every library that follows a plan does the same products at the same levels.

What a library must offer to `apply`, on ciphertexts of its own:

    lower(c, level)            the same numbers at a lower level
    product(a, b)              a product that waits for `finish`; products and multiples of one level add
    multiple(a, number)        likewise
    add_to(a, b)               a + b, which may overwrite a; subtract_from(a, b) is a - b
    add_number(a, number)      a + number, which may overwrite a
    finish(a)                  relinearised where necessary, and rescaled: one level below
"""

import numpy as np


def apply(library, stages, x, level):
    """All stages in turn on a ciphertext at a level."""
    for stage in stages:
        x = polynomial(library, stage, x, level)
        level -= stage["depth"]
    return x


def polynomial(library, plan, x, level):
    """One stage."""
    powers = Powers(library, x, level)
    for index, left, right in plan["powers"]:
        powers.make(index, left, right)
    return chain(library, powers, plan["root"], level - plan["depth"])


class Powers:
    """T_1, T_2, ... of a ciphertext, each also at the lower levels where it was needed."""

    def __init__(self, library, x, level):
        self.library = library
        self.made = {1: (x, level)}
        self.lowered = {}

    def at(self, index, level):
        power, has = self.made[index]
        if has == level:
            return power
        if (index, level) not in self.lowered:
            self.lowered[index, level] = self.library.lower(power, level)
        return self.lowered[index, level]

    def make(self, index, left, right):
        level = min(self.made[left][1], self.made[right][1])
        product = self.library.finish(self.library.product(self.at(left, level), self.at(right, level)))
        power = self.library.add_to(product, product)
        if left == right:
            power = self.library.add_number(power, -1.0)
        else:
            power = self.library.subtract_from(power, self.at(left - right, level - 1))
        self.made[index] = (power, level - 1)


def chain(library, powers, node, landing):
    """A root or a quotient: all its products and multiples are summed before one relinearisation and one rescale."""
    level, total = landing + 1, None
    while "giant" in node:
        quotient = chain(library, powers, node["quotient"], level)
        product = library.product(quotient, powers.at(node["giant"], level))
        total = product if total is None else library.add_to(total, product)
        node = node["remainder"]
    constant = 0.0
    for index, coefficient in node["leaf"]:
        if index == 0:
            constant = coefficient
            continue
        term = library.multiple(powers.at(index, level), coefficient)
        total = term if total is None else library.add_to(total, term)
    result = library.finish(total)
    return library.add_number(result, constant) if constant else result


def inputs(slots, epsilon):
    """Numbers of both signs that fill epsilon <= |x| < 1 evenly, those nearest to zero among them; the same in every
    worker: multiples of the golden ratio."""
    index = np.arange(slots)
    size = epsilon + (1 - epsilon) * np.modf((index // 2) * 0.618_033_988_749_894_9)[0]
    return np.where(index % 2 == 0, size, -size)


def errors(stages, x, seen, levels_left):
    """How far numbers that came out are from the plain composite, and from the sign."""
    plain = x
    for stage in stages:
        plain = np.polynomial.chebyshev.chebval(plain, stage["coefficients"])
    max_error = float(np.abs(seen - plain).max())
    return {
        "max_error": max_error,
        "precision_bits": round(float(-np.log2(max_error)), 1),
        "sign_error": float(np.abs(seen - np.sign(x)).max()),
        "levels_left": levels_left,
    }
