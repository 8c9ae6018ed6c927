"""SEAL (PyPI `tenseal`, Apache-2.0; SEAL is MIT) behind the line protocol, called below TenSEAL's own tensors.

The wheel is a build without HEXL, which would make it two to three times faster. SEAL has one way to switch keys: one
special prime, and as many digits as there are primes. At its 128-bit level it knows rings up to 2^15.
"""

from importlib.metadata import version

import numpy as np
import tenseal.sealapi as seal

from worker import Unsupported, arguments, serve


def main():
    args = arguments(__doc__)
    ring, slots = 1 << args.log_ring, 1 << (args.log_ring - 1)
    scale = 2.0**args.scale_bits
    about = {"name": "seal", "version": f"tenseal {version('tenseal')}", "ring": ring, "levels": args.levels}

    if args.log_ring > 15:
        def refuse(op, level, request):
            raise Unsupported("rings go up to 2^15")

        serve(about, refuse)
        return

    parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
    parameters.set_poly_modulus_degree(ring)
    bits = [args.base_bits] + [args.scale_bits] * args.levels + [60]
    parameters.set_coeff_modulus(seal.CoeffModulus.Create(ring, bits))
    security = seal.SEC_LEVEL_TYPE.NONE if args.danger_insecure else seal.SEC_LEVEL_TYPE.TC128
    context = seal.SEALContext(parameters, True, security)
    if not context.parameters_set():
        raise SystemExit(f"seal refuses the parameters: {context.parameters_error_message()}")

    keygen = seal.KeyGenerator(context)
    secret, public = keygen.secret_key(), seal.PublicKey()
    keygen.create_public_key(public)
    relin, galois = seal.RelinKeys(), seal.GaloisKeys()
    keygen.create_relin_keys(relin)
    keygen.create_galois_keys([3], galois)  # by Galois element: 3 rotates by one
    evaluator, encoder = seal.Evaluator(context), seal.CKKSEncoder(context)
    encryptor, decryptor = seal.Encryptor(context, public), seal.Decryptor(context, secret)

    # The identifier of the parameters at each level, from the top down.
    ids, data = {}, context.first_context_data()
    for level in range(args.levels, -1, -1):
        ids[level] = data.parms_id()
        data = data.next_context_data()

    rng = np.random.default_rng(1)
    left, right = rng.uniform(-1, 1, slots), rng.uniform(-1, 1, slots)
    left_list = left.tolist()  # the binding takes lists: the conversion to C++ is part of what it times
    operands = {}

    def encode(values, level):
        plain = seal.Plaintext()
        encoder.encode(values, ids[level], scale, plain)
        return plain

    def encrypt(plain):
        cipher = seal.Ciphertext()
        encryptor.encrypt(plain, cipher)
        return cipher

    def decrypt(cipher):
        plain = seal.Plaintext()
        decryptor.decrypt(cipher, plain)
        return encoder.decode_double(plain)

    def multiply(a, b):
        product = seal.Ciphertext()
        evaluator.multiply(a, b, product)
        evaluator.relinearize_inplace(product, relin)
        evaluator.rescale_to_next_inplace(product)
        return product

    def into(operation, *operands):
        result = seal.Ciphertext()
        operation(*operands, result)
        return result

    def at(level):
        """Two ciphertexts and a plaintext at a level."""
        if level not in operands:
            plain = encode(right.tolist(), level)
            operands[level] = (encrypt(encode(left_list, level)), encrypt(plain), plain)
        return operands[level]

    def prepare(op, level, request):
        if not 0 <= level <= args.levels:
            raise Unsupported(f"levels go from 0 to {args.levels}")
        if op == "encode":
            return lambda: encode(left_list, level)
        a, b, plain = at(level)
        if op == "encrypt":
            return lambda: encrypt(plain)
        if op == "decrypt":
            return lambda: decrypt(a)
        if op == "add":
            return lambda: into(evaluator.add, a, b)
        if op == "multiply_plain":
            return lambda: into(evaluator.multiply_plain, a, plain)
        if op == "multiply":
            if level == 0:
                raise Unsupported("no level left to rescale into")
            return lambda: multiply(a, b)
        if op == "rotate":
            return lambda: into(evaluator.rotate_vector, a, 1, galois)
        if op in ("hoist", "rotate_hoisted"):
            raise Unsupported("SEAL does not hoist")
        raise Unsupported(f"no operation {op}")

    a, b, _ = at(args.levels)
    seen = np.array(decrypt(multiply(a, b)))
    about |= {
        "security": "not checked" if args.danger_insecure else "128 bits, classical, its own check",
        "key_switch": f"one special prime, {args.levels + 1} digits",
        "precision_bits": round(float(-np.log2(np.abs(seen - left * right).max())), 1),
    }
    serve(about, prepare)


if __name__ == "__main__":
    main()
