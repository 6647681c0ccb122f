/* Mixtures of what two models predict: both compute, their logits are averaged, and the average is normalised and asked. */
#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/head.h"
#include "eval/transformer/model_parts.h"

enum { MOST_ROWS = 512 };

/* Logits differ from log-probabilities by a constant of each row, which normalising removes. */
void hma_mixture_row(const float *pre, const float *post, double ratio, size_t width, float *mixed) {
    for (size_t v = 0; v < width; v++) {
        mixed[v] = (float)((1 - ratio) * (double)pre[v] + ratio * (double)post[v]);
    }
}

static hma_status check_pair(const hma_mixture *mixture) {
    const hma_architecture *a = &mixture->pre->architecture, *b = &mixture->post->architecture;
    if (a->reward_head || b->reward_head) {
        return hma_error(HMA_BAD_DATA, "%s: is a reward model (expected a causal language model): it has nothing to mix",
                         a->reward_head ? mixture->pre->engine.name : mixture->post->engine.name);
    }
    if (a->vocabulary != b->vocabulary) {
        return hma_error(HMA_INCOMPATIBLE,
                         "%s and %s: cannot be mixed (vocabularies of %zu and %zu): give two models of one tokenizer",
                         mixture->pre->engine.name, mixture->post->engine.name, a->vocabulary, b->vocabulary);
    }
    if (!(mixture->ratio >= 0 && mixture->ratio <= 1)) {
        return hma_error(HMA_USAGE, "mixture: ratio %g is not usable (expected 0 to 1): correct it", mixture->ratio);
    }
    return HMA_OK;
}

/* ---- log-likelihoods ---- */

typedef struct mixing {
    const float *pre, *post; /* [rows, width] */
    double ratio;
    size_t width;
    const int32_t *targets; /* [rows] */
    double *logprob;
    bool *greedy;
} mixing;

static double mixed_at(const mixing *m, size_t row, size_t v) {
    const size_t at = row * m->width + v;
    return (1 - m->ratio) * (double)m->pre[at] + m->ratio * (double)m->post[at];
}

static hma_status mix_row(void *argument, size_t row, size_t worker) {
    const mixing *m = argument;
    double most = -INFINITY, sum = 0;
    size_t argmax = 0;
    (void)worker;
    for (size_t v = 0; v < m->width; v++) {
        const double logit = mixed_at(m, row, v);
        if (logit > most) {
            most = logit;
            argmax = v;
        }
    }
    for (size_t v = 0; v < m->width; v++) {
        sum += exp(mixed_at(m, row, v) - most);
    }
    m->logprob[row] = mixed_at(m, row, (size_t)m->targets[row]) - most - log(sum);
    m->greedy[row] = argmax == (size_t)m->targets[row];
    return HMA_OK;
}

/* Hidden states of some requests become log-probabilities of their tokens, MOST_ROWS or as many as memory allows at a time. */
typedef struct piece {
    hma_model *models[HMA_MIXED];
    float *hidden[HMA_MIXED], *logits[HMA_MIXED];
    double *logprob; /* [tokens] */
    bool *greedy;
    int32_t *targets;
} piece;

static size_t rows_at_once(const hma_mixture *mixture) {
    const uint64_t row = HMA_MIXED * mixture->post->architecture.vocabulary * sizeof(float);
    return hma_max_size(1, (size_t)hma_min_u64(MOST_ROWS, hma_context_left(mixture->post->context) / 16 / row));
}

static hma_status allocate_piece(piece *p, const hma_mixture *mixture, size_t tokens) {
    const size_t rows = hma_min_size(tokens, rows_at_once(mixture));
    *p = (piece){.models = {mixture->pre, mixture->post},
                 .logprob = HMA_NEW(double, tokens),
                 .greedy = HMA_NEW(bool, tokens),
                 .targets = HMA_NEW(int32_t, tokens)};
    bool complete = p->logprob && p->greedy && p->targets;
    for (size_t i = 0; i < HMA_MIXED; i++) {
        p->hidden[i] = hma_new_aligned(tokens * p->models[i]->architecture.hidden, sizeof(float));
        p->logits[i] = hma_new_aligned(rows * p->models[i]->architecture.vocabulary, sizeof(float));
        complete = complete && p->hidden[i] && p->logits[i];
    }
    return complete ? HMA_OK : HMA_FAILURE;
}

