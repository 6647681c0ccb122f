#!/usr/bin/env python3
"""Makes tiny random checkpoints of every family, each with another mixture of settings, and the answers of transformers to them.

  make_variants.py --out DIR [--seed S] [--count N] [--families llama,gemma2,..] [--heads causal,reward]

Needs torch, transformers 4.57 and safetensors. The folders have the form of tests/golden/models and are read by check_hma.py; what
was drawn stands in each about.json. Settings are drawn from what the configuration classes of transformers know, also where no
checkpoint on the hub uses them.
"""
import argparse
import copy
import json
import math
import os
import random
import shutil
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
warnings.filterwarnings("ignore")
import torch
import transformers
transformers.utils.logging.disable_progress_bar()
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

torch.set_num_threads(1)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
MARGIN = 1e-3  # least distance between the first and the second logit of a greedy step


# ---- configurations ---------------------------------------------------------------------------------------------
def sizes(r, dims=(8, 10, 12, 16, 20, 32, 64, 80, 100, 128), rotary=True):
    heads = r.choice([1, 2, 3, 4, 4, 6, 8])
    dim = r.choice([d for d in dims if d * heads <= 320])
    return {"heads": heads, "dim": dim, "hidden": heads * dim, "inter": r.choice([r.randrange(17, 120), heads * dim * 2, 64]),
            "layers": r.choice([1, 2, 3, 4]), "vocab": r.choice([r.randrange(60, 300), 64, 97, 257]), "positions": r.choice([48, 96, 128, 160])}


def shared_heads(r, heads):
    return r.choice([k for k in (1, 2, 4, heads) if k <= heads and heads % k == 0])


def scaling(r, c, dim):
    """A rope_scaling entry, or None."""
    kind = r.choice(["none", "default", "linear", "dynamic", "llama3", "yarn", "yarn"])
    key = r.choice(["rope_type", "type"])
    factor = r.choice([1.5, 2.0, 4.0, 8.0, 40.0])
    if kind == "none":
        return None
    if kind in ("default", "linear", "dynamic"):
        return {key: kind, **({"factor": factor} if kind != "default" else {})}
    if kind == "llama3":
        return {key: kind, "factor": factor, "low_freq_factor": r.choice([1.0, 2.0]), "high_freq_factor": r.choice([4.0, 8.0]),
                "original_max_position_embeddings": r.choice([32, 64, 8192])}
    s = {key: kind, "factor": factor}
    optional = {"original_max_position_embeddings": r.choice([16, 32, 64, 4096]), "beta_fast": r.choice([16, 32.0, 64]), "beta_slow": r.choice([1, 0.5, 2]),
                "truncate": r.random() < 0.5, "attention_factor": r.choice([0.8, 1.0, 1.3])}
    s.update({k: v for k, v in optional.items() if r.random() < 0.5})
    if r.random() < 0.4:
        s.update({"mscale": r.choice([1.0, 0.707]), "mscale_all_dim": r.choice([1.0, 0.5])})
    return s


def usual(r, kind, s, **more):
    c = {"model_type": kind, "vocab_size": s["vocab"], "hidden_size": s["hidden"], "intermediate_size": s["inter"], "num_hidden_layers": s["layers"],
         "num_attention_heads": s["heads"], "max_position_embeddings": s["positions"], "tie_word_embeddings": r.random() < 0.5,
         "bos_token_id": 1, "eos_token_id": 2}
    c.update(more)
    return c


def grouped(r, c, s, null=True):
    c["num_key_value_heads"] = shared_heads(r, s["heads"])
    if null and c["num_key_value_heads"] == s["heads"] and r.random() < 0.4:
        c["num_key_value_heads"] = None
    return c


def own_dim(r, c, s):
    """head_dim of its own: hidden size and heads have nothing to do with each other then."""
    if r.random() < 0.4:
        c["head_dim"] = s["dim"]
        c["hidden_size"] = r.randrange(s["heads"] * 4, s["heads"] * 12)
    return c


