#include "merge/values.h"

#include <math.h>
#include <stdio.h>

#include "base/error_set.h"
#include "merge/float_formats.h"

float hma_value_at(hma_dtype dtype, const void *values, size_t index) {
    if (dtype == HMA_F32) {
        return ((const float *)values)[index];
    }
    const uint16_t bits = ((const uint16_t *)values)[index];
    return dtype == HMA_F16 ? hma_f16_widen(bits) : hma_bf16_widen(bits);
}

size_t hma_first_not_finite(hma_dtype dtype, const void *values, size_t count) {
    size_t i = 0;
    while (i < count && isfinite(hma_value_at(dtype, values, i))) {
        i++;
    }
    return i;
}

static hma_status not_finite(const hma_checkpoint *where, const hma_tensor *tensor, uint64_t index, const char *values) {
    return hma_error(HMA_NON_FINITE, "%s: tensor \"%.200s\" has a value that is not finite at index %llu (%s): repair or "
                     "replace the checkpoint", hma_checkpoint_folder(where), tensor->name, (unsigned long long)index, values);
}

hma_status hma_check_finite(const hma_checkpoint *where, const hma_tensor *tensor, uint64_t first, size_t count,
                            const void *values) {
    const size_t i = hma_first_not_finite(tensor->dtype, values, count);
    char value[32];
    if (i == count) {
        return HMA_OK;
    }
    (void)snprintf(value, sizeof value, "%g", (double)hma_value_at(tensor->dtype, values, i));
    return not_finite(where, tensor, first + i, value);
}

hma_status hma_check_both_finite(const hma_checkpoint *pre, const hma_checkpoint *post, const hma_tensor *tensor,
                                 uint64_t first, size_t count, const void *pre_values, const void *post_values) {
    const size_t in_pre = hma_first_not_finite(tensor->dtype, pre_values, count);
    const size_t in_post = hma_first_not_finite(tensor->dtype, post_values, count);
    const size_t i = in_pre < in_post ? in_pre : in_post;
    char values[64];
    if (i == count) {
        return HMA_OK;
    }
    (void)snprintf(values, sizeof values, "pre %g, post %g", (double)hma_value_at(tensor->dtype, pre_values, i),
                   (double)hma_value_at(tensor->dtype, post_values, i));
    return not_finite(in_pre <= in_post ? pre : post, tensor, first + i, values);
}
