#include "eval/tasks/selection.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/rng.h"

void hma_pick_free(hma_pick *pick) {
    free(pick->index);
    *pick = (hma_pick){0};
}

static const char *name_of(const hma_suite *suite, size_t task) {
    return task == SIZE_MAX ? "alignment" : suite->tasks[task].task.name;
}

/* A key for a purpose and a task; names repeat neither among tasks nor between them and "alignment". */
static hma_status task_key(hma_rng_key *out, uint64_t seed, const char *purpose, const char *more, const char *task) {
    hma_buffer text = {0};
    hma_buffer_printf(&text, "%s%s %s", purpose, more, task);
    const hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        *out = hma_rng_key_for(seed, hma_buffer_cstr(&text));
    }
    hma_buffer_free(&text);
    return status;
}

/* ---- halves ---- */

typedef struct placed {
    uint64_t hash;
    size_t index;
} placed;

static int by_hash(const void *left, const void *right) {
    const placed *a = left, *b = right;
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_index(const void *left, const void *right) {
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return a < b ? -1 : a > b;
}

/* Where the lower half ends; items that share something, and so their hash, stay together. */
static size_t half_of(const placed *places, size_t count) {
    size_t half = count / 2;
    while (half > 0 && half < count && places[half].hash == places[half - 1].hash) {
        half--;
    }
    return half;
}

/* The lower half by the hash of the ids is for searching. What is kept stands in the order of the file. */
static hma_status take_half(hma_pick *pick, const hma_suite *suite, const char *name, bool search) {
    hma_rng_key key;
    placed *places = HMA_NEW(placed, pick->count);
    hma_status status = places ? task_key(&key, suite->seed, "search items", "", name) : HMA_FAILURE;
    if (status == HMA_OK) {
        for (size_t i = 0; i < pick->count; i++) {
            const hma_item *item = &pick->from->item[pick->index[i]];
            const hma_rng_key own =
                hma_rng_key_for(hma_rng_u64(key, item->cluster ? 1 : 0), item->cluster ? item->cluster : item->id);
            places[i] = (placed){hma_rng_u64(own, 0), pick->index[i]};
        }
        qsort(places, pick->count, sizeof *places, by_hash);
        const size_t half = half_of(places, pick->count), from = search ? 0 : half, to = search ? half : pick->count;
        for (size_t i = from; i < to; i++) {
            pick->index[i - from] = places[i].index;
        }
        pick->count = to - from;
        qsort(pick->index, pick->count, sizeof *pick->index, by_index);
    }
    free(places);
    return status;
}

/* ---- parts ---- */

static hma_status take_only(hma_pick *pick, const hma_suite *suite, const char *name, const hma_places *only) {
    size_t *index = HMA_NEW(size_t, only->count);
    if (!index) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < only->count; i++) {
        if (only->place[i] >= pick->count || (i > 0 && only->place[i] <= only->place[i - 1])) {
            free(index);
            return hma_error(HMA_USAGE, "%s: %s: place %zu is none (expected rising places below %zu)", suite->path, name,
                             only->place[i], pick->count);
        }
        index[i] = pick->index[only->place[i]];
    }
    free(pick->index);
    pick->index = index;
    pick->count = only->count;
    return HMA_OK;
}

/* Some of the picks in an order that depends on the suite's text and data alone. */
static hma_status take_part(hma_pick *pick, const hma_suite *suite, size_t task, const hma_selection *selection) {
    const char *name = name_of(suite, task);
    hma_rng_key key;
    const hma_status status = task_key(&key, 0, "order ", suite->digest, name);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = pick->count; i > 1; i--) {
        const size_t other = (size_t)hma_rng_below(key, i, i), kept = pick->index[i - 1];
        pick->index[i - 1] = pick->index[other];
        pick->index[other] = kept;
    }
    if (selection->only) {
        return take_only(pick, suite, name, &selection->only[task == SIZE_MAX ? suite->task_count : task]);
    }
    const size_t parts = selection->parts;
    const size_t from = (pick->count * selection->first + parts - 1) / parts; /* counts of items are far below SIZE_MAX >> 32 */
    const size_t to = (pick->count * selection->last + parts - 1) / parts;
    for (size_t i = from; i < to; i++) {
        pick->index[i - from] = pick->index[i];
    }
    pick->count = to - from;
    return HMA_OK;
}

/* ---- both ---- */

/* The file to take from, and whether only a half of it. Of prompts either file may be missing. */
static const hma_items *file_of(const hma_suite *suite, size_t task, const hma_selection *selection, bool *half) {
    const bool prompts = task == SIZE_MAX;
    const hma_items *test = prompts ? &suite->prompts[HMA_PROMPTS_TEST] : &suite->tasks[task].items;
    const hma_items *search = prompts ? &suite->prompts[HMA_PROMPTS_SEARCH] : &suite->tasks[task].search_items;
    if (selection->items == HMA_ITEMS_ALL) {
        *half = false;
        return prompts && selection->prompts == HMA_PROMPTS_SEARCH ? search : test;
    }
    *half = test->count == 0 || search->count == 0;
    if (*half) {
        return test->count > 0 ? test : search;
    }
    return selection->items == HMA_ITEMS_SEARCH ? search : test;
}

static hma_status check(const hma_pick *pick, const hma_suite *suite, const char *name, const hma_selection *selection) {
    const bool usable =
        selection->parts == 0 || selection->only || (selection->first < selection->last && selection->last <= selection->parts);
    if (!usable) {
        return hma_error(HMA_USAGE, "%s: part %u to %u of %u is none (expected a first that is below the last)", suite->path,
                         selection->first, selection->last, selection->parts);
    }
    return pick->count > 0 || selection->items == HMA_ITEMS_ALL
               ? HMA_OK
               : hma_error(HMA_USAGE,
                           "%s: %s: there is nothing to search with or nothing to report on (expected at least 2 items, or a "
                           "file for each, {\"search\": FILE, \"test\": FILE}): add items",
                           suite->path, name);
}

hma_status hma_pick_make(hma_pick *out, const hma_suite *suite, size_t task, const hma_selection *selection, size_t limit) {
    bool half;
    const char *name = name_of(suite, task);
    const hma_items *from = file_of(suite, task, selection, &half);
    *out = (hma_pick){.from = from, .index = HMA_NEW(size_t, from->count), .count = from->count};
    if (!out->index) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < from->count; i++) {
        out->index[i] = i;
    }
    hma_status status = half ? take_half(out, suite, name, selection->items == HMA_ITEMS_SEARCH) : HMA_OK;
    if (status == HMA_OK) {
        status = check(out, suite, name, selection);
    }
    if (status == HMA_OK && limit > 0) {
        out->count = hma_min_size(out->count, limit);
    }
    return status == HMA_OK && (selection->parts > 0 || selection->only) ? take_part(out, suite, task, selection) : status;
}
