#!/usr/bin/env python3
"""Generating replies to a request file: bench_generate beside transformers and llama.cpp, in turns in one run.

    peer_generate.py MODEL REQUESTS --bench build/release/tests/bench/bench_generate [--precision fp32|bf16] [--threads 2]
                     [--peers transformers,llama.cpp] [--gguf MODEL.gguf] [--rounds 5] [--batches 16,64]

transformers  generate() over left-padded batches, sorted by length, sampling at temperature 1 without top-k and top-p
llama.cpp     prompts, then a llama_decode() of one token a sequence for each step, sampled by its own sampler

Every reply has as many new tokens as its request allows: no side ends early. Prompt time is included, loading and tokenising are
not. Medians of seconds and of CPU seconds; see peer_score.py.
"""
import argparse

import peer_score
from peer_score import Hma, Timed, load_transformers, read_requests


class Transformers(Timed):
    def __init__(self, a):
        self.name = "transformers"
        self.torch, tokenizer, self.model = load_transformers(a)
        requests = read_requests(a.requests)
        self.tokens = requests[0]["max_tokens"]
        self.prompts = sorted((tokenizer.encode(r["context"], add_special_tokens=False) for r in requests
                               for _ in range(r.get("samples", 1))), key=len)

    def work(self, batch, part):
        torch, prompts = self.torch, self.prompts[::part]
        with torch.inference_mode():
            for first in range(0, len(prompts), batch):
                some = prompts[first:first + batch]
                width = max(map(len, some))
                ids = torch.tensor([[0] * (width - len(p)) + p for p in some])
                mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in some])
                self.model.generate(input_ids=ids, attention_mask=mask, do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                                    max_new_tokens=self.tokens, min_new_tokens=self.tokens, pad_token_id=0)


class LlamaCpp(peer_score.LlamaCpp):
    def __init__(self, a):
        requests = read_requests(a.requests)
        self.new_tokens = requests[0]["max_tokens"]
        super().__init__(a)

    def sequences_of(self, tokenizer, a):
        return [tokenizer.encode(r["context"], add_special_tokens=False) for r in read_requests(a.requests)
                for _ in range(r.get("samples", 1))]

    def decode(self):
        if self.c.llama_decode(self.context, self.tokens):
            raise SystemExit("llama_decode failed")

    def put(self, at, token, position, sequence, logits):
        b = self.tokens
        b.token[at], b.pos[at], b.n_seq_id[at], b.logits[at] = token, position, 1, logits
        b.seq_id[at][0] = sequence

    def work(self, batch, part):
        sequences = self.sequences[::part]
        sampler = self.c.llama_sampler_init_dist(1)
        for first in range(0, len(sequences), batch):
            some = sequences[first:first + batch]
            self.c.llama_memory_clear(self.memory, False)
            newest, at, begun = [0] * len(some), 0, []
            for number, prompt in enumerate(some):
                if at + len(prompt) > 4096:
                    self.flush(at, begun, sampler, newest)
                    at, begun = 0, []
                for position, token in enumerate(prompt):
                    self.put(at, token, position, number, position == len(prompt) - 1)
                    at += 1
                begun.append((number, at - 1))
            self.flush(at, begun, sampler, newest)
            for step in range(1, self.new_tokens):
                for number, prompt in enumerate(some):
                    self.put(number, newest[number], len(prompt) + step - 1, number, True)
                self.flush(len(some), [(i, i) for i in range(len(some))], sampler, newest)
        self.c.llama_sampler_free(sampler)

    def flush(self, count, wanted, sampler, newest):
        self.tokens.n_tokens = count
        self.decode()
        for number, at in wanted:
            newest[number] = self.c.llama_sampler_sample(sampler, self.context, at)


PEERS = {"transformers": Transformers, "llama.cpp": LlamaCpp}

if __name__ == "__main__":
    peer_score.main(__doc__, Hma, PEERS, "transformers", "16,64")
