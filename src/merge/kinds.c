/* Names of the kinds of tensors. */
#include "hma/merge.h"

const char *hma_tensor_kind_name(hma_tensor_kind kind) {
    static const char *const names[HMA_KIND_COUNT] = {"embedding", "attention", "mlp", "norm", "head", "other"};
    return (size_t)kind < HMA_KIND_COUNT ? names[kind] : NULL;
}
