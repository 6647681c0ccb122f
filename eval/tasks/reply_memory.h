/*
 * What earlier models replied to the questions that are asked again. Merges of one pair say much the same, the more so as every
 * model draws with the same noise, so that earlier replies, those of the nearest merges first, are good guesses for the next
 * model's (hma_generation.guesses).
 */
#ifndef HMA_TASKS_REPLY_MEMORY_H
#define HMA_TASKS_REPLY_MEMORY_H

#include <stddef.h>

#include "base/text_set.h"
#include "hma/error.h"
#include "hma/model.h"

typedef struct hma_reply_memory {
    hma_text_set questions; /* what decides about a reply, apart from the model -> place in `asked` */
    struct hma_remembered_question *asked;
    size_t asked_count, asked_capacity;
    struct hma_remembered_model *models; /* the last HMA_REMEMBERED_MODELS */
    size_t models_seen;
    hma_ids *guesses; /* of the questions asked last, one question after the other */
} hma_reply_memory;

enum { HMA_REMEMBERED_MODELS = 256, HMA_MOST_GUESSES = 6 };

void hma_reply_memory_free(hma_reply_memory *memory);

/*
 * Lays guesses beside the questions, good until the next call. `ratios[layers]` say where the model stands among the others;
 * NULL: that is not known, and later ones count as nearer.
 */
hma_status hma_reply_memory_recall(hma_reply_memory *memory, hma_generation *questions, size_t count, const double *ratios,
                                   size_t layers);

/* Takes the replies in. */
hma_status hma_reply_memory_add(hma_reply_memory *memory, const hma_generation *questions, size_t count, const double *ratios,
                                size_t layers);

#endif
