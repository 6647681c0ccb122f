/* The parts of hma_checkpoint_compare(). Each adds one line for every way in which the two do not fit. */
#ifndef HMA_CHECKPOINT_COMPARE_H
#define HMA_CHECKPOINT_COMPARE_H

#include "hma/checkpoint.h"

typedef struct hma_problems {
    char **lines; /* NULL-terminated once something was added */
    size_t count, capacity;
    bool failed;  /* out of memory: lines are missing */
} hma_problems;

/* "what is wrong (what was expected): what to do" */
void hma_problem_add(hma_problems *problems, const char *format, ...) HMA_PRINTF(2, 3);

/* Tensor sets, shapes, element types. */
hma_status hma_compare_tensors(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post);
/* What config.json says about the meaning of the tensors. */
hma_status hma_compare_configs(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post);
/* Which tokens the rows of the embedding stand for. */
hma_status hma_compare_tokenizers(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post);

#endif
