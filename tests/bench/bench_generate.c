/*
 * Generation from end to end: the generate requests of a file, all in one call, as `hma score` and the alignment measure ask
 * them.
 *
 *     bench_generate MODEL REQUESTS [fp32|bf16 [threads [rounds [stop]]]]
 *
 * Inside the timed window: hma_model_generate(), prompts included, with weights packed. Replies run to their full length (the
 * requests' max_tokens) so that peers do the same work; with `stop` they end where the model ends them. A line of JSON a round.
 * With 0 rounds there is one for each line of standard input, so that peer_generate.py can take turns with it.
 */
#include "bench_model.h"
#include "eval/transformer/model_parts.h"

static void add_questions(bench_model *b) {
    for (size_t i = 0; i < b->list.count; i++) {
        const hma_request *r = &b->list.items[i];
        hma_generation g = {.max_tokens = r->max_tokens, .temperature = r->temperature, .top_k = r->top_k, .top_p = r->top_p,
                            .seed = r->seed, .stream = i};
        if (r->type == HMA_REQUEST_GENERATE) {
            bench_need(hma_questions_encode_prompt(&b->questions, b->tokenizer, HMA_BOS_NO, r->text, &g.prompt));
            for (size_t sample = 0; sample < r->samples; sample++) {
                g.sample = (uint32_t)sample;
                bench_need(hma_questions_add_generation(&b->questions, g, &r->until));
            }
        }
    }
}

static void run_round(bench_model *b, bool quiet) {
    const hma_model_counters before = hma_model_count(b->model);
    const double start = bench_now(), cpu = bench_cpu();
    bench_need(hma_model_generate(b->model, b->questions.generations, b->questions.generation_count, NULL, NULL));
    const double seconds = bench_now() - start, used = bench_cpu() - cpu;
    const hma_model_counters after = hma_model_count(b->model);
    const double made = (double)(after.generated - before.generated);
    uint64_t sum = 0;
    for (size_t i = 0; i < b->questions.generation_count; i++) {
        for (size_t t = 0; t < b->questions.generations[i].count; t++) {
            sum = sum * 31 + (uint64_t)b->questions.generations[i].ids[t];
        }
    }
    hma_generation_clear(b->questions.generations, b->questions.generation_count);
    if (quiet) {
        (void)fprintf(stderr, "first round %.3f s, of it reading and packing %.3f s; digest of the ids %llx\n", seconds,
                      after.seconds_merge, (unsigned long long)sum);
        return;
    }
    printf("{\"seconds\": %.4f, \"cpu_seconds\": %.4f, \"generated\": %.0f, \"generated_per_second\": %.1f, \"gflops\": %.1f, "
           "\"peak_share\": %.3f, \"peak_share_cpu\": %.3f}\n",
           seconds, used, made, made / seconds, (after.flops - before.flops) / seconds / 1e9,
           (after.flops - before.flops) / seconds / b->peak / b->threads, (after.flops - before.flops) / used / b->peak);
    (void)fflush(stdout);
}

int main(int argc, char **argv) {
    bench_model b;
    bench_open(&b, argc, argv);
    if (argc <= 6) {
        b.model->eos.count = 0;
    }
    add_questions(&b);
    run_round(&b, true);
    for (size_t round = 0; bench_again(&b, round); round++) {
        run_round(&b, false);
    }
    bench_close(&b);
    return 0;
}
