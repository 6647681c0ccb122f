#!/usr/bin/env python3
"""Appends loglikelihood_rolling requests and lm-evaluation-harness 0.4.13's answers to two fixtures of tests/golden/models (once)."""
import json
import logging
import pathlib
import types

from lm_eval.models.huggingface import HFLM

TEXTS = ["It was a dark night.\nThe end.", "a b c d e f g " * 60, "x", "日本語です。 café " * 40, " leading"]
logging.disable(logging.WARNING)
for name in ["gpt2-text", "llama-sharded-text"]:
    folder = pathlib.Path(__file__).resolve().parent.parent / "models" / name
    lm = HFLM(pretrained=str(folder), dtype="float32", device="cpu", batch_size=1)
    values = lm.loglikelihood_rolling([types.SimpleNamespace(args=(text,)) for text in TEXTS], disable_tqdm=True)
    for file, lines in (
        ("requests.jsonl", [{"id": f"rolling-{i}", "type": "loglikelihood_rolling", "text": text} for i, text in enumerate(TEXTS)]),
        ("expected.jsonl", [{"id": f"rolling-{i}", "logprob": value, "tokens": len(lm.tok_encode(TEXTS[i]))} for i, value in enumerate(values)]),
    ):
        kept = [line for line in (folder / file).read_text(encoding="utf-8").split("\n") if line and '"rolling-' not in line]
        (folder / file).write_text("".join(line + "\n" for line in kept) + "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
