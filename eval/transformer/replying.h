/* Replies under way of one model, or of the two of a mixture: from waiting to finished. For replying.c and generate*.c. */
#ifndef HMA_EVAL_TRANSFORMER_REPLYING_H
#define HMA_EVAL_TRANSFORMER_REPLYING_H

#include "eval/transformer/head.h"
#include "eval/transformer/model_parts.h"
#include "eval/transformer/row_pool.h"
#include "eval/transformer/screen.h"

/* Requests that entered together: the rows of their prompts go back when the last of them has finished. */
typedef struct hma_replying_party {
    size_t store, rows;
    size_t left; /* sequences that are not finished */
} hma_replying_party;

/* A request under way. */
typedef struct hma_replying_sequence {
    hma_generation *request;
    size_t number;      /* of the request in the call */
    hma_ids prompt;     /* cut to what fits */
    size_t prompt_rows; /* that it adds to those of the request before it */
    hma_replying_party *party;
    hma_span *spans; /* the prompt's, and one more for the new tokens */
    size_t span_count;
    size_t store; /* first row of its own in the stores */
    size_t made;  /* new tokens so far, also those that are not kept (eos) */
    bool finished;
    uint32_t path[HMA_MIXED]; /* of its tokens, in each side's trunk */
} hma_replying_sequence;

/* A model at work. */
typedef struct hma_replying_model {
    hma_model *m;
    hma_store *stores;          /* [layers] */
    float *x, *hidden, *logits; /* of `widest` rows */
} hma_replying_model;

/* The models run in step over the same batches: one, or the two of a mixture. */
typedef struct hma_replying {
    hma_model *m; /* whose end-of-sequence ids and context count: the last side's */
    hma_replying_model sides[HMA_MIXED];
    size_t side_count;
    double ratio;            /* of a mixture: weight of the second side */
    hma_screening screening; /* how the only side's tokens are drawn; without a screen from logits */
    bool screened;           /* bounds lie where logits do, but for rows that are whole */
    bool *whole;             /* [widest] */
    const hma_onlooker *onlooker;
    hma_replying_sequence *sequences;
    size_t count, next;          /* sequences from `next` on wait */
    size_t widest;               /* so many may be under way */
    hma_replying_party *parties; /* [count] at most */
    size_t party_count;
    hma_row_pool pool;                /* rows of all stores */
    hma_replying_sequence **active;   /* [widest] */
    size_t active_count, after_entry; /* .. and how many these were when requests last entered */
    size_t *rows;                     /* [widest] 0, 1, 2, .. */
    uint32_t *paths;                  /* [widest] */
    size_t *finished;                 /* [widest]: numbers of the requests that a step has finished */
    uint64_t claimed;                 /* of the context's memory, for the stores */
} hma_replying;

/* Rows of the stores for what it will say. */
static inline size_t hma_replying_own_rows(const hma_replying_sequence *s) { return s->request->max_tokens; }

/* ---- generate.c: memory ---- */

/* Everything up to the first prompt; the onlooker and a mixture's ratio are set before. Closed in any case. */
hma_status hma_replying_open(hma_replying *w, hma_model *const *models, size_t model_count, hma_generation *requests,
                             size_t count);
/* Forgets the replies unless all went well. */
void hma_replying_close(hma_replying *w, hma_generation *requests, hma_status status);

/* ---- replying.c ---- */

/* Until nobody waits and nobody is under way. */
hma_status hma_replying_run(hma_replying *w);
/* Lets in all who may enter now and have room. */
hma_status hma_replying_let_in(hma_replying *w);
/* Replies, with the part of each that is there of those under way. */
double hma_replying_done(const hma_replying *w);
/* A step's batch, to be freed; and, when logits are there, a token for each reply under way. */
hma_status hma_replying_step_batch(const hma_replying *w, hma_batch *out);
hma_status hma_replying_draw(hma_replying *w, size_t rows);
/* Those that a step has finished leave. */
hma_status hma_replying_drop_finished(hma_replying *w);

#endif
