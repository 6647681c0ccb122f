#!/usr/bin/env python3
"""Scoring a request file: bench_score beside lm-evaluation-harness, plain transformers and llama.cpp, in turns in one run.

    peer_score.py MODEL REQUESTS --bench build/release/tests/bench/bench_score [--precision fp32|bf16] [--threads 2]
                  [--peers lm_eval,transformers,llama.cpp] [--gguf MODEL.gguf] [--rounds 5] [--batches 1,8,16,32]

lm_eval       HFLM.loglikelihood(): what evaluates a checkpoint today (it sorts by length and repeats shared prefixes)
transformers  the layers only, without the head, over the sequences that the requests make, sorted by length and padded in batches:
              what the fastest caller of transformers could get
llama.cpp     llama_decode() over the same sequences, several in a batch, logits of one position a sequence

Imports, loading and tokenising are outside of every timed window. The batch size is the best of --batches, each tried once on an
eighth of the requests. Reported: medians of seconds and of CPU seconds, and the ratios of the medians. Beside other work on the
machine the ratio of CPU seconds with --threads 1 is the one to trust.
"""
import argparse
import json
import statistics
import subprocess
import time


def read_requests(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def encode(tokenizer, request):
    """Context and continuation as lm-evaluation-harness cuts them."""
    context, continuation = request["context"], request["continuation"]
    space = len(context) - len(context.rstrip())
    if space:
        continuation = context[-space:] + continuation
        context = context[:-space]
    whole = tokenizer.encode(context + continuation, add_special_tokens=False)
    return whole, len(tokenizer.encode(context, add_special_tokens=False))


class Hma:
    name = "hma"

    def __init__(self, a):
        self.process = subprocess.Popen([a.bench, a.model, a.requests, a.precision, str(a.threads), "0"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["seconds"], answer["cpu_seconds"]


class Timed:
    def run(self):
        start, cpu = time.monotonic(), time.process_time()
        self.work(self.batch, 1)
        return time.monotonic() - start, time.process_time() - cpu

    def choose_batch(self, batches):
        seconds = {}
        for batch in batches:
            cpu = time.process_time()
            self.work(batch, 8)
            seconds[batch] = time.process_time() - cpu
        self.batch = min(seconds, key=seconds.get)
        self.name += f" (batch {self.batch})"


class Harness(Timed):
    def __init__(self, a):
        import torch
        from lm_eval.api.instance import Instance
        from lm_eval.models.huggingface import HFLM

        torch.set_num_threads(a.threads)
        self.name = "lm_eval"
        self.lm = HFLM(pretrained=a.model, dtype="float32" if a.precision == "fp32" else "bfloat16", device="cpu", batch_size=1,
                       add_bos_token=False)
        self.instances = [Instance("loglikelihood", {}, (r["context"], r["continuation"]), i)
                          for i, r in enumerate(read_requests(a.requests))]

    def work(self, batch, part):
        self.lm.batch_size_per_gpu = batch
        self.lm.loglikelihood(self.instances[::part], disable_tqdm=True)


def load_transformers(a):
    """torch with the asked threads, tokenizer, causal model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(a.threads)
    dtype = torch.float32 if a.precision == "fp32" else torch.bfloat16
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype, attn_implementation="sdpa").eval()
    return torch, AutoTokenizer.from_pretrained(a.model), model


class Transformers(Timed):
    def __init__(self, a):
        self.name = "transformers"
        self.torch, tokenizer, causal = load_transformers(a)
        self.model = causal.model
        self.sequences = sorted((encode(tokenizer, r)[0] for r in read_requests(a.requests)), key=len)

    def work(self, batch, part):
        torch, sequences = self.torch, self.sequences[::part]
        with torch.inference_mode():
            for first in range(0, len(sequences), batch):
                some = sequences[first:first + batch]
                width = max(map(len, some))
                ids = torch.tensor([s + [0] * (width - len(s)) for s in some])
                mask = torch.tensor([[1] * len(s) + [0] * (width - len(s)) for s in some])
                self.model(input_ids=ids, attention_mask=mask, use_cache=False)


class LlamaCpp(Timed):
    def __init__(self, a):
        import llama_cpp
        from transformers import AutoTokenizer

        self.name, self.c = "llama.cpp", llama_cpp
        tokenizer = AutoTokenizer.from_pretrained(a.model)
        self.sequences = sorted(self.sequences_of(tokenizer, a), key=len)
        llama_cpp.llama_backend_init()
        self.log = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self.log, None)
        self.model = llama_cpp.llama_model_load_from_file(a.gguf.encode(), llama_cpp.llama_model_default_params())
        p = llama_cpp.llama_context_default_params()
        p.n_ctx, p.n_batch, p.n_ubatch, p.n_seq_max = 32768, 4096, 512, 128
        p.n_threads = p.n_threads_batch = a.threads
        p.kv_unified = True
        self.context = llama_cpp.llama_init_from_model(self.model, p)
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.tokens = llama_cpp.llama_batch_init(4096, 0, 1)

    def sequences_of(self, tokenizer, a):
        return [encode(tokenizer, r)[0] for r in read_requests(a.requests)]

    def work(self, batch, part):
        sequences = self.sequences[::part]
        for first in range(0, len(sequences), batch):
            self.c.llama_memory_clear(self.memory, False)
            at = 0
            for number, sequence in enumerate(sequences[first:first + batch]):
                for position, token in enumerate(sequence):
                    self.tokens.token[at] = token
                    self.tokens.pos[at] = position
                    self.tokens.n_seq_id[at] = 1
                    self.tokens.seq_id[at][0] = number
                    self.tokens.logits[at] = position == len(sequence) - 1
                    at += 1
            self.tokens.n_tokens = at
            if self.c.llama_decode(self.context, self.tokens):
                raise SystemExit("llama_decode failed")
            self.c.llama_synchronize(self.context)


PEERS = {"lm_eval": Harness, "transformers": Transformers, "llama.cpp": LlamaCpp}


def main(text, hma, peers, default_peers, default_batches):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("requests")
    parser.add_argument("--bench", required=True)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default=default_peers)
    parser.add_argument("--gguf")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", default=default_batches)
    a = parser.parse_args()
    runners = [hma(a)] + [peers[name](a) for name in a.peers.split(",")]
    for runner in runners[1:]:
        runner.choose_batch([int(b) for b in a.batches.split(",")])
    samples = {runner.name: [] for runner in runners}
    for _ in range(a.rounds):
        for runner in runners:
            samples[runner.name].append(runner.run())
            print(runner.name, "%.2f s, %.2f s of CPU" % samples[runner.name][-1], flush=True)
    middle = {name: [statistics.median(s[i] for s in runs) for i in range(2)] for name, runs in samples.items()}
    print(f"\n{a.precision}, {a.threads} threads, medians of {a.rounds}")
    for name, (seconds, cpu) in middle.items():
        print(f"{name:28} {seconds:8.2f} s  {cpu:8.2f} s of CPU   hma is faster {seconds / middle['hma'][0]:.2f} times, "
              f"by CPU {cpu / middle['hma'][1]:.2f} times")


if __name__ == "__main__":
    main(__doc__, Hma, PEERS, "lm_eval,transformers", "1,8,16,32")
