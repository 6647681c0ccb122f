/* Ratios for single tensors, by name pattern: "GLOB=RATIO". The last one that matches wins. */
#ifndef HMA_MERGE_OVERRIDES_H
#define HMA_MERGE_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

/* More patterns than anybody writes: every tensor is held against each of them. */
enum { HMA_MAX_OVERRIDES = 4096 };

typedef struct hma_override {
    char *glob;
    double ratio;
} hma_override;

typedef struct hma_overrides {
    hma_override *list;
    size_t count, capacity;
} hma_overrides;

void hma_overrides_free(hma_overrides *overrides);

/*
 * Adds at the end. An earlier override with the same pattern can never win again and is dropped.
 * `most` is the largest ratio of the method.
 * @return HMA_USAGE for a malformed pattern or a ratio outside [0,most].
 */
hma_status hma_overrides_add(hma_overrides *overrides, const char *glob, double ratio, double most);

/* The same from "GLOB=RATIO", split at the last '='. */
hma_status hma_overrides_add_text(hma_overrides *overrides, const char *text, double most);

hma_status hma_overrides_copy(hma_overrides *out, const hma_overrides *overrides);

bool hma_override_matches(const hma_override *override, const char *tensor_name);

/* The override that decides about a tensor, NULL when none matches. */
const hma_override *hma_overrides_find(const hma_overrides *overrides, const char *tensor_name);

/*
 * A ratio as it comes from outside. HMA_USAGE, naming `what`, for NaN and anything outside [0,most], the ratios that the method
 * takes; -0 becomes 0, so that equal ratios have equal bits.
 */
hma_status hma_ratio_check(double *ratio, const char *what, double most);

#endif
