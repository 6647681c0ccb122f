#include "merge/compatible.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "checkpoint/compare.h"

/* A problem is "what is wrong (what was expected): what to do"; in a list of several the remedies would bury what is wrong. */
static void put_what_is_wrong(hma_buffer *text, const char *problem) {
    const char *expected = strstr(problem, " (expected");
    hma_buffer_add(text, problem, expected ? (size_t)(expected - problem) : strlen(problem));
}

/* "(--extra-rows post)" of a problem whose remedy it is; NULL otherwise. */
static const char *extra_rows_of(const char *problem) { return strstr(problem, "(--extra-rows "); }

static hma_status refuse(const hma_checkpoint *pre, const hma_checkpoint *post, char *const *problems, size_t count) {
    hma_buffer text = {0};
    const char *remedy = NULL;
    if (count == 1) {
        hma_buffer_text(&text, problems[0]);
    } else {
        hma_buffer_printf(&text, "%zu differences: ", count);
        for (size_t i = 0; i < count; i++) {
            hma_buffer_text(&text, i ? "; " : "");
            put_what_is_wrong(&text, problems[i]);
            remedy = remedy ? remedy : extra_rows_of(problems[i]);
        }
        hma_buffer_text(&text, " (expected two checkpoints of one model): hma diff explains each");
        if (remedy) {
            hma_buffer_printf(&text, "; rows that both have can be merged, and the others taken from one %s", remedy);
        }
    }
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        status = hma_error(HMA_INCOMPATIBLE, "%s and %s: cannot be averaged: %s", hma_checkpoint_folder(pre),
                           hma_checkpoint_folder(post), hma_buffer_cstr(&text));
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status check(const hma_checkpoint *pre, const hma_checkpoint *other, const hma_comparison *how) {
    char **problems;
    size_t count;
    hma_status status = hma_checkpoint_compare_as(pre, other, how, &problems, &count);
    if (status == HMA_OK) {
        status = count > 0 ? refuse(pre, other, problems, count) : HMA_OK;
        hma_problems_free(problems);
    }
    return status;
}

hma_status hma_check_compatible(const hma_checkpoint *pre, const hma_checkpoint *post, bool common_rows) {
    return check(pre, post, &(hma_comparison){"post", common_rows});
}

hma_status hma_check_base(const hma_checkpoint *pre, const hma_checkpoint *base, bool common_rows) {
    return check(pre, base, &(hma_comparison){"base", common_rows});
}