def maybe(r, c, **settings):
    """Settings that a config.json may leave to the class."""
    for key, choices in settings.items():
        if r.random() < 0.7:
            c[key] = r.choice(choices)
    return c


def rope(r, c, s, thetas=(10000.0, 500000.0, 1000000, 1000.0)):
    maybe(r, c, rope_theta=thetas)
    with_scaling = scaling(r, c, s["dim"])
    if with_scaling or r.random() < 0.5:
        c["rope_scaling"] = with_scaling
    return c


def llama(r):
    s = sizes(r)
    c = own_dim(r, grouped(r, usual(r, "llama", s), s), s)
    maybe(r, c, hidden_act=["silu", "silu", "gelu", "relu"], rms_norm_eps=[1e-5, 1e-6, 1e-3], attention_bias=[True, False], mlp_bias=[True, False], pretraining_tp=[1])
    return rope(r, c, s)


def mistral(r):
    s = sizes(r)
    c = own_dim(r, grouped(r, usual(r, "mistral", s), s), s)
    maybe(r, c, rms_norm_eps=[1e-5, 1e-6], sliding_window=[None, 1, 2, 7, 16, 4096])
    rope(r, c, s)
    if c.get("rope_scaling"):
        c["head_dim"] = c.get("head_dim") or s["dim"]  # the reference stumbles without it
    return c


def qwen2(r):
    s = sizes(r)
    c = grouped(r, usual(r, "qwen2", s), s)
    maybe(r, c, rms_norm_eps=[1e-5, 1e-6], sliding_window=[1, 5, 16, None], use_sliding_window=[True, True, False], max_window_layers=[0, 1, 2, 28])
    if c.get("use_sliding_window") and r.random() < 0.3:
        c["layer_types"] = [r.choice(["full_attention", "sliding_attention"]) for _ in range(s["layers"])]
    return rope(r, c, s)


def qwen3(r):
    s = sizes(r)
    c = grouped(r, usual(r, "qwen3", s, head_dim=s["dim"]), s)
    c["hidden_size"] = r.randrange(s["heads"] * 4, s["heads"] * 12)
    maybe(r, c, rms_norm_eps=[1e-5, 1e-6], sliding_window=[1, 5, 16, None], use_sliding_window=[True, False], max_window_layers=[0, 1, 2, 28], attention_bias=[True, False])
    return rope(r, c, s)


def olmo2(r):
    s = sizes(r)
    c = grouped(r, usual(r, "olmo2", s), s)
    maybe(r, c, rms_norm_eps=[1e-5, 1e-6], attention_bias=[True, False], rope_theta=[10000.0, 500000.0])
    c["rope_scaling"] = r.choice([None, {"type": "linear", "factor": 4.0}, {"type": "dynamic", "factor": 2.0}])  # it takes no others
    return c


def partial(r, dim, choices):
    fit = [p for p in choices if int(dim * p) >= 2 and int(dim * p) % 2 == 0]
    return r.choice(fit) if fit else 1.0


def stablelm(r):
    s = sizes(r, (8, 12, 15, 16, 20, 64, 80))
    c = grouped(r, usual(r, "stablelm", s), s, null=False)
    c["partial_rotary_factor"] = partial(r, s["dim"], [0.25, 0.4, 0.5, 0.8])
    maybe(r, c, layer_norm_eps=[1e-5, 1e-3], use_qkv_bias=[True, False], use_parallel_residual=[True, False], hidden_act=["silu", "gelu"])
    return rope(r, c, s)


def gemma(r):
    s = sizes(r)
    c = grouped(r, usual(r, "gemma", s, head_dim=s["dim"]), s, null=False)
    c["hidden_size"] = r.randrange(s["heads"] * 4, s["heads"] * 12)
    maybe(r, c, hidden_act=["gelu_pytorch_tanh"], rms_norm_eps=[1e-6, 1e-4], attention_bias=[True, False])
    maybe(r, c, rope_theta=[10000.0, 1000.0])
    return c


