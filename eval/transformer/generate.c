/*
 * Batched generation with a key/value cache. Prompts go through the layers as a forest (shared prefixes once) and leave their
 * keys and values in a store for each layer; then every step runs one row for each sequence that is not finished. A finished
 * sequence leaves at once and gives its rows of the stores back; waiting requests enter when a quarter of those under way has
 * left. As many are under way as the stores have room for within the memory budget.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/replying.h"

static hma_status begin(const hma_model *m, size_t most, hma_generation *r, size_t number, hma_ids *prompt) {
    char what[64];
    (void)snprintf(what, sizeof what, "request %zu", number);
    if (r->prompt.count == 0) {
        return hma_error(HMA_BAD_DATA, "%s: the prompt is empty (expected at least one token): give it text or ids", what);
    }
    if (r->max_tokens == 0 || r->max_tokens >= most) {
        return hma_error(HMA_BAD_DATA, "%s: max_tokens is %zu (expected 1 to %zu, below the model's context): correct it", what,
                         r->max_tokens, most - 1);
    }
    if (!(r->temperature >= 0) || isinf(r->temperature) || !(r->top_p > 0 && r->top_p <= 1)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: temperature %g, top_p %g (expected temperature at least 0, top_p above 0 and at most 1): "
                         "correct them",
                         what, r->temperature, r->top_p);
    }
    const size_t room = most - r->max_tokens, cut = r->prompt.count > room ? r->prompt.count - room : 0;
    *prompt = (hma_ids){r->prompt.ids + cut, r->prompt.count - cut};
    r->count = 0;
    r->ended = false;
    r->ids = HMA_NEW(int32_t, r->max_tokens);
    return r->ids ? hma_model_check_ids(m, what, r->prompt.ids, r->prompt.count) : HMA_FAILURE;
}

hma_status hma_generation_begin(const hma_model *m, hma_generation *r, size_t number, hma_ids *prompt) {
    return begin(m, m->architecture.max_length, r, number, prompt);
}

/* Positions that every model has. */
static size_t context_of(const hma_replying *w) {
    size_t most = SIZE_MAX;
    for (size_t i = 0; i < w->side_count; i++) {
        most = hma_min_size(most, w->sides[i].m->architecture.max_length);
    }
    return most;
}

/* Of one row in the stores of all layers. */
static uint64_t row_bytes(const hma_architecture *a) { return (uint64_t)a->layers * 2 * hma_kv_width(a) * sizeof(float); }

uint64_t hma_generation_bytes(const hma_model *m, const hma_generation *requests, size_t count) {
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += (hma_whole_tiles(requests[i].prompt.count) + hma_whole_tiles(requests[i].max_tokens)) * HMA_TILE_ROWS;
    }
    return rows * row_bytes(&m->architecture);
}

/* Rows of the stores: for all sequences at once if the memory budget allows, at least for each of them alone. */
static size_t store_rows(const hma_replying *w) {
    uint64_t row = 0;
    for (size_t i = 0; i < w->side_count; i++) {
        row += row_bytes(&w->sides[i].m->architecture);
    }
    const size_t most = (size_t)(hma_context_left(w->m->context) / 2 / row);
    size_t all = 0, least = 0;
    for (size_t i = 0; i < w->count; i++) {
        const hma_replying_sequence *s = &w->sequences[i];
        const size_t own = hma_whole_tiles(hma_replying_own_rows(s));
        all += (hma_whole_tiles(s->prompt_rows) + own) * HMA_TILE_ROWS;
        least = hma_max_size(least, (hma_whole_tiles(s->prompt.count) + own) * HMA_TILE_ROWS);
    }
    return hma_max_size(least, hma_min_size(all, most));
}

/* Sequences that one step may have: their logits must stay small beside the rest. */
static size_t widest_step(const hma_replying *w) {
    const uint64_t logits = w->side_count * w->m->architecture.vocabulary * sizeof(float);
    const uint64_t room = hma_context_left(w->m->context) / 16 / logits;
    return hma_min_size(w->count, (size_t)hma_min_u64(room > 0 ? room : 1, 512));
}

static hma_status prepare_side(hma_replying_model *s, size_t widest, size_t rows) {
    const hma_architecture *a = &s->m->architecture;
    s->stores = HMA_NEW(hma_store, a->layers);
    s->x = hma_context_take(s->m->context, widest * a->hidden, sizeof *s->x);
    s->hidden = hma_context_take(s->m->context, widest * a->hidden, sizeof *s->hidden);
    s->logits = hma_context_take(s->m->context, widest * a->vocabulary, sizeof *s->logits);
    hma_status status = s->stores && s->x && s->hidden && s->logits ? HMA_OK : HMA_FAILURE;
    for (size_t l = 0; status == HMA_OK && l < a->layers; l++) {
        status = hma_store_new(&s->stores[l], s->m->context, a, rows);
    }
    return status;
}

static void free_side(hma_replying_model *s) {
    for (size_t l = 0; s->stores && l < s->m->architecture.layers; l++) {
        hma_store_free(&s->stores[l]);
    }
    free(s->stores);
    hma_context_give(s->m->context, s->x);
    hma_context_give(s->m->context, s->hidden);
    hma_context_give(s->m->context, s->logits);
}

