"""Trees and forests of scikit-learn on made-up data, with what they predict: writes trees.json beside this file.

    pip install scikit-learn && python trees.py
"""

import json
import pathlib

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier


def arrays(tree):
    return {
        "feature": tree.feature.tolist(),
        "threshold": tree.threshold.tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": np.round(tree.value[:, 0, :], 6).tolist(),
    }


def case(name, bits, classes, votes, estimator, seed, rows=48):
    X, y = make_classification(
        400, n_features=6, n_informative=5, n_redundant=0, n_classes=classes, flip_y=0.1, random_state=seed
    )
    low, high = X.min(0), X.max(0)
    scale = (high - low) / (2**bits - 1)
    Q = np.rint((X - low) / scale)
    model = estimator.fit(Q, np.array(["one", "two", "three", "four"])[y])
    trees = [e.tree_ for e in getattr(model, "estimators_", [model])]
    chosen = np.random.default_rng(seed).choice(len(X), rows, replace=False)
    predicted = model.predict(Q[chosen])
    if len(trees) > 1 and votes == 1:
        each = np.stack([e.predict(Q[chosen]).astype(int) for e in model.estimators_])
        counts = np.stack([(each == c).sum(0) for c in range(classes)])
        predicted = model.classes_[counts.argmax(0)]
    return {
        "name": name,
        "model": {
            "format": "arras-tree",
            "bits": bits,
            "offset": low.tolist(),
            "scale": scale.tolist(),
            "classes": model.classes_.tolist(),
            "votes": votes,
            "trees": [arrays(t) for t in trees],
        },
        "rows": X[chosen].tolist(),
        "classes": predicted.tolist(),
    }


CASES = [
    case("one split", 8, 2, 1, DecisionTreeClassifier(max_depth=1, random_state=1), 1),
    case("depth 6", 8, 3, 1, DecisionTreeClassifier(max_depth=6, random_state=2), 2),
    case("as deep as it gets", 6, 2, 1, DecisionTreeClassifier(random_state=3), 3),
    case("majority of trees", 6, 4, 1, RandomForestClassifier(5, max_depth=4, random_state=4), 4),
    case("mean of trees", 4, 3, 256, RandomForestClassifier(4, max_depth=3, random_state=5), 5),
]
path = pathlib.Path(__file__).with_name("trees.json")
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