def gemma2(r):
    s = sizes(r)
    c = grouped(r, usual(r, "gemma2", s, head_dim=s["dim"]), s, null=False)
    c["hidden_size"] = r.randrange(s["heads"] * 4, s["heads"] * 12)
    maybe(r, c, hidden_activation=["gelu_pytorch_tanh"], query_pre_attn_scalar=[s["dim"], 24, 144.0], sliding_window=[1, 2, 9, 4096], attn_logit_softcapping=[None, 2.0, 50.0],
          final_logit_softcapping=[None, 3.0, 30.0], attention_bias=[True, False], rms_norm_eps=[1e-6, 1e-4], rope_theta=[10000.0, 1000.0])
    if r.random() < 0.3:
        c["layer_types"] = [r.choice(["full_attention", "sliding_attention"]) for _ in range(s["layers"])]
    return c


def gemma3(r):
    s = sizes(r)
    s["layers"] = r.choice([2, 4, 6, 7])
    c = grouped(r, usual(r, "gemma3_text", s, head_dim=min(s["dim"], 32)), s, null=False)
    c["hidden_size"] = r.randrange(s["heads"] * 4, s["heads"] * 12)
    maybe(r, c, hidden_activation=["gelu_pytorch_tanh"], query_pre_attn_scalar=[s["dim"], 24, 144.0], sliding_window=[1, 2, 9, 4096], attn_logit_softcapping=[None, 2.0],
          final_logit_softcapping=[None, 3.0], attention_bias=[True, False], rope_theta=[10000.0, 1000000.0], rope_local_base_freq=[10000.0, 500.0])
    if r.random() < 0.4:
        c["layer_types"] = [r.choice(["full_attention", "sliding_attention"]) for _ in range(s["layers"])]
    else:
        maybe(r, c, sliding_window_pattern=[1, 2, 3, 6])
    if r.random() < 0.6:
        c["rope_scaling"] = {"rope_type": "linear", "factor": r.choice([2.0, 8.0])}
    return c


def gpt_neox(r):
    s = sizes(r, (8, 12, 16, 20, 64, 80))
    c = usual(r, "gpt_neox", s, rotary_pct=partial(r, s["dim"], [0.25, 0.4, 0.5, 1.0]))
    maybe(r, c, rotary_emb_base=[10000, 500, 10000.0], layer_norm_eps=[1e-5, 1e-3], use_parallel_residual=[True, False], attention_bias=[True, False], hidden_act=["gelu", "gelu_new", "gelu_fast", "relu"])
    if r.random() < 0.3:
        c["rope_scaling"] = r.choice([None, {"type": "linear", "factor": 2.0}, {"type": "dynamic", "factor": 4.0}])
    return c


def gpt2(r):
    s = sizes(r, (5, 7, 8, 9, 12, 16, 64, 80))
    c = {"model_type": "gpt2", "vocab_size": s["vocab"], "n_embd": s["hidden"], "n_layer": s["layers"], "n_head": s["heads"], "n_positions": s["positions"],
         "bos_token_id": 1, "eos_token_id": 2}
    maybe(r, c, n_inner=[None, s["inter"]], activation_function=["gelu_new", "gelu", "relu", "gelu_fast", "silu"], layer_norm_epsilon=[1e-5, 1e-3], scale_attn_weights=[True, False],
          scale_attn_by_inverse_layer_idx=[True, False], reorder_and_upcast_attn=[True, False], tie_word_embeddings=[True, True, False])
    return c


def opt(r):
    s = sizes(r, (5, 7, 8, 9, 12, 16, 64))
    c = {"model_type": "opt", "vocab_size": s["vocab"], "hidden_size": s["hidden"], "ffn_dim": s["inter"], "num_hidden_layers": s["layers"], "num_attention_heads": s["heads"],
         "max_position_embeddings": s["positions"], "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    maybe(r, c, activation_function=["relu", "gelu", "gelu_new"], enable_bias=[True, False], word_embed_proj_dim=[s["hidden"], None], do_layer_norm_before=[True],
          tie_word_embeddings=[True, True, False])
    return c


