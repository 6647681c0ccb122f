/* The texts that a sensitivity is computed on: replies with high reward, gold answers. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/evaluator.h"
#include "hma/text.h"
#include "search/distillation.h"
#include "search/sensitivity_parts.h"

typedef struct collecting {
    hma_context *context;
    const hma_checkpoint *pre, *post;
    const hma_suite *suite;
    const hma_sensitivity_options *options;
    hma_tokenizer *tokenizer;
    hma_bos bos;
    int32_t end;
    size_t most; /* tokens a passage may have */
} collecting;

static hma_status add_replies(const collecting *c, hma_passages *out) {
    const hma_sensitivity_options *o = c->options;
    const hma_eval_options evaluation = {.model = o->model, .bos = o->bos, .limit = o->limit};
    const hma_distillation_options distillation = {.best = o->best, .drawn = o->drawn};
    const hma_passages_reading how = {.tokenizer = c->tokenizer, .end = c->end, .most = c->most};
    char *text;
    hma_status status = o->texts
                            ? hma_distillation_load(&text, o->texts)
                            : hma_distillation_build(&text, c->context, c->suite, c->pre, c->post, &evaluation, &distillation);
    if (status == HMA_OK) {
        status = hma_passages_read(out, text, o->texts ? o->texts : "replies", &how);
        hma_text_free(text);
    }
    return status;
}

/* What is right: the gold choice, the target, or the first of the answers, whose spans are listed. */
static void gold_text(hma_buffer *out, const hma_item *item) {
    if (item->answers) {
        for (size_t i = 0; i < item->answers[0].count; i++) {
            hma_buffer_text(out, i ? ", " : " ");
            hma_buffer_text(out, item->answers[0].text[i]);
        }
        return;
    }
    hma_continuation_text(out, item, item->gold);
}

static hma_status add_item(const collecting *c, const hma_item *item, hma_passages *out) {
    hma_buffer gold = {0};
    gold_text(&gold, item);
    hma_status status = hma_buffer_ok(&gold);
    if (status == HMA_OK) {
        const hma_text_pair pair = {
            .context = hma_item_query(item, item->gold), .continuation = hma_buffer_cstr(&gold), .end = -1};
        status = hma_passages_add(out, c->tokenizer, c->bos, &pair, c->most);
    }
    hma_buffer_free(&gold);
    return status;
}

static hma_status add_task(const collecting *c, size_t task, hma_passages *out) {
    const hma_selection selection = {.items = HMA_ITEMS_SEARCH};
    hma_pick pick = {0};
    hma_status status = hma_pick_make(&pick, c->suite, task, &selection, c->options->limit);
    for (size_t i = 0; status == HMA_OK && i < pick.count; i++) {
        const hma_item *item = &pick.from->item[pick.index[i]];
        status = add_item(c, item, out);
        if (status != HMA_OK) {
            status = hma_error_prefix("%s: task \"%s\", item \"%.100s\": ", c->suite->path, c->suite->tasks[task].task.name,
                                      item->id);
        }
    }
    hma_pick_free(&pick);
    return status;
}

static hma_status name_measure(hma_sensitivity_measure *measure, const char *name, const char *category) {
    measure->name = hma_copy_text(name);
    measure->category = category ? hma_copy_text(category) : NULL;
    return measure->name && (measure->category || !category) ? HMA_OK : HMA_FAILURE;
}

static hma_status collect(const collecting *c, hma_sensitivity *out, hma_passages *passages) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < out->measure_count; i++) {
        const hma_task *task = i ? &c->suite->tasks[i - 1].task : NULL;
        status = task ? name_measure(&out->measures[i], task->name, task->category)
                      : name_measure(&out->measures[i], "replies", NULL);
        if (status == HMA_OK) {
            status = task ? add_task(c, i - 1, &passages[i]) : add_replies(c, &passages[i]);
        }
        hma_passages_drop_single(&passages[i]);
        out->measures[i].texts = passages[i].count;
        out->measures[i].tokens = hma_passages_tokens(&passages[i]);
        if (status == HMA_OK && out->measures[i].tokens == 0) {
            status = hma_error(HMA_USAGE, "%s: \"%s\" has no token to look at (expected texts): add items or raise the limit",
                               c->suite->path, out->measures[i].name);
        }
    }
    return status;
}

hma_status hma_sensitivity_texts(hma_sensitivity *out, hma_passages **passages, hma_context *context, hma_model *model,
                                 const hma_checkpoint *pre, const hma_checkpoint *post, const hma_suite *suite,
                                 const hma_sensitivity_options *options) {
    const int32_t *eos;
    collecting c = {.context = context, .pre = pre, .post = post, .suite = suite, .options = options};
    c.bos = options->bos == HMA_BOS_AUTO ? suite->bos : options->bos;
    c.end = hma_model_eos(model, &eos) > 0 ? eos[0] : -1;
    c.most = hma_model_description(model)->max_length + 1;
    out->measure_count = suite->task_count + 1;
    out->measures = HMA_NEW(hma_sensitivity_measure, out->measure_count);
    *passages = HMA_NEW(hma_passages, out->measure_count);
    if (!out->measures || !*passages) {
        return HMA_FAILURE;
    }
    hma_status status = hma_tokenizer_open(&c.tokenizer, hma_checkpoint_folder(post));
    if (status == HMA_OK) {
        status = collect(&c, out, *passages);
    }
    hma_tokenizer_free(c.tokenizer);
    return status;
}
