#include "checkpoint/buffers.h"

#include <stddef.h>
#include <string.h>

#include "checkpoint/config.h"

/* Whether `name` is `tail`, or ends with it after a dot. */
static bool ends_with_parts(const char *name, const char *tail) {
    const size_t n = strlen(name), m = strlen(tail);
    return n >= m && strcmp(name + n - m, tail) == 0 && (n == m || name[n - m - 1] == '.');
}

bool hma_tensor_is_buffer(const char *name) {
    static const char *const buffers[] = {"rotary_emb.inv_freq", "attn.bias", "attn.masked_bias", "attention.bias",
                                          "attention.masked_bias"};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        if (ends_with_parts(name, buffers[i])) {
            return true;
        }
    }
    return false;
}

bool hma_tensor_is_tied_copy(const hma_checkpoint *checkpoint, const char *name) {
    return hma_checkpoint_tied_head(checkpoint) && (ends_with_parts(name, "lm_head.weight") || strcmp(name, "embed_out.weight") == 0);
}
