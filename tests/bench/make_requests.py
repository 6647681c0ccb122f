#!/usr/bin/env python3
"""Request files for the benches from task files ({"query", "choices"} or {"prompt"} a line).

    make_requests.py --count 200 arc_easy.jsonl > requests.jsonl           every choice of 200 documents
    make_requests.py --count 200 --first arc_easy.jsonl piqa.jsonl > ..    one choice a document: next to nothing is shared
    make_requests.py --generate 64 --tokens 64 --samples 1 prompts.jsonl > ..
"""
import argparse
import json


def documents(paths, count):
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for number, line in zip(range(count), lines):
                yield f"{path}-{number}", json.loads(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--generate", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--samples", type=int, default=1)
    a = parser.parse_args()
    if a.generate:
        for name, doc in documents(a.files, a.generate):
            print(json.dumps({"id": name, "type": "generate", "context": doc["prompt"], "max_tokens": a.tokens,
                              "temperature": 1.0, "seed": 1, "samples": a.samples}))
        return
    for name, doc in documents(a.files, a.count):
        for number, choice in enumerate(doc["choices"][:1] if a.first else doc["choices"]):
            print(json.dumps({"id": f"{name}-{number}", "type": "loglikelihood", "context": doc["query"], "continuation": " " + choice}))


if __name__ == "__main__":
    main()