def phi(r):
    s = sizes(r, (8, 12, 15, 16, 20, 64, 80))
    c = grouped(r, usual(r, "phi", s), s)
    c["tie_word_embeddings"] = False
    c["partial_rotary_factor"] = partial(r, s["dim"], [0.25, 0.4, 0.5, 0.8])
    maybe(r, c, layer_norm_eps=[1e-5, 1e-3], hidden_act=["gelu_new", "gelu", "relu"], rope_theta=[10000.0, 1000.0])
    return rope(r, c, s)


FAMILIES = {f.__name__: f for f in (llama, mistral, qwen2, qwen3, olmo2, stablelm, gemma, gemma2, gemma3, gpt_neox, gpt2, opt, phi)}
CAUSAL = {"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM", "olmo2": "Olmo2ForCausalLM", "stablelm": "StableLmForCausalLM",
          "gemma": "GemmaForCausalLM", "gemma2": "Gemma2ForCausalLM", "gemma3": "Gemma3ForCausalLM", "gpt_neox": "GPTNeoXForCausalLM", "gpt2": "GPT2LMHeadModel", "opt": "OPTForCausalLM", "phi": "PhiForCausalLM"}
REWARD = {"gpt2": "GPT2ForSequenceClassification", "gemma3": "Gemma3TextForSequenceClassification", "olmo2": None}


def reward_class(family):
    return REWARD.get(family, CAUSAL[family].replace("CausalLM", "SequenceClassification"))


def new_style(c):
    """The same model as transformers 5 writes its config.json."""
    c = copy.deepcopy(c)
    if c["model_type"] in ("gpt2", "opt"):
        return c
    defaults = {"gemma3_text": 1000000.0}
    theta = c.pop("rope_theta", None) or c.pop("rotary_emb_base", None) or defaults.get(c["model_type"], 10000.0)
    parameters = {"rope_theta": theta, "rope_type": "default"}
    old = c.pop("rope_scaling", None)
    if old:
        parameters.update({("rope_type" if k == "type" else k): v for k, v in old.items()})
    share = c.pop("partial_rotary_factor", None) or c.pop("rotary_pct", None)
    if share:
        parameters["partial_rotary_factor"] = share
    if c["model_type"] == "gemma3_text":
        every = c.pop("sliding_window_pattern", 6)
        c.setdefault("layer_types", ["sliding_attention" if (i + 1) % every else "full_attention" for i in range(c["num_hidden_layers"])])
        parameters = {"full_attention": parameters, "sliding_attention": {"rope_theta": c.pop("rope_local_base_freq", 10000.0), "rope_type": "default"}}
    c["rope_parameters"] = parameters
    c["dtype"] = c.pop("torch_dtype")
    return c


# ---- models -----------------------------------------------------------------------------------------------------
def randomise(model, r, gemma):
    g = torch.Generator().manual_seed(r.getrandbits(60))
    heads = {id(model.get_input_embeddings().weight)}
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=g)
            if p.ndim >= 2:
                p.copy_(noise * (0.1 if id(p) in heads else min(0.2, 1.1 / math.sqrt(p.shape[-1]))))
            elif ("norm" in name or "ln_" in name) and name.endswith("weight"):
                p.copy_(noise * 0.3 + (0.0 if gemma else 1.0))
            else:
                p.copy_(noise * 0.2)


def write(folder, r, config, model, store):
    model = copy.deepcopy(model).to(DTYPES[store])
    shards = r.random() < 0.3
    model.save_pretrained(folder, **({"max_shard_size": "30KB"} if shards else {}))
    for f in ("config.json", "generation_config.json"):
        if os.path.exists(os.path.join(folder, f)):
            os.remove(os.path.join(folder, f))
    if config["model_type"] in ("gpt2", "opt") and not shards and r.random() < 0.5 and "ForSeq" not in config["architectures"][0]:
        path = os.path.join(folder, "model.safetensors")  # names as the first checkpoints of these families have them
        old = {"gpt2": "transformer.", "opt": "model."}[config["model_type"]]
        save_file({k.removeprefix(old): v for k, v in load_file(path).items()}, path, metadata={"format": "pt"})
    return shards


