#include "checkpoint/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "checkpoint/eos.h"

enum { LINE_BYTES = 2048 };

void hma_problem_add(hma_problems *problems, const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const bool room = hma_grow(&problems->lines, &problems->capacity, problems->count + 2, sizeof *problems->lines) == 0;
    char *copy = room ? hma_copy_text(line) : NULL;
    if (!copy) {
        problems->failed = true;
        return;
    }
    problems->lines[problems->count++] = copy;
    problems->lines[problems->count] = NULL;
}

void hma_problems_free(char **problems) {
    for (char **line = problems; line && *line; line++) {
        free(*line);
    }
    free(problems);
}

hma_status hma_checkpoint_compare(const hma_checkpoint *pre, const hma_checkpoint *post, char ***problems,
                                  size_t *problem_count) {
    return hma_checkpoint_compare_as(pre, post, &(hma_comparison){"post", false}, problems, problem_count);
}

hma_status hma_checkpoint_compare_as(const hma_checkpoint *pre, const hma_checkpoint *post, const hma_comparison *how,
                                     char ***problems, size_t *problem_count) {
    hma_problems found = {.lines = HMA_NEW(char *, 1), .capacity = 1, .other = how->other, .common_rows = how->common_rows};
    hma_status status = found.lines ? hma_compare_configs(&found, pre, post) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_compare_tensors(&found, pre, post);
    }
    if (status == HMA_OK) {
        status = hma_compare_tokenizers(&found, pre, post);
    }
    if (status == HMA_OK && found.failed) {
        status = hma_error_memory("comparison");
    }
    if (status != HMA_OK) {
        hma_problems_free(found.lines);
        return status;
    }
    *problems = found.lines;
    *problem_count = found.count;
    return HMA_OK;
}

/* ---- what does not matter to weights ---- */

/* As text; what is wrong with it where it cannot be read, since that is no reason not to compare weights. */
static hma_status describe_eos(hma_buffer *out, const hma_checkpoint *checkpoint) {
    hma_eos eos;
    hma_status status = hma_eos_read(&eos, checkpoint);
    if (status == HMA_OK) {
        hma_eos_write(out, &eos);
    } else if (status == HMA_BAD_DATA) {
        hma_buffer_text(out, hma_error_message());
        status = HMA_OK;
    }
    hma_eos_free(&eos);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}

static hma_status note_eos(hma_problems *notes, const hma_checkpoint *pre, const hma_checkpoint *post) {
    hma_buffer a = {0}, b = {0};
    hma_status status = describe_eos(&a, pre);
    if (status == HMA_OK) {
        status = describe_eos(&b, post);
    }
    if (status == HMA_OK && strcmp(hma_buffer_cstr(&a), hma_buffer_cstr(&b)) != 0) {
        hma_problem_add(notes,
                        "eos_token_id differs: pre has %s, post %s; replies of merges end as those of the model that gives the "
                        "tokenizer (post)",
                        hma_buffer_cstr(&a), hma_buffer_cstr(&b));
    }
    hma_buffer_free(&a);
    hma_buffer_free(&b);
    return status;
}

hma_status hma_checkpoint_notes(const hma_checkpoint *pre, const hma_checkpoint *post, char ***notes, size_t *note_count) {
    hma_problems found = {.lines = HMA_NEW(char *, 1), .capacity = 1};
    hma_status status = found.lines ? note_eos(&found, pre, post) : HMA_FAILURE;
    if (status == HMA_OK && found.failed) {
        status = hma_error_memory("comparison");
    }
    if (status != HMA_OK) {
        hma_problems_free(found.lines);
        return status;
    }
    *notes = found.lines;
    *note_count = found.count;
    return HMA_OK;
}
