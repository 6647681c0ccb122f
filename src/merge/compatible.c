#include "merge/compatible.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"

/* A problem is "what is wrong (what was expected): what to do"; in a list of several the remedies would bury what is wrong. */
static void put_what_is_wrong(hma_buffer *text, const char *problem) {
    const char *expected = strstr(problem, " (expected");
    hma_buffer_add(text, problem, expected ? (size_t)(expected - problem) : strlen(problem));
}

static hma_status refuse(const hma_checkpoint *pre, const hma_checkpoint *post, char *const *problems, size_t count) {
    hma_buffer text = {0};
    if (count == 1) {
        hma_buffer_text(&text, problems[0]);
    } else {
        hma_buffer_printf(&text, "%zu differences: ", count);
        for (size_t i = 0; i < count; i++) {
            hma_buffer_text(&text, i ? "; " : "");
            put_what_is_wrong(&text, problems[i]);
        }
        hma_buffer_text(&text, " (expected two checkpoints of one model): hma diff explains each");
    }
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        status = hma_error(HMA_INCOMPATIBLE, "%s and %s: cannot be averaged: %s", hma_checkpoint_folder(pre),
                           hma_checkpoint_folder(post), hma_buffer_cstr(&text));
    }
    hma_buffer_free(&text);
    return status;
}

hma_status hma_check_compatible(const hma_checkpoint *pre, const hma_checkpoint *post) {
    char **problems;
    size_t count;
    hma_status status = hma_checkpoint_compare(pre, post, &problems, &count);
    if (status == HMA_OK) {
        status = count > 0 ? refuse(pre, post, problems, count) : HMA_OK;
        hma_problems_free(problems);
    }
    return status;
}
