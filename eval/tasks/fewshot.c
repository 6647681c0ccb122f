#include "eval/tasks/fewshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/tasks/python_random.h"

static const char between_examples[] = "\n\n";

const char *hma_item_example(const hma_item *item) {
    return item->example ? item->example : item->texts[item->right ? item->gold : 0];
}

/* ---- drawing ---- */

static bool same_document(const hma_item *a, const hma_item *b) {
    return cJSON_Compare(a->published ? a->published : a->document, b->published ? b->published : b->document, true);
}

static hma_status too_few(const char *where, size_t have, size_t want) {
    return hma_error(HMA_BAD_DATA,
                     "%s: there are %zu documents to draw worked examples from (expected at least %zu): lower \"num_fewshot\" "
                     "or name a larger \"fewshot_file\"",
                     where, have, want);
}

/* Copies of the document may leave too few: then the harness draws once more, among the others. */
static hma_status draw_among_others(hma_python_random *random, const hma_items *pool, const hma_item *own, size_t count,
                                    const char *where, size_t *chosen) {
    size_t *other = HMA_NEW(size_t, pool->count), others = 0;
    if (!other) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < pool->count; i++) {
        if (!same_document(&pool->item[i], own)) {
            other[others++] = i;
        }
    }
    hma_status status =
        others < count ? too_few(where, others, count) : hma_python_random_sample(random, others, count, chosen);
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        chosen[i] = other[chosen[i]];
    }
    free(other);
    return status;
}

/* chosen[count + 1]: the first `count` are the examples. */
static hma_status draw(hma_python_random *random, const hma_items *pool, const hma_item *own, const hma_fewshot *f,
                       const char *where, size_t *chosen) {
    const size_t count = f->count + f->without_own;
    size_t kept = 0;
    hma_status status =
        pool->count < count ? too_few(where, pool->count, count) : hma_python_random_sample(random, pool->count, count, chosen);
    if (status != HMA_OK || !f->without_own) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (!same_document(&pool->item[chosen[i]], own)) {
            chosen[kept++] = chosen[i];
        }
    }
    return kept < f->count ? draw_among_others(random, pool, own, f->count, where, chosen) : HMA_OK;
}

/* ---- text ---- */

/* An example with choices that are contexts shows the right one. */
static void add_example(hma_buffer *out, const hma_item *item, const char *delimiter) {
    const char *answer = hma_item_example(item);
    hma_buffer_text(out, hma_item_query(item, item->gold));
    if (*answer) {
        hma_buffer_text(out, delimiter);
        hma_buffer_text(out, answer);
        hma_buffer_text(out, between_examples);
    }
}

static hma_status show(hma_item *item, const hma_buffer *before, const char **query) {
    hma_buffer text = {0};
    hma_buffer_text(&text, hma_buffer_cstr(before));
    hma_buffer_text(&text, *query);
    char *shown = hma_buffer_release(&text);
    if (!shown) {
        return HMA_FAILURE;
    }
    item->shown[item->shown_count++] = shown;
    *query = shown;
    return HMA_OK;
}

static hma_status show_item(hma_item *item, const hma_buffer *before) {
    const size_t queries = item->queries ? item->text_count : 1;
    item->shown = HMA_NEW(char *, queries);
    hma_status status = item->shown ? hma_buffer_ok(before) : HMA_FAILURE;
    for (size_t i = 0; i < queries && status == HMA_OK; i++) {
        status = show(item, before, item->queries ? &item->queries[i] : &item->query);
    }
    if (status == HMA_OK && item->queries) {
        item->query = item->queries[0];
    }
    return status;
}

static hma_status show_examples(hma_item *item, const hma_items *pool, const hma_fewshot *f, const size_t *chosen) {
    hma_buffer before = {0};
    hma_buffer_text(&before, f->description ? f->description : "");
    for (size_t i = 0; i < f->count; i++) {
        add_example(&before, &pool->item[chosen[i]], f->delimiter);
    }
    const hma_status status = show_item(item, &before);
    hma_buffer_free(&before);
    return status;
}

/* The pool may be read from the same file; it is never `items` itself, whose queries change. */
hma_status hma_fewshot_apply(hma_items *items, const hma_items *pool, const hma_fewshot *fewshot, const char *where) {
    hma_python_random random;
    hma_status status = HMA_OK;
    size_t *chosen = HMA_NEW(size_t, fewshot->count + 1);
    if (!chosen) {
        return HMA_FAILURE;
    }
    hma_python_random_seed(&random, fewshot->seed);
    for (size_t i = 0; i < items->count && status == HMA_OK; i++) {
        hma_item *item = &items->item[i];
        status = fewshot->count > 0 ? draw(&random, pool, item, fewshot, where, chosen) : HMA_OK;
        if (status == HMA_OK) {
            status = show_examples(item, pool, fewshot, chosen);
        }
    }
    free(chosen);
    return status;
}
