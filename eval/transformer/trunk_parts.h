/* What trunk.c and trunk_pass.c share. */
#ifndef HMA_EVAL_TRANSFORMER_TRUNK_PARTS_H
#define HMA_EVAL_TRANSFORMER_TRUNK_PARTS_H

#include "eval/transformer/kept_rows.h"
#include "eval/transformer/token_paths.h"
#include "eval/transformer/trunk.h"

typedef struct hma_trunk_level {
    size_t depth;
    char key[65];          /* of the layers before it */
    bool wanted;           /* models to come part from the one in hand here */
    hma_kept_rows streams; /* [hidden]: what leaves these layers; nothing when they are all */
    hma_kept_rows caches;  /* [layers since the level before, 2, kv_width]: their keys and values */
} hma_trunk_level;

struct hma_trunk {
    hma_context *context;
    const hma_architecture *a;
    hma_token_paths paths;
    hma_trunk_level *levels; /* by depth */
    size_t level_count;
    uint64_t held; /* bytes of all rows; claimed of the context */
};

/* The most token paths that are worth a number. */
size_t hma_trunk_most_paths(const hma_trunk *trunk);

/* A row for a path that has none yet, to be filled; NULL when there is no room. */
float *hma_trunk_add_stream(hma_trunk *trunk, hma_trunk_level *level, uint32_t path);
float *hma_trunk_add_cache(hma_trunk *trunk, hma_trunk_level *level, uint32_t path);
/* The same, when nothing else has to make room for it. */
float *hma_trunk_add_spare_stream(hma_trunk *trunk, hma_trunk_level *level, uint32_t path);

#endif
