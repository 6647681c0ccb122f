"""Pairs of tiny checkpoints (pre, post) with the merged tensors, the differences and the answers of the merged model.

merged = (1-a)*pre + a*post computed in fp64, rounded once (nearest even) to the output type; a is the weight of POST.
a = 0 and a = 1 copy; an element whose bits are equal in pre and post is copied too. Policy "full": the embeddings take
the first block's ratio, a layer's tensors that of its block, the final norm and the head the mean ratio.
"""
import copy
import json
import math
import os
import random
import re
import shutil

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

import golden_configs as gc
import golden_models as gm

UNIFORM = [0.0, 0.2, 0.5, 1.0]
LIST = [0.1, 0.5, 0.9]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
MAY_BE_OFF = {"fp32": 2.0**-22, "bf16": 2.0**-7}  # of the larger of |pre|, |post|: two units in the last place

PAIRS = {
    "llama-gqa-tied": (lambda r: gc.llama(r, gc.sizes(r, (2,), gc.gqa, (8,), (5,), (96, 130)), tie_word_embeddings=True), "float32", {}, "5 layers in 3 blocks (2, 2, 1); tied head follows the embedding"),
    "qwen2-bf16": (lambda r: gc.base("Qwen2ForCausalLM", "qwen2", gc.sizes(r, (2,), gc.gqa, (8,), (4,), (96, 130)), hidden_act="silu", rms_norm_eps=1e-6, rope_theta=10000.0, use_sliding_window=False), "bfloat16", {}, "bf16 checkpoints, 4 layers in 3 blocks (2, 1, 1), untied head takes the mean ratio"),
    "neox-fp16": (lambda r: gc.neox(r, gc.sizes(r, (2,), None, (8,), (3,), (96, 130))), "float16", {}, "fp16 checkpoints, names gpt_neox.layers.N, embed_in, embed_out, final_layer_norm"),
    "gpt2-sharded": (lambda r: {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": r.randrange(96, 130), "n_embd": r.choice([12, 16]), "n_layer": 4, "n_head": 2, "n_positions": 128, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": 1, "eos_token_id": 2}, "float32", {"post": "16KB"}, "pre in one file, post in shards; names transformer.h.N, wte, wpe (both embeddings), ln_f; 4 layers in 3 blocks (2, 1, 1)"),
}


def read(folder):
    out = {}
    for f in sorted(os.listdir(folder)):
        if f.endswith(".safetensors"):
            with safe_open(os.path.join(folder, f), "pt") as s:
                out.update({k: s.get_tensor(k) for k in s.keys()})
    return out


def blocks(layers, k):
    """Block of each layer: even split, the remainder to the earlier blocks."""
    q, rest = divmod(layers, k)
    return [b for b in range(k) for _ in range(q + (b < rest))]


def ratio_of(name, ratios, layers):
    m = re.search(r"\.(?:layers|h)\.(\d+)\.", name)
    if m:
        return ratios[blocks(layers, len(ratios))[int(m.group(1))]]
    if re.search(r"embed_tokens|embed_in|wte|wpe|embed_positions", name):
        return ratios[0]
    return math.fsum(ratios) / len(ratios)


def merge_tensor(x, y, a, dtype):
    if a == 0.0:
        return x.to(dtype)
    if a == 1.0:
        return y.to(dtype)
    out = ((1.0 - a) * x.double() + a * y.double())
    out = to_dtype_once(out, dtype)
    bits = {2: torch.int16, 4: torch.int32}[x.element_size()]
    same = x.view(bits) == y.view(bits)
    return torch.where(same, x.to(dtype), out)


def to_dtype_once(x, dtype):
    """fp64 -> dtype with one rounding to nearest even (torch goes to bf16 by way of fp32, which can round twice)."""
    near = x.to(dtype)
    if dtype in (torch.float32, torch.float64):
        return near
    bits = near.view(torch.int16).to(torch.int32)
    best, err = near, (near.double() - x).abs()
    for step in (-1, 1):
        other = (bits + step).to(torch.int16).view(dtype)
        e = (other.double() - x).abs()
        tie_even = (e == err) & ((bits + step) % 2 == 0) & (bits % 2 != 0)
        take = (e < err) | tie_even
        best, err = torch.where(take, other, best), torch.where(take, e, err)
    return best


