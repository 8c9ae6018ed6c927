"""Writes reference.json: what the samplers and the seeded streams must give, from independent code.

* gaussian: round(2^63 P(|x| > k)) of the discrete Gaussian of deviation 3.19, at 60 digits (mpmath);
* uniform: residues below each prime, rejected from ChaCha20 key streams (cryptography, hence OpenSSL);
* derived: keyed BLAKE3 of short labels, from the compression function written out below.

Run: python3 -m pip install mpmath cryptography && python3 reference.py > reference.json
"""

import json
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from mpmath import exp, floor, mp, mpf

mp.dps = 60

SIGMA = mpf("3.19")
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, ROOT, KEYED_HASH = 1, 2, 8, 16


def gaussian():
    weight = [exp(-(mpf(k) ** 2) / (2 * SIGMA**2)) for k in range(200)]
    total = weight[0] + 2 * sum(weight[1:])
    table = []
    for k in range(60):
        bound = int(floor(2**63 * 2 * sum(weight[k + 1 :]) / total + mpf(1) / 2))
        if bound == 0:
            break
        table.append(bound)
    return table


def residues(key, stream, prime, count):
    """Words of the key stream with a 64-bit counter and a 64-bit stream number, masked; those not below q rejected."""
    nonce = struct.pack("<QQ", 0, stream)
    words = Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64 * count))
    mask = (1 << prime.bit_length()) - 1
    kept = [word & mask for (word,) in struct.iter_unpack("<Q", words) if word & mask < prime]
    return kept[:count]


def keyed_blake3(key, label):
    assert len(label) <= 64
    m = list(struct.unpack("<16I", label.ljust(64, b"\0")))
    flags = CHUNK_START | CHUNK_END | ROOT | KEYED_HASH
    v = list(struct.unpack("<8I", key)) + list(IV[:4]) + [0, 0, len(label), flags]

    def rotate(x, by):
        return (x >> by | x << 32 - by) & 0xFFFFFFFF

    def mix(a, b, c, d, x, y):
        v[a] = (v[a] + v[b] + x) & 0xFFFFFFFF
        v[d] = rotate(v[d] ^ v[a], 16)
        v[c] = (v[c] + v[d]) & 0xFFFFFFFF
        v[b] = rotate(v[b] ^ v[c], 12)
        v[a] = (v[a] + v[b] + y) & 0xFFFFFFFF
        v[d] = rotate(v[d] ^ v[a], 8)
        v[c] = (v[c] + v[d]) & 0xFFFFFFFF
        v[b] = rotate(v[b] ^ v[c], 7)

    for _ in range(7):
        for i in range(4):
            mix(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[p] for p in PERMUTATION]
    return struct.pack("<8I", *(v[i] ^ v[i + 8] for i in range(8)))


def main():
    key = bytes(range(1, 33))
    uniform = [
        {"stream": stream, "prime": prime, "residues": residues(key, stream, prime, 40)}
        for stream, prime in (
            (0, 1125899906842273),
            (1, 97),
            (5, 7681),
            (1 << 32, 1099511627297),
            ((1 << 32) + 3, 12289),
        )
    ]
    derived = [
        {"label": list(label), "seed": list(keyed_blake3(key, label))}
        for label in (b"", b"a", struct.pack("<Q", 7), b"a label of some length")
    ]
    print(json.dumps({"gaussian": gaussian(), "key": list(key), "uniform": uniform, "derived": derived}, indent=1))


main()
