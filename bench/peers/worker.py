"""The worker's side of the line protocol: one JSON request per line in, one JSON answer per line out.

README.md in this folder states the protocol. A library's script gives `serve` a description of itself and a function
that prepares one operation at one level.
"""

import argparse
import gc
import json
import os
import sys
import time


class Unsupported(Exception):
    """The library has no such operation, or none at this level or under these parameters."""


def parser(description):
    """The parameters that every worker takes."""
    words = argparse.ArgumentParser(description=description)
    words.add_argument("--log-ring", type=int, required=True, help="log2 of the ring dimension")
    words.add_argument("--levels", type=int, required=True, help="multiplications one after another")
    words.add_argument("--base-bits", type=int, default=60, help="bits of the modulus left at level 0")
    words.add_argument("--scale-bits", type=int, default=50, help="bits of the scale and of each level")
    words.add_argument("--digits", type=int, default=3, help="digits of the key switch, where there is a choice")
    words.add_argument("--danger-insecure", action="store_true", help="skip the library's security check")
    return words


def arguments(description):
    """The same, read from the command line."""
    return parser(description).parse_args()


def measure(run, reps):
    """CPU time of the whole process, and wall time, of each of `reps` calls, in milliseconds; and the last result."""
    cpu_ms, wall_ms, result = [], [], None
    gc.collect()
    gc.disable()
    try:
        for _ in range(reps):
            del result
            wall, cpu = time.perf_counter(), time.process_time()
            result = run()
            cpu_ms.append((time.process_time() - cpu) * 1e3)
            wall_ms.append((time.perf_counter() - wall) * 1e3)
    finally:
        gc.enable()
    return cpu_ms, wall_ms, result


def serve(about, prepare):
    """Answers requests until standard input ends.

    `prepare(op, level, request)` returns a function without arguments that performs the operation once, or raises
    Unsupported. It may return a pair, whose second function takes the result of the last call and returns what the answer
    is to say of it.
    """
    # The library may print what it likes: only the protocol reaches the real standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def prepared_for(op, level, request):
        work = prepare(op, level, request)
        run, check = work if isinstance(work, tuple) else (work, lambda result: {})
        run()  # the first call fills caches and is not counted
        return run, check

    prepared = {}
    answer({"ready": about})
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            op, level, reps = request["op"], int(request["level"]), int(request.get("reps", 1))
        except (ValueError, KeyError, TypeError) as error:
            answer({"error": f"not a request: {error!r}"})
            continue
        try:
            key = json.dumps(request | {"reps": 0}, sort_keys=True)
            if key not in prepared:
                prepared[key] = prepared_for(op, level, request)
            run, check = prepared[key]
            cpu_ms, wall_ms, result = measure(run, reps)
            answer({"op": op, "level": level, "cpu_ms": cpu_ms, "wall_ms": wall_ms} | check(result))
        except Unsupported as reason:
            answer({"op": op, "level": level, "unsupported": str(reason)})
        except Exception as error:  # the library's own errors have no common ancestor
            answer({"op": op, "level": level, "error": str(error)})
