/*
 * What every export is made of: the front and what its points are, gathered once from a run, so that the writers know
 * neither journals nor recipes and can be tested on tables filled by hand.
 */
#ifndef HMA_EXPORT_TABLE_H
#define HMA_EXPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"
#include "hma/front.h"
#include "hma/run.h"

/* What a point is; beside front->points[i]. */
typedef struct hma_table_point {
    const char *method; /* "linear", ..; "checkpoint", "logit-mixture" */
    const char *origin; /* "endpoint", "grid", "search", "extra" */
    char *recipe;       /* canonical JSON; NULL unless a merge */
    const char *folder, *sha256; /* of a checkpoint that is no merge; NULL otherwise */
    bool uniform;                /* a merge in which every layer has the same ratio */
    double mean_ratio;           /* NaN of a checkpoint, as are its ratios */
    const char *failure; /* why it has no scores; NULL when it has */
} hma_table_point;

/* The items of one task, or the prompts of the alignment measure. */
typedef struct hma_table_task {
    char *name;
    char *category;
    const char *metric; /* "acc", "reward", .. */
    bool is_alignment;
    size_t items;
    size_t samples; /* texts an item has: 1 for generated answers, n for alignment replies, 0 for likelihoods */
    char **id;      /* [items] */
    double *score;  /* [points, items] */
    char **text;    /* [points, items, samples]; NULL without samples; entries may be NULL */
    double *reward; /* [points, items, samples]; of alignment replies, else NULL */
} hma_table_task;

typedef struct hma_table {
    char *title;
    const char *command_line;
    const char *version; /* of the hma that scored */
    const char *precision;
    const char *seed;
    const char *pre, *post, *suite; /* paths as they were given */
    const char *base;               /* of the third model; empty: none */
    const char *pre_sha256, *post_sha256, *suite_sha256;

    const hma_front *front;
    hma_table_point *points; /* [front->point_count] */
    size_t blocks, layers;
    size_t *block_start;  /* [blocks] first layer of each */
    double *ratios;       /* [points, blocks] */
    double *layer_ratios; /* [points, layers] */

    size_t task_count;     /* 0 when items were not asked for */
    hma_table_task *tasks; /* alignment first */
} hma_table;

/*
 * Gathers. `items` says whether every candidate's items are read from the journal as well, which takes time and memory and
 * is needed by HDF5 and notebooks only. Run and front must outlive the table.
 */
hma_status hma_table_gather(hma_table *out, const hma_run *run, const hma_front *front, bool items);
/* The second half of hma_table_gather(): fills `tasks`. */
hma_status hma_table_gather_items(hma_table *table, const hma_run *run);
/* Frees what gathering allocated. */
void hma_table_free(hma_table *table);
void hma_table_task_free(hma_table_task *task, size_t points);

/* The alignment or the retention axis; NULL when the suite does not measure it, so that no point has a value. */
const hma_axis *hma_table_axis(const hma_table *table, hma_axis_kind kind);
/* An axis' name without "task_" or "category_". */
const char *hma_axis_short_name(const hma_axis *axis);
/* A point's label, its id when it has none. */
const char *hma_table_label(const hma_table *table, size_t point);
/* "" instead of NULL. */
static inline const char *hma_text_or_empty(const char *text) { return text ? text : ""; }

#endif
