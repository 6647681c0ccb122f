#!/usr/bin/env python3
"""Makes tests/golden/encoding.jsonl: how lm-evaluation-harness 0.4.13 turns a context and a continuation, and a whole text, into ids.

    python3 tests/golden/tools/make_encoding.py         (needs lm_eval and transformers; the program and its tests do not)

The harness's own HFLM does it, with the tokenizers of tests/golden/tokenizers and no model behind it.
"""
import json
import logging
import pathlib
import types

from lm_eval.models.huggingface import HFLM
from transformers import AutoTokenizer

FOLDER = pathlib.Path(__file__).resolve().parent.parent
TOKENIZERS = ["bpe-gpt2", "bpe-llama2", "bpe-llama3", "bpe-qwen2", "bpe-gemma", "bpe-neox", "bpe-smollm", "bpe-metaspace-first", "bpe-prefix-space"]
PAIRS = [
    ("Question: What is it?\nAnswer:", " a knife"), ("Question: What is it?\nAnswer: ", "a knife"), ("Answer:  \n\t", " x"),
    ("one\u00a0\u3000", "two"), ("", "no context"), ("", " "), ("a", "b"), ("hel", "lo world"), ("The dog's", "s"), ("12", "34"),
    ("1 + 1 =", " 2"), ("x", "\n"), ("x\n", "\n\ny"), ("日本", "語です"), ("caf", "é"), ("e", "\u0301"), ("def f():\n    ", "    return 1"),
    ("   ", "   x"), (" \n", " "), ("a b", " c  d"), ("Why? ", ""), ("{bos}Answer:", " yes"), ("{bos}", "yes"), ("", "{bos}yes"), ("{eos} x", "{eos}"), ("", "{eos}"),
    ("x{bos}", " y"), ("A" * 50, "B" * 50), ("don", "'t stop"), ("...", "..."), ("🙂", "🙂🙂"), ("tab\t", "\tend"), ("x\x1f", "y"), ("x\u2028", "y"), ("x\u200b", "y"),
]
TEXTS = ["", " ", "one", "It was a dark night.\nThe end.", " leads", "{bos}begins", "日本語です。 café", "a b c d e f g h i j k l m n o p q r s t u v w x y z"]


def bare(folder, bos):
    lm = HFLM.__new__(HFLM)
    lm.tokenizer = AutoTokenizer.from_pretrained(folder)
    lm.add_bos_token, lm.backend, lm.custom_prefix_token_id = bos, "causal", None
    lm._rank, lm._world_size, lm.batch_size_per_gpu, lm.enable_thinking = 0, 1, 64, False
    lm.asked, lm.cache_hook = [], types.SimpleNamespace(add_partial=lambda *_: None)

    def answer(self, requests, **_):
        self.asked += [(context, continuation) for _, context, continuation in requests]
        return [(0.0, False)] * len(requests)

    lm._loglikelihood_tokens = types.MethodType(answer, lm)
    return lm


logging.disable(logging.WARNING)
out = []
for name in TOKENIZERS:
    for bos in (None, False):
        lm = bare(FOLDER / "tokenizers" / name, bos)
        special = {"{bos}": lm.tokenizer.bos_token or "", "{eos}": lm.tokenizer.eos_token or ""}

        def fill(text):
            for key, token in special.items():
                text = text.replace(key, token)
            return text

        for context, continuation in ((fill(a), fill(b)) for a, b in PAIRS):
            if context == "" and lm.tok_encode(continuation, add_special_tokens=False) == []:
                continue  # the harness fails on these
            lm.asked, lm.cache_hook = [], types.SimpleNamespace(add_partial=lambda *_: None)
            lm.loglikelihood([types.SimpleNamespace(args=(context, continuation))], disable_tqdm=True)
            if not lm.asked[0][0]:
                continue  # only white space and no special token: the harness refuses to score after nothing
            out.append({"tokenizer": name, "bos": "auto" if bos is None else "no", "context": context, "continuation": continuation,
                        "context_ids": lm.asked[0][0], "continuation_ids": lm.asked[0][1]})
        for text in map(fill, TEXTS):
            for length in (1, 2, 5, 64):
                lm.asked, lm._max_length = [], length
                lm.loglikelihood_rolling([types.SimpleNamespace(args=(text,))], disable_tqdm=True)
                out.append({"tokenizer": name, "bos": "auto" if bos is None else "no", "text": text, "max_length": length,
                            "windows": [[list(a), list(b)] for a, b in lm.asked]})
(FOLDER / "encoding.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in out), encoding="utf-8")
print(len(out))
