#include "merge/overrides.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/number.h"
#include "merge/glob.h"
#include "merge/methods.h"

hma_status hma_ratio_check(double *ratio, const char *what, double most) {
    if (!(*ratio >= 0 && *ratio <= most)) {
        char text[HMA_DOUBLE_TEXT], limit[HMA_DOUBLE_TEXT];
        return most > 1 ? hma_error(HMA_USAGE, "%s: %s is not a ratio (expected a number from 0, which is pre, to %s, beyond "
                                    "post): correct it", what, hma_double_text(*ratio, text), hma_double_text(most, limit))
                        : hma_error(HMA_USAGE, "%s: %s is not a ratio (expected a number from 0, which is pre, to 1, which is "
                                    "post): correct it%s", what, hma_double_text(*ratio, text),
                                    *ratio > 1 && *ratio <= HMA_MOST_RATIO ? " or choose the method extrapolate" : "");
    }
    *ratio = *ratio == 0 ? 0 : *ratio;
    return HMA_OK;
}

void hma_overrides_free(hma_overrides *overrides) {
    for (size_t i = 0; i < overrides->count; i++) {
        free(overrides->list[i].glob);
    }
    free(overrides->list);
    *overrides = (hma_overrides){0};
}

static void drop(hma_overrides *overrides, const char *glob) {
    size_t kept = 0;
    for (size_t i = 0; i < overrides->count; i++) {
        if (strcmp(overrides->list[i].glob, glob) == 0) {
            free(overrides->list[i].glob);
        } else {
            overrides->list[kept++] = overrides->list[i];
        }
    }
    overrides->count = kept;
}

hma_status hma_overrides_add(hma_overrides *overrides, const char *glob, double ratio, double most) {
    if (!hma_glob_is_valid(glob)) {
        return hma_error(HMA_USAGE, "tensors: \"%s\" is not a pattern (expected a tensor name with *, ? or [a-z]): correct "
                         "it", glob);
    }
    if (overrides->count >= HMA_MAX_OVERRIDES) {
        return hma_error(HMA_USAGE, "tensors: there are too many patterns (expected at most %d): join some with * or [..]",
                         HMA_MAX_OVERRIDES);
    }
    const hma_status status = hma_ratio_check(&ratio, glob, most);
    if (status != HMA_OK) {
        return status;
    }
    char *copy = hma_copy_text(glob);
    if (!copy || hma_grow(&overrides->list, &overrides->capacity, overrides->count + 1, sizeof *overrides->list)) {
        free(copy);
        return HMA_FAILURE;
    }
    drop(overrides, copy);
    overrides->list[overrides->count++] = (hma_override){copy, ratio};
    return HMA_OK;
}

hma_status hma_overrides_add_text(hma_overrides *overrides, const char *text, double most) {
    const char *equals = strrchr(text, '=');
    double ratio;
    if (!equals || equals == text || !hma_parse_double(&ratio, equals + 1)) {
        return hma_error(HMA_USAGE, "tensor override \"%s\": is malformed (expected GLOB=RATIO, for example "
                         "*.lm_head.weight=0.5): correct it", text);
    }
    char *glob = hma_copy_bytes(text, (size_t)(equals - text));
    const hma_status status = glob ? hma_overrides_add(overrides, glob, ratio, most) : HMA_FAILURE;
    free(glob);
    return status;
}

hma_status hma_overrides_copy(hma_overrides *out, const hma_overrides *overrides) {
    hma_overrides copy = {0};
    for (size_t i = 0; i < overrides->count; i++) {
        const hma_status status = hma_overrides_add(&copy, overrides->list[i].glob, overrides->list[i].ratio,
                                                    HMA_MOST_RATIO);
        if (status != HMA_OK) {
            hma_overrides_free(&copy);
            return status;
        }
    }
    *out = copy;
    return HMA_OK;
}

bool hma_override_matches(const hma_override *override, const char *tensor_name) {
    return hma_glob_matches(override->glob, tensor_name);
}

const hma_override *hma_overrides_find(const hma_overrides *overrides, const char *tensor_name) {
    for (size_t i = overrides->count; i > 0; i--) {
        if (hma_override_matches(&overrides->list[i - 1], tensor_name)) {
            return &overrides->list[i - 1];
        }
    }
    return NULL;
}
