#!/usr/bin/env python3
"""Golden merges by mergekit 0.1.5: slerp, task arithmetic and ties, in fp32, tensor by tensor.

usage: make_methods.py tests/golden

Reads merge/llama-gqa-tied/{pre,post}; writes methods/base (a third model, pre with noise of 2 % of each tensor's own spread, so
that pre and base are nearly parallel), methods/expected/*.safetensors and methods/about.json.

slerp is mergekit.merge_methods.slerp.slerp; task_arithmetic and ties are the registered methods' own tasks, executed on one
tensor at a time. The two-model ties of hma is mergekit's with one task vector, weight a and normalize off: with normalize on
the weight of a single vector cancels out. Tensors in which the border of the kept share falls between equal magnitudes have no
answer that both must give (mergekit takes what its sort puts first): they are left out of the file.
"""
import json
import os
import shutil
import sys

import torch
from mergekit import merge_methods
from mergekit.architecture import WeightInfo
from mergekit.common import ImmutableMap, ModelReference
from mergekit.merge_methods.generalized_task_arithmetic import GTATask
from mergekit.merge_methods.slerp import slerp
from safetensors.torch import load_file, save_file

root = sys.argv[1]
pair, out = os.path.join(root, "merge/llama-gqa-tied"), os.path.join(root, "methods")
pre = load_file(os.path.join(pair, "pre/model.safetensors"))
post = load_file(os.path.join(pair, "post/model.safetensors"))
torch.manual_seed(7)
base = {n: t + 0.02 * (t - t.mean()).std() * torch.randn_like(t) for n, t in sorted(pre.items())}
reference = {n: ModelReference.model_validate(n) for n in ("pre", "post", "base")}


def has_border(delta, density):
    sizes = delta.abs().flatten().sort(descending=True).values
    k = int(density * sizes.numel())
    return k == sizes.numel() or (k > 0 and sizes[k - 1] > sizes[k])


def task(method, name, tensors, base_name, parameters, normalize, lam):
    chosen = merge_methods.get(method)
    t = GTATask.model_construct(
        method=chosen, tensors=None, base_model=reference[base_name], int8_mask=False, normalize=normalize, lambda_=lam,
        rescale_norm=None, weight_info=WeightInfo(name=name),
        tensor_parameters=ImmutableMap(data={reference[m]: ImmutableMap(data=p) for m, p in parameters.items()}))
    return t.execute({reference[m]: x.clone() for m, x in tensors.items()})


def merge(case, name):
    r = case["recipe"]
    a, lam, density = r["ratio"], r.get("lambda", 1.0), r.get("density", 1.0)
    x, y = pre[name], (base if case["post"] == "base" else post)[name]
    if r["method"] == "slerp":
        return slerp(a, x, y)
    method = {"task-arithmetic": "task_arithmetic", "ties": "ties"}[r["method"]]
    if r.get("base") == "model":
        if not (has_border(x - base[name], density) and has_border(y - base[name], density)):
            return None
        return task(method, name, {"pre": x, "post": y, "base": base[name]}, "base",
                    {"pre": {"weight": 1 - a, "density": density}, "post": {"weight": a, "density": density}},
                    method == "ties", lam)
    if not has_border(y - x, density):
        return None
    return task(method, name, {"pre": x, "post": y}, "pre", {"post": {"weight": a, "density": density}}, False, lam)


cases = [
    {"name": "slerp", "post": "post", "recipe": {"method": "slerp", "ratio": 0.3}},
    {"name": "slerp-nearly-parallel", "post": "base", "recipe": {"method": "slerp", "ratio": 0.3}},
    {"name": "task-arithmetic", "post": "post", "recipe": {"method": "task-arithmetic", "ratio": 0.7, "lambda": 1.3}},
    {"name": "task-arithmetic-base", "post": "post",
     "recipe": {"method": "task-arithmetic", "ratio": 0.7, "lambda": 1.3, "base": "model"}},
    {"name": "ties", "post": "post", "recipe": {"method": "ties", "ratio": 0.6, "density": 0.3, "lambda": 1.5}},
    {"name": "ties-base", "post": "post",
     "recipe": {"method": "ties", "ratio": 0.6, "density": 0.4, "lambda": 1.2, "base": "model"}},
    {"name": "ties-base-all", "post": "post", "recipe": {"method": "ties", "ratio": 0.2, "density": 1, "base": "model"}},
]
os.makedirs(os.path.join(out, "base"), exist_ok=True)
os.makedirs(os.path.join(out, "expected"), exist_ok=True)
shutil.copy(os.path.join(pair, "pre/config.json"), os.path.join(out, "base/config.json"))
save_file(base, os.path.join(out, "base/model.safetensors"), {"format": "pt"})
for case in cases:
    case["file"] = f"expected/{case['name']}.safetensors"
    merged = {n: m.contiguous() for n in sorted(pre) if (m := merge(case, n)) is not None}
    case["tensors"] = len(merged)
    save_file(merged, os.path.join(out, case["file"]), {"format": "pt"})
about = {"kind": "merge methods", "made_by": "tools/make_methods.py, mergekit 0.1.5, torch fp32 on CPU",
         "pre_and_post": "merge/llama-gqa-tied", "post": "the second model of the merge: post, or the base as post",
         "tolerance": {"of_largest": 5e-7, "why": "fp32 arithmetic against fp64 rounded once: a few units in the last place of "
                                                  "the tensor's largest element"},
         "cases": cases}
with open(os.path.join(out, "about.json"), "w") as f:
    json.dump(about, f, indent=1)
    f.write("\n")
