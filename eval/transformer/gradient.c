#include "eval/transformer/gradient.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/backward.h"
#include "eval/transformer/model_parts.h"

/* ---- checks ---- */

static hma_status check_passage(const hma_model *m, const hma_passage *p, size_t number) {
    char what[64];
    (void)snprintf(what, sizeof what, "passage %zu", number);
    if (p->ids.count < 2 || p->ids.count > m->architecture.max_length + 1) {
        return hma_error(HMA_BAD_DATA, "%s: has %zu tokens (expected 2 to %zu, one more than the model reads): %s it", what,
                         p->ids.count, m->architecture.max_length + 1, p->ids.count < 2 ? "lengthen" : "shorten");
    }
    return hma_model_check_ids(m, what, p->ids.ids, p->ids.count);
}

static hma_status check_model(const hma_model *m, bool gradient) {
    if (m->architecture.reward_head) {
        return hma_error(HMA_BAD_DATA, "%s: is a reward model (expected a causal language model): it has no log-likelihoods",
                         m->engine.name);
    }
    if (gradient && m->kernels.full->weight_bytes != sizeof(float)) {
        return hma_error(HMA_USAGE, "--precision: gradients are computed in fp32 (expected fp32): choose it");
    }
    if (gradient && !hma_source_recipe(m->source)) {
        return hma_error(HMA_USAGE, "%s: is one checkpoint (expected a merge of two): it has no ratios", m->engine.name);
    }
    return HMA_OK;
}

/* ---- one pass ---- */

typedef struct pass {
    hma_model *m;
    hma_passage *passages;
    size_t count;
    hma_ids *inputs; /* [count] */
    hma_batch batch;
    hma_store store;
    float *x, *g, *layer_inputs;
    hma_target *targets;
    size_t target_count;
    double *logprob; /* [targets] */
} pass;

static void free_pass(pass *p) {
    p->m->engine.inputs = NULL;
    hma_batch_free(&p->batch);
    hma_store_free(&p->store);
    free(p->inputs);
    free(p->x);
    free(p->g);
    free(p->layer_inputs);
    free(p->targets);
    free(p->logprob);
}

static bool counts(const hma_passage *p, size_t token) { return token > 0 && (!p->counts || p->counts[token]); }

static hma_status find_targets(pass *p) {
    p->targets = HMA_NEW(hma_target, p->batch.rows);
    p->logprob = HMA_NEW(double, p->batch.rows);
    if (!p->targets || !p->logprob) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < p->count; i++) {
        const hma_passage *passage = &p->passages[i];
        for (size_t t = 1; t < passage->ids.count; t++) {
            if (counts(passage, t)) {
                p->targets[p->target_count++] =
                    (hma_target){.row = p->batch.runs[i].first + t - 1, .run = i, .id = passage->ids.ids[t], .weight = 1};
            }
        }
    }
    return HMA_OK;
}

static hma_status prepare(pass *p, bool gradient) {
    const hma_architecture *a = &p->m->architecture;
    p->inputs = HMA_NEW(hma_ids, p->count);
    if (!p->inputs) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < p->count; i++) {
        p->inputs[i] = (hma_ids){p->passages[i].ids.ids, p->passages[i].ids.count - 1};
    }
    hma_status status = hma_batch_separate(&p->batch, p->inputs, p->count);
    if (status == HMA_OK) {
        status = hma_store_new(&p->store, p->m->context, a, p->batch.store_rows);
    }
    if (status == HMA_OK) {
        status = find_targets(p);
    }
    if (status != HMA_OK) {
        return status;
    }
    const size_t floats = p->batch.rows * a->hidden;
    p->x = hma_new_aligned(floats, sizeof(float));
    p->g = hma_new_aligned(gradient ? floats : 0, sizeof(float));
    p->layer_inputs = hma_new_aligned(gradient ? floats : 0, a->layers * sizeof(float));
    p->m->engine.inputs = gradient ? p->layer_inputs : NULL;
    return p->x && p->g && p->layer_inputs ? HMA_OK : HMA_FAILURE;
}

