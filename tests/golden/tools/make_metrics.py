#!/usr/bin/env python3
"""Makes tests/golden/metrics/{chrf,exact,texts,mc2}.{in,out}.json with sacrebleu and lm-evaluation-harness 0.4.13.

    python3 tests/golden/tools/make_metrics.py          (needs sacrebleu and lm_eval; the program and its tests do not)
"""
import json
import math
import pathlib
import random

import numpy as np
import sacrebleu
from lm_eval.api.metrics import bits_per_byte, exact_match_hf_evaluate, weighted_perplexity
from lm_eval.api.task import Task
from lm_eval.filters.extraction import RegexFilter
from lm_eval.tasks.truthfulqa.utils import process_results_mc2

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "metrics"
rng = random.Random(7)
WORDS = ["the", "cat", "sat", "on", "a", "mat", "Straße", "日本", "語です", "don't", "café", "x", ".", "...", "🙂", "is", "12,5", "\u00a0", "n'a"]


def store(name, cases, answers):
    for suffix, content in (("in", cases), ("out", answers)):
        (FOLDER / f"{name}.{suffix}.json").write_text(json.dumps({"cases": content}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def sentence(n):
    return rng.choice([" ", "  ", "\n", "\t "]).join(rng.choice(WORDS) for _ in range(n))


def chrf():
    cases = [
        {"id": "equal", "predictions": ["the cat sat"], "references": [["the cat sat"]]},
        {"id": "only white space differs", "predictions": [" the\ncat  sat\u3000"], "references": [["thecatsat"]]},
        {"id": "nothing in common", "predictions": ["abc"], "references": [["xyz"]]},
        {"id": "empty prediction", "predictions": [""], "references": [["xyz"]]},
        {"id": "empty reference", "predictions": ["xyz"], "references": [[""]]},
        {"id": "both empty", "predictions": [""], "references": [[""]]},
        {"id": "shorter than six characters", "predictions": ["cat"], "references": [["cats"]]},
        {"id": "reference shorter than the longest n-grams", "predictions": ["the cat sat on it"], "references": [["the"]]},
        {"id": "the best of several references", "predictions": ["the cat sat"], "references": [["a dog", "the cat sits", "cat"]]},
        {"id": "equally good references", "predictions": ["ab"], "references": [["ac", "ad"]]},
        {"id": "characters beyond ASCII", "predictions": ["日本語です。", "Straße 🙂"], "references": [["日本語だ。"], ["Strasse 🙂🙂"]]},
        {"id": "repeated n-grams are clipped", "predictions": ["aaaaaaaa"], "references": [["aaa"]]},
    ]
    for i in range(12):
        n = rng.randint(1, 6)
        cases.append({"id": f"random {i}", "predictions": [sentence(rng.randint(0, 12)) for _ in range(n)],
                      "references": [[sentence(rng.randint(0, 12)) for _ in range(1 + i % 3)] for _ in range(n)]})
    answers = []
    for case in cases:
        streams = list(zip(*case["references"]))
        answers.append({"id": case["id"], "score": sacrebleu.corpus_chrf(case["predictions"], [list(s) for s in streams]).score})
    store("chrf", cases, answers)


IGNORED = [",", "\\$", "(?s).*#### ", "\\.$"]  # of tasks/gsm8k/gsm8k.yaml
STRICT = RegexFilter("#### (\\-?[0-9\\.\\,]+)")
FLEXIBLE = RegexFilter("(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)


def exact():
    golds = ["3+4=<<3+4=7>>7\n#### 7", "x\n#### 1,234", "#### -5", "a #### 2\nb #### 12", "#### 18.", "#### $20", "#### 0.5", "#### 7\n", "#### 7.\n"]
    replies = ["The answer is 7.", "#### 7", "#### 7.", "so 3 and 4 are\n#### 7\nQuestion", "####7", "#### ", "#### -", "#### -5", "#### --5", "#### 1,234",
               "$1,234.", "it is 1234", "-5", "- 5", "--5", "it costs $20.", "$ 20", "20$", "0.5", ".5", "half", "", "#### 1\n#### 7", "5-5", "7.",
               "... 7 ...", "1,", "2 #### 12", "12 #### 2", "#### 12,000.00.", "#### \u0667", "7\u00b2", "18.", "A: 18. ", "#### 18.0", "-$20", "##### 7"]
    cases, answers = [], []
    for i, gold in enumerate(golds):
        for k, reply in enumerate(replies):
            cases.append({"id": f"{i}.{k}", "prediction": reply, "answer": gold})
            answer = {"id": f"{i}.{k}"}
            for name, one in (("strict", STRICT), ("flexible", FLEXIBLE)):
                extracted = one.apply([[reply]], [{}])[0][0]
                answer[name] = extracted
                answer[name + "_match"] = float(exact_match_hf_evaluate([extracted], [gold], IGNORED, ignore_case=True)["exact_match"])
            answer["plain_match"] = float(exact_match_hf_evaluate([reply], [gold])["exact_match"])
            answers.append(answer)
    store("exact", cases, answers)


def texts():
    cases, answers = [], []
    for i in range(8):
        documents = [sentence(rng.randint(1, 9)) + rng.choice(["", " ", "\n\n"]) for _ in range(1 + i)]
        lls = [-rng.uniform(1, 300) for _ in documents]
        words = [Task.count_words(d) for d in documents]
        sizes = [Task.count_bytes(d) for d in documents]
        cases.append({"id": f"texts {i}", "texts": documents, "lls": lls})
        answers.append({"id": f"texts {i}", "words": words, "bytes": sizes, "word_perplexity": weighted_perplexity(list(zip(lls, words))),
                        "byte_perplexity": weighted_perplexity(list(zip(lls, sizes))), "bits_per_byte": bits_per_byte(list(zip(lls, sizes)))})
    assert all(math.isfinite(a["word_perplexity"]) for a in answers)
    store("texts", cases, answers)


def mc2():
    cases, answers = [], []
    for i in range(20):
        n = rng.randint(2, 9)
        lls = [-rng.uniform(0, 60) for _ in range(n)]
        labels = [1] + [rng.randint(0, 1) for _ in range(n - 1)]
        choices = [rng.choice(["é", "ab", "日本", "choice", "🙂 yes"]) * rng.randint(1, 3) for _ in range(n)]
        cases.append({"id": f"mc2 {i}", "lls": lls, "labels": labels, "choices": choices})
        share = process_results_mc2({"mc2_targets": {"labels": labels}}, [(ll, False) for ll in lls])["acc"]
        by_bytes = int(np.argmax(np.array(lls) / np.array([float(len(c.encode("utf-8"))) for c in choices])))
        answers.append({"id": f"mc2 {i}", "mc2": float(share), "acc_bytes": by_bytes})
    store("mc2", cases, answers)


chrf(), exact(), texts(), mc2()
