#include <inttypes.h>
#include <string.h>

#include "checkpoints.h"
#include "cmd.h"
#include "common.h"
#include "files.h"
#include "hma/error.h"
#include "hma/model.h"
#include "hma/tokenizer.h"
#include "json_out.h"
#include "talk.h"

typedef struct inspect_values {
    cli_common common;
    const char *folder;
} inspect_values;

static const inspect_values defaults = {0};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "DIR", .help = "model folder", .offset = offsetof(inspect_values, folder), .role = CLI_READS},
};

enum { REASON = 512 };

/* What the folder turned out to hold. */
typedef struct finding {
    hma_description model;
    size_t tensors, shards;
    uint64_t bytes, elements[HMA_DTYPE_COUNT];
    hma_dtype dtype; /* of most elements */
    bool mixed;
    hma_tokenizer *tokenizer; /* NULL: none, or one that cannot be used */
    bool broken_tokenizer;
    char no_tokenizer[CLI_PROBLEM];
    char why_not[REASON]; /* "" when it can be scored */
} finding;

static void count_tensors(finding *f, const hma_checkpoint *checkpoint) {
    f->tensors = hma_checkpoint_tensor_count(checkpoint);
    for (size_t i = 0; i < f->tensors; i++) {
        const hma_tensor *tensor = hma_checkpoint_tensor(checkpoint, i);
        f->bytes += tensor->bytes;
        f->elements[tensor->dtype] += tensor->elements;
        f->shards = tensor->shard + 1 > f->shards ? tensor->shard + 1 : f->shards;
    }
    size_t kinds = 0;
    for (size_t d = 0; d < HMA_DTYPE_COUNT; d++) {
        if (f->elements[d] > f->elements[f->dtype]) {
            f->dtype = (hma_dtype)d;
        }
        kinds += hma_dtype_is_weight((hma_dtype)d) && f->elements[d] > 0;
    }
    f->mixed = kinds > 1;
}

/*
 * Scorable means that the transformer takes every tensor; that is tried, not guessed. Without a tokenizer a model can still be
 * asked by ids, but beside one that cannot be read nothing is scored.
 */
static void try_model(finding *f, hma_context *context, const hma_checkpoint *checkpoint) {
    hma_source *source = NULL;
    hma_model *model = NULL;
    if (!f->model.scorable) {
        (void)snprintf(f->why_not, sizeof f->why_not, "%s", f->model.why_not);
    } else if (hma_source_plain(&source, checkpoint) != HMA_OK || hma_model_open(&model, context, source, NULL) != HMA_OK) {
        (void)snprintf(f->why_not, sizeof f->why_not, "%s", hma_error_message());
    } else if (f->broken_tokenizer) {
        (void)snprintf(f->why_not, sizeof f->why_not, "the tokenizer cannot be read: %s", f->no_tokenizer);
    }
    hma_model_close(model);
    hma_source_free(source);
}

