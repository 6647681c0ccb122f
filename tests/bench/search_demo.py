#!/usr/bin/env python3
"""How much of an exhaustive grid's front the searches find, with how many of its evaluations.

    tests/bench/search_demo.py build/release/hma eval/demo WORK [--limit 60] [--seeds 10]

Scores the grid of K=3 blocks and 6 levels (216 merges) on the search items, then runs each method with its share of the
evaluations from several seeds, all in one run folder, so that a merge that two searches ask for is scored once. What is compared
is the hypervolume on the search items, which is what a search sees; the fronts' scores on test items are printed beside it. WORK keeps the
runs: the same line goes on where it stopped.
"""
import argparse
import json
import re
import statistics
import subprocess

BUDGETS = {"surrogate": 216 // 6, "nsga2": 216 // 3}


def hma(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout), done.stderr


def volume(front):
    """Hypervolume relative to the rectangle between pre and post, and that rectangle."""
    ends = {p["label"]: p for p in front["points"] if p["label"] in ("pre", "post")}
    unit = 1
    for axis in ("alignment", "retention"):
        unit *= abs(ends["post"][axis]["value"] - ends["pre"][axis]["value"])
    return front["hypervolume"]["value"] / unit


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("hma")
    parser.add_argument("demo")
    parser.add_argument("work")
    parser.add_argument("--limit", default="60")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", default="2")
    a = parser.parse_args()
    common = [a.demo + "/pre", a.demo + "/post", "--suite", a.demo + "/suite.json", "--limit", a.limit, "-j", a.threads, "--json"]
    grid, _ = hma([a.hma, "sweep", *common, "--run", a.work + "/grid", "--items", "search", "--blocks", "3",
                   "--levels", "0,0.2,0.4,0.6,0.8,1"])
    whole = volume(grid)
    print(f"grid: {len(grid['points'])} merges, {len(grid['front'])} on the front, hypervolume {whole:.4f}", flush=True)
    for method, budget in BUDGETS.items():
        shares, tests = [], []
        for seed in range(1, a.seeds + 1):
            front, said = hma([a.hma, "search", *common, "--run", a.work + "/search", "--method", method, "--candidates", str(budget),
                               "--search-seed", str(seed)])
            asked = re.search(r"search: (\d+) candidates.* (\d+) on the front of the search items, hypervolume ([\d.]+)", said)
            shares.append(float(asked[3]) / whole)
            tests.append(volume(front))
            print(f"{method} seed {seed}: {asked[1]} evaluations, {asked[2]} on its front, share of the grid's hypervolume "
                  f"{shares[-1]:.4f}; all fronts so far on test items {tests[-1]:.4f}", flush=True)
        print(f"{method}: at most {budget} evaluations, median share {statistics.median(shares):.4f}, least {min(shares):.4f}", flush=True)


main()