def ways(x, y, a):
    """Other ways that the contract allows to compute the same value (fp32 or better): how far they lie from ours."""
    f, af = torch.float32, torch.tensor(a, dtype=torch.float32)
    b = torch.tensor(1.0 - a, dtype=torch.float32)
    xf, yf = x.to(f), y.to(f)
    yield "fp32 (1-a)*x + a*y", b * xf + af * yf
    yield "fp32 with fused multiply-add", (b.double() * xf.double() + (af * yf).double()).to(f)
    yield "fp32 x + a*(y-x)", xf + af * (yf - xf)


def ulps(u, v):
    """Distance in units of the last place of the type."""
    kind = {2: torch.int16, 4: torch.int32}[u.element_size()]
    def order(t):
        i = t.contiguous().view(kind).to(torch.int64)
        return torch.where(i < 0, -(i & (2 ** (8 * t.element_size() - 1) - 1)), i)
    return (order(u) - order(v)).abs()


def difference(x, y):
    x, y = x.double().reshape(-1), y.double().reshape(-1)
    d = y - x
    nx, ny, nd = (float(v.pow(2).sum().sqrt()) for v in (x, y, d))
    return {"l2": nd, "relative": nd / nx if nx else None, "max_abs": float(d.abs().max()), "cosine": float(x @ y) / (nx * ny) if nx and ny else None, "changed": float((x != y).double().mean())}