static void print_json(const finding *f, const char *folder) {
    cli_json json = cli_json_begin(stdout);
    const hma_description *m = &f->model;
    cli_json_text(&json, "folder", folder);
    cli_json_text(&json, "architecture", m->architecture);
    cli_json_text(&json, "model_type", m->model_type);
    cli_json_count(&json, "parameters", m->parameters);
    cli_json_text(&json, "dtype", hma_dtype_name(f->dtype));
    cli_json_object(&json, "dtypes");
    for (size_t d = 0; d < HMA_DTYPE_COUNT; d++) {
        if (f->elements[d]) {
            cli_json_count(&json, hma_dtype_name((hma_dtype)d), f->elements[d]);
        }
    }
    cli_json_object_end(&json);
    cli_json_count(&json, "layers", m->layers);
    cli_json_count(&json, "hidden", m->hidden);
    cli_json_count(&json, "heads", m->heads);
    cli_json_count(&json, "kv_heads", m->kv_heads);
    cli_json_count(&json, "head_dim", m->head_dim);
    cli_json_count(&json, "intermediate", m->intermediate);
    cli_json_count(&json, "vocabulary", m->vocabulary);
    cli_json_count(&json, "max_length", m->max_length);
    cli_json_bool(&json, "tied_head", m->tied_head);
    cli_json_bool(&json, "reward_head", m->reward_head);
    cli_json_count(&json, "tensors", f->tensors);
    cli_json_count(&json, "shards", f->shards);
    cli_json_count(&json, "bytes", f->bytes);
    cli_json_text(&json, "tokenizer", f->tokenizer ? hma_tokenizer_kind(f->tokenizer) : NULL);
    cli_json_text(&json, "tokenizer_problem", f->tokenizer ? NULL : f->no_tokenizer);
    cli_json_text(&json, "chat_template", f->tokenizer ? hma_tokenizer_chat_template(f->tokenizer) : NULL);
    cli_json_bool(&json, "scorable", !*f->why_not);
    cli_json_text(&json, "why_not", *f->why_not ? f->why_not : NULL);
    cli_json_text(&json, "scorable_from", *f->why_not ? NULL : f->tokenizer ? "text" : "ids");
    cli_json_end(&json);
}

static void print_text(const finding *f) {
    const hma_description *m = &f->model;
    (void)printf("architecture  %s (%s)\n", m->architecture, m->model_type);
    (void)printf("parameters    %" PRIu64 "\n", m->parameters);
    (void)printf("weights       %s%s, %zu tensors in %zu file%s, %.1f MB\n", hma_dtype_name(f->dtype),
                 f->mixed ? " and others" : "", f->tensors, f->shards, f->shards == 1 ? "" : "s", (double)f->bytes / 1e6);
    if (m->scorable) {
        (void)printf("shape         %zu layers, hidden %zu, %zu heads (%zu for keys and values) of %zu, MLP %zu\n", m->layers,
                     m->hidden, m->heads, m->kv_heads, m->head_dim, m->intermediate);
        (void)printf("vocabulary    %zu rows, %s\n", m->vocabulary,
                     m->reward_head ? "reward head"
                     : m->tied_head ? "tied head"
                                    : "untied head");
        (void)printf("context       %zu tokens\n", m->max_length);
    }
    if (f->tokenizer) {
        const char *chat = hma_tokenizer_chat_template(f->tokenizer);
        (void)printf("tokenizer     %s, %zu ids\n", hma_tokenizer_kind(f->tokenizer), hma_tokenizer_size(f->tokenizer));
        (void)printf("chat template %s\n", chat ? chat : "none that can be used");
    } else {
        (void)printf("tokenizer     %s\n", f->no_tokenizer);
    }
    (void)printf("scorable      %s%s%s\n", *f->why_not ? "no: " : "yes", f->why_not,
                 *f->why_not || f->tokenizer ? "" : ", by requests with token ids only: there is no tokenizer");
}

static hma_status run(cli_session *session, const void *values) {
    const inspect_values *v = values;
    finding f = {0};
    hma_checkpoint *checkpoint = NULL;
    hma_status status = cli_checkpoint_open(&checkpoint, v->folder);
    if (status == HMA_OK) {
        status = hma_model_describe(&f.model, checkpoint);
    }
    if (status == HMA_OK) {
        count_tensors(&f, checkpoint);
        f.tokenizer = cli_tokenizer_find(v->folder, f.no_tokenizer, &f.broken_tokenizer);
        try_model(&f, session->context, checkpoint);
        if (v->common.json) {
            print_json(&f, v->folder);
        } else {
            print_text(&f);
        }
    }
    hma_tokenizer_free(f.tokenizer);
    hma_checkpoint_close(checkpoint);
    return status;
}

const cli_command cli_cmd_inspect = {
    .spec = {"inspect",
             "what is in a model folder, and whether hma can score it",
             NULL,
             {CLI_GROUP("Arguments", operands, 0), CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
