/*
 * Questions to a model, gathered so that few calls answer them all: a call costs one pass over the layers, whatever it holds.
 * The same questions can be asked of one model after the other.
 */
#ifndef HMA_TASKS_QUESTIONS_H
#define HMA_TASKS_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tasks/fields.h"
#include "hma/error.h"
#include "hma/model.h"
#include "hma/requests.h"
#include "hma/tokenizer.h"

typedef struct hma_questions {
    hma_loglikelihood *pairs;
    size_t pair_count, pair_capacity;
    hma_generation *generations; /* with the last model's replies */
    size_t generation_count, generation_capacity;
    const hma_stops **stops; /* [generations], borrowed */
    size_t stop_capacity;
    int32_t **owned; /* ids that the questions point to */
    size_t owned_count, owned_capacity;
} hma_questions;

void hma_questions_free(hma_questions *questions);

/* Takes over `ids` (from hma_tokenizer_encode() or the like), also on failure. */
hma_status hma_questions_own(hma_questions *questions, int32_t *ids);

hma_status hma_questions_add_pair(hma_questions *questions, hma_ids context, hma_ids continuation);
/* The same from text, by the rules of encode.h. */
hma_status hma_questions_add_text_pair(hma_questions *questions, const hma_tokenizer *tokenizer, hma_bos bos,
                                       const char *context, const char *continuation);
/* The ids of a text that a model is to go on from, owned by the questions. */
hma_status hma_questions_encode_prompt(hma_questions *questions, const hma_tokenizer *tokenizer, hma_bos bos, const char *text,
                                       hma_ids *prompt);
/* The answers in `generation` are not looked at. */
hma_status hma_questions_add_generation(hma_questions *questions, hma_generation generation, const hma_stops *stops);

/* Whether the model can take a question at all; the message wants a place before it, by hma_error_prefix(). */
hma_status hma_pair_check(const hma_loglikelihood *pair, const hma_description *model);
hma_status hma_generation_check(const hma_generation *generation, const hma_description *model);
hma_status hma_ids_check(hma_ids ids, const hma_description *model);

/* Whether the model sees the question's end alone, because the whole is longer than its positions. */
bool hma_pair_is_cut(const hma_loglikelihood *pair, const hma_description *model);
bool hma_generation_is_cut(const hma_generation *generation, const hma_description *model);

/* Told of generations whose replies are final while others are still under way, as in hma_onlooker. */
typedef struct hma_listener {
    hma_status (*finished)(void *user, const size_t *numbers, size_t count);
    void *user;
} hma_listener;

/*
 * Asks everything; the answers are in pairs and generations. `tokenizer` may be NULL when there are no stop strings, `listener`
 * when nobody waits for replies.
 */
hma_status hma_questions_ask(hma_questions *questions, hma_model *model, const hma_tokenizer *tokenizer,
                             const hma_listener *listener);
/* Everything but generations, which are empty afterwards. */
hma_status hma_questions_ask_pairs(hma_questions *questions, hma_model *model);
hma_status hma_questions_ask_mixture(hma_questions *questions, const hma_mixture *mixture, const hma_tokenizer *tokenizer);

/*
 * Number of a request's own noise (hma_generation.stream), from its id: the same wherever it stands in a file and whatever else
 * is asked. A suite's prompt has the id that it has in a request file, "alignment/ITEM", so that a frozen suite draws the same
 * replies.
 */
hma_status hma_request_stream(uint64_t *stream, const char *folder, const char *id);

#endif
