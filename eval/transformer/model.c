#include "hma/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "checkpoint/buffers.h"
#include "checkpoint/config.h"
#include "eval/transformer/model_parts.h"
#include "eval/transformer/weights_plan.h"

/* ---- description ---- */

static uint64_t count_parameters(const hma_checkpoint *checkpoint, const hma_architecture *a) {
    uint64_t total = 0;
    for (size_t i = 0; i < hma_checkpoint_tensor_count(checkpoint); i++) {
        const hma_tensor *t = hma_checkpoint_tensor(checkpoint, i);
        const bool repeated = a->names && a->tied_head && strcmp(t->name, a->names->head) == 0;
        if (hma_dtype_is_weight(t->dtype) && !hma_tensor_is_buffer(t->name) && !repeated) {
            total += t->elements;
        }
    }
    return total;
}

static void describe(hma_description *out, const hma_architecture *a, const hma_checkpoint *checkpoint) {
    *out = (hma_description){.reward_head = a->reward_head,
                             .tied_head = a->tied_head,
                             .layers = a->layers,
                             .hidden = a->hidden,
                             .heads = a->heads,
                             .kv_heads = a->kv_heads,
                             .head_dim = a->head_dim,
                             .intermediate = a->intermediate,
                             .vocabulary = a->vocabulary,
                             .max_length = a->max_length,
                             .parameters = count_parameters(checkpoint, a)};
    (void)snprintf(out->architecture, sizeof out->architecture, "%s", a->class_name);
    (void)snprintf(out->model_type, sizeof out->model_type, "%s", a->model_type);
}

/* What can be said of a folder whose architecture is not known. */
static void describe_unknown(hma_description *out, const hma_checkpoint *checkpoint) {
    const cJSON *config = hma_checkpoint_config(checkpoint), *text = hma_checkpoint_text_config(checkpoint);
    const cJSON *class_name = cJSON_GetArrayItem(hma_json_get(config, "architectures"), 0),
                *type = hma_json_get(text, "model_type");
    if (cJSON_IsString(class_name) && !out->architecture[0]) {
        (void)snprintf(out->architecture, sizeof out->architecture, "%s", class_name->valuestring);
    }
    if (cJSON_IsString(type)) {
        (void)snprintf(out->model_type, sizeof out->model_type, "%s", type->valuestring);
    }
}

static hma_status check_special_ids(const hma_checkpoint *checkpoint);

hma_status hma_model_describe(hma_description *out, const hma_checkpoint *checkpoint) {
    hma_architecture a;
    hma_source *source = NULL;
    hma_status status = hma_architecture_read(&a, checkpoint);
    describe(out, &a, checkpoint);
    if (status == HMA_OK) {
        status = hma_source_plain(&source, checkpoint);
    }
    if (status == HMA_OK) {
        hma_weights_plan plan;
        status = hma_weights_plan_make(&plan, source, &a);
        if (status == HMA_OK) {
            hma_weights_plan_clear(&plan, a.layers);
        }
    }
    status = status == HMA_OK ? check_special_ids(checkpoint) : status;
    out->scorable = status == HMA_OK;
    if (status != HMA_OK) {
        (void)snprintf(out->why_not, sizeof out->why_not, "%s", hma_error_message());
        describe_unknown(out, checkpoint);
    }
    hma_source_free(source);
    hma_architecture_clear(&a);
    return HMA_OK;
}

/* ---- special ids ---- */

static hma_status read_id(const hma_checkpoint *checkpoint, const char *key, int32_t *out) {
    const cJSON *item = hma_json_get(hma_checkpoint_config(checkpoint), key);
    return hma_token_id_read(out, item ? item : hma_json_get(hma_checkpoint_text_config(checkpoint), key),
                             hma_checkpoint_config_path(checkpoint), key);
}