/* The stores are claimed, because others may compute before they are given back. */
static void claim(hma_replying *w, size_t rows) {
    for (size_t i = 0; i < w->side_count; i++) {
        w->claimed += (uint64_t)rows * row_bytes(&w->sides[i].m->architecture);
    }
    hma_context_claim(w->m->context, w->claimed);
}

/* A step of fewer rows waits for the weights as long as one of so many. */
enum { LEAST_WIDE = 8 };

/* A screen of the head, for the requests that can do with one. Before room is shared out. */
static hma_status prepare_screen(hma_replying *w, const hma_screen **screen) {
    double positions = 0, longest = 0;
    *screen = NULL;
    for (size_t i = 0; i < w->count; i++) {
        const hma_generation *r = w->sequences[i].request;
        if (hma_screen_serves(r)) {
            positions += (double)r->max_tokens;
            longest = fmax(longest, (double)r->max_tokens);
        }
    }
    return w->side_count == 1 ? hma_weights_screen(w->m->weights, fmax(positions, LEAST_WIDE * longest), screen) : HMA_OK;
}

static hma_status prepare(hma_replying *w) {
    const hma_screen *screen;
    const hma_status screen_status = prepare_screen(w, &screen);
    if (screen_status != HMA_OK) {
        return screen_status;
    }
    const size_t rows = store_rows(w);
    w->widest = widest_step(w);
    w->parties = HMA_NEW(hma_replying_party, w->count);
    w->active = HMA_NEW(hma_replying_sequence *, w->widest);
    w->rows = HMA_NEW(size_t, w->widest);
    w->paths = HMA_NEW(uint32_t, w->widest);
    w->finished = HMA_NEW(size_t, w->widest);
    w->whole = HMA_NEW(bool, w->widest);
    claim(w, rows);
    hma_status status = w->parties && w->active && w->rows && w->paths && w->finished && w->whole
                            ? hma_row_pool_new(&w->pool, rows)
                            : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < w->widest; i++) {
        w->rows[i] = i;
    }
    if (status == HMA_OK && screen) {
        status = hma_screening_new(&w->screening, screen, w->widest, hma_context_threads(w->m->context));
    }
    for (size_t i = 0; status == HMA_OK && i < w->side_count; i++) {
        status = prepare_side(&w->sides[i], w->widest, rows);
    }
    return status;
}

static void clear(hma_replying *w) {
    for (size_t i = 0; i < w->count && w->sequences; i++) {
        free(w->sequences[i].spans);
    }
    for (size_t i = 0; i < w->side_count; i++) {
        free_side(&w->sides[i]);
    }
    hma_screening_free(&w->screening);
    hma_row_pool_free(&w->pool);
    free(w->sequences);
    free(w->parties);
    free(w->active);
    free(w->rows);
    free(w->paths);
    free(w->finished);
    free(w->whole);
    hma_context_release(w->m->context, w->claimed);
}

/* Everything up to the first prompt. */
hma_status hma_replying_open(hma_replying *w, hma_model *const *models, size_t model_count, hma_generation *requests,
                             size_t count) {
    w->m = models[model_count - 1];
    w->side_count = model_count;
    w->count = count;
    w->sequences = HMA_NEW(hma_replying_sequence, count);
    hma_status status = w->sequences ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < model_count; i++) {
        w->sides[i].m = models[i];
    }
    for (size_t i = 0; i < count && w->sequences; i++) {
        requests[i].ids = NULL;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        hma_replying_sequence *s = &w->sequences[i];
        *s = (hma_replying_sequence){.request = &requests[i], .number = i};
        status = begin(models[0], context_of(w), &requests[i], i, &s->prompt);
        s->prompt_rows = s->prompt.count - (i ? hma_ids_common(&w->sequences[i - 1].prompt, &s->prompt) : 0);
    }
    return status == HMA_OK && count ? prepare(w) : status;
}

void hma_replying_close(hma_replying *w, hma_generation *requests, hma_status status) {
    if (w->sequences && status != HMA_OK) {
        hma_generation_clear(requests, w->count);
    }
    clear(w);
}

hma_status hma_generate_in_step(hma_model *const *models, size_t model_count, double ratio, hma_generation *requests,
                                size_t count, const hma_onlooker *onlooker) {
    hma_replying w = {.ratio = ratio, .onlooker = onlooker};
    hma_status status = hma_replying_open(&w, models, model_count, requests, count);
    if (status == HMA_OK) {
        status = hma_replying_run(&w);
    }
    hma_replying_close(&w, requests, status);
    return status;
}

hma_status hma_generate_plainly(hma_model *m, hma_generation *requests, size_t count, const hma_onlooker *onlooker) {
    return hma_generate_in_step(&m, 1, 0, requests, count, onlooker);
}

void hma_generation_clear(hma_generation *requests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(requests[i].ids);
        requests[i].ids = NULL;
        requests[i].count = 0;
    }
}
