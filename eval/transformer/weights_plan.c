#include "eval/transformer/weights_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"

/* The search: where, for which architecture, and the first failure. */
typedef struct finder {
    const hma_source *source;
    const hma_architecture *a;
    size_t layer;
    hma_status status;
} finder;

static const char *folder_of(const finder *f) { return hma_checkpoint_folder(hma_source_described_by(f->source)); }

/* Finds a tensor and checks that its shape is [rows, columns], or [rows] when columns is 0. NULL after a failure. */
static const hma_tensor *find(finder *f, const char *name, size_t rows, size_t columns) {
    if (f->status != HMA_OK) {
        return NULL;
    }
    const hma_tensor *t = hma_source_find(f->source, name);
    char expected[64], got[HMA_MAX_RANK * 24] = "";
    (void)(columns ? snprintf(expected, sizeof expected, "[%zu, %zu]", rows, columns)
                   : snprintf(expected, sizeof expected, "[%zu]", rows));
    if (!t) {
        f->status =
            hma_error(HMA_BAD_DATA, "%s: tensor \"%s\" is missing (expected shape %s by config.json): complete the folder",
                      folder_of(f), name, expected);
        return NULL;
    }
    const bool fits = t->rank == (columns ? 2u : 1u) && t->shape[0] == rows && (!columns || t->shape[1] == columns);
    if (!fits) {
        for (size_t i = 0; i < t->rank; i++) {
            const size_t n = strlen(got);
            (void)snprintf(got + n, sizeof got - n, "%s%llu", i ? ", " : "", (unsigned long long)t->shape[i]);
        }
        f->status = hma_error(HMA_BAD_DATA,
                              "%s: tensor \"%s\" has shape [%s] (expected %s by config.json): config.json and weights do not "
                              "belong together",
                              folder_of(f), name, got, expected);
        return NULL;
    }
    if (!hma_dtype_is_weight(t->dtype)) {
        f->status = hma_error(HMA_BAD_DATA, "%s: tensor \"%s\" is %s (expected F32, F16 or BF16): use the unquantised model",
                              folder_of(f), name, hma_dtype_name(t->dtype));
        return NULL;
    }
    return t;
}

static const char *layer_name(const finder *f, char name[HMA_TENSOR_NAME_SIZE], const char *pattern) {
    return hma_tensor_name(name, f->a, pattern, f->layer);
}

/* "a.weight" -> "a.bias", in place. */
static void make_bias_name(char *name) {
    char *dot = strrchr(name, '.');
    if (dot) {
        (void)snprintf(dot, HMA_TENSOR_NAME_SIZE - (size_t)(dot - name), ".bias");
    }
}

static hma_norm_plan find_norm(finder *f, const char *pattern, size_t width) {
    hma_norm_plan plan = {0};
    char name[HMA_TENSOR_NAME_SIZE];
    if (pattern) {
        plan.weight = find(f, layer_name(f, name, pattern), width, 0);
        if (f->a->norm == HMA_NORM_LAYER && plan.weight) {
            make_bias_name(name);
            plan.bias = find(f, name, width, 0);
        }
    }
    return plan;
}

static void begin_matrix(finder *f, hma_matrix_plan *m, size_t runs, size_t columns, bool has_bias) {
    *m = (hma_matrix_plan){.columns = columns, .has_bias = has_bias, .transposed = f->a->transposed};
    m->runs = HMA_NEW(hma_row_run, runs);
    if (!m->runs && f->status == HMA_OK) {
        f->status = HMA_FAILURE;
    }
}

/* Appends rows first .. first+count-1 of a tensor that has `total` rows. */
static void add_run(finder *f, hma_matrix_plan *m, const char *pattern, size_t total, size_t first, size_t count,
                    bool prefixed) {
    char name[HMA_TENSOR_NAME_SIZE];
    if (f->status != HMA_OK) {
        return;
    }
    if (prefixed) {
        (void)layer_name(f, name, pattern);
    } else {
        (void)snprintf(name, sizeof name, "%s", pattern);
    }
    hma_row_run run = {.first = first, .count = count};
    run.weight = m->transposed ? find(f, name, m->columns, total) : find(f, name, total, m->columns);
    if (m->has_bias && run.weight) {
        make_bias_name(name);
        run.bias = find(f, name, total, 0);
    }
    m->runs[m->run_count++] = run;
    m->rows += count;
}

static void plan_qkv(finder *f, hma_matrix_plan *m) {
    const hma_architecture *a = f->a;
    const hma_tensor_names *names = a->names;
    const size_t q = hma_query_width(a), kv = hma_kv_width(a), d = a->head_dim;
    begin_matrix(f, m, a->qkv == HMA_QKV_BY_HEAD ? 3 * a->heads : 3, a->hidden, a->q_bias);
    switch (a->qkv) {
    case HMA_QKV_SEPARATE:
        add_run(f, m, names->q, q, 0, q, true);
        add_run(f, m, names->k, kv, 0, kv, true);
        add_run(f, m, names->v, kv, 0, kv, true);
        break;
    case HMA_QKV_BY_BLOCK:
        for (size_t part = 0; part < 3; part++) {
            add_run(f, m, names->qkv, 3 * q, part * q, q, true);
        }
        break;
    case HMA_QKV_BY_HEAD:
        for (size_t part = 0; part < 3; part++) {
            for (size_t h = 0; h < a->heads; h++) {
                add_run(f, m, names->qkv, 3 * q, (3 * h + part) * d, d, true);
            }
        }
        break;
    }
}

