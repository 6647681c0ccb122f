/* Rows of a key/value store, taken and given back in whole tiles of 16 while sequences come and go. */
#ifndef HMA_EVAL_TRANSFORMER_ROW_POOL_H
#define HMA_EVAL_TRANSFORMER_ROW_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef struct hma_row_pool {
    size_t tiles, free_tiles;
    unsigned char *used; /* [tiles] */
} hma_row_pool;

enum { HMA_TILE_ROWS = 16 };

static inline size_t hma_whole_tiles(size_t rows) { return (rows + HMA_TILE_ROWS - 1) / HMA_TILE_ROWS; }

hma_status hma_row_pool_new(hma_row_pool *out, size_t rows);
void hma_row_pool_free(hma_row_pool *pool);

/* The first run of free tiles that holds `rows` (at least one) rows: its first row is *first. False when there is none. */
bool hma_row_pool_take(hma_row_pool *pool, size_t rows, size_t *first);
void hma_row_pool_give(hma_row_pool *pool, size_t first, size_t rows);

#endif
