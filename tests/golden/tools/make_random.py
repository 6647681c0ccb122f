#!/usr/bin/env python3
"""Makes tests/golden/library/random.json with CPython's random module: sample() through a list and through a set."""
import json
import pathlib
import random

CASES = [(10, 3), (21, 5), (22, 5), (22, 21), (26, 6), (37, 6), (38, 6), (85, 7), (86, 7), (1000, 5), (2376, 25), (100000, 10), (7, 7), (1, 1)]
out = []
for seed in [0, 1, 1234, 4294967295, 4294967296, 98765432109876]:
    r = random.Random(seed)
    out.append({"seed": str(seed), "draws": [{"population": n, "sample": r.sample(range(n), k)} for n, k in CASES + [(2251, 5)] * 60]})
path = pathlib.Path(__file__).resolve().parent.parent / "library" / "random.json"
path.write_text(json.dumps(out) + "\n")
