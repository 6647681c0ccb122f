/*
 * Scoring from end to end: the log-likelihood requests of a file, all in one call, as `hma score` and a sweep ask them.
 *
 *     bench_score MODEL REQUESTS [fp32|bf16 [threads [rounds]]]
 *
 * Inside the timed window: hma_model_loglikelihood() with weights packed. Outside: opening, tokenising, reading and packing
 * (the round before the first does it; its seconds are printed). A line of JSON a round: useful operations only, a shared
 * prefix counted once; its share of the peak of the cores used, by CPU time. With 0 rounds there is one for each line of
 * standard input, so that peer_score.py can take turns with it.
 */
#include "bench_model.h"

static void add_questions(bench_model *b) {
    for (size_t i = 0; i < b->list.count; i++) {
        const hma_request *r = &b->list.items[i];
        if (r->type == HMA_REQUEST_LOGLIKELIHOOD) {
            bench_need(r->text ? hma_questions_add_text_pair(&b->questions, b->tokenizer, HMA_BOS_NO, r->text, r->continuation)
                               : hma_questions_add_pair(&b->questions, hma_id_run_view(&r->ids),
                                                        hma_id_run_view(&r->continuation_ids)));
        }
    }
}

typedef struct sample {
    double seconds, cpu;
    hma_model_counters counters;
    double checksum;
} sample;

static sample run_round(const bench_model *b) {
    const hma_model_counters before = hma_model_count(b->model);
    const double start = bench_now(), cpu = bench_cpu();
    bench_need(hma_model_loglikelihood(b->model, b->questions.pairs, b->questions.pair_count));
    sample s = {.seconds = bench_now() - start, .cpu = bench_cpu() - cpu, .counters = hma_model_count(b->model)};
    s.counters.tokens -= before.tokens;
    s.counters.tokens_shared -= before.tokens_shared;
    s.counters.flops -= before.flops;
    s.counters.seconds_merge -= before.seconds_merge;
    for (size_t i = 0; i < b->questions.pair_count; i++) {
        s.checksum += b->questions.pairs[i].logprob;
    }
    return s;
}

int main(int argc, char **argv) {
    bench_model b;
    bench_open(&b, argc, argv);
    const double start = bench_now();
    add_questions(&b);
    const double tokenising = bench_now() - start;
    const sample first = run_round(&b);
    (void)fprintf(stderr,
                  "tokenising %.3f s, first round %.3f s, of it reading and packing %.3f s; sum of log-likelihoods %.6f\n",
                  tokenising, first.seconds, first.counters.seconds_merge, first.checksum);
    for (size_t round = 0; bench_again(&b, round); round++) {
        const sample s = run_round(&b);
        const double tokens = (double)s.counters.tokens, given = tokens + (double)s.counters.tokens_shared;
        printf(
            "{\"seconds\": %.4f, \"cpu_seconds\": %.4f, \"tokens\": %.0f, \"tokens_given\": %.0f, \"tokens_per_second\": %.1f, "
            "\"tokens_given_per_second\": %.1f, \"gflops\": %.1f, \"peak_share\": %.3f, \"peak_share_cpu\": %.3f}\n",
            s.seconds, s.cpu, tokens, given, tokens / s.seconds, given / s.seconds, s.counters.flops / s.seconds / 1e9,
            s.counters.flops / s.seconds / b.peak / b.threads, s.counters.flops / s.cpu / b.peak);
        (void)fflush(stdout);
    }
    bench_close(&b);
    return 0;
}
