#!/usr/bin/env python3
"""Renders conversations with the chat templates of a folder of .jinja files, by hma and by transformers.

  check_chat.py --library build/release/libhma.so TEMPLATES

Calls hma_chat_render() of the shared library; needs transformers and jinja2 beside it. The two must give the same text, or both
refuse; a template of which hma says that it is not supported is listed. Exit 1 when texts differ or hma renders what the reference refuses.
"""
import argparse
import ctypes
import glob
import json
import os
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SYSTEM = {"role": "system", "content": "You are a helpful assistant"}
turn = lambda user, assistant: [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
CONVERSATIONS = [
    [{"role": "user", "content": "Hello"}],
    [SYSTEM, {"role": "user", "content": "Hello"}],
    turn("Hello", "Hi there"),
    [SYSTEM] + turn("Hello", "Hi there") + turn("Who are you?", "   I am an assistant   ") + [{"role": "user", "content": "Another question"}],
    [{"role": "user", "content": "  two\n\nlines\twith 'quotes' \"and\" <tags> & é 東京 👍🏽 {{ braces }} {% raw %}\n"}],
    [{"role": "user", "content": ""}],
    turn("", "") + [{"role": "user", "content": "x"}],
    [SYSTEM],
    [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    [{"role": "assistant", "content": "first"}, {"role": "user", "content": "b"}],
    [{"role": "tool", "content": "42"}, {"role": "user", "content": "b"}],
    turn("\n", "</s> <|im_end|> <s>") + turn("q", "a"),
]


class Message(ctypes.Structure):
    _fields_ = [("role", ctypes.c_char_p), ("content", ctypes.c_char_p)]


class Library:
    def __init__(self, path):
        self.l = ctypes.CDLL(os.path.abspath(path))
        self.l.hma_error_message.restype = ctypes.c_char_p

    def open(self, folder):
        out = ctypes.c_void_p()
        if self.l.hma_tokenizer_open(ctypes.byref(out), folder.encode()):
            sys.exit(self.l.hma_error_message().decode())
        return out

    def render(self, tokenizer, messages, prompt):
        """-> text, or None and why not"""
        array = (Message * len(messages))(*[Message(m["role"].encode(), m["content"].encode()) for m in messages])
        text = ctypes.c_char_p()
        if self.l.hma_chat_render(tokenizer, array, ctypes.c_size_t(len(messages)), ctypes.c_bool(prompt), ctypes.byref(text)):
            return None, self.l.hma_error_message().decode()
        return text.value.decode(), ""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("templates")
    p.add_argument("--library", required=True)
    a = p.parse_args()
    library, failed = Library(a.library), 0
    t = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, merges=[]))
    t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    for path in sorted(glob.glob(a.templates + "/*.jinja")):
        with tempfile.TemporaryDirectory() as folder:
            with open(path, encoding="utf-8", newline="") as f:
                template = f.read()
            reference = PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<s>", eos_token="</s>", chat_template=template)
            reference.save_pretrained(folder)
            for f in glob.glob(folder + "/chat_template*"):
                os.remove(f)
            config = json.load(open(folder + "/tokenizer_config.json"))
            config["chat_template"] = template
            json.dump(config, open(folder + "/tokenizer_config.json", "w"))
            ours, same, refused, bad = library.open(folder), 0, 0, []
            for n, messages in enumerate(CONVERSATIONS):
                for prompt in (True, False):
                    try:
                        want = reference.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
                    except Exception as e:
                        want = None
                    have, why = library.render(ours, messages, prompt)
                    if have == want:
                        same, refused = same + 1, refused + (want is None)
                    else:
                        bad.append(f"conversation {n}, prompt {prompt}: {have!r} ({why}), the reference: {want!r}"[:600])
            failed += bool(bad)
            print(f"{'FAIL' if bad else 'ok  '} {os.path.basename(path)}: {same} of {2 * len(CONVERSATIONS)} the same ({refused} refused by both)" + "".join("\n       " + b for b in bad[:3]), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