/* From the targets' log-probabilities on: backwards through everything. */
static hma_status go_back(pass *p, hma_tally tally, double *gradient) {
    hma_model *m = p->m;
    hma_reverse r = {.engine = &m->engine, .source = m->source, .batch = &p->batch, .g = p->g, .sums = gradient};
    hma_status status = hma_backward_weights_open(&r.weights, m->context, m->source, &m->architecture, &m->kernels);
    if (status == HMA_OK) {
        status = hma_reverse_head(&m->engine, p->x, p->targets, p->target_count, p->logprob, &r);
    }
    tally.before += (double)p->batch.rows;
    if (status == HMA_OK) {
        status = hma_reverse_layers(&r, &tally);
    }
    if (status == HMA_OK) {
        status = hma_reverse_embed(&r);
    }
    hma_backward_weights_close(r.weights);
    return status;
}

static hma_status run_pass(pass *p, const hma_tally *tally, double *gradient) {
    hma_model *m = p->m;
    const double flops = m->engine.flops;
    hma_status status = prepare(p, gradient != NULL);
    if (status == HMA_OK) {
        status = hma_engine_embed(&m->engine, &p->batch, p->x);
    }
    if (status == HMA_OK) {
        status = hma_engine_layers(&m->engine, &p->batch, p->x, &p->store, false, tally);
    }
    if (status == HMA_OK && p->target_count > 0) {
        status = gradient ? go_back(p, *tally, gradient)
                          : hma_reverse_head(&m->engine, p->x, p->targets, p->target_count, p->logprob, NULL);
    }
    for (size_t t = 0; status == HMA_OK && t < p->target_count; t++) {
        p->passages[p->targets[t].run].logprob += p->logprob[t];
    }
    if (gradient) {
        m->engine.flops += 3 * (m->engine.flops - flops); /* computed again, derivatives by inputs, derivatives by ratios */
    }
    m->counters.tokens += p->batch.rows;
    return status;
}

/* ---- all of them ---- */

/* Rows of one pass within the memory budget: what the forward pass keeps a row, and what the way back needs. */
static size_t pass_rows(const hma_model *m, bool gradient) {
    const hma_architecture *a = &m->architecture;
    const size_t qkv = hma_query_width(a) + 2 * hma_kv_width(a);
    const uint64_t floats = (a->layers + 4) * a->hidden + 3 * qkv + 2 * (hma_query_width(a) + hma_kv_width(a)) + 64;
    const uint64_t most = hma_context_memory(m->context) / 4 / (floats * sizeof(float));
    return gradient ? (size_t)hma_min_u64(most, hma_model_pass_rows(m)) : hma_model_pass_rows(m);
}

static hma_status check_gradient(const hma_model *m, const double *gradient, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(gradient[i])) {
            return hma_error(HMA_NON_FINITE,
                             "%s: a derivative is NaN or infinite (expected finite ones): the weights overflow in fp32",
                             m->engine.name);
        }
    }
    return HMA_OK;
}

hma_status hma_model_passages(hma_model *m, hma_passage *passages, size_t count, double *gradient) {
    const size_t tensors = hma_source_tensor_count(m->source), most = pass_rows(m, gradient != NULL);
    hma_tally tally = {.what = gradient ? "gradient" : "log-likelihoods"};
    hma_status status = check_model(m, gradient != NULL);
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = check_passage(m, &passages[i], i);
        passages[i].logprob = 0;
        tally.total += (gradient ? 4 : 1) * (double)hma_passage_rows(&passages[i]);
    }
    if (status == HMA_OK && gradient) {
        memset(gradient, 0, count * tensors * sizeof *gradient);
    }
    for (size_t first = 0; status == HMA_OK && first < count;) {
        size_t next = first + 1, rows = hma_passage_rows(&passages[first]);
        while (next < count && rows + hma_passage_rows(&passages[next]) <= most) {
            rows += hma_passage_rows(&passages[next++]);
        }
        pass p = {.m = m, .passages = passages + first, .count = next - first};
        status = run_pass(&p, &tally, gradient ? gradient + first * tensors : NULL);
        free_pass(&p);
        tally.before += (gradient ? 4 : 1) * (double)rows;
        first = next;
    }
    return status == HMA_OK && gradient ? check_gradient(m, gradient, count * tensors) : status;
}
