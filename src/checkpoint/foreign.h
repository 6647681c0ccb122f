/* Recognising what was put where safetensors were expected, to say so instead of "damaged". */
#ifndef HMA_CHECKPOINT_FOREIGN_H
#define HMA_CHECKPOINT_FOREIGN_H

#include <stddef.h>

enum { HMA_FOREIGN_BYTES = 64 };

typedef struct hma_foreign {
    const char *what;   /* "a Git LFS pointer" */
    const char *remedy; /* what to do */
} hma_foreign;

/* By the first bytes of a file (at most HMA_FOREIGN_BYTES are looked at); NULL when nothing is recognised. */
const hma_foreign *hma_foreign_recognise(const void *start, size_t length);

#endif
