#include <string.h>
#include <strings.h>

#include "base/error_set.h"
#include "base/json.h"
#include "hma/checkpoint.h"

static const struct {
    const char *name, *torch;
    size_t size;
} types[HMA_DTYPE_COUNT] = {
    [HMA_F32] = {"F32", "float32", 4}, [HMA_F16] = {"F16", "float16", 2}, [HMA_BF16] = {"BF16", "bfloat16", 2},
    [HMA_F64] = {"F64", "float64", 8}, [HMA_I64] = {"I64", "int64", 8},   [HMA_I32] = {"I32", "int32", 4},
    [HMA_I16] = {"I16", "int16", 2},   [HMA_I8] = {"I8", "int8", 1},      [HMA_U64] = {"U64", "uint64", 8},
    [HMA_U32] = {"U32", "uint32", 4},  [HMA_U16] = {"U16", "uint16", 2},  [HMA_U8] = {"U8", "uint8", 1},
    [HMA_BOOL] = {"BOOL", "bool", 1},
};

const char *hma_dtype_name(hma_dtype dtype) { return (size_t)dtype < HMA_DTYPE_COUNT ? types[dtype].name : NULL; }

size_t hma_dtype_size(hma_dtype dtype) { return (size_t)dtype < HMA_DTYPE_COUNT ? types[dtype].size : 0; }

bool hma_dtype_is_weight(hma_dtype dtype) { return dtype == HMA_F32 || dtype == HMA_F16 || dtype == HMA_BF16; }

hma_status hma_dtype_parse(hma_dtype *out, const char *name) {
    for (size_t i = 0; i < HMA_DTYPE_COUNT; i++) {
        if (strcasecmp(name, types[i].name) == 0 || strcmp(name, types[i].torch) == 0) {
            *out = (hma_dtype)i;
            return HMA_OK;
        }
    }
    return hma_error(HMA_USAGE, "dtype: \"%.40s\" is not an element type (expected F32, F16, BF16 or another safetensors "
                     "name): name one of them", name);
}
