/* The parts of hma_checkpoint_compare(). Each adds one line for every way in which the two do not fit. */
#ifndef HMA_CHECKPOINT_COMPARE_H
#define HMA_CHECKPOINT_COMPARE_H

#include "hma/checkpoint.h"

typedef struct hma_problems {
    char **lines; /* NULL-terminated once something was added */
    size_t count, capacity;
    bool failed;  /* out of memory: lines are missing */
    const char *other; /* what lines call the second checkpoint: "post" */
    bool common_rows;  /* rows of the vocabulary that only one of the two has are no problem */
} hma_problems;

/* What the second checkpoint is called, and whether vocabularies may differ in size; the tokens of the rows that both have must
 * be the same in any case. */
typedef struct hma_comparison {
    const char *other;
    bool common_rows;
} hma_comparison;

/* hma_checkpoint_compare(), which is {"post", false}. */
hma_status hma_checkpoint_compare_as(const hma_checkpoint *pre, const hma_checkpoint *other, const hma_comparison *how,
                                     char ***problems, size_t *problem_count);

/* "what is wrong (what was expected): what to do" */
void hma_problem_add(hma_problems *problems, const char *format, ...) HMA_PRINTF(2, 3);

/* Tensor sets, shapes, element types. */
hma_status hma_compare_tensors(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post);
/* What config.json says about the meaning of the tensors. */
hma_status hma_compare_configs(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post);
/* Which tokens the rows of the embedding stand for. */
hma_status hma_compare_tokenizers(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post);

#endif
