#!/usr/bin/env python3
"""Asks a built hma the questions of a golden set and compares its answers with those of the references.

  check_hma.py --hma build/release/hma SET [--only WORD,..] [--metrics build/release/tests/test_golden_metrics]
               [--json FILE] [--keep-going N]

SET is a folder as tests/golden: models/NAME, merge/NAME, tokenizers/NAME, metrics. It knows hma by its command line only and needs
nothing but Python. One line a fixture with the largest difference; exit 1 when something is off.
"""
import argparse
import glob
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile

ELEMENT = {"F32": "f", "F16": "e", "BF16": "H"}


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


class Failed(Exception):
    pass


class Program:
    def __init__(self, path, scratch):
        self.path, self.scratch, self.calls = path, scratch, 0

    def run(self, *arguments):
        done = subprocess.run([self.path, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"hma {' '.join(arguments[:2])}: exit {done.returncode}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def score(self, folder, requests, *options):
        """-> answers, and the text of the file"""
        self.calls += 1
        output = os.path.join(self.scratch, f"answers-{self.calls}.jsonl")
        self.run("score", folder, "--requests", requests, "--output", output, "-q", *options)
        with open(output, encoding="utf-8") as f:
            return rows(output), f.read()


class Worst:
    """Largest difference of each kind of answer, and what is out of tolerance."""

    def __init__(self, tolerance):
        self.tolerance, self.largest, self.bad, self.count, self.kinds = tolerance, {}, [], 0, {}

    def near(self, where, kind, have, want, share=1):
        d = abs(have - want) / share if math.isfinite(have) else math.inf
        self.largest[kind] = max(self.largest.get(kind, 0), d)
        limit = self.tolerance["logprob_per_token" if kind == "logprob" else kind]
        if not d <= limit:
            self.bad.append(f"{where}: {kind} {have!r}, the reference says {want!r} (off by {d:.3g}, tolerance {limit:g})")

    def compare(self, where, have, want):
        self.count += 1
        kind = next((k for k in ("logits", "logprob", "reward", "ids") if k in want), "text")
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        for key, value in want.items():
            if key not in have:
                self.bad.append(f"{where}: no {key!r} in {str(have)[:200]}")
            elif key == "logits":
                if len(have[key]) != len(value):
                    self.bad.append(f"{where}: {len(have[key])} logits, the reference has {len(value)}")
                    continue
                far = max(range(len(value)), key=lambda i: abs(have[key][i] - value[i]))
                self.near(f"{where}[{far}]", key, have[key][far], value[far])
            elif key in ("reward", "logprob"):
                self.near(where, key, have[key], value, max(1, want.get("tokens", 1)) if key == "logprob" else 1)
            elif have[key] != value:
                self.bad.append(f"{where}: {key} {str(have[key])[:200]!r}, the reference says {str(value)[:200]!r}")

    def files(self, name, have, want):
        if len(have) != len(want):
            self.bad.append(f"{name}: {len(have)} answers for {len(want)} requests")
        for h, w in zip(have, want):
            self.compare(f"{name} {w['id']}", h, w)

    def text(self):
        return ", ".join(f"{k} {v:.2g}" for k, v in sorted(self.largest.items()))


def check_model(program, folder, about):
    worst = Worst(about["tolerance"])
    for suffix, options in (("", ()), (".bos-no", ("--bos", "no"))):
        requests = f"{folder}/requests{suffix}.jsonl"
        if os.path.exists(requests):
            worst.files(suffix or "-", program.score(folder, requests, *options)[0], rows(f"{folder}/expected{suffix}.jsonl"))
    return worst, f"{worst.count} requests, largest difference: {worst.text()}"


def check_tokenizer(program, folder, about):
    worst = Worst({})
    worst.files("-", program.score(folder, f"{folder}/requests.jsonl")[0], rows(f"{folder}/expected.jsonl"))
    return worst, f"{worst.count} requests, all equal" if not worst.bad else f"{worst.count} requests"


def tensors(path):
    """Own reading of a safetensors file or of all in a folder: {name: (dtype, bytes)}"""
    out = {}
    for p in sorted(glob.glob(path + "/*.safetensors")) if os.path.isdir(path) else [path]:
        with open(p, "rb") as f:
            n, = struct.unpack("<Q", f.read(8))
            head, data = json.loads(f.read(n)), f.read()
        head.pop("__metadata__", None)
        out.update({k: (v["dtype"], data[slice(*v["data_offsets"])]) for k, v in head.items()})
    return out


def values(dtype, raw):
    v = struct.unpack(f"<{len(raw) // struct.calcsize(ELEMENT[dtype])}{ELEMENT[dtype]}", raw)
    return struct.unpack(f"<{len(v)}f", b"".join(b"\0\0" + x.to_bytes(2, "little") for x in v)) if dtype == "BF16" else v


def check_merged(worst, label, case, about, got, want, pre, post):
    """-> elements, elements that are not the reference's bits"""
    number = changed = 0
    if set(got) != set(want):
        worst.bad.append(f"{label}: tensors {sorted(set(got) ^ set(want))[:4]} are not in both")
    for name in set(got) & set(want):
        (d, raw), (wd, wraw) = got[name], want[name]
        if d != wd or len(raw) != len(wraw):
            worst.bad.append(f"{label} {name}: {d}, {len(raw)} bytes; the reference has {wd}, {len(wraw)} bytes")
            continue
        a, b = values(d, raw), values(wd, wraw)
        number += len(a)
        if raw == wraw:
            continue
        off = [i for i in range(len(a)) if a[i] != b[i]]
        changed += len(off)
        ratio = case["ratios"][0] if len(case["ratios"]) == 1 else about["ratio_of_tensor"][name]
        if ratio in (0, 1) or name in about["identical_tensors"]:
            worst.bad.append(f"{label} {name}: not the same bits")
        x, y = values(*pre[name]), values(*post[name])
        limit = about["tolerance"]["merged, of max(|pre|,|post|)"]["fp32" if d == "F32" else "bf16"]
        far = [i for i in off if abs(a[i] - b[i]) > limit * max(abs(x[i]), abs(y[i]))]
        if far:
            worst.bad.append(f"{label} {name}[{far[0]}]: {a[far[0]]!r}, the reference says {b[far[0]]!r}; {len(far)} such elements")
    return number, changed


def check_merge(program, folder, about):
    worst = Worst(about["tolerance"])
    pre, post = tensors(folder + "/pre"), tensors(folder + "/post")
    number = changed = views = 0
    requests = f"{folder}/requests.jsonl"
    for label, case in about["cases"].items():
        out = os.path.join(program.scratch, "merged")
        shutil.rmtree(out, ignore_errors=True)
        recipe = ("--ratios", ",".join(map(str, case["ratios"])), "--blocks", str(case["blocks"]), "--dtype", "F32" if case["dtype"] == "fp32" else "BF16")
        program.run("merge", folder + "/pre", folder + "/post", "--out", out, "-q", *recipe)
        want = f"{folder}/{case.get('file') or case['bit_identical_to']}"
        n, c = check_merged(worst, label, case, about, tensors(out), tensors(want), pre, post)
        number, changed = number + n, changed + c
        if "answers" in case:
            expected = rows(f"{folder}/{case['answers']}")
            view, text = program.score(folder + "/pre", requests, "--post", folder + "/post", *recipe)
            worst.files(f"{label} view", view, expected)
            written, again = program.score(out, requests)
            worst.files(f"{label} folder", written, expected)
            views += 1
            if text != again:
                worst.bad.append(f"{label}: the view and the written folder do not give the same bytes")
    difference(program, folder, about, worst)
    return worst, f"{len(about['cases'])} merges, {changed} of {number} elements not the reference's bits, {views} views; {worst.text()}"


def difference(program, folder, about, worst):
    expected = f"{folder}/expected/diff.json"
    if not os.path.exists(expected):
        return
    have = {t["name"]: t for t in json.loads(program.run("diff", folder + "/pre", folder + "/post", "--json", "-q"))["tensors"]}
    limit = about["tolerance"]["diff_relative"]
    for name, want in load(expected).items():
        for key, value in want.items():
            got = have.get(name, {}).get(key)
            if value is None or got is None:
                if value != got:
                    worst.bad.append(f"diff {name} {key}: {got!r}, the reference says {value!r}")
            elif abs(got - value) > limit * abs(value):
                worst.bad.append(f"diff {name} {key}: {got!r}, the reference says {value!r}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("set")
    p.add_argument("--hma", required=True)
    p.add_argument("--only", default="", help="fixtures whose path holds one of these words")
    p.add_argument("--metrics", help="the built test_golden_metrics: hma has no command that computes a metric of given texts")
    p.add_argument("--json", help="writes what was measured, for parity_table.py")
    p.add_argument("--keep-going", type=int, default=4, help="failures shown of each fixture")
    a = p.parse_args()
    check = {"model": check_model, "reward": check_model, "merge": check_merge, "tokenizer": check_tokenizer}
    failed, measured = 0, {}
    with tempfile.TemporaryDirectory() as scratch:
        program = Program(os.path.abspath(a.hma), scratch)
        for path in sorted(glob.glob(a.set + "/**/about.json", recursive=True)):
            folder, about = os.path.dirname(path), load(path)
            name = os.path.relpath(folder, a.set)
            if a.only and not any(word in name for word in a.only.split(",")):
                continue
            try:
                worst, text = check[about["kind"]](program, folder, about)
                bad = worst.bad
                measured[name] = {"kind": about["kind"], "architecture": about.get("architecture"), "requests": worst.count, "kinds": worst.kinds,
                                  "largest": worst.largest, "tolerance": about.get("tolerance"), "failures": len(bad)}
            except Failed as e:
                text, bad = "", [str(e)]
                measured[name] = {"kind": about["kind"], "architecture": about.get("architecture"), "failures": 1}
            failed += bool(bad)
            more = [f"and {len(bad) - a.keep_going} more"] if len(bad) > a.keep_going else []
            print(f"{'FAIL' if bad else 'ok  '} {name}: {text}" + "".join(f"\n       {b}" for b in bad[:a.keep_going] + more), flush=True)
    if a.metrics and os.path.isdir(a.set + "/metrics"):
        done = subprocess.run([a.metrics, os.path.abspath(a.set) + "/metrics"], capture_output=True, text=True)
        failed += done.returncode != 0
        print(f"{'FAIL' if done.returncode else 'ok  '} metrics" + (f"\n{done.stdout}{done.stderr}" if done.returncode else ""))
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(measured, f, indent=1)
    print(f"{len(measured)} fixtures, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
