"""OpenFHE (PyPI `openfhe`, BSD-2-Clause) behind the line protocol: polynomials applied one after another.

By default it follows the plan that comes with a request: baby steps, giant steps and a relinearisation of sums, at the
least depth. With --series it calls its own `EvalChebyshevSeries`, which takes more levels; --degrees says which, since
the chain must hold them.

The wheel is a generic x86-64 build without AVX; a build for the machine at hand may be faster.
"""

import argparse
from importlib.metadata import version

import openfhe as fhe

import composite
from worker import Unsupported, parser, serve


class Library:
    """What `composite.apply` asks for. All scales are taken as equal, as OpenFHE does when it rescales by hand."""

    def __init__(self, context, top):
        self.context, self.top = context, top

    def lower(self, c, level):
        return self.context.LevelReduce(c, None, self.top - level - c.GetLevel())

    def product(self, a, b):
        # A square has a product of its own, which relinearises at once.
        return self.context.EvalSquare(a) if a is b else self.context.EvalMultNoRelin(a, b)

    def multiple(self, a, number):
        return self.context.EvalMult(a, number)

    def add_to(self, a, b):
        if a is b or a.NumberCiphertextElements() < b.NumberCiphertextElements():
            return self.context.EvalAdd(a, b)
        self.context.EvalAddInPlace(a, b)
        return a

    def subtract_from(self, a, b):
        self.context.EvalSubInPlace(a, b)
        return a

    def add_number(self, a, number):
        self.context.EvalAddInPlace(a, number)
        return a

    def finish(self, a):
        if a.NumberCiphertextElements() > 2:
            self.context.RelinearizeInPlace(a)
        self.context.RescaleInPlace(a)
        return a


def series_levels(degrees):
    """Levels that `EvalChebyshevSeries` takes for odd polynomials of these degrees in turn, tried on a tiny ring."""
    log_ring, room = 10, 9
    tiny = argparse.Namespace(log_ring=log_ring, base_bits=60, scale_bits=50, danger_insecure=True)
    context, keys = keyed(context_of(tiny, room, 1))
    x = context.MakeCKKSPackedPlaintext([0.5], 1, 0, None, 1 << (log_ring - 1))

    def levels(degree):
        odd = [k % 2 / degree for k in range(degree + 1)]
        return context.EvalChebyshevSeries(context.Encrypt(keys.publicKey, x), odd, -1.0, 1.0).GetLevel()

    return sum(map(levels, degrees))


def context_of(args, levels, digits):
    parameters = fhe.CCParamsCKKSRNS()
    parameters.SetRingDim(1 << args.log_ring)
    parameters.SetMultiplicativeDepth(levels)
    parameters.SetFirstModSize(args.base_bits)
    parameters.SetScalingModSize(args.scale_bits)
    parameters.SetScalingTechnique(fhe.FIXEDMANUAL)  # its fastest, for its own series too
    parameters.SetKeySwitchTechnique(fhe.HYBRID)
    parameters.SetNumLargeDigits(digits)
    parameters.SetSecretKeyDist(fhe.UNIFORM_TERNARY)
    parameters.SetSecurityLevel(fhe.HEStd_NotSet if args.danger_insecure else fhe.HEStd_128_classic)
    parameters.SetBatchSize(1 << (args.log_ring - 1))
    return fhe.GenCryptoContext(parameters)  # refuses a ring too small for the security level


def keyed(context):
    """The context ready for use, and its keys."""
    for feature in (fhe.PKE, fhe.KEYSWITCH, fhe.LEVELEDSHE, fhe.ADVANCEDSHE):
        context.Enable(feature)
    keys = context.KeyGen()
    context.EvalMultKeyGen(keys.secretKey)
    return context, keys


def fewest_digits(args, levels):
    """The context with the fewest digits of the key switch that the library accepts, tried upward from what was asked."""
    refusal = None
    for digits in range(args.digits, levels + 2):
        try:
            return context_of(args, levels, digits), digits
        except RuntimeError as error:
            refusal = error
    raise Unsupported(f"no number of digits is secure at {levels} levels: {refusal}")


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--series", action="store_true", help="use the library's own evaluation of a series")
    arguments.add_argument("--degrees", type=lambda text: [int(word) for word in text.split(",")], default=[])
    args = arguments.parse_args()
    slots = 1 << (args.log_ring - 1)
    levels = series_levels(args.degrees) if args.series else args.levels
    about = {
        "name": "openfhe-series" if args.series else "openfhe",
        "version": version("openfhe"),
        "ring": 1 << args.log_ring,
        "levels": levels,
    }
    try:
        context, digits = fewest_digits(args, levels)
    except Unsupported as reason:
        refusal = str(reason)

        def refuse(*_):
            raise Unsupported(refusal)

        serve(about, refuse)
        return

    context, keys = keyed(context)
    library = Library(context, levels)

    def series(stages, sealed):
        for stage in stages:
            sealed = context.EvalChebyshevSeries(sealed, stage["coefficients"], -1.0, 1.0)
        return sealed

    def prepare(op, level, request):
        if op != "composite":
            raise Unsupported(f"no operation {op}")
        stages, x = request["stages"], composite.inputs(slots, request["epsilon"])
        dropped = 0 if args.series else args.levels - level
        sealed = context.Encrypt(keys.publicKey, context.MakeCKKSPackedPlaintext(x, 1, dropped, None, slots))

        def check(result):
            seen = context.Decrypt(keys.secretKey, result).GetRealPackedValue()[:slots]
            return composite.errors(stages, x, seen, levels - result.GetLevel())

        if args.series:
            return (lambda: series(stages, sealed)), check
        return (lambda: composite.apply(library, stages, sealed, level)), check

    about |= {
        "security": "not checked" if args.danger_insecure else "128 bits, classical, its own check",
        "key_switch": f"hybrid, {digits} digits",
        "evaluation": "its own Chebyshev series" if args.series else "our plan, sums relinearised once",
    }
    serve(about, prepare)


if __name__ == "__main__":
    main()
