#!/usr/bin/env python3
"""Checks the certificate of a composition of polynomials that tends to the sign; independent of the Rust code.

    check_certificate.py FILE     (- for standard input)

Every number is a rational, exactly as written. A polynomial is converted to the Bernstein basis of its interval, whose
coefficients enclose its values, and the interval is halved until they prove the claimed range. From then on integers of
BITS bits are rounded down, which moves a coefficient by less than d / 2 units at each halving; ROUNDED covers that.

Proved: every stage's range, for the coefficients as printed and as folded into the next scaling; that a stage's domain
holds what the stage before leaves, margins included; that no value leaves its box for any |x| <= 1; the certified and the
noisy error, the magnitude, and the weighted error. Python 3 alone, some seconds.
"""

import json
import math
import sys
from fractions import Fraction

BITS = 240
ROUNDED = 1 << 14
GRID = 1 << 80  # ends of intervals that are passed on are rounded outward to a multiple of 1 / GRID
DEPTH = 100  # halvings: 100 * 255 / 2 < ROUNDED


class Refused(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Refused(why)


def dyadic(values):
    """Integers n and an e with values = n / 2^e; every double is of this form."""
    e = max(v.denominator.bit_length() - 1 for v in values)
    out = [v * 2**e for v in values]
    need(all(v.denominator == 1 for v in out), "a number is not a sum of powers of two")
    return [v.numerator for v in out], e


def power_basis(odd):
    """The coefficients of 1, t, t^2, ... of the sum of odd[k] T_{2k+1}(t), for integers odd[k]."""
    out = [0] * (2 * len(odd))
    before, now = [1], [0, 1]
    for index in range(1, 2 * len(odd)):
        if index % 2 == 1:
            for power, c in enumerate(now):
                out[power] += odd[index // 2] * c
        after = [0] + [2 * c for c in now]
        for power, c in enumerate(before):
            after[power] -= c
        before, now = now, after
    return out


def bernstein(odd, w, lo, hi):
    """Coefficients on [lo, hi] of the sum of odd[k] T_{2k+1}(x / w), times 2^BITS, rounded down."""
    odd, e = dyadic(odd)
    (w, lo, hi), _ = dyadic((w, lo, hi))
    d = 2 * len(odd) - 1
    c = [a * w ** (d - power) for power, a in enumerate(power_basis(odd))]  # w^d p(x), in powers of x
    for i in range(d):  # in powers of x - lo
        for j in range(d - 1, i - 1, -1):
            c[j] += lo * c[j + 1]
    common = math.lcm(*(math.comb(d, j) for j in range(d + 1)))
    c = [a * (hi - lo) ** j * (common // math.comb(d, j)) for j, a in enumerate(c)]
    whole = w**d * common << e
    return [(sum(math.comb(i, j) * c[j] for j in range(i + 1)) << BITS) // whole for i in range(d + 1)]


def halves(b):
    left, right = [b[0]], [b[-1]]
    while len(b) > 1:
        b = [(x + y) >> 1 for x, y in zip(b, b[1:])]
        left.append(b[0])
        right.append(b[-1])
    return left, right[::-1]


def prove_range(odd, w, domain, claim, what):
    """Refuses unless claim[0] <= p(x) <= claim[1] for all x in the domain."""
    least = math.ceil(claim[0] * 2**BITS)
    most = math.floor(claim[1] * 2**BITS) - ROUNDED
    todo = [(bernstein(odd, w, *domain), 0)]
    while todo:
        b, depth = todo.pop()
        if least <= min(b) and max(b) <= most:
            continue
        # The first and the last coefficient are values.
        ends = (b[0], b[-1])
        need(max(ends) <= most + ROUNDED and min(ends) >= least - ROUNDED, f"{what}: a value is outside of the range")
        need(depth < DEPTH, f"{what}: the range cannot be proved")
        todo += [(half, depth + 1) for half in halves(b)]


def hull(odd, w, lo, hi):
    """An interval that contains p(x) for lo <= x <= hi."""
    b = bernstein(odd, w, lo, hi)
    return Fraction(min(b), 2**BITS), Fraction(max(b) + 1, 2**BITS)


def prove_weighted(record):
    """Refuses unless |x| |P(x) - sgn x| / 2 is at most what is claimed, for |x| < epsilon."""
    stages = []
    for stage in record["stages"]:
        odd = [Fraction(c) for c in stage["coefficients"]]
        # Folding rounds a coefficient by 2^-53 of itself at most.
        margin = Fraction(stage["margin"]) + sum(abs(c) for c in odd) / 2**52
        stages.append((odd, Fraction(stage["scaling"]), Fraction(stage["range"][1]), margin))
    claim, strays = Fraction(record["weighted_error"]), Fraction(record["input_margin"])
    todo = [(Fraction(0), Fraction(record["epsilon"]), 0)]
    while todo:
        u, v, depth = todo.pop()
        values = (u - strays, v + strays)
        for odd, w, box, margin in stages:
            lo, hi = Fraction(math.floor(values[0] * GRID), GRID), Fraction(math.ceil(values[1] * GRID), GRID)
            lo, hi = hull(odd, w, lo, hi)
            values = widened((max(lo, -box), min(hi, box)), margin)
        if v * error(values) <= 2 * claim:
            continue
        need(depth < DEPTH, "the weighted error cannot be proved")
        middle = (u + v) / 2
        todo += [(u, middle, depth + 1), (middle, v, depth + 1)]


def inside(inner, outer):
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def error(values):
    return max(abs(values[0] - 1), abs(values[1] - 1))


def widened(values, margin):
    return (values[0] - margin, values[1] + margin)


def check(record):
    pair = lambda values: (Fraction(values[0]), Fraction(values[1]))
    epsilon, strays = Fraction(record["epsilon"]), Fraction(record["input_margin"])
    need(0 <= strays < epsilon < 1, "the gap must lie between the input's margin and one")
    need(record["stages"], "there is no stage")
    exact, noisy, scaling = (epsilon, Fraction(1)), widened((epsilon, Fraction(1)), strays), Fraction(1)
    for i, stage in enumerate(record["stages"]):
        after = record["stages"][i + 1]["scaling"] if i + 1 < len(record["stages"]) else 1.0
        need(stage["odd"] and stage["degree"] == 2 * len(stage["coefficients"]) - 1, f"stage {i}: another degree")
        w, margin = Fraction(stage["scaling"]), Fraction(stage["margin"])
        domain, range_, exact_range = pair(stage["domain"]), pair(stage["range"]), pair(stage["exact_range"])
        need(i > 0 or w == 1, "the first scaling must be one")
        need(0 < domain[0] and inside(noisy, domain), f"stage {i}: the domain leaves out what arrives")
        need(margin >= 0, f"stage {i}: the margin is negative")
        need(i == 0 or noisy[1] <= w, f"stage {i}: values leave [-1, 1] after scaling")
        printed = [Fraction(c) for c in stage["coefficients"]]
        # Evaluated are quotients in double precision; times the next scaling they mean the same polynomial.
        folded = [Fraction(c / after) * Fraction(after) for c in stage["coefficients"]]
        for odd, name in ((printed, "printed"), (folded, "folded")):
            what = f"stage {i}, {name}"
            prove_range(odd, w, domain, range_, what)
            prove_range(odd, w, (Fraction(0), domain[0]), (-range_[1], range_[1]), what + ", near zero")
            if exact != domain or exact_range != range_:
                prove_range(odd, w, exact, exact_range, what + ", exact")
            if after == 1:
                break
        exact, noisy = exact_range, widened(range_, margin)
        need(noisy[0] > 0, f"stage {i}: the signs are not told apart")
    need(error(exact) <= Fraction(record["certified_error"]), "the certified error is larger")
    need(error(noisy) <= Fraction(record["noisy_error"]), "the noisy error is larger")
    need(noisy[1] <= Fraction(record["magnitude"]), "the magnitude is larger")
    need(error(noisy) <= 2 * Fraction(record["weighted_error"]), "the weighted error is larger at one")
    prove_weighted(record)


def main():
    with sys.stdin if sys.argv[1] == "-" else open(sys.argv[1], encoding="utf-8") as file:
        record = json.load(file)
    try:
        check(record)
    except Refused as why:
        print(f"refused: {why}")
        return 1
    print(f"proved: {record['certified_error']} exact, {record['noisy_error']} with margins")
    return 0


if __name__ == "__main__":
    sys.exit(main())
