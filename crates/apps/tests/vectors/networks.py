"""Networks of scikit-learn on made-up data, with their scores: writes networks.json beside this file.

    pip install scikit-learn && python networks.py
"""

import json
import pathlib

import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier


def scores(layers, X):
    for i, (W, b) in enumerate(layers):
        X = (np.maximum(X, 0) if i else X) @ W + b
    return X


def case(name, classes, model, seed, rows=12):
    X, y = make_classification(
        300, n_features=5, n_informative=4, n_redundant=0, n_classes=classes, random_state=seed
    )
    X = X * [1, 10, 0.1, 1, 3] + [0, 50, 0, -4, 0]
    model.fit((X - X.mean(0)) / X.std(0), y)
    if hasattr(model, "coefs_"):
        layers = [(W.copy(), b.copy()) for W, b in zip(model.coefs_, model.intercepts_)]
    else:
        layers = [(model.coef_.T.copy(), model.intercept_.copy())]
    W, b = layers[0]
    layers[0] = (W / X.std(0)[:, None], b - (X.mean(0) / X.std(0)) @ W)
    chosen = X[np.random.default_rng(seed).choice(len(X), rows, replace=False)]
    return {
        "name": name,
        "network": {
            "format": "arras-network",
            "ranges": np.stack([X.min(0), X.max(0)], 1).tolist(),
            "classes": model.classes_.tolist(),
            "layers": [{"weights": W.T.tolist(), "bias": b.tolist()} for W, b in layers],
        },
        "rows": chosen.tolist(),
        "scores": scores(layers, chosen).tolist(),
        "classes": model.predict((chosen - X.mean(0)) / X.std(0)).tolist(),
    }


CASES = [
    case("logistic, two classes", 2, LogisticRegression(), 1),
    case("logistic, four classes", 4, LogisticRegression(), 2),
    case("one hidden layer", 3, MLPClassifier([7], max_iter=1000, random_state=3), 3),
    case("two hidden layers", 2, MLPClassifier([6, 4], max_iter=1000, random_state=4), 4),
]
path = pathlib.Path(__file__).with_name("networks.json")
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
