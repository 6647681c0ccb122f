/*
 * Rows of floats that are kept for token paths (token_paths.h), until all are forgotten at once. Memory is taken for some rows
 * at a time and stays for those that come after.
 */
#ifndef HMA_EVAL_TRANSFORMER_KEPT_ROWS_H
#define HMA_EVAL_TRANSFORMER_KEPT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

typedef struct hma_kept_rows {
    size_t width;                 /* floats of a row */
    uint32_t epoch;               /* how often everything was forgotten */
    struct hma_kept_row *entries; /* [entry_count], by path */
    size_t entry_count, entry_capacity;
    float **chunks; /* [chunk_count][HMA_KEPT_CHUNK, width] */
    size_t chunk_count, chunk_capacity;
    size_t used; /* rows */
} hma_kept_rows;

enum { HMA_KEPT_CHUNK = 64 };

void hma_kept_rows_free(hma_kept_rows *rows);

/* The row of a path; NULL when none is kept. */
float *hma_kept_rows_find(const hma_kept_rows *rows, uint32_t path);

/* Whether a new row would need memory, and how much. */
bool hma_kept_rows_full(const hma_kept_rows *rows);
uint64_t hma_kept_rows_step(const hma_kept_rows *rows);
/* All of its memory. */
uint64_t hma_kept_rows_bytes(const hma_kept_rows *rows);

/* A row for a path that has none, to be filled; NULL when there is no memory. */
float *hma_kept_rows_add(hma_kept_rows *rows, uint32_t path);

void hma_kept_rows_forget(hma_kept_rows *rows);

#endif
