"""Writes metrics.json: known answers from scikit-learn (1.9), seeded. Run: python metrics.py > metrics.json"""
import json
import numpy as np
from sklearn import metrics as m

rng = np.random.default_rng(1)
cases = []
for n, digits in [(2, 3), (10, 1), (50, 2), (200, 1), (200, 6)]:
    y = rng.integers(0, 2, n)
    y[:2] = [0, 1]
    p = np.round(np.clip(0.25 + 0.4 * y + 0.3 * rng.standard_normal(n), 0.01, 0.99), digits).clip(0.01, 0.99)
    hard = p >= 0.5
    cases.append({
        "probabilities": p.tolist(),
        "labels": [bool(v) for v in y],
        "expected": {
            "count": n,
            "accuracy": m.accuracy_score(y, hard),
            "precision": m.precision_score(y, hard, zero_division=0),
            "recall": m.recall_score(y, hard),
            "f1": m.f1_score(y, hard),
            "auroc": m.roc_auc_score(y, p),
            "cross_entropy": m.log_loss(y, p),
        },
    })
print(json.dumps(cases))
