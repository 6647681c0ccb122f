/* What a model is made of; shared by model.c, score.c and generate.c. */
#ifndef HMA_EVAL_TRANSFORMER_MODEL_PARTS_H
#define HMA_EVAL_TRANSFORMER_MODEL_PARTS_H

#include "checkpoint/eos.h"
#include "eval/transformer/forward.h"
#include "eval/transformer/trunk.h"

struct hma_model {
    hma_context *context;
    const hma_source *source;
    hma_description description;
    hma_architecture architecture;
    hma_kernels kernels;
    hma_weights *weights;
    hma_engine engine;
    hma_trunk *trunk;
    hma_eos eos;
    int32_t bos, pad;
    hma_model_counters counters;
    double drawn_guessed,
        drawn_right; /* tokens that were guessed of sampled replies in the last call, and how many came true */
};

/* Replies end by the end-of-sequence ids of this checkpoint from now on, instead of those of the model's own. */
hma_status hma_model_end_by(hma_model *model, const hma_checkpoint *checkpoint);

/* What was computed between two counts; adds one to another. */
hma_model_counters hma_counters_between(const hma_model_counters *before, const hma_model_counters *after);
void hma_counters_add(hma_model_counters *sum, const hma_model_counters *more);

/* HMA_BAD_DATA when an id is not in the vocabulary; `what` names the sequence. */
hma_status hma_model_check_ids(const hma_model *model, const char *what, const int32_t *ids, size_t count);

/*
 * Hidden states after the final norm at the positions that predict each continuation's tokens, request after request, into
 * hidden[all continuation tokens, hidden]. Inputs are cut on the left to `most` positions.
 */
hma_status hma_model_hidden(hma_model *model, const hma_loglikelihood *requests, size_t count, size_t most, float *hidden);

/* Models of a mixture. */
enum { HMA_MIXED = 2 };

/* mixed[v] = (1 - ratio) pre[v] + ratio post[v]: logits of the mixture up to a constant. `mixed` may be one of the two. */
void hma_mixture_row(const float *pre, const float *post, double ratio, size_t width, float *mixed);

/*
 * Who looks on while replies are generated. `stop` (may be NULL) is hma_model_generate()'s. `finished` (may be NULL) is told
 * of requests whose replies are final, by number, each at most once, on the calling thread and between the steps of others;
 * what it returns ends the call unless it is HMA_OK. It may not be told of all.
 */
typedef struct hma_onlooker {
    hma_stop_fn stop;
    void *stop_user;
    hma_status (*finished)(void *user, const size_t *numbers, size_t count);
    void *user;
} hma_onlooker;

/* hma_model_generate() with more than a stop function. */
hma_status hma_generate_watched(hma_model *model, hma_generation *requests, size_t count, const hma_onlooker *onlooker);

/*
 * Generation with one model, or with both of a mixture, which run in step, without looking at guesses. The last one's
 * end-of-sequence ids count.
 */
hma_status hma_generate_in_step(hma_model *const *models, size_t model_count, double ratio, hma_generation *requests,
                                size_t count, const hma_onlooker *onlooker);

/* What one pass over the layers may take: half of the memory that the context has left. */
typedef struct hma_room {
    uint64_t bytes;
    uint64_t row, answer; /* bytes of a token, and of a position that is asked for */
    size_t rows;          /* and never more tokens than that */
} hma_room;
hma_room hma_model_room(const hma_model *model);
/* Tokens for which nothing is asked, in one pass; at least 1. */
size_t hma_model_pass_rows(const hma_model *model);

/*
 * Says at which depths (numbers of leading layers, rising) the models that this one will be bound to part from it: what passes
 * leave there is kept (trunk.h). All layers are a depth too: passes of the same model may go on from one another. Depths that
 * mean nothing for the model are ignored. Changes nothing but time and memory.
 */
hma_status hma_model_keep(hma_model *model, const size_t *depths, size_t count);

/* ---- generate.c, guesses.c ---- */

/* Checks a request and makes room for its answer. *prompt is what is left of its prompt after cutting. */
hma_status hma_generation_begin(const hma_model *model, hma_generation *request, size_t number, hma_ids *prompt);
/* What a new token does to its reply; true when the reply is finished. */
bool hma_generation_take(const hma_model *model, hma_generation *request, size_t number, int32_t id, hma_stop_fn stop,
                         void *user);
/* hma_generate_watched() without looking at guesses. */
hma_status hma_generate_plainly(hma_model *model, hma_generation *requests, size_t count, const hma_onlooker *onlooker);

/*
 * A model of another source that generates in step with the leader (hma_generate_together()), whose weights are streamed: both
 * read into the same memory. `tokens` bounds how many different tokens it will be given. The leader must not be bound to
 * another source before the other one is closed.
 * @return HMA_INCOMPATIBLE when the two cannot go together.
 */
hma_status hma_model_open_beside(hma_model **out, hma_model *leader, const hma_source *source, size_t tokens);

/* What all values of the model follow from, as text: models with equal identities give equal answers. */
enum { HMA_MODEL_IDENTITY = HMA_WEIGHTS_IDENTITY };
void hma_model_identity(const hma_model *model, char key[HMA_MODEL_IDENTITY]);

/* One of several models that generate in step: the leader first, the others beside it. */
typedef struct hma_companion {
    hma_model *model;
    hma_generation *requests; /* [count] */
    size_t count;
    hma_stop_fn stop; /* may be NULL */
    void *stop_user;
} hma_companion;

/*
 * Generates for all of them: prompts one model after the other, then every step of all replies of all models in one pass over
 * the layers, each of which is read once. The same replies as hma_model_generate() gives; guesses are not looked at.
 */
hma_status hma_generate_together(const hma_companion *companions, size_t count);
/* Bytes of keys and values of all requests at once: what a companion takes at most while it generates. */
uint64_t hma_generation_bytes(const hma_model *model, const hma_generation *requests, size_t count);

/* Whether its weights stay in memory. */
bool hma_model_resident(const hma_model *model);

/* Whether an answer has the same bits whatever shares its batch. */
bool hma_model_invariant(const hma_model *model);

#endif