def make_pair(name, spec, out, seed):
    build, store, shards, catches = spec
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    r = random.Random(f"{seed}/merge/{name}")
    config = build(r)
    config["torch_dtype"] = store
    layers = config.get("n_layer") or config["num_hidden_layers"]
    pre = gm.auto(config).from_config(gm.config_object(config), attn_implementation="eager").eval()
    gm.randomise(pre, r, False)
    [p.data.copy_(p.to(gm.DTYPES[store]).float()) for p in pre.parameters()]
    post = copy.deepcopy(pre)
    g = torch.Generator().manual_seed(r.getrandbits(60))
    names = sorted(n for n, _ in post.named_parameters())
    same = set(r.sample(names, max(2, len(names) // 6)))
    with torch.no_grad():
        for n, p in sorted(post.named_parameters()):
            if n in same:
                continue
            delta = torch.randn(p.shape, generator=g) * r.choice([0.003, 0.01, 0.05]) * p.abs().mean()
            p.add_(delta * (torch.rand(p.shape, generator=g) < r.choice([0.5, 1.0])))
            if p.ndim == 2 and r.random() < 0.3:  # a row with flipped sign and one far larger: cancellation and range
                p[0] = -p[0]
                p[1] *= 64
    for side, model in (("pre", pre), ("post", post)):
        d = os.path.join(folder, side)
        os.makedirs(d)
        gm.save_weights(d, model, {"store": store}, config)
        if side in shards:
            for f in os.listdir(d):
                os.remove(os.path.join(d, f))
            copy.deepcopy(model).to(gm.DTYPES[store]).save_pretrained(d, max_shard_size=shards[side])
            for f in ("config.json", "generation_config.json"):
                os.path.exists(os.path.join(d, f)) and os.remove(os.path.join(d, f))
        gm.dump(os.path.join(d, "config.json"), config)
        gm.dump(os.path.join(d, "generation_config.json"), {"bos_token_id": config["bos_token_id"], "eos_token_id": config["eos_token_id"]})
    x, y = read(os.path.join(folder, "pre")), read(os.path.join(folder, "post"))
    assert x.keys() == y.keys()
    os.makedirs(os.path.join(folder, "expected"))
    cases, requests = {}, []
    vocab = config["vocab_size"]
    for n in (1, 9, 40):
        requests.append({"id": f"logits-{n}", "type": "logits", "ids": gm.rand_ids(r, vocab, n)})
    for i in range(3):
        requests.append({"id": f"ll-{i}", "type": "loglikelihood", "context_ids": gm.rand_ids(r, vocab, 3 + 8 * i), "continuation_ids": gm.rand_ids(r, vocab, 1 + 3 * i)})
    gm.write_jsonl(os.path.join(folder, "requests.jsonl"), requests)
    for ratios in [[a] for a in UNIFORM] + [LIST]:
        label = "uniform-" + f"{ratios[0]:g}" if len(ratios) == 1 else "blocks-" + "-".join(f"{a:g}" for a in ratios)
        for dt, dtype in DTYPES.items():
            per = {n: ratio_of(n, ratios, layers) for n in x}
            merged = {n: merge_tensor(x[n], y[n], per[n], dtype) for n in x}
            case = {"ratios": ratios, "blocks": len(ratios), "dtype": dt}
            away = {}
            for n in x:
                for way, v in ways(x[n], y[n], per[n]) if 0 < per[n] < 1 else ():
                    keep = merged[n] if per[n] in (0.0, 1.0) else torch.where(x[n].float() == y[n].float(), merged[n], v.to(dtype))
                    u = ulps(keep, merged[n])
                    e = (keep.double() - merged[n].double()).abs()
                    bound = torch.maximum(x[n].double().abs(), y[n].double().abs()) * MAY_BE_OFF[dt]
                    a = away.setdefault(way, {"elements_that_differ": 0, "of": 0, "max_error_over_tolerance": 0.0})
                    a["elements_that_differ"] += int((u > 0).sum())
                    a["of"] += u.numel()
                    a["max_error_over_tolerance"] = max(a["max_error_over_tolerance"], float(f"{float((e / bound.clamp_min(1e-45)).max()):.3g}"))
            case["other_ways"] = away
            same_as = {0.0: "pre", 1.0: "post"}.get(ratios[0]) if len(ratios) == 1 else None
            native = {"float32": "fp32", "bfloat16": "bf16"}.get(store)
            if same_as and dt == native:
                case["bit_identical_to"] = same_as
                assert all(torch.equal(merged[n].view(torch.uint8), (x if same_as == "pre" else y)[n].view(torch.uint8)) for n in x)
            else:
                case["file"] = f"expected/{label}.{dt}.safetensors"
                save_file({n: merged[n].contiguous() for n in sorted(merged)}, os.path.join(folder, case["file"]), metadata={"format": "pt"})
            if label in ("uniform-0.5", "blocks-0.1-0.5-0.9"):
                model = copy.deepcopy(pre)
                missing = model.load_state_dict({n: t.float() for n, t in merged.items()}, strict=False)
                assert not missing.unexpected_keys
                model.tie_weights()
                lm = gm.Captured(model)
                rows = []
                for q in requests:
                    rows.append({"id": q["id"], "logits": [gm.fmt(v) for v in gm.forward(model, q["ids"])[-1].tolist()]} if "ids" in q else {"id": q["id"], **lm.ids(q["context_ids"], q["continuation_ids"])})
                case["answers"] = f"expected/{label}.{dt}.jsonl"
                gm.write_jsonl(os.path.join(folder, case["answers"]), rows)
            cases[f"{label}.{dt}"] = case
    with open(os.path.join(folder, "expected", "diff.json"), "w") as f:
        json.dump({n: difference(x[n], y[n]) for n in sorted(x)}, f, indent=1)
    measured = {side: gm.measure(gm.load(os.path.join(folder, side)), r, vocab) for side in ("pre", "post")}
    about = {"kind": "merge", "architecture": config["architectures"][0], "catches": catches, "stored": store, "ratio": "weight of post", "policy": "full", "layers": layers, "blocks_of_3": [blocks(layers, 3).count(b) for b in range(3)],
             "ratio_of_tensor": {n: ratio_of(n, LIST, layers) for n in sorted(x)}, "identical_tensors": sorted(n for n in x if torch.equal(x[n], y[n])),
             "reference": f"torch {torch.__version__} fp64, one rounding; answers by transformers {transformers.__version__}", "measured": measured, "tolerance": {"logits": 1e-4, "logprob_per_token": 1e-4, "diff_relative": 1e-9, "merged, of max(|pre|,|post|)": MAY_BE_OFF, "share of bf16 elements that may differ": 0.005},
             "how_to_compare": "ratio 0 and 1, and tensors equal in pre and post: bit by bit. Otherwise each element within the tolerance; other_ways says what fp32 arithmetic instead of fp64 changes", "cases": cases}
    with open(os.path.join(folder, "about.json"), "w") as f:
        json.dump(about, f, indent=1)
    return about


def make(out, seed, log=print):
    for name, spec in PAIRS.items():
        about = make_pair(name, spec, out, seed)
        worst = {}
        for c in about["cases"].values():
            for way, a in c["other_ways"].items():
                w = worst.setdefault(f"{c['dtype']} {way}", [0, 0, 0.0])
                w[0] += a["elements_that_differ"]; w[1] += a["of"]; w[2] = max(w[2], a["max_error_over_tolerance"])
        log(f"merge {name}: {about['layers']} layers {about['blocks_of_3']}, {len(about['identical_tensors'])} tensors identical; other ways {worst}")
