#include "eval/transformer/kept_rows.h"

#include <stdlib.h>

#include "base/memory.h"

struct hma_kept_row {
    uint32_t slot;
    uint32_t epoch; /* in which it was kept, plus 1; 0: never */
};

void hma_kept_rows_free(hma_kept_rows *rows) {
    for (size_t i = 0; i < rows->chunk_count; i++) {
        free(rows->chunks[i]);
    }
    free(rows->chunks);
    free(rows->entries);
    *rows = (hma_kept_rows){.width = rows->width};
}

static float *row_at(const hma_kept_rows *rows, size_t slot) {
    return rows->chunks[slot / HMA_KEPT_CHUNK] + slot % HMA_KEPT_CHUNK * rows->width;
}

float *hma_kept_rows_find(const hma_kept_rows *rows, uint32_t path) {
    const bool known = path < rows->entry_count && rows->entries[path].epoch == rows->epoch + 1;
    return known ? row_at(rows, rows->entries[path].slot) : NULL;
}

bool hma_kept_rows_full(const hma_kept_rows *rows) { return rows->used == rows->chunk_count * HMA_KEPT_CHUNK; }

uint64_t hma_kept_rows_step(const hma_kept_rows *rows) { return (uint64_t)HMA_KEPT_CHUNK * rows->width * sizeof(float); }

uint64_t hma_kept_rows_bytes(const hma_kept_rows *rows) { return rows->chunk_count * hma_kept_rows_step(rows); }

static bool make_entry(hma_kept_rows *rows, uint32_t path) {
    const size_t needed = (size_t)path + 1;
    if (needed > rows->entry_count) {
        if (hma_grow(&rows->entries, &rows->entry_capacity, needed, sizeof *rows->entries)) {
            return false;
        }
        while (rows->entry_count < needed) {
            rows->entries[rows->entry_count++] = (struct hma_kept_row){0};
        }
    }
    return true;
}

static bool add_chunk(hma_kept_rows *rows) {
    if (hma_grow(&rows->chunks, &rows->chunk_capacity, rows->chunk_count + 1, sizeof *rows->chunks)) {
        return false;
    }
    float *chunk = hma_new_aligned(HMA_KEPT_CHUNK * rows->width, sizeof *chunk);
    if (chunk) {
        rows->chunks[rows->chunk_count++] = chunk;
    }
    return chunk != NULL;
}

float *hma_kept_rows_add(hma_kept_rows *rows, uint32_t path) {
    if (!make_entry(rows, path) || (hma_kept_rows_full(rows) && !add_chunk(rows))) {
        return NULL;
    }
    rows->entries[path] = (struct hma_kept_row){(uint32_t)rows->used, rows->epoch + 1};
    return row_at(rows, rows->used++);
}

void hma_kept_rows_forget(hma_kept_rows *rows) {
    rows->epoch++;
    rows->used = 0;
}
