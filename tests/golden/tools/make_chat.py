#!/usr/bin/env python3
"""Renders conversations with the templates of tests/golden/chat by transformers: make_chat.py tests/golden/chat [--public DIR]

Writes expected.json: one object a conversation, template and generation prompt, with null where the reference refuses.
--public DIR holds published templates as NAME.jinja, NAME one of those that hma_chat_render_named() takes; what they make of
conversations of user and assistant in turn is written, too. The templates themselves are not kept.
"""
import argparse
import glob
import json
import os

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import transformers
from tokenizers import Tokenizer, models
from check_chat import CONVERSATIONS

NAMED = (0, 2, 4)  # conversations that every published form takes


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder")
    p.add_argument("--public")
    a = p.parse_args()
    rows = []

    def render(path, key, which):
        with open(path, encoding="utf-8", newline="") as f:
            template = f.read()
        t = transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>", chat_template=template)
        for n in which:
            for prompt in (True, False):
                try:
                    text = t.apply_chat_template(CONVERSATIONS[n], tokenize=False, add_generation_prompt=prompt)
                except Exception:
                    text = None
                rows.append({key: os.path.basename(path)[:-6], "conversation": n, "generation_prompt": prompt, "text": text})

    for path in sorted(glob.glob(a.folder + "/*.jinja")):
        render(path, "template", range(len(CONVERSATIONS)))
    for path in sorted(glob.glob((a.public or "/nowhere") + "/*.jinja")):
        render(path, "named", NAMED)
    about = {"reference": f"transformers {transformers.__version__}, apply_chat_template(tokenize=False)", "bos_token": "<s>", "eos_token": "</s>"}
    with open(os.path.join(a.folder, "expected.json"), "w", encoding="utf-8") as f:
        json.dump({**about, "conversations": CONVERSATIONS, "cases": rows}, f, indent=1, ensure_ascii=False)
    print(len(rows), "renderings,", sum(r["text"] is None for r in rows), "refused")


if __name__ == "__main__":
    main()