static void plan_layer(finder *f, hma_layer_plan *p) {
    const hma_architecture *a = f->a;
    const hma_tensor_names *names = a->names;
    const bool whole = a->query_norm == HMA_QUERY_NORM_WHOLE;
    p->attn_norm = find_norm(f, names->attn_norm, a->hidden);
    p->post_attn_norm = find_norm(f, names->post_attn_norm, a->hidden);
    p->mlp_norm = find_norm(f, a->shared_norm ? NULL : names->mlp_norm, a->hidden);
    p->post_mlp_norm = find_norm(f, names->post_mlp_norm, a->hidden);
    if (a->query_norm != HMA_QUERY_NORM_NONE) {
        p->q_norm = find_norm(f, names->q_norm, whole ? hma_query_width(a) : a->head_dim);
        p->k_norm = find_norm(f, names->k_norm, whole ? hma_kv_width(a) : a->head_dim);
    }
    plan_qkv(f, &p->qkv);
    begin_matrix(f, &p->o, 1, hma_query_width(a), a->o_bias);
    add_run(f, &p->o, names->o, a->hidden, 0, a->hidden, true);
    begin_matrix(f, &p->up, 2, a->hidden, a->mlp_bias);
    if (a->gated) {
        add_run(f, &p->up, names->gate, a->intermediate, 0, a->intermediate, true);
    }
    add_run(f, &p->up, names->up, a->intermediate, 0, a->intermediate, true);
    begin_matrix(f, &p->down, 1, a->intermediate, a->mlp_bias);
    add_run(f, &p->down, names->down, a->hidden, 0, a->hidden, true);
}

static void plan_outside(finder *f, hma_weights_plan *plan) {
    const hma_architecture *a = f->a;
    const hma_tensor_names *names = a->names;
    char name[HMA_TENSOR_NAME_SIZE];
    plan->embedding = find(f, layer_name(f, name, names->embedding), a->vocabulary, a->hidden);
    if (a->position_rows) {
        plan->positions = find(f, layer_name(f, name, names->positions), a->position_rows, a->hidden);
    }
    plan->final_norm = find_norm(f, names->final_norm, a->hidden);
    begin_matrix(f, &plan->head, 1, a->hidden, a->head_bias);
    plan->head.transposed = false;
    if (a->reward_head) {
        add_run(f, &plan->head, names->score, 1, 0, 1, false);
    } else if (a->tied_head) {
        add_run(f, &plan->head, names->embedding, a->vocabulary, 0, a->vocabulary, true);
    } else {
        add_run(f, &plan->head, names->head, a->vocabulary, 0, a->vocabulary, false);
    }
}

/* A layer that config.json does not count would be left out in silence. */
static void refuse_more_layers(finder *f) {
    const hma_tensor_names *names = f->a->names;
    char name[HMA_TENSOR_NAME_SIZE];
    f->layer = f->a->layers;
    (void)layer_name(f, name, names->q ? names->q : names->qkv);
    if (f->status == HMA_OK && hma_source_find(f->source, name)) {
        f->status = hma_error(HMA_BAD_DATA,
                              "%s: tensor \"%s\" is of a layer too many (expected %zu layers by config.json): "
                              "config.json and weights do not belong together",
                              folder_of(f), name, f->a->layers);
    }
}

hma_status hma_weights_plan_make(hma_weights_plan *out, const hma_source *source, const hma_architecture *a) {
    hma_weights_plan plan = {.layers = HMA_NEW(hma_layer_plan, a->layers)};
    if (!plan.layers) {
        return HMA_FAILURE;
    }
    finder f = {.source = source, .a = a, .status = HMA_OK};
    plan_outside(&f, &plan);
    for (; f.layer < a->layers && f.status == HMA_OK; f.layer++) {
        plan_layer(&f, &plan.layers[f.layer]);
    }
    refuse_more_layers(&f);
    if (f.status != HMA_OK) {
        hma_weights_plan_clear(&plan, a->layers);
        return f.status;
    }
    *out = plan;
    return HMA_OK;
}

static bool matrix_is_bf16(const hma_matrix_plan *m) {
    bool is = true;
    for (size_t r = 0; r < m->run_count; r++) {
        is = is && m->runs[r].weight->dtype == HMA_BF16;
    }
    return is;
}

bool hma_weights_plan_is_bf16(const hma_weights_plan *plan, size_t layers) {
    bool is = matrix_is_bf16(&plan->head);
    for (size_t l = 0; l < layers; l++) {
        const hma_layer_plan *p = &plan->layers[l];
        is = is && matrix_is_bf16(&p->qkv) && matrix_is_bf16(&p->o) && matrix_is_bf16(&p->up) && matrix_is_bf16(&p->down);
    }
    return is;
}

void hma_weights_plan_clear(hma_weights_plan *plan, size_t layers) {
    for (size_t l = 0; plan->layers && l < layers; l++) {
        free(plan->layers[l].qkv.runs);
        free(plan->layers[l].o.runs);
        free(plan->layers[l].up.runs);
        free(plan->layers[l].down.runs);
    }
    free(plan->layers);
    free(plan->head.runs);
    *plan = (hma_weights_plan){0};
}
