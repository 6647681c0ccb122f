#!/usr/bin/env python3
"""The table of families: what hma loads, scores, rewards, tokenizes and generates, and how far it is from transformers at most.

  check_hma.py --hma HMA tests/golden --json golden.json; check_hma.py --hma HMA VARIANTS --json variants.json
  parity_table.py golden.json variants.json [--into eval/transformer/README.md]

--into replaces what stands between the lines <!-- parity --> and <!-- /parity --> of a file.
"""
import argparse
import json
import re
import sys

FAMILIES = [("Llama", "LlamaForCausalLM", ["bpe-llama2", "bpe-llama3", "bpe-smollm", "vocab-smollm2", "spm-bpe-identity", "spm-bpe-nfkc"]), ("Mistral", "MistralForCausalLM", ["bpe-llama2", "bpe-metaspace-first", "spm-bpe-identity"]),
            ("Qwen2", "Qwen2ForCausalLM", ["bpe-qwen2"]), ("Qwen3", "Qwen3ForCausalLM", ["bpe-qwen2"]), ("OLMo 2", "Olmo2ForCausalLM", ["bpe-llama3", "bpe-neox"]), ("StableLM", "StableLmForCausalLM", ["bpe-neox"]),
            ("Gemma", "GemmaForCausalLM", ["bpe-gemma"]), ("Gemma 2", "Gemma2ForCausalLM", ["bpe-gemma"]), ("Gemma 3", "Gemma3ForCausalLM", ["bpe-gemma"]), ("GPT-NeoX", "GPTNeoXForCausalLM", ["bpe-neox"]),
            ("GPT-2", "GPT2LMHeadModel", ["bpe-gpt2", "vocab-gpt-2"]), ("OPT", "OPTForCausalLM", ["bpe-prefix-space"]), ("Phi", "PhiForCausalLM", ["bpe-gpt2"])]
REWARD = {"GPT2LMHeadModel": "GPT2ForSequenceClassification", "Gemma3ForCausalLM": "Gemma3TextForSequenceClassification"}


def row(name, causal, tokenizers, measured):
    reward = REWARD.get(causal, causal.replace("CausalLM", "SequenceClassification"))
    models = [m for m in measured if m.get("architecture") == causal and m["kind"] == "model"]
    heads = [m for m in measured if m.get("architecture") == reward and m["kind"] == "reward"]
    count = lambda group, kind: sum(m.get("kinds", {}).get(kind, 0) for m in group)
    largest = lambda group, kind: max([m.get("largest", {}).get(kind, 0) for m in group], default=0)
    cell = lambda group, kind: f"{largest(group, kind):.1e} ({count(group, kind)})" if count(group, kind) else "-"
    texts = [m for m in measured if m["kind"] == "tokenizer" and m["name"].split("/")[-1] in tokenizers]
    lost = sum(m["failures"] for m in models + heads + texts)
    return [name, f"{len(models)} + {len(heads)}", cell(models, "logits"), cell(models, "logprob"), cell(heads, "reward") if heads else "no such class",
            f"equal ({count(models, 'ids')})" if not sum(m["failures"] for m in models) else "differs",
            f"equal ({sum(m['requests'] for m in texts)}): " + ", ".join(tokenizers) if not sum(m["failures"] for m in texts) else "differs", str(lost)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("measured", nargs="+")
    p.add_argument("--into")
    a = p.parse_args()
    measured = []
    for path in a.measured:
        with open(path, encoding="utf-8") as f:
            measured += [{"name": name, **m} for name, m in json.load(f).items()]
    head = ["family", "loads", "logits", "log-probability a token", "reward", "generation", "tokenizer", "out of tolerance"]
    lines = ["| " + " | ".join(r) + " |" for r in [head, ["---"] * len(head)] + [row(*f, measured) for f in FAMILIES]]
    others = [m for m in measured if m["kind"] == "tokenizer"]
    lines += ["", f"Tokenizers in all: {sum(m['requests'] for m in others if not m['failures'])} encodings and decodings with {len(others)} tokenizers, "
              f"{sum(bool(m['failures']) for m in others)} tokenizers with a difference or refused."]
    text = "\n".join(lines) + "\n"
    if not a.into:
        sys.stdout.write(text)
        return
    with open(a.into, encoding="utf-8") as f:
        old = f.read()
    new, found = re.subn(r"(<!-- parity -->\n).*?(<!-- /parity -->)", lambda m: m[1] + text + m[2], old, flags=re.S)
    if not found:
        sys.exit(f"{a.into}: no <!-- parity --> section")
    with open(a.into, "w", encoding="utf-8") as f:
        f.write(new)


if __name__ == "__main__":
    main()
