#include "eval/transformer/row_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

hma_status hma_row_pool_new(hma_row_pool *out, size_t rows) {
    hma_row_pool pool = {.tiles = hma_whole_tiles(rows)};
    pool.free_tiles = pool.tiles;
    pool.used = HMA_NEW(unsigned char, pool.tiles);
    if (!pool.used) {
        return HMA_FAILURE;
    }
    *out = pool;
    return HMA_OK;
}

void hma_row_pool_free(hma_row_pool *pool) {
    free(pool->used);
    *pool = (hma_row_pool){0};
}

bool hma_row_pool_take(hma_row_pool *pool, size_t rows, size_t *first) {
    const size_t need = hma_whole_tiles(rows);
    size_t run = 0;
    if (need > pool->free_tiles) {
        return false;
    }
    for (size_t t = 0; t < pool->tiles; t++) {
        run = pool->used[t] ? 0 : run + 1;
        if (run == need) {
            memset(pool->used + t + 1 - need, 1, need);
            pool->free_tiles -= need;
            *first = (t + 1 - need) * HMA_TILE_ROWS;
            return true;
        }
    }
    return false;
}

void hma_row_pool_give(hma_row_pool *pool, size_t first, size_t rows) {
    const size_t tiles = hma_whole_tiles(rows);
    memset(pool->used + first / HMA_TILE_ROWS, 0, tiles);
    pool->free_tiles += tiles;
}
