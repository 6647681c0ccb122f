#!/usr/bin/env python3
"""Compares hma with lm-evaluation-harness and transformers on a real pair of checkpoints.

  check_real.py --hma build/release/hma --data DIR --pair DIR [--models pre,post] [--limit N]
                [--greedy N] [--merge 0.2,0.6,1] [--threads N]

DATA holds reference.json (lm_eval_fp32: log-likelihoods of every choice, by document) and tasks/*.jsonl; PAIR the folders pre, post
and reward. Without --greedy and --merge nothing but Python is needed; those two run transformers beside hma in fp32.
  log-likelihoods   every document with a reference answer: within 2e-3; the same choice wherever the two best are 1e-3 apart;
                    the means of `hma eval` on the tasks are those of the reference
  rewards           reward_check of reference.json: within 1e-3
  --greedy N        N reading and N LAMBADA prompts: the same text on at least 99 %; where not, the reference's two best logits
                    at the place where they part
  --merge RATIOS    a folder written by `hma merge` loads in transformers; its logits are those of the merged view
Exit 1 when one of these does not hold.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

LL_TOLERANCE, MARGIN, REWARD_TOLERANCE, LOGITS_TOLERANCE, STEPS = 2e-3, 1e-3, 1e-3, 2e-3, 24
failures = []


def check(holds, text):
    print(("ok   " if holds else "FAIL ") + text, flush=True)
    if not holds:
        failures.append(text)


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


class Hma:
    def __init__(self, path, threads, scratch):
        self.path, self.threads, self.scratch, self.calls = os.path.abspath(path), threads, scratch, 0

    def run(self, *arguments):
        done = subprocess.run([self.path, *arguments, "-q", *(["-j", str(self.threads)] if self.threads and arguments[0] != "verify" else [])], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"hma {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def score(self, model, requests, *options):
        self.calls += 1
        asked, answered = (os.path.join(self.scratch, f"{n}-{self.calls}.jsonl") for n in ("requests", "answers"))
        with open(asked, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(q) + "\n" for q in requests)
        began = time.monotonic()
        self.run("score", model, "--requests", asked, "--output", answered, *options)
        self.seconds = time.monotonic() - began
        return {a["id"]: a for a in rows(answered)}


def best(values):
    return max(range(len(values)), key=lambda i: (values[i], -i))


def log_likelihoods(hma, folder, name, reference, tasks, limit):
    requests, wanted = [], []
    for task, documents in reference.items():
        items = {d["id"]: d for d in tasks[task]}
        for document in [d for d in documents if "ll" in d][:limit]:
            item = items[document["id"]]
            for i, choice in enumerate(item["choices"]):
                requests.append({"id": f"{document['id']}/{i}", "type": "loglikelihood", "context": item["query"], "continuation": " " + choice})
            wanted.append((task, item, document))
    answers = hma.score(folder, requests, "--bos", "no")
    by_task = {}
    for task, item, document in wanted:
        ours = [answers[f"{document['id']}/{i}"]["logprob"] for i in range(len(item["choices"]))]
        t = by_task.setdefault(task, {"documents": 0, "choices": 0, "largest": 0.0, "clear": 0, "other": [], "greedy": []})
        t["documents"] += 1
        t["choices"] += len(ours)
        t["largest"], t["where"] = max((t["largest"], t.get("where", "")), (max(abs(a - b) for a, b in zip(ours, document["ll"])), document["id"]))
        t["greedy"] += [document["id"] for i, g in enumerate(document["greedy"]) if answers[f"{document['id']}/{i}"]["greedy"] != g]
        for kind, lengths in (("acc", [1] * len(ours)), ("acc_norm", [len(c) for c in item["choices"]])):
            theirs, mine = [a / n for a, n in zip(document["ll"], lengths)], [a / n for a, n in zip(ours, lengths)]
            ordered = sorted(theirs, reverse=True)
            if len(theirs) > 1 and ordered[0] - ordered[1] > MARGIN:
                t["clear"] += 1
                if best(theirs) != best(mine):
                    t["other"].append(f"{document['id']} {kind}")
    for task, t in sorted(by_task.items()):
        check(t["largest"] <= LL_TOLERANCE and not t["other"] and not t["greedy"],
              f"{name} {task}: {t['documents']} documents, {t['choices']} log-likelihoods, largest difference {t['largest']:.2e} in {t['where']}; {t['clear']} clear choices, {len(t['other'])} differ"
              + f"; greedy differs in {len(t['greedy'])}" + (f": {(t['other'] + t['greedy'])[:5]}" if t["other"] or t["greedy"] else ""))
    print(f"     {len(requests)} requests in {hma.seconds:.1f} s")


def evaluation(hma, folder, name, reference, tasks):
    """`hma eval` on the documents that have reference answers, in their order."""
    suite = {"name": "real", "tasks": [], "seed": 1}
    for task, documents in reference.items():
        items = {d["id"]: d for d in tasks[task]}
        path = os.path.join(hma.scratch, f"{name}-{task}.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(items[d["id"]]) + "\n" for d in documents)
        kind = {"xquad_en": "generate", "lambada_openai": "loglikelihood"}.get(task, "multiple_choice")
        settings = {"name": task, "category": task, "type": kind, "file": path, "metric": "f1" if kind == "generate" else "acc"}
        if kind == "generate":
            settings.update({"until": ["\n"], "max_tokens": STEPS})
        suite["tasks"].append(settings)
    path = os.path.join(hma.scratch, f"{name}.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(suite, f)
    began = time.monotonic()
    result = json.loads(hma.run("eval", folder, "--suite", path, "--bos", "no", "--json"))
    for task, documents in reference.items():
        metric = "f1" if task == "xquad_en" else "acc"
        theirs = sum(d[metric] for d in documents) / len(documents)
        mine = result["tasks"][task]["value"]
        close = 0.5 / len(documents) if any("ll" in d for d in documents) else 1e-6
        check(abs(mine - theirs) <= close, f"{name} hma eval {task}: {metric} {mine:.6f} of {result['tasks'][task]['n']} documents, the reference {theirs:.6f}")
    print(f"     hma eval in {time.monotonic() - began:.1f} s")


def rewards(hma, folder, items):
    requests = [{"id": x["id"], "type": "reward", "text": x["prompt"] + x["response"]} for x in items]
    answers = hma.score(folder, requests)
    largest = max(abs(answers[x["id"]]["reward"] - x["reward_fp32"]) for x in items)
    check(largest <= REWARD_TOLERANCE, f"reward: {len(items)} texts, largest difference {largest:.2e}")


# ---- beside transformers ----------------------------------------------------------------------------------------
def reference_model(folder):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.set_grad_enabled(False)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    return torch, model, AutoTokenizer.from_pretrained(folder)


def greedy(hma, folder, name, tasks, count):
    torch, model, tok = reference_model(folder)
    eos = model.generation_config.eos_token_id
    eos = eos if isinstance(eos, list) else [eos]
    prompts = [d for task in ("xquad_en", "lambada_openai") for d in tasks[task][:count]]
    requests = [{"id": d["id"], "type": "generate", "context": d["query"], "until": ["\n"], "max_tokens": STEPS} for d in prompts]
    answers = hma.score(folder, requests, "--bos", "no")
    equal, parted = 0, []
    for d in prompts:
        ids = tok.encode(d["query"], add_special_tokens=False)
        new, margins, cache = [], [], None
        while len(new) < STEPS:
            out = model(input_ids=torch.tensor([new[-1:] or ids]), past_key_values=cache, use_cache=True)
            cache, top = out.past_key_values, out.logits[0, -1].topk(2)
            margins.append(float(top.values[0] - top.values[1]))
            new.append(int(top.indices[0]))
            if new[-1] in eos or "\n" in tok.decode(new):
                break
        kept = new[:-1] if new[-1] in eos else new
        text = tok.decode(kept, skip_special_tokens=True).split("\n")[0]
        if answers[d["id"]]["text"] == text and answers[d["id"]]["ids"] == kept:
            equal += 1
            continue
        mine = answers[d["id"]]["ids"]
        at = next((i for i, (a, b) in enumerate(zip(mine, kept)) if a != b), min(len(mine), len(kept)))
        parted.append((d["id"], at, margins[min(at, len(margins) - 1)]))
    explained = all(margin < 1e-3 for _, _, margin in parted)
    check(equal >= 0.99 * len(prompts) and explained, f"{name} greedy: {equal} of {len(prompts)} texts equal ({count} reading, {count} LAMBADA); hma took {hma.seconds:.1f} s"
          + "".join(f"; {i} parts at token {at}, the reference's two best logits are {m:.1e} apart" for i, at, m in parted))


def merged(hma, pair, tasks, ratios):
    out = os.path.join(hma.scratch, "merged")
    recipe = ("--ratios", ratios)
    hma.run("merge", os.path.join(pair, "pre"), os.path.join(pair, "post"), "--out", out, *recipe)
    torch, model, tok = reference_model(out)
    texts = [d["query"] for task in ("arc_easy", "piqa", "lambada_openai") for d in tasks[task][:5]]
    ids = [tok.encode(t, add_special_tokens=False) for t in texts]
    requests = [{"id": str(i), "type": "logits", "ids": x} for i, x in enumerate(ids)]
    view = hma.score(os.path.join(pair, "pre"), requests, "--post", os.path.join(pair, "post"), *recipe)
    written = hma.score(out, requests)
    largest = 0.0
    for i, x in enumerate(ids):
        reference = model(input_ids=torch.tensor([x])).logits[0, -1].double()
        largest = max(largest, float((torch.tensor(view[str(i)]["logits"], dtype=torch.float64) - reference).abs().max()))
    check(largest <= LOGITS_TOLERANCE, f"merge {ratios}: the written folder loads in transformers; its logits at the end of {len(ids)} texts and those of hma's view differ by {largest:.2e} at most")
    check(view == written, f"merge {ratios}: hma's answers on the view and on the folder are the same")
    print("     " + hma.run("verify", out).strip().replace("\n", "; "))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hma", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--pair", required=True)
    p.add_argument("--models", default="pre,post")
    p.add_argument("--limit", type=int)
    p.add_argument("--greedy", type=int, default=0)
    p.add_argument("--merge")
    p.add_argument("--only", default="ll,eval,reward,greedy,merge")
    p.add_argument("--threads", type=int, default=0)
    a = p.parse_args()
    only = a.only.split(",")
    with open(os.path.join(a.data, "reference.json"), encoding="utf-8") as f:
        reference = json.load(f)
    with tempfile.TemporaryDirectory() as scratch:
        hma = Hma(a.hma, a.threads, scratch)
        tasks = {f[:-6]: rows(os.path.join(a.data, "tasks", f)) for f in os.listdir(os.path.join(a.data, "tasks")) if f.endswith(".jsonl")}
        for name in a.models.split(","):
            folder, answers = os.path.join(a.pair, name), reference["lm_eval_fp32"][name]["docs"]
            if "ll" in only:
                log_likelihoods(hma, folder, name, answers, tasks, a.limit)
            if "eval" in only and not a.limit:
                evaluation(hma, folder, name, answers, tasks)
            if "greedy" in only and a.greedy:
                greedy(hma, folder, name, tasks, a.greedy)
        if "reward" in only:
            rewards(hma, os.path.join(a.pair, "reward"), reference["reward_check"]["items"])
        if "merge" in only and a.merge:
            merged(hma, a.pair, tasks, a.merge)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