static hma_status read_special_ids(hma_model *m, const hma_checkpoint *checkpoint) {
    hma_status status = hma_eos_read(&m->eos, checkpoint);
    status = status == HMA_OK ? read_id(checkpoint, "bos_token_id", &m->bos) : status;
    return status == HMA_OK ? read_id(checkpoint, "pad_token_id", &m->pad) : status;
}

static hma_status check_special_ids(const hma_checkpoint *checkpoint) {
    hma_model ids = {0};
    const hma_status status = read_special_ids(&ids, checkpoint);
    hma_eos_free(&ids.eos);
    return status;
}

/* ---- opening ---- */

/* What a model needs beside its weights. */
static hma_status open_rest(hma_model *m, const hma_checkpoint *checkpoint) {
    hma_status status;
    if ((status = hma_engine_new(&m->engine, m->context, hma_checkpoint_folder(checkpoint), &m->architecture, &m->kernels,
                                 m->weights)) != HMA_OK ||
        (status = hma_trunk_new(&m->trunk, m->context, &m->architecture)) != HMA_OK ||
        (status = read_special_ids(m, checkpoint)) != HMA_OK) {
        return status;
    }
    describe(&m->description, &m->architecture, checkpoint);
    m->description.scorable = true;
    return HMA_OK;
}

hma_status hma_model_open(hma_model **out, hma_context *context, const hma_source *source, const hma_model_options *options) {
    const hma_checkpoint *checkpoint = hma_source_described_by(source);
    const hma_model_options defaults = {HMA_FP32, HMA_BACKEND_AUTO};
    options = options ? options : &defaults;
    hma_model *m = HMA_NEW(hma_model, 1);
    if (!m) {
        return HMA_FAILURE;
    }
    m->context = context;
    m->source = source;
    hma_status status;
    if ((status = hma_kernels_choose(&m->kernels, options->backend, options->precision)) != HMA_OK ||
        (status = hma_architecture_read(&m->architecture, checkpoint)) != HMA_OK ||
        (status = hma_weights_open(&m->weights, context, source, &m->architecture, &m->kernels)) != HMA_OK ||
        (status = open_rest(m, checkpoint)) != HMA_OK) {
        hma_model_close(m);
        return status;
    }
    *out = m;
    return HMA_OK;
}

hma_status hma_model_open_beside(hma_model **out, hma_model *leader, const hma_source *source, size_t tokens) {
    const hma_checkpoint *checkpoint = hma_source_described_by(source);
    hma_model *m = HMA_NEW(hma_model, 1);
    if (!m) {
        return HMA_FAILURE;
    }
    m->context = leader->context;
    m->source = source;
    m->kernels = leader->kernels;
    hma_status status;
    if ((status = hma_architecture_read(&m->architecture, checkpoint)) != HMA_OK ||
        (status = hma_weights_open_beside(&m->weights, leader->weights, source, &m->architecture, &m->kernels, tokens)) !=
            HMA_OK ||
        (status = open_rest(m, checkpoint)) != HMA_OK) {
        hma_model_close(m);
        return status;
    }
    *out = m;
    return HMA_OK;
}

void hma_model_identity(const hma_model *m, char key[HMA_MODEL_IDENTITY]) { hma_weights_identity(m->weights, key); }

hma_status hma_model_rebind(hma_model *m, const hma_source *source) {
    const hma_status status = hma_weights_rebind(m->weights, source);
    if (status == HMA_BAD_DATA) {
        return hma_error(HMA_INCOMPATIBLE, "%s", hma_error_message());
    }
    if (status == HMA_OK) {
        m->source = source;
        hma_trunk_bind(m->trunk, m->weights);
    }
    return status;
}

hma_status hma_model_keep(hma_model *m, const size_t *depths, size_t count) {
    size_t *meant = HMA_NEW(size_t, count), meant_count = 0;
    if (!meant) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        if (depths[i] > 0 && depths[i] <= m->architecture.layers) {
            meant[meant_count++] = depths[i];
        }
    }
    const hma_status status = hma_trunk_keep(m->trunk, m->weights, meant, meant_count);
    free(meant);
    return status;
}

