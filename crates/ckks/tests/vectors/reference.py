"""Writes reference.json: coefficients of encoded vectors, by the definition of the canonical embedding at 40 digits.

Slot j of a vector of n is the value at zeta^(5^j), zeta = exp(i pi / 2n), of a real polynomial of degree below 2n:
coefficient k is the mean over the slots of Re(z_j conj(zeta^(5^j k))).

Run: python3 -m pip install mpmath && python3 reference.py > reference.json
"""

import json
import random

from mpmath import conj, expjpi, mp, mpc, mpf, nstr

mp.dps = 40


def coefficients(values):
    n = len(values)
    points = [pow(5, j, 4 * n) for j in range(n)]
    out = []
    for k in range(2 * n):
        terms = [z * conj(expjpi(mpf(p * k % (4 * n)) / (2 * n))) for z, p in zip(values, points)]
        out.append(sum(t.real for t in terms) / n)
    return out


def main():
    rng = random.Random(1)
    vectors = []
    for n in (1, 2, 4, 16, 64):
        pairs = [(rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(n)]
        values = [mpc(re, im) for re, im in pairs]
        vectors.append({"values": pairs, "coefficients": [float(nstr(c, 20)) for c in coefficients(values)]})
    print(json.dumps({"vectors": vectors}, indent=1))


main()
