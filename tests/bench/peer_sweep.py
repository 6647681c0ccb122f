#!/usr/bin/env python3
"""A sweep as it is done today, against hma sweep: for some candidates mergekit writes the merge, lm-evaluation-harness scores its
tasks, and transformers samples replies and rewards them, each in a process of its own; the time is extrapolated to all
candidates. Then hma sweeps over all of them (two blocks, six levels: 36), on the same items and prompts.

    peer_sweep.py HMA PRE POST SUITE WORK [--dtype float32|bfloat16] [--peers 3] [--levels 6] [--limit N] [--threads N]
                  [--batch 8] [--reply-batch 64]

SUITE is a suite file with task files of hma's own lines and a reward model. Needs mergekit, lm_eval, transformers, datasets, yaml. Times are
wall times: let nothing else run."""
import argparse
import json
import os
import subprocess
import sys
import time

REPLIES = """
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
model, reward, prompts, dtype, threads, new, batch = sys.argv[1:]
torch.set_num_threads(int(threads))
torch.manual_seed(1)
dtype = getattr(torch, dtype)
texts = [json.loads(line)["prompt"] for line in open(prompts)]
tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
policy = AutoModelForCausalLM.from_pretrained(model, torch_dtype=dtype)
judge = AutoModelForSequenceClassification.from_pretrained(reward, torch_dtype=dtype)
scores = []
with torch.no_grad():
    for i in range(0, len(texts), int(batch)):
        some = texts[i:i + int(batch)]
        inputs = tokenizer(some, return_tensors="pt", padding=True)
        out = policy.generate(**inputs, do_sample=True, top_k=0, max_new_tokens=int(new), pad_token_id=tokenizer.pad_token_id)
        for text, ids in zip(some, out[:, inputs["input_ids"].shape[1]:]):
            both = tokenizer(text + tokenizer.decode(ids, skip_special_tokens=True), return_tensors="pt")
            scores.append(judge(**both).logits[0, 0].item())
print(sum(scores) / len(scores))
"""


def timed(what, command, **more):
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode:
        sys.exit(f"{what} failed:\n{done.stderr[-4000:]}")
    seconds = time.monotonic() - start
    print(f"  {what}: {seconds:.1f} s", flush=True)
    return seconds


def read_lines(path, limit):
    with open(path) as file:
        return [line for line in file if line.strip()][:limit]


def write_tasks(suite, folder, limit, work):
    """The suite's tasks as tasks of the harness."""
    names = []
    for task in suite["tasks"]:
        data = os.path.join(work, task["name"] + ".jsonl")
        with open(data, "w") as out:
            out.writelines(read_lines(task["file"], min(limit, task.get("limit", limit))))
        lines = [f"task: bench_{task['name']}", "dataset_path: json", f"dataset_kwargs: {{data_files: {{test: {data}}}}}", "test_split: test",
                 "doc_to_text: '{{query}}'", "target_delimiter: ' '"]
        if task["type"] == "multiple_choice":
            lines += ["output_type: multiple_choice", "doc_to_choice: choices", "doc_to_target: gold",
                      "metric_list: [{metric: acc}, {metric: acc_norm}]"]
        elif task["type"] == "loglikelihood":
            lines += ["output_type: loglikelihood", "doc_to_target: '{{choices[0]}}'", "metric_list: [{metric: perplexity}, {metric: acc}]"]
        else:
            stop = json.dumps(task.get("until", ["\n"]))
            lines += ["output_type: generate_until", "doc_to_target: '{{answers[0]}}'", "metric_list: [{metric: exact_match}]",
                      f"generation_kwargs: {{until: {stop}, do_sample: false, max_gen_toks: {task['max_tokens']}}}"]
        with open(os.path.join(work, task["name"] + ".yaml"), "w") as out:
            out.write("\n".join(lines) + "\n")
        names.append("bench_" + task["name"])
    return names


