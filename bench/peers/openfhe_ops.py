"""OpenFHE (PyPI `openfhe`, BSD-2-Clause) behind the line protocol: RNS-CKKS with hybrid key switching.

The wheel is a generic x86-64 build without AVX; a build for the machine at hand may be faster.
"""

from importlib.metadata import version

import numpy as np
import openfhe as fhe

from worker import Unsupported, arguments, serve


def main():
    args = arguments(__doc__)
    slots = 1 << (args.log_ring - 1)

    parameters = fhe.CCParamsCKKSRNS()
    parameters.SetRingDim(1 << args.log_ring)
    parameters.SetMultiplicativeDepth(args.levels)
    parameters.SetFirstModSize(args.base_bits)
    parameters.SetScalingModSize(args.scale_bits)
    parameters.SetScalingTechnique(fhe.FIXEDMANUAL)  # its fastest: a rescale happens only where it is asked for
    parameters.SetKeySwitchTechnique(fhe.HYBRID)
    parameters.SetNumLargeDigits(args.digits)
    parameters.SetSecretKeyDist(fhe.UNIFORM_TERNARY)
    parameters.SetSecurityLevel(fhe.HEStd_NotSet if args.danger_insecure else fhe.HEStd_128_classic)
    parameters.SetBatchSize(slots)

    context = fhe.GenCryptoContext(parameters)  # refuses a ring too small for the security level
    for feature in (fhe.PKE, fhe.KEYSWITCH, fhe.LEVELEDSHE, fhe.ADVANCEDSHE):
        context.Enable(feature)
    keys = context.KeyGen()
    context.EvalMultKeyGen(keys.secretKey)
    context.EvalRotateKeyGen(keys.secretKey, [1])

    rng = np.random.default_rng(1)
    left, right = rng.uniform(-1, 1, slots), rng.uniform(-1, 1, slots)
    operands = {}

    def encode(values, level):
        return context.MakeCKKSPackedPlaintext(values, 1, args.levels - level, None, slots)

    def at(level):
        """Two ciphertexts and a plaintext at a level."""
        if level not in operands:
            plain = encode(right, level)
            operands[level] = (
                context.Encrypt(keys.publicKey, encode(left, level)),
                context.Encrypt(keys.publicKey, plain),
                plain,
            )
        return operands[level]

    def prepare(op, level, request):
        if not 0 <= level <= args.levels:
            raise Unsupported(f"levels go from 0 to {args.levels}")
        if op == "encode":
            return lambda: encode(left, level)
        a, b, plain = at(level)
        if op == "encrypt":
            return lambda: context.Encrypt(keys.publicKey, plain)
        if op == "decrypt":
            return lambda: context.Decrypt(keys.secretKey, a)
        if op == "add":
            return lambda: context.EvalAdd(a, b)
        if op == "multiply_plain":
            return lambda: context.EvalMult(a, plain)
        if op == "multiply":
            if level == 0:
                raise Unsupported("no level left to rescale into")
            return lambda: context.Rescale(context.EvalMult(a, b))
        if op == "rotate":
            return lambda: context.EvalRotate(a, 1)
        if op == "hoist":
            return lambda: context.EvalFastRotationPrecompute(a)
        if op == "rotate_hoisted":
            digits = context.EvalFastRotationPrecompute(a)
            return lambda: context.EvalFastRotation(a, 1, 2 << args.log_ring, digits)
        raise Unsupported(f"no operation {op}")

    def error_bits():
        """Bits of precision of one product, so that a run shows that the operations mean what they say."""
        a, b, _ = at(args.levels)
        product = context.Decrypt(keys.secretKey, context.Rescale(context.EvalMult(a, b)))
        seen = np.array(product.GetRealPackedValue()[:slots])
        return round(float(-np.log2(np.abs(seen - left * right).max())), 1)

    about = {
        "name": "openfhe",
        "version": version("openfhe"),
        "ring": context.GetRingDimension(),
        "levels": args.levels,
        "security": "not checked" if args.danger_insecure else "128 bits, classical, its own check",
        "key_switch": f"hybrid, {args.digits} digits",
        "precision_bits": error_bits(),
    }
    serve(about, prepare)


if __name__ == "__main__":
    main()
