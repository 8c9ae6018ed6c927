"""Writes metrics.json: known answers, seeded. Run: python metrics.py > metrics.json

All from scikit-learn (1.9) but the expected calibration error, which it does not have: that is written out here by the definition
of Guo, Pleiss, Sun, Weinberger 2017, section 2, one bin after the other. Entropies are from scipy (1.17).
"""
import json
import numpy as np
from scipy.stats import entropy
from sklearn import metrics as m


def calibration_error(y, p, bins=15):
    said = (p >= 0.5).astype(int)
    confidence = np.where(said == 1, p, 1 - p)
    right = (said == y).astype(float)
    total = 0.0
    for i in range(bins):
        inside = (confidence > i / bins) & (confidence <= (i + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


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
            "ece": calibration_error(y, p),
            "entropy_bits": float(np.mean(entropy(np.stack([p, 1 - p]), base=2))),
        },
    })
print(json.dumps(cases))
