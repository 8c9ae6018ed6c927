"""Random queries on random tables, with SQLite's answers: writes tables.json beside this file.

    python tables.py
"""

import json
import pathlib
import random
import sqlite3

rng = random.Random(20)


def expression(columns, depth):
    if depth == 0 or rng.random() < 0.4:
        return rng.choice(columns) if rng.random() < 0.8 else str(rng.randrange(6))
    left, right = expression(columns, depth - 1), expression(columns, depth - 1)
    return f"({left} {rng.choice('++-*')} {right})"


def condition(columns, depth):
    if depth > 0 and rng.random() < 0.6:
        kind = rng.random()
        if kind < 0.2:
            return f"NOT ({condition(columns, depth - 1)})"
        join = "AND" if kind < 0.6 else "OR"
        return f"({condition(columns, depth - 1)} {join} {condition(columns, depth - 1)})"
    value, number = expression(columns, 1), lambda: rng.randrange(-2, 24)
    kind = rng.random()
    negated = rng.choice(["", "", "NOT "])
    if kind < 0.25:
        low = number()
        return f"{value} {negated}BETWEEN {low} AND {low + rng.randrange(-1, 9)}"
    if kind < 0.4:
        return f"{value} {negated}IN ({', '.join(str(number()) for _ in range(rng.randrange(1, 4)))})"
    other = str(number()) if rng.random() < 0.6 else expression(columns, 1)
    return f"{value} {rng.choice(['<', '<=', '>', '>=', '=', '<>'])} {other}"


def query(schema):
    columns = list(schema)
    where = f" WHERE {condition(columns, 2)}" if rng.random() < 0.85 else ""
    if rng.random() < 0.35:
        items = [expression(columns, 1) for _ in range(rng.randrange(1, 4))]
        return f"SELECT {', '.join(items)} FROM t{where}"
    aggregates = [f"{name}({expression(columns, 1)})" for name in ("SUM", "AVG", "MIN", "MAX")] + ["COUNT(*)"]
    items = rng.sample(aggregates, rng.randrange(1, 4))
    if rng.random() < 0.4:
        keys = rng.sample([c for c in columns if schema[c] <= 2], rng.randrange(1, 2))
        group = ", ".join(keys)
        return f"SELECT {', '.join(keys + items)} FROM t{where} GROUP BY {group} ORDER BY {group}"
    return f"SELECT {', '.join(items)} FROM t{where}"


def case():
    schema = {"a": rng.randrange(1, 5), "b": rng.randrange(1, 4), "g": rng.randrange(1, 3)}
    rows = rng.choice([1, 2, 3, 5, 8, 13, 16, 31, 40])
    columns = [[rng.randrange(2**bits) for _ in range(rows)] for bits in schema.values()]
    sql = query(schema)
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (a INTEGER, b INTEGER, g INTEGER)")
    db.executemany("INSERT INTO t VALUES (?, ?, ?)", zip(*columns))
    answer = [list(row) for row in db.execute(sql)]
    return {"schema": {"t": schema}, "columns": columns, "sql": sql.split(" ORDER BY")[0], "rows": answer}


here = pathlib.Path(__file__).parent
cases = [case() for _ in range(400)]
(here / "tables.json").write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