def load(folder, config):
    kind = AutoModelForSequenceClassification if "ForSeq" in config["architectures"][0] else AutoModelForCausalLM
    model, info = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    bad = {k: v for k, v in info.items() if v}
    assert not bad, (folder, bad)
    return model.eval()


@torch.no_grad()
def logits(model, ids):
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def greedy(model, ids, count, eos):
    """-> new ids and the least margin; full passes, so that no cache of the reference is in play"""
    new, least = [], math.inf
    while len(new) < count:
        top = logits(model, ids + new)[-1].topk(2)
        least = min(least, float(top.values[0] - top.values[1]))
        new.append(int(top.indices[0]))
        if new[-1] in eos:
            return new[:-1], least
    return new, least


def short(x):
    return float(f"{x:.9g}")


class Questions:
    def __init__(self, model, r, config):
        self.model, self.r, self.vocab, self.rows = model, r, config["vocab_size"], []
        self.config = config
        self.positions = config.get("n_positions") or config["max_position_embeddings"]

    def ids(self, n, avoid=()):
        return [self.r.choice([t for t in (self.r.randrange(3, self.vocab) for _ in range(9)) if t not in avoid]) for _ in range(n)]

    def add(self, id, type, answer, **question):
        self.rows.append(({"id": id, "type": type, **question}, {"id": id, **answer}))

    def causal(self, eos):
        p = self.positions
        for n in (1, 2, self.r.randrange(3, 30), p - 1, p):
            ids = self.ids(n)
            self.add(f"logits-{n}", "logits", {"logits": [short(x) for x in logits(self.model, ids)[-1].tolist()]}, ids=ids)
        for a, b in ((3, 1), (1, 7), (self.r.randrange(5, 40), self.r.randrange(2, 8)), (0, 4), (p - 3, 4), (p + 7, 3), (1, p)):
            context, more = self.ids(a), self.ids(b)
            whole = ((context or [1]) + more)[-(p + 1):]
            lp = logits(self.model, whole[:-1]).log_softmax(-1)[-b:]
            self.add(f"ll-{a}-{b}", "loglikelihood", {"logprob": short(float(sum(lp[i, t] for i, t in enumerate(more)))), "greedy": lp.argmax(-1).tolist() == more, "tokens": b},
                     context_ids=context, continuation_ids=more)
        done = 0
        for _ in range(60):
            ids = self.ids(self.r.randrange(1, p - 12))
            new, margin = greedy(self.model, ids, 10, eos)
            if margin > MARGIN:
                self.add(f"gen-{done}", "generate", {"ids": new}, context_ids=ids, max_tokens=10)
                done += 1
            if done == 3:
                return

    def reward(self, pad):
        cases = {"one": (1, 0, 0, 0), "plain": (9, 0, 0, 0), "long": (self.positions, 0, 0, 0)}
        if pad is not None:
            cases.update({"right": (9, 0, 0, 5), "left": (9, 4, 0, 0), "inside": (12, 0, 2, 0), "everywhere": (12, 2, 2, 3), "only": (0, 0, 0, 4)})
        for name, (n, left, inside, right) in cases.items():
            ids = self.ids(n, (pad,))
            for _ in range(inside):
                ids.insert(self.r.randrange(1, len(ids)), pad)
            ids = ([pad] * left + ids + [pad] * right)[-self.positions:]
            self.add(f"reward-{name}", "reward", {"reward": short(float(logits(self.model, ids).reshape(-1)[0]))}, ids=ids)


def own_error(model, r, vocab, positions):
    """Largest difference of the reference's fp32 from its fp64."""
    twin, worst = copy.deepcopy(model).double(), 0.0
    for part in twin.modules():
        if getattr(part, "reorder_and_upcast_attn", False):
            part.reorder_and_upcast_attn = False  # it would not take fp64
    for n in (7, positions):
        ids = [r.randrange(vocab) for _ in range(n)]
        worst = max(worst, float((logits(model, ids).double() - logits(twin, ids)).abs().max()))
    return worst


