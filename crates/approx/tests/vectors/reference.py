"""Writes reference.json: values of polynomials and targets at 50 digits, and best-possible Chebyshev coefficients.

Run: python3 -m pip install mpmath && python3 reference.py > reference.json
"""

import json
import random

from mpmath import mp, mpf, chebyt, cos, exp, pi

mp.dps = 50


def series(coefficients, t):
    return sum(mpf(c) * chebyt(k, mpf(t)) for k, c in enumerate(coefficients))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def interpolant(f, lo, hi, degree):
    n = degree + 1
    angles = [pi * (j + mpf(1) / 2) / n for j in range(n)]
    values = [f((mpf(lo) + hi) / 2 + (mpf(hi) - lo) / 2 * cos(a)) for a in angles]
    out = []
    for k in range(n):
        s = 2 * sum(v * cos(k * a) for v, a in zip(values, angles)) / n
        out.append(s / 2 if k == 0 else s)
    return out


def main():
    rng = random.Random(1)
    values = []
    for degree in (1, 6, 15, 31, 63, 120, 255):
        c = [rng.uniform(-1, 1) for _ in range(degree + 1)]
        points = [rng.uniform(-1, 1) for _ in range(4)] + [-1.0, 1.0]
        values.append({"coefficients": c, "at": points, "value": [float(series(c, t)) for t in points]})
    fits = []
    for name, f, lo, hi, degree in (
        ("Sigmoid", sigmoid, -8, 8, 27),
        ("Exp", exp, -2, 2, 15),
        ("Reciprocal", lambda x: 1 / x, 1, 5, 15),
    ):
        c = [float(x) for x in interpolant(f, lo, hi, degree)]
        grid = [mpf(lo) + (mpf(hi) - lo) * i / 4000 for i in range(4001)]
        error = max(abs(series(c, (2 * x - lo - hi) / (mpf(hi) - lo)) - f(x)) for x in grid)
        fits.append({"target": name, "lo": lo, "hi": hi, "coefficients": c, "grid_error": float(error)})
    print(json.dumps({"values": values, "fits": fits}, indent=1))


main()
