"""OpenFHE (PyPI `openfhe`, BSD-2-Clause) behind the line protocol: CKKS bootstrapping of complex vectors.

The wheel is a generic x86-64 build without AVX; a build for the machine at hand may be faster.
"""

import argparse
from importlib.metadata import version

import numpy as np
import openfhe as fhe

from worker import Unsupported, serve


def arguments():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--log-ring", type=int, required=True, help="log2 of the ring dimension")
    words.add_argument("--slots", type=int, required=True, help="slots of the vectors, a power of two")
    words.add_argument("--danger-insecure", action="store_true", help="skip the library's security check")
    words.add_argument("--levels", type=int, help="levels beside the bootstrapping's own; as many as are secure")
    words.add_argument("--scale-bits", type=int, default=54, help="bits of the scale and of each level")
    words.add_argument("--digits", type=int, help="digits of the key switch")
    words.add_argument("--budget", type=int, help="levels of each of the two linear transforms")
    words.add_argument("--raise-first", action=argparse.BooleanOptionalAction, help="the older order of steps")
    return words.parse_args()


def choices(args):
    """Fills in what was not asked for with the least time for each slot and level of what was tried: README.md has it.

    The secret key is dense and ternary at 128 bits; the sparse one, of weight 32, is met inside a refresh alone. That is
    faster by far than its reduction for dense keys, and what our own refresh does.
    """
    full = args.slots == 1 << (args.log_ring - 1)
    if args.budget is None:
        args.budget = min(3, -(-(args.slots.bit_length() - 1) // 3))
    if args.digits is None:
        args.digits = 6 if full else 4
    if args.raise_first is None:
        args.raise_first = not full


def context_of(args, depth):
    parameters = fhe.CCParamsCKKSRNS()
    parameters.SetRingDim(1 << args.log_ring)
    parameters.SetMultiplicativeDepth(depth)
    parameters.SetFirstModSize(60)  # its largest
    parameters.SetScalingModSize(args.scale_bits)
    parameters.SetScalingTechnique(fhe.FLEXIBLEAUTO)  # on a small ring two bits more precise than a fixed scale
    parameters.SetKeySwitchTechnique(fhe.HYBRID)
    parameters.SetNumLargeDigits(args.digits)
    parameters.SetSecretKeyDist(fhe.SPARSE_ENCAPSULATED)
    parameters.SetSecurityLevel(fhe.HEStd_NotSet if args.danger_insecure else fhe.HEStd_128_classic)
    parameters.SetBatchSize(args.slots)
    parameters.SetCKKSDataType(fhe.COMPLEX)  # as ours; on a small ring it takes no longer than real numbers
    return fhe.GenCryptoContext(parameters)  # refuses a ring too small for the security level


def deepest(args):
    """A context with as many levels as its security check accepts, and how many they are."""
    own = fhe.CryptoContext.GetBootstrapDepth([args.budget, args.budget], fhe.SPARSE_ENCAPSULATED)
    if args.levels is not None or args.danger_insecure:
        depth = own + (args.levels or 6)
        return context_of(args, depth), depth
    refusal = None
    for depth in range(own + 16, own, -1):
        try:
            return context_of(args, depth), depth
        except RuntimeError as error:
            refusal = error
    raise Unsupported(f"no chain that holds a bootstrapping is secure: {refusal}")


def keyed(context, args):
    """The context ready for bootstrapping, and its keys."""
    for feature in (fhe.PKE, fhe.KEYSWITCH, fhe.LEVELEDSHE, fhe.ADVANCEDSHE, fhe.FHE):
        context.Enable(feature)
    context.EvalBootstrapSetup([args.budget, args.budget], [0, 0], args.slots, 0, True, not args.raise_first)
    keys = context.KeyGen()
    context.EvalMultKeyGen(keys.secretKey)
    context.EvalBootstrapKeyGen(keys.secretKey, args.slots)
    return keys


def main():
    args = arguments()
    choices(args)
    about = {"name": "openfhe", "version": version("openfhe"), "ring": 1 << args.log_ring, "slots": args.slots}
    try:
        context, depth = deepest(args)
    except Unsupported as reason:
        refusal = str(reason)

        def refuse(*_):
            raise Unsupported(refusal)

        serve(about, refuse)
        return

    keys = keyed(context, args)
    # The lowest level that it accepts: one goes to its own adjustment of the scale.
    bottom = 1 if args.raise_first else 1 + args.budget
    rng = np.random.default_rng(1)
    values = rng.uniform(-1, 1, args.slots) + 1j * rng.uniform(-1, 1, args.slots)
    plain = context.MakeCKKSPackedPlaintext(list(values), 1, depth - bottom, None, args.slots)
    sealed = context.Encrypt(keys.publicKey, plain)

    def check(fresh):
        opened = context.Decrypt(keys.secretKey, fresh)
        opened.SetLength(args.slots)
        wrong = np.array(opened.GetCKKSPackedValue()[: args.slots]) - values
        errors = np.abs(np.concatenate([wrong.real, wrong.imag]))
        mean, worst = (round(float(-np.log2(error)), 1) for error in (errors.mean(), errors.max()))
        # A scale that is still to be rescaled takes a level.
        level = depth - fresh.GetLevel() - (fresh.GetNoiseScaleDeg() - 1)
        return {
            "levels_left": level - bottom,
            "log2_scale": args.scale_bits,
            "max_error": float(errors.max()),
            "precision_bits": {"mean": mean, "worst": worst},
        }

    def prepare(op, level, request):
        if op != "refresh":
            raise Unsupported(f"no operation {op}")
        refresh = context.EvalBootstrap if args.raise_first else context.EvalBootstrapStCFirst
        return (lambda: refresh(sealed)), check

    about |= {
        "levels": depth,
        "security": "not checked" if args.danger_insecure else "128 bits, classical, its own check",
        "key_switch": f"hybrid, {args.digits} digits",
        "order": "raise first" if args.raise_first else "slots to coefficients first",
        "budget": [args.budget, args.budget],
    }
    serve(about, prepare)


if __name__ == "__main__":
    main()
