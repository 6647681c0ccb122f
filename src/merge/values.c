#include "merge/values.h"

#include <math.h>

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
