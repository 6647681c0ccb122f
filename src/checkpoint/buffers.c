#include "checkpoint/buffers.h"

#include <stddef.h>
#include <string.h>

#include "checkpoint/config.h"

/* Whether `name` is `tail`, or ends with it after a dot. */
static bool ends_with_parts(const char *name, const char *tail) {
    const size_t n = strlen(name), m = strlen(tail);
    return n >= m && strcmp(name + n - m, tail) == 0 && (n == m || name[n - m - 1] == '.');
}

static bool ends_with_any(const char *name, const char *const *tails) {
    for (; *tails; tails++) {
        if (ends_with_parts(name, *tails)) {
            return true;
        }
    }
    return false;
}

bool hma_tensor_is_buffer(const char *name) {
    static const char *const buffers[] = {"rotary_emb.inv_freq", "attn.bias", "attn.masked_bias", "attention.bias",
                                          "attention.masked_bias", NULL};
    return ends_with_any(name, buffers);
}

static const char *const heads[] = {"lm_head.weight", "embed_out.weight", NULL};

bool hma_tensor_is_tied_copy(const hma_checkpoint *checkpoint, const char *name) {
    return hma_checkpoint_tied_head(checkpoint) && ends_with_any(name, heads);
}

bool hma_tensor_has_vocabulary_rows(const char *name) {
    static const char *const embeddings[] = {"embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight",
                                             "lm_head.bias", NULL};
    return ends_with_any(name, embeddings) || ends_with_any(name, heads);
}
