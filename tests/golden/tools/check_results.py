#!/usr/bin/env python3
"""Runs hma and lm-evaluation-harness 0.4.13 on the same fixture model and the same documents (tests/golden/library), compares every
value and every sample, and has the harness's own table printer read the file that hma wrote.

    python3 tests/golden/tools/check_results.py build/release/hma [MODEL ..]      (needs lm_eval, torch and transformers)

Values must agree within 1e-6, log-likelihoods within 1e-4; standard errors where the harness has them in closed form and no items
share a passage.
"""
import json
import logging
import pathlib
import subprocess
import sys
import tempfile

import make_library as library
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.utils import make_table

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent
MAX_TOKENS = 12
TASKS = ["arc_easy", "openbookqa", "commonsense_qa", "piqa", "boolq", "hellaswag", "winogrande", "race", "truthfulqa_mc1", "truthfulqa_mc2",
         "lambada_openai", "drop", "gsm8k", "wmt14-fr-en"]
PERCENT = {"bleu", "chrf"}
SKIPPED = {"ter"}
CLOSED = {"acc", "acc_norm", "exact_match"}
CLUSTERED = {"boolq", "drop"}


def suite_of(folder):
    known = {}
    for task in json.loads((GOLDEN / "library" / "suite.json").read_text())["tasks"]:
        if task["name"].endswith(".0") and task["task"] in TASKS:
            known[task["task"]] = dict(task, name=task["task"], file=str(GOLDEN / "library" / task["file"]))
    for task in known.values():
        if "fewshot_file" in task:
            task["fewshot_file"] = str(GOLDEN / "library" / task["fewshot_file"])
        if task["task"] in ("drop", "gsm8k", "wmt14-fr-en"):
            task["max_tokens"] = MAX_TOKENS
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "check", "tasks": [known[name] for name in TASKS]}))
    return path


def harness(model):
    lm = HFLM(pretrained=str(model), dtype="float32", device="cpu", batch_size=1)
    tasks = {}
    for name in TASKS:
        task = library.get_task_dict([name], library.manager)[name]
        if task.OUTPUT_TYPE == "generate_until":
            task.set_config(key="generation_kwargs", value={"max_gen_toks": MAX_TOKENS}, update=True)
        tasks[name] = task
    return simple_evaluate(model=lm, tasks=list(tasks.values()), log_samples=True, bootstrap_iters=10)


def differ(where, have, want, allowed):
    if not abs(have - want) <= allowed:
        print(f"  {where}: hma {have}, harness {want}")
        return 1
    return 0


def compare(name, mine, theirs):
    wrong = 0
    for key, want in theirs.items():
        metric, _, rest = key.partition(",")
        base = metric.removesuffix("_stderr")
        if not rest or base in SKIPPED or not isinstance(want, float):
            continue
        have = mine[key]
        if metric == base:
            wrong += differ(f"{name} {key}", have * (100 if base in PERCENT else 1), want, 1e-6 * max(1, abs(want)))
        elif base in CLOSED and name not in CLUSTERED:
            wrong += differ(f"{name} {key}", have, want, 1e-9)
    return wrong


def compare_samples(name, mine, theirs):
    wrong, largest = 0, 0
    mine = [json.loads(line) for line in mine]
    if len(mine) != len(theirs):
        print(f"  {name}: {len(mine)} samples, harness {len(theirs)}")
        return 1, 0
    order = lambda s: (s["filter"], s["doc_id"])  # noqa: E731
    for a, b in zip(sorted(mine, key=order), sorted(theirs, key=order)):
        missing = set(b) - set(a) - SKIPPED
        asked = [[v["arg_0"], v["arg_1"]] if not isinstance(v["arg_1"], dict) else [v["arg_0"]] for v in a["arguments"].values()]
        want = [list(args) if not isinstance(args[1], dict) else [args[0]] for args in b["arguments"]]
        if missing or asked != want:
            print(f"  {name} {a['doc_id']}: missing {missing}, asked the same: {asked == want}")
            wrong += 1
        for x, y in zip(a["resps"], b["resps"]):
            if isinstance(y[0], str):
                wrong += x[0] != y[0].strip() and print(f"  {name} {a['doc_id']}: {x} {y}") is None
            else:
                largest = max(largest, abs(float(x[0][0]) - float(y[0][0])))
                wrong += (x[0][1] == "True") != bool(y[0][1])
    return wrong, largest


def check(program, model):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([program, "eval", str(model), "--suite", str(suite_of(folder)), "--out", str(folder / "out"), "-q"], check=True, stdout=subprocess.DEVNULL)
        mine = json.loads((folder / "out" / "results_check.json").read_text())
        theirs = harness(model)
        wrong = sum(compare(task, mine["results"][task], theirs["results"][task]) for task in TASKS)
        largest = 0
        for task in TASKS:
            lines = (folder / "out" / f"samples_{task}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
            errors, difference = compare_samples(task, lines, theirs["samples"][task])
            wrong, largest = wrong + errors, max(largest, difference)
        missing = set(theirs) - set(mine) - {"samples"}
        table, rows = make_table(mine), sum(len(r) for r in mine["results"].values())
        print(table if wrong else f"{len(table.splitlines())} rows of a table")
        print(f"{model.name}: {wrong} differences, log-likelihoods within {largest:.2g}; keys of the harness's file that are missing: {sorted(missing)}")
        return wrong or largest > 1e-4 or len(table.splitlines()) < rows / 3


def main():
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:  # the documents, not the files
        library.FOLDER, library.DATA, library.requests_of = pathlib.Path(name), pathlib.Path(name) / "data", lambda *_: []
        library.main()
    models = sys.argv[2:] or ["gpt2-text", "llama-sharded-text", "qwen2-tied-text", "neox-parallel-text"]
    failed = [model for model in models if check(sys.argv[1], GOLDEN / "models" / model)]
    sys.exit(f"differences with {failed}" if failed else 0)


main()
