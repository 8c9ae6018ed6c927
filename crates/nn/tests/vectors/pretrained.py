#!/usr/bin/env python3
"""Makes pretrained-{bert,distilbert}/: a tiny random encoder as Hugging Face's libraries write it, and what it computes.

Nothing but the standard library: the reference is written from the papers (Devlin et al. 2019; Sanh et al. 2019), in double
precision. Run it in this folder.
"""

import json
import math
import os
import random
import struct

D, HEADS, HIDDEN, LAYERS, POSITIONS = 8, 2, 16, 2, 12
PIECES = "[PAD] [UNK] [CLS] [SEP] [MASK] a film good bad not very ##ly dull charm ##ing , .".split()
TEXTS = ["a charming film.", "Not very good, not bad", "badly"]


def single(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def draw(rng, shape, scale):
    count = math.prod(shape)
    return shape, [single(rng.gauss(0, scale)) for _ in range(count)]


def tensors(rng, kind):
    bert = kind == "bert"
    prefix = "bert." if bert else "distilbert."
    out = {}

    def linear(name, rows, columns):
        out[prefix + name + ".weight"] = draw(rng, [rows, columns], 0.4)
        out[prefix + name + ".bias"] = draw(rng, [rows], 0.2)

    def norm(name):
        shape, values = draw(rng, [D], 0.2)
        out[prefix + name + ".weight"] = (shape, [single(1 + v) for v in values])
        out[prefix + name + ".bias"] = draw(rng, [D], 0.2)

    out[prefix + "embeddings.word_embeddings.weight"] = draw(rng, [len(PIECES), D], 0.5)
    out[prefix + "embeddings.position_embeddings.weight"] = draw(rng, [POSITIONS, D], 0.3)
    if bert:
        out[prefix + "embeddings.token_type_embeddings.weight"] = draw(rng, [2, D], 0.3)
    norm("embeddings.LayerNorm")
    for n in range(LAYERS):
        at = f"encoder.layer.{n}." if bert else f"transformer.layer.{n}."
        names = (
            ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
            if bert
            else ["attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"]
        )
        for name in names:
            linear(at + name, D, D)
        norm(at + ("attention.output.LayerNorm" if bert else "sa_layer_norm"))
        linear(at + ("intermediate.dense" if bert else "ffn.lin1"), HIDDEN, D)
        linear(at + ("output.dense" if bert else "ffn.lin2"), D, HIDDEN)
        norm(at + ("output.LayerNorm" if bert else "output_layer_norm"))
    return prefix, out


def write(path, named):
    header, data = {}, b""
    for name, (shape, values) in named.items():
        bytes_ = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + data)


def tokenise(text):
    rows = [PIECES.index("[CLS]")]
    for word in text.lower().replace(",", " , ").replace(".", " . ").split():
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in PIECES:
                    rows.append(PIECES.index(piece))
                    start = end
                    break
            else:
                raise ValueError(word)
    return rows + [PIECES.index("[SEP]")]


class Reference:
    def __init__(self, kind, prefix, named):
        self.bert, self.prefix, self.named = kind == "bert", prefix, named

    def rows(self, name):
        shape, values = self.named[self.prefix + name]
        return [values[i * shape[1] : (i + 1) * shape[1]] for i in range(shape[0])]

    def vector(self, name):
        return self.named[self.prefix + name][1]

    def linear(self, name, x):
        bias = self.vector(name + ".bias")
        return [sum(w * v for w, v in zip(row, x)) + b for row, b in zip(self.rows(name + ".weight"), bias)]

    def norm(self, name, x):
        mean = sum(x) / len(x)
        variance = sum((v - mean) ** 2 for v in x) / len(x)
        gain, bias = self.vector(name + ".weight"), self.vector(name + ".bias")
        return [(v - mean) / math.sqrt(variance + 1e-12) * g + b for v, g, b in zip(x, gain, bias)]

    def attend(self, x, query, key, value, out):
        q, k, v = ([self.linear(name, row) for row in x] for name in (query, key, value))
        each, mixed = D // HEADS, []
        for i in range(len(x)):
            row = []
            for h in range(0, D, each):
                scores = [sum(q[i][f] * k[j][f] for f in range(h, h + each)) / math.sqrt(each) for j in range(len(x))]
                weights = [math.exp(s) for s in scores]
                for f in range(h, h + each):
                    row.append(sum(w * v[j][f] for j, w in enumerate(weights)) / sum(weights))
            mixed.append(self.linear(out, row))
        return mixed

    def run(self, tokens):
        words, places = self.rows("embeddings.word_embeddings.weight"), self.rows("embeddings.position_embeddings.weight")
        kind = self.rows("embeddings.token_type_embeddings.weight")[0] if self.bert else [0.0] * D
        x = [
            self.norm("embeddings.LayerNorm", [a + b + c for a, b, c in zip(words[t], places[i], kind)])
            for i, t in enumerate(tokens)
        ]
        layers = [x]
        for n in range(LAYERS):
            at = f"encoder.layer.{n}." if self.bert else f"transformer.layer.{n}."
            if self.bert:
                inner = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
                first, up, down, last = "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"
            else:
                inner = ["attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"]
                first, up, down, last = "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"
            added = self.attend(x, *(at + name for name in inner))
            x = [self.norm(at + first, [a + b for a, b in zip(row, add)]) for row, add in zip(x, added)]
            hidden = [[0.5 * z * (1 + math.erf(z / math.sqrt(2))) for z in self.linear(at + up, row)] for row in x]
            x = [
                self.norm(at + last, [a + b for a, b in zip(row, self.linear(at + down, h))]) for row, h in zip(x, hidden)
            ]
            layers.append(x)
        return layers


def main():
    for seed, kind in enumerate(["bert", "distilbert"]):
        folder = "pretrained-" + kind
        os.makedirs(folder, exist_ok=True)
        prefix, named = tensors(random.Random(seed), kind)
        write(f"{folder}/model.safetensors", named)
        sizes = {"vocab_size": len(PIECES), "max_position_embeddings": POSITIONS, "model_type": kind}
        if kind == "bert":
            sizes |= {"hidden_size": D, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
            sizes |= {"intermediate_size": HIDDEN, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
        else:
            sizes |= {"dim": D, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": HIDDEN, "activation": "gelu"}
        model = {"type": "WordPiece", "vocab": {piece: i for i, piece in enumerate(PIECES)}}
        tokenizer = {"normalizer": {"type": "BertNormalizer", "lowercase": True}, "model": model}
        reference = Reference(kind, prefix, named)
        expected = [{"text": t, "rows": tokenise(t), "layers": reference.run(tokenise(t))} for t in TEXTS]
        for name, content in [("config", sizes), ("tokenizer", tokenizer), ("expected", expected)]:
            with open(f"{folder}/{name}.json", "w", encoding="utf-8") as file:
                json.dump(content, file)


if __name__ == "__main__":
    main()
