#include "eval/transformer/trunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/trunk_parts.h"

hma_status hma_trunk_new(hma_trunk **out, hma_context *context, const hma_architecture *a) {
    hma_trunk *t = HMA_NEW(hma_trunk, 1);
    if (!t) {
        return HMA_FAILURE;
    }
    t->context = context;
    t->a = a;
    *out = t;
    return HMA_OK;
}

void hma_trunk_free(hma_trunk *trunk) {
    if (trunk) {
        for (size_t i = 0; i < trunk->level_count; i++) {
            hma_kept_rows_free(&trunk->levels[i].streams);
            hma_kept_rows_free(&trunk->levels[i].caches);
        }
        hma_context_release(trunk->context, trunk->held);
        free(trunk->levels);
        hma_token_paths_free(&trunk->paths);
        free(trunk);
    }
}

/* ---- memory ---- */

/* A quarter of what would be left if nothing was held. */
static uint64_t budget(const hma_trunk *t) { return (hma_context_left(t->context) + t->held) / 4; }

size_t hma_trunk_most_paths(const hma_trunk *t) {
    return (size_t)hma_min_u64(budget(t) / (t->a->hidden * sizeof(float)), UINT32_MAX - 1);
}

static void drop(hma_trunk *t, hma_kept_rows *rows) {
    const uint64_t bytes = hma_kept_rows_bytes(rows);
    hma_kept_rows_free(rows);
    t->held -= bytes;
    hma_context_release(t->context, bytes);
}

static float *add(hma_trunk *t, hma_kept_rows *rows, uint32_t path) {
    const uint64_t before = hma_kept_rows_bytes(rows);
    float *row = hma_kept_rows_add(rows, path);
    const uint64_t more = hma_kept_rows_bytes(rows) - before;
    t->held += more;
    hma_context_claim(t->context, more);
    return row;
}

/* Caches that a pass counts on are not dropped for streams: they have their own half. */
static float *add_spare(hma_trunk *t, hma_kept_rows *rows, uint32_t path) {
    const bool fits = !hma_kept_rows_full(rows) || t->held + hma_kept_rows_step(rows) <= budget(t) / 2;
    return fits ? add(t, rows, path) : NULL;
}

float *hma_trunk_add_cache(hma_trunk *t, hma_trunk_level *level, uint32_t path) { return add_spare(t, &level->caches, path); }

float *hma_trunk_add_spare_stream(hma_trunk *t, hma_trunk_level *level, uint32_t path) {
    return add_spare(t, &level->streams, path);
}

/* Room for another row is made at the cost of shallower streams, if need be. */
float *hma_trunk_add_stream(hma_trunk *t, hma_trunk_level *level, uint32_t path) {
    if (hma_kept_rows_full(&level->streams)) {
        const uint64_t step = hma_kept_rows_step(&level->streams);
        for (hma_trunk_level *shallow = t->levels; t->held + step > budget(t) && shallow < level; shallow++) {
            drop(t, &shallow->streams);
        }
        if (t->held + step > budget(t)) {
            return NULL;
        }
    }
    return add(t, &level->streams, path);
}

/* ---- what is kept for whom ---- */

static void bind_level(hma_trunk_level *l, const hma_weights *weights) {
    const char *key = hma_weights_trunk_key(weights, l->depth);
    if (strcmp(l->key, key) != 0) {
        memcpy(l->key, key, sizeof l->key);
        hma_kept_rows_forget(&l->streams);
        hma_kept_rows_forget(&l->caches);
    }
}

/* What is kept of the model in hand. */
static bool is_of_use(const hma_trunk_level *l) { return l->streams.used || l->caches.used; }

/* Every reply adds to the paths: when they are many, and nothing is kept of any, their numbers are given anew. */
void hma_trunk_bind(hma_trunk *t, const hma_weights *weights) {
    bool used = false;
    for (size_t i = 0; i < t->level_count; i++) {
        bind_level(&t->levels[i], weights);
        used = used || is_of_use(&t->levels[i]);
    }
    if (!used && t->paths.count > hma_trunk_most_paths(t) / 2) {
        hma_token_paths_free(&t->paths);
    }
}

/* Caches hold the layers since the level before: another one there makes them worthless. */
static void set_width(hma_trunk *t, hma_trunk_level *l, size_t layers) {
    const size_t width = layers * 2 * hma_kv_width(t->a);
    l->streams.width = t->a->hidden;
    if (l->caches.width != width) {
        drop(t, &l->caches);
        l->caches.width = width;
    }
}

static void drop_level(hma_trunk *t, hma_trunk_level *l) {
    drop(t, &l->streams);
    drop(t, &l->caches);
}

/* The depths that are asked for, and those at which something is there that is good for the model in hand. */
hma_status hma_trunk_keep(hma_trunk *t, const hma_weights *weights, const size_t *depths, size_t count) {
    hma_trunk_level *fresh = HMA_NEW(hma_trunk_level, count + t->level_count);
    if (!fresh) {
        return HMA_FAILURE;
    }
    size_t made = 0;
    for (size_t i = 0, old = 0; i < count || old < t->level_count;) {
        hma_trunk_level *l = old < t->level_count ? &t->levels[old] : NULL;
        const bool asked = i < count && (!l || depths[i] <= l->depth), had = l && (i == count || l->depth <= depths[i]);
        if (had && (asked || is_of_use(l))) {
            fresh[made] = *l;
            fresh[made++].wanted = asked;
        } else if (had) {
            drop_level(t, l);
        } else {
            fresh[made++] = (hma_trunk_level){.depth = depths[i], .wanted = true};
        }
        i += asked;
        old += had;
    }
    free(t->levels);
    t->levels = fresh;
    t->level_count = made;
    for (size_t i = 0; i < made; i++) {
        set_width(t, &fresh[i], fresh[i].depth - (i ? fresh[i - 1].depth : 0));
        bind_level(&fresh[i], weights);
    }
    return HMA_OK;
}
