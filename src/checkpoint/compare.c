#include "checkpoint/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error_set.h"
#include "base/memory.h"

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
    hma_problems found = {
        .lines = HMA_NEW(char *, 1), .capacity = 1, .other = how->other, .common_rows = how->common_rows};
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
