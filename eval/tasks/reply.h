/* What a model said: when a reply ends, and its text. Conventions: lm-evaluation-harness, generate_until. */
#ifndef HMA_TASKS_REPLY_H
#define HMA_TASKS_REPLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tasks/fields.h"
#include "hma/error.h"
#include "hma/tokenizer.h"

/* Stop strings of many requests; the user pointer of hma_reply_stops(). */
typedef struct hma_reply_watch {
    const hma_tokenizer *tokenizer;
    const hma_stops *const *stops; /* [requests] */
    atomic_bool failed;            /* a reply could not be looked at: memory was out; the replies are of no use */
} hma_reply_watch;

/* An hma_stop_fn: the text of the new ids, special tokens included, has a stop string. Asked after each new token. */
bool hma_reply_stops(void *watch, size_t request, const int32_t *new_ids, size_t count);

/*
 * The text of a reply: decoded without special tokens, cut at each stop string in turn. Ids beyond the vocabulary (embeddings
 * may have more rows than there are tokens) leave no trace. *text is freed with hma_text_free(); it may hold U+0000.
 */
hma_status hma_reply_text(const hma_tokenizer *tokenizer, const int32_t *ids, size_t count, const hma_stops *stops, char **text,
                          size_t *length);

/* The same for what reads texts as C does: U+0000 becomes U+FFFD. */
hma_status hma_reply_plain_text(const hma_tokenizer *tokenizer, const int32_t *ids, size_t count, const hma_stops *stops,
                                char **text);

#endif