def write_merge(path, pre, post, layers, ratios, dtype):
    """Slices with their own weight of post, as a mergekit file."""
    cut = layers - layers // 2
    with open(path, "w") as out:
        out.write("merge_method: linear\nslices:\n")
        for (first, last), ratio in zip(((0, cut), (cut, layers)), ratios):
            out.write("  - sources:\n")
            for model, weight in ((pre, 1 - ratio), (post, ratio)):
                out.write(f"      - model: {model}\n        layer_range: [{first}, {last}]\n        parameters: {{weight: {weight}}}\n")
        out.write(f"dtype: {dtype}\n")


def main():
    parser = argparse.ArgumentParser()
    for name in ("hma", "pre", "post", "suite", "work"):
        parser.add_argument(name)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--peers", type=int, default=3)
    parser.add_argument("--levels", type=int, default=6)
    parser.add_argument("--limit", type=int, default=10**9)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", default="8")
    parser.add_argument("--reply-batch", default="64")
    options = parser.parse_args()
    options.hma, options.pre, options.post = (os.path.abspath(path) for path in (options.hma, options.pre, options.post))
    os.makedirs(options.work, exist_ok=True)
    work = os.path.abspath(options.work)
    folder = os.path.dirname(os.path.abspath(options.suite))
    with open(options.suite) as file:
        suite = json.load(file)
    for task in suite["tasks"]:
        task["file"] = os.path.join(folder, task["file"])
    alignment = suite["alignment"]
    alignment["model"] = os.path.join(folder, alignment["model"])
    alignment["prompts"] = {key: os.path.join(folder, path) for key, path in alignment["prompts"].items()}
    with open(os.path.join(work, "suite.json"), "w") as out:
        json.dump(suite, out)
    prompts = os.path.join(work, "prompts.jsonl")
    with open(prompts, "w") as out:
        out.writelines(read_lines(alignment["prompts"]["test"], min(options.limit, alignment.get("limit", options.limit))))
    with open(os.path.join(options.pre, "config.json")) as file:
        layers = json.load(file)["num_hidden_layers"]
    tasks = write_tasks(suite, folder, options.limit, work)
    environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads), HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=os.path.join(work, "cache"))
    count = options.levels**2

    peers = 0.0
    for i in range(options.peers):
        ratios = (0.2 * (i + 1), 0.8)
        merged = os.path.join(work, "merged")
        write_merge(os.path.join(work, "merge.yml"), options.pre, options.post, layers, ratios, "bfloat16")
        print(f"peers, candidate {i + 1} of {options.peers}: ratios {ratios}", flush=True)
        peers += timed("mergekit", ["mergekit-yaml", os.path.join(work, "merge.yml"), merged, "--allow-crimes"], env=environment)
        peers += timed("lm_eval", ["lm_eval", "--model", "hf", "--model_args", f"pretrained={merged},dtype={options.dtype}", "--tasks",
                                   ",".join(tasks), "--include_path", work, "--device", "cpu", "--batch_size", options.batch],
                       env=environment)
        peers += timed("replies and rewards", [sys.executable, "-c", REPLIES, merged, alignment["model"], prompts, options.dtype,
                                               str(options.threads), str(alignment["max_tokens"]), options.reply_batch], env=environment)
    each = peers / options.peers
    levels = ",".join(f"{k / (options.levels - 1):g}" for k in range(options.levels))
    subprocess.run(["rm", "-rf", os.path.join(work, "run")], check=True)
    command = [options.hma, "sweep", options.pre, options.post, "--suite", os.path.join(work, "suite.json"), "--run",
               os.path.join(work, "run"), "--blocks", "2", "--levels", levels, "-j", str(options.threads), "-q", "--precision",
               "fp32" if options.dtype == "float32" else "bf16"]
    if options.limit < 10**9:
        command += ["--limit", str(options.limit)]
    print(f"hma, all {count} candidates", flush=True)
    seconds = timed("hma sweep", command)
    print(f"{options.dtype}: peers {each:.1f} s a candidate, {each * count:.0f} s for {count}; hma {seconds:.1f} s: "
          f"{each * count / seconds:.1f} times as fast")


if __name__ == "__main__":
    main()