bool hma_model_resident(const hma_model *m) { return hma_weights_resident(m->weights); }

bool hma_model_invariant(const hma_model *m) { return m->kernels.gemm->invariant; }

void hma_model_close(hma_model *m) {
    if (m) {
        if (m->engine.context) {
            hma_engine_free(&m->engine);
        }
        hma_trunk_free(m->trunk);
        hma_weights_close(m->weights);
        hma_architecture_clear(&m->architecture);
        hma_eos_free(&m->eos);
        free(m);
    }
}

const hma_description *hma_model_description(const hma_model *model) { return &model->description; }

size_t hma_model_eos(const hma_model *model, const int32_t **ids) {
    *ids = model->eos.ids;
    return model->eos.count;
}

hma_status hma_model_end_by(hma_model *model, const hma_checkpoint *checkpoint) {
    hma_eos eos;
    const hma_status status = hma_eos_read(&eos, checkpoint);
    if (status != HMA_OK) {
        hma_eos_free(&eos);
        return status;
    }
    hma_eos_free(&model->eos);
    model->eos = eos;
    return HMA_OK;
}

int32_t hma_model_bos(const hma_model *model) { return model->bos; }
int32_t hma_model_pad(const hma_model *model) { return model->pad; }

hma_model_counters hma_model_count(const hma_model *model) {
    hma_model_counters c = model->counters;
    c.flops = model->engine.flops;
    c.seconds_compute = model->engine.seconds;
    c.seconds_merge = hma_weights_seconds(model->weights);
    return c;
}

hma_model_counters hma_counters_between(const hma_model_counters *before, const hma_model_counters *after) {
    return (hma_model_counters){after->tokens - before->tokens,
                                after->tokens_shared - before->tokens_shared,
                                after->generated - before->generated,
                                after->flops - before->flops,
                                after->seconds_merge - before->seconds_merge,
                                after->seconds_compute - before->seconds_compute};
}

void hma_counters_add(hma_model_counters *sum, const hma_model_counters *more) {
    sum->tokens += more->tokens;
    sum->tokens_shared += more->tokens_shared;
    sum->generated += more->generated;
    sum->flops += more->flops;
    sum->seconds_merge += more->seconds_merge;
    sum->seconds_compute += more->seconds_compute;
}

hma_status hma_model_check_ids(const hma_model *model, const char *what, const int32_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= model->architecture.vocabulary) {
            return hma_error(HMA_BAD_DATA,
                             "%s: id %d at position %zu is not in the vocabulary of %s (expected 0 to %zu): the tokenizer and "
                             "the model do not belong together",
                             what, (int)ids[i], i, model->engine.name, model->architecture.vocabulary - 1);
        }
    }
    return HMA_OK;
}

/* Resident weights gain nothing from more rows than keep all threads busy; streamed ones are read once a pass. */
enum { RESIDENT_ROWS = 16384 };

hma_room hma_model_room(const hma_model *model) {
    const hma_architecture *a = &model->architecture;
    const size_t tiles = (hma_weights_head_rows(model->weights) + HMA_HEAD_TILE - 1) / HMA_HEAD_TILE;
    return (hma_room){.bytes = hma_context_left(model->context) / 2,
                      .row = (a->hidden + hma_query_width(a) + 2 * hma_kv_width(a)) * sizeof(float) + 128,
                      .answer = a->hidden * sizeof(float) + tiles * sizeof(hma_partial) + 32,
                      .rows = hma_weights_resident(model->weights) ? RESIDENT_ROWS : SIZE_MAX};
}

size_t hma_model_pass_rows(const hma_model *model) {
    const hma_room room = hma_model_room(model);
    return hma_max_size(1, hma_min_size((size_t)(room.bytes / room.row), room.rows));
}