def make(folder, family, seed, number, head):
    r = random.Random(f"{seed}/{family}/{number}/{head}")
    config = FAMILIES[family](r)
    config["architectures"] = [CAUSAL[family] if head == "causal" else reward_class(family)]
    store = r.choice(["float32", "bfloat16", "float16"])
    config["torch_dtype"] = store
    pad = None
    if head == "reward":
        pad = r.choice([0, 2, None])
        config["pad_token_id"] = pad
        config.update(r.choice([{"num_labels": 1}, {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}]))
    cls = AutoModelForSequenceClassification if head == "reward" else AutoModelForCausalLM
    settings = {k: copy.deepcopy(v) for k, v in config.items() if k not in ("model_type", "torch_dtype")}
    model = cls.from_config(AutoConfig.for_model(config["model_type"], **settings), attn_implementation="eager")
    randomise(model.eval(), r, config["model_type"].startswith("gemma"))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shards = write(folder, r, config, model, store)
    path = os.path.join(folder, "config.json")
    with open(path, "w") as f:
        json.dump(config, f, indent=2)
    model = load(folder, config)
    questions = Questions(model, r, config)
    style = 4
    if head == "causal":
        eos = sorted({2, *(r.randrange(3, config["vocab_size"]) for _ in range(r.choice([0, 1, config["vocab_size"] // 8])))})
        if len(eos) > 1 or r.random() < 0.6:
            with open(os.path.join(folder, "generation_config.json"), "w") as f:
                json.dump({"bos_token_id": 1, "eos_token_id": eos if len(eos) > 1 or r.random() < 0.5 else 2, "do_sample": True, "temperature": 0.7}, f)
        questions.causal(eos)
    else:
        questions.reward(pad)
    if r.random() < 0.5:  # transformers 4 does not read the new style: only after its answers
        style = 5
        with open(path, "w") as f:
            json.dump(new_style(config), f, indent=2)
    error = own_error(model, r, config["vocab_size"], questions.positions)
    limit = float(f"{max(2e-5, 10 * error):.1g}")
    for name, i in (("requests", 0), ("expected", 1)):
        with open(os.path.join(folder, f"{name}.jsonl"), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(row[i]) + "\n" for row in questions.rows)
    about = {"kind": "model" if head == "causal" else "reward", "architecture": config["architectures"][0], "stored": store, "shards": shards,
             "catches": f"drawn settings, {family}, {head}", "config style": style, "settings": config, "measured": {"fp32_vs_double()": error},
             "reference": f"transformers {transformers.__version__}, torch {torch.__version__}, fp32, eager attention, CPU, one sequence at a time",
             "made by": f"make_variants.py --seed {seed}, number {number}",
             "tolerance": {"logits": limit, "logprob_per_token": limit} if head == "causal" else {"reward": limit}}
    with open(os.path.join(folder, "about.json"), "w") as f:
        json.dump(about, f, indent=1)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", default="1")
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--count", type=int, default=4, help="of each family and head")
    p.add_argument("--families", default=",".join(FAMILIES))
    p.add_argument("--heads", default="causal,reward")
    a = p.parse_args()
    for family in a.families.split(","):
        for head in a.heads.split(","):
            for number in range(a.first, a.first + a.count):
                if head == "causal" or reward_class(family):
                    try:
                        make(os.path.join(a.out, "models", f"{family}-{head}-{number}"), family, a.seed, number, head)
                    except Exception as e:  # a mixture that the reference itself refuses
                        shutil.rmtree(os.path.join(a.out, "models", f"{family}-{head}-{number}"), ignore_errors=True)
                        print(f"left out {family}-{head}-{number}: {type(e).__name__}: {str(e)[:300]}", flush=True)
        print(family, flush=True)


if __name__ == "__main__":
    main()