static void free_piece(piece *p) {
    for (size_t i = 0; i < HMA_MIXED; i++) {
        free(p->hidden[i]);
        free(p->logits[i]);
    }
    free(p->logprob);
    free(p->greedy);
    free(p->targets);
}

static hma_status mix_rows(const piece *p, const hma_mixture *mixture, size_t tokens) {
    const size_t most = rows_at_once(mixture), width = mixture->post->architecture.vocabulary;
    hma_status status = HMA_OK;
    for (size_t first = 0; first < tokens && status == HMA_OK; first += most) {
        const size_t count = hma_min_size(most, tokens - first);
        for (size_t i = 0; i < HMA_MIXED && status == HMA_OK; i++) {
            hma_model *m = p->models[i];
            status = hma_head_logits(&m->engine, p->hidden[i] + first * m->architecture.hidden, count, p->logits[i]);
        }
        if (status == HMA_OK) {
            mixing m = {p->logits[0],       p->logits[1],       mixture->ratio,   width,
                        p->targets + first, p->logprob + first, p->greedy + first};
            status = hma_pool_run(hma_context_pool(mixture->post->context), count, mix_row, &m);
        }
    }
    return status;
}

static void put_targets(const piece *p, const hma_loglikelihood *requests, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < requests[i].continuation.count; k++) {
            p->targets[at++] = requests[i].continuation.ids[k];
        }
    }
}

static void take_answers(const piece *p, hma_loglikelihood *requests, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        requests[i].logprob = 0;
        requests[i].greedy = true;
        for (size_t k = 0; k < requests[i].continuation.count; k++, at++) {
            requests[i].logprob += p->logprob[at];
            requests[i].greedy = requests[i].greedy && p->greedy[at];
        }
    }
}

static hma_status answer_piece(const hma_mixture *mixture, hma_loglikelihood *requests, size_t count, size_t tokens) {
    const size_t most = hma_min_size(mixture->pre->architecture.max_length, mixture->post->architecture.max_length);
    piece p;
    hma_status status = allocate_piece(&p, mixture, tokens);
    for (size_t i = 0; i < HMA_MIXED && status == HMA_OK; i++) {
        status = hma_model_hidden(p.models[i], requests, count, most, p.hidden[i]);
    }
    if (status == HMA_OK) {
        put_targets(&p, requests, count);
        status = mix_rows(&p, mixture, tokens);
    }
    if (status == HMA_OK) {
        take_answers(&p, requests, count);
    }
    free_piece(&p);
    return status;
}

/* Tokens whose hidden states of both models may be held at a time. */
static size_t tokens_at_once(const hma_mixture *mixture) {
    const uint64_t row = (mixture->pre->architecture.hidden + mixture->post->architecture.hidden) * sizeof(float) + 16;
    return (size_t)(hma_context_left(mixture->post->context) / 8 / row);
}

hma_status hma_mixture_loglikelihood(const hma_mixture *mixture, hma_loglikelihood *requests, size_t count) {
    hma_status status = check_pair(mixture);
    const size_t most = status == HMA_OK ? tokens_at_once(mixture) : 0;
    for (size_t first = 0; first < count && status == HMA_OK;) {
        size_t next = first, tokens = 0;
        do {
            tokens += requests[next++].continuation.count;
        } while (next < count && tokens + requests[next].continuation.count <= most);
        status = answer_piece(mixture, requests + first, next - first, tokens);
        first = next;
    }
    return status;
}

/* ---- generation ---- */

hma_status hma_mixture_generate(const hma_mixture *mixture, hma_generation *requests, size_t count, hma_stop_fn stop,
                                void *user) {
    hma_model *const models[HMA_MIXED] = {mixture->pre, mixture->post};
    const hma_onlooker onlooker = {.stop = stop, .stop_user = user};
    const hma_status status = check_pair(mixture);
    return status == HMA_OK ? hma_generate_in_step(models, HMA_MIXED, mixture->ratio, requests, count, &onlooker) : status;
}
