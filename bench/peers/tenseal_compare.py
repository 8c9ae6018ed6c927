"""SEAL (PyPI `tenseal`, Apache-2.0; SEAL is MIT) behind the line protocol: polynomials applied one after another, by the
plan that comes with a request.

The wheel is a build without HEXL, which would make it two to three times faster. SEAL has one way to switch keys: one
special prime, and as many digits as there are primes. At its 128-bit level it knows rings up to 2^15.
"""

from importlib.metadata import version

import numpy as np
import tenseal.sealapi as seal

import composite
from worker import Unsupported, arguments, serve


class Library:
    """What `composite.apply` asks for. All scales are taken as equal to the nominal one after a rescale."""

    def __init__(self, args, context, relin):
        self.scale, self.relin = 2.0**args.scale_bits, relin
        self.evaluator, self.encoder = seal.Evaluator(context), seal.CKKSEncoder(context)
        # The identifier of the parameters at each level, from the top down.
        self.ids, data = {}, context.first_context_data()
        for level in range(args.levels, -1, -1):
            self.ids[level] = data.parms_id()
            data = data.next_context_data()

    def _number(self, value, like, scale):
        plain = seal.Plaintext()
        self.encoder.encode(float(value), like.parms_id(), scale, plain)
        return plain

    def lower(self, c, level):
        result = seal.Ciphertext()
        self.evaluator.mod_switch_to(c, self.ids[level], result)
        return result

    def product(self, a, b):
        result = seal.Ciphertext()
        if a is b:
            self.evaluator.square(a, result)
        else:
            self.evaluator.multiply(a, b, result)
        return result

    def multiple(self, a, number):
        result = seal.Ciphertext()
        self.evaluator.multiply_plain(a, self._number(number, a, self.scale), result)
        return result

    def add_to(self, a, b):
        self.evaluator.add_inplace(a, b)
        return a

    def subtract_from(self, a, b):
        self.evaluator.sub_inplace(a, b)
        return a

    def add_number(self, a, number):
        self.evaluator.add_plain_inplace(a, self._number(number, a, a.scale))
        return a

    def finish(self, a):
        if a.size() > 2:
            self.evaluator.relinearize_inplace(a, self.relin)
        self.evaluator.rescale_to_next_inplace(a)
        a.scale = self.scale
        return a


def main():
    args = arguments(__doc__)
    ring, slots = 1 << args.log_ring, 1 << (args.log_ring - 1)
    about = {"name": "seal", "version": f"tenseal {version('tenseal')}", "ring": ring, "levels": args.levels}

    def refuse(reason):
        def prepare(op, level, request):
            raise Unsupported(reason)

        serve(about, prepare)

    if args.log_ring > 15:
        refuse("rings go up to 2^15")
        return

    parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
    parameters.set_poly_modulus_degree(ring)
    bits = [args.base_bits] + [args.scale_bits] * args.levels + [60]
    parameters.set_coeff_modulus(seal.CoeffModulus.Create(ring, bits))
    security = seal.SEC_LEVEL_TYPE.NONE if args.danger_insecure else seal.SEC_LEVEL_TYPE.TC128
    context = seal.SEALContext(parameters, True, security)
    if not context.parameters_set():
        refuse(f"it refuses the parameters: {context.parameters_error_message()}")
        return

    keygen = seal.KeyGenerator(context)
    secret, public, relin = keygen.secret_key(), seal.PublicKey(), seal.RelinKeys()
    keygen.create_public_key(public)
    keygen.create_relin_keys(relin)
    encryptor, decryptor = seal.Encryptor(context, public), seal.Decryptor(context, secret)
    library = Library(args, context, relin)

    def prepare(op, level, request):
        if op != "composite":
            raise Unsupported(f"no operation {op}")
        stages, x = request["stages"], composite.inputs(slots, request["epsilon"])
        plain, sealed = seal.Plaintext(), seal.Ciphertext()
        library.encoder.encode(x.tolist(), library.ids[level], library.scale, plain)
        encryptor.encrypt(plain, sealed)

        def check(result):
            decryptor.decrypt(result, plain)
            seen = np.array(library.encoder.decode_double(plain))
            return composite.errors(stages, x, seen, result.coeff_modulus_size() - 1)

        return (lambda: composite.apply(library, stages, sealed, level)), check

    about |= {
        "security": "not checked" if args.danger_insecure else "128 bits, classical, its own check",
        "key_switch": f"one special prime, {args.levels + 1} digits",
        "evaluation": "our plan, sums relinearised once",
    }
    serve(about, prepare)


if __name__ == "__main__":
    main()
