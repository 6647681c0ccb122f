/*
 * The transformer: scores and generates with the tensors of an hma_source (a checkpoint or a merged view) on the CPU.
 *
 * One forward pass reads a table-driven description of the architecture (hma_model_describe() says which one a folder
 * has and whether it can be scored). All requests of a call are batched: sequences that share leading tokens share
 * their computation, nothing is padded, logits are computed at scored positions only. Layers are visited once per call:
 * merged, packed, run over all tokens, dropped - or kept resident when generation needs them and memory allows.
 *
 * Reference: transformers, eager attention, fp32, one sequence at a time.
 */
#ifndef HMA_MODEL_H
#define HMA_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/checkpoint.h"
#include "hma/context.h"
#include "hma/error.h"
#include "hma/merge.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_model hma_model;

typedef enum hma_precision {
    HMA_FP32 = 0, /* reference */
    HMA_BF16_COMPUTE /* activations rounded to bf16 at the inputs of matrix products; residual and softmax fp32 */
} hma_precision;

typedef enum hma_backend {
    HMA_BACKEND_AUTO = 0,
    HMA_BACKEND_OPENBLAS,
    HMA_BACKEND_NAIVE,
    HMA_BACKEND_NATIVE
} hma_backend;

/* What a folder's config.json describes. Text fields point into the description. */
typedef struct hma_description {
    char architecture[96];  /* config.json "architectures"[0] */
    char model_type[64];
    bool scorable;
    char why_not[256];      /* "" when scorable */
    bool reward_head;       /* sequence classification with one output */
    bool tied_head;
    size_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocabulary, max_length;
    uint64_t parameters;    /* elements of all weight tensors, a tied head counted once */
} hma_description;

HMA_API HMA_MUST_CHECK hma_status hma_model_describe(hma_description *out, const hma_checkpoint *checkpoint);

typedef struct hma_model_options {
    hma_precision precision;
    hma_backend backend;
} hma_model_options;

/* Name of the kernels that models with these options compute with ("avx512", "openblas Haswell", ..); the last bits of scores
 * depend on it. `options` may be NULL. Static memory. HMA_USAGE when this processor cannot have the backend. */
HMA_API HMA_MUST_CHECK hma_status hma_model_kernels(const char **name, const hma_model_options *options);

/*
 * Prepares a model. The source and the context must outlive it. Every tensor that the architecture needs is looked up and
 * its shape checked now; data is read when it is needed. `options` may be NULL.
 * @return HMA_BAD_DATA for an architecture that is not supported (by name), a tensor that is missing or has another shape.
 */
HMA_API HMA_MUST_CHECK hma_status hma_model_open(hma_model **out, hma_context *context, const hma_source *source,
                                                 const hma_model_options *options);
/*
 * Points a model at another source of the same architecture (another merge of the same pair): memory is kept, and so is what
 * both have in common, so that a sweep pays for it once. The new source must outlive the model, or what is asked of it.
 * @return HMA_INCOMPATIBLE when the source has other tensors; the model then stays as it was.
 */
HMA_API HMA_MUST_CHECK hma_status hma_model_rebind(hma_model *model, const hma_source *source);
HMA_API void hma_model_close(hma_model *model);
HMA_API const hma_description *hma_model_description(const hma_model *model);
/* Ids that end a generation: generation_config.json's eos_token_id (one or a list), else config.json's. */
HMA_API size_t hma_model_eos(const hma_model *model, const int32_t **ids);
/* config.json's bos_token_id and pad_token_id, -1 when there is none. */
HMA_API int32_t hma_model_bos(const hma_model *model);
HMA_API int32_t hma_model_pad(const hma_model *model);

/* A run of token ids, borrowed. */
typedef struct hma_ids {
    const int32_t *ids;
    size_t count;
} hma_ids;

typedef struct hma_loglikelihood {
    hma_ids context;      /* may be empty only if the caller has put a prefix token elsewhere: at least one token in all
                             must stand before the first continuation token */
    hma_ids continuation; /* at least one token, at most max_length */
    /* answers */
    double logprob; /* sum over the continuation of the log-softmax (nats) */
    bool greedy;    /* every continuation token is the (first) argmax */
} hma_loglikelihood;

/*
 * Scores continuations. Input is (context + continuation)[-(max_length+1):][:-1], as in lm-evaluation-harness.
 * @return HMA_BAD_DATA (id outside the vocabulary, continuation too long or empty), HMA_NON_FINITE, HMA_INTERRUPTED.
 */
HMA_API HMA_MUST_CHECK hma_status hma_model_loglikelihood(hma_model *model, hma_loglikelihood *requests, size_t count);

/* Logits of the last position of each sequence, into logits[count, vocabulary]. Sequences are cut on the left to max_length. */
HMA_API HMA_MUST_CHECK hma_status hma_model_logits(hma_model *model, const hma_ids *sequences, size_t count, float *logits);

/*
 * Value of the one-row classification head at the last position whose id is not the pad token, into rewards[count].
 * Reference: transformers GenericForSequenceClassification. Sequences longer than max_length are HMA_BAD_DATA.
 */
HMA_API HMA_MUST_CHECK hma_status hma_model_reward(hma_model *model, const hma_ids *sequences, size_t count, double *rewards);

/* Says after each new token whether a sequence is finished (stop strings live with the tokenizer, not here). Called from
 * several threads, for different requests. */
typedef bool (*hma_stop_fn)(void *user, size_t request, const int32_t *new_ids, size_t count);

typedef struct hma_generation {
    hma_ids prompt;      /* cut on the left to max_length - max_tokens */
    size_t max_tokens;
    double temperature;  /* 0: greedy (first argmax) */
    size_t top_k;        /* 0: off */
    double top_p;        /* 1: off */
    uint64_t seed;       /* a draw is keyed by (seed, stream, sample, position, token): equal keys, equal noise, whatever */
    uint64_t stream;     /* the model - common random numbers for all candidates. `stream` is the prompt's own number. */
    uint32_t sample;
    uint32_t position;   /* of the first new token in its key: a reply that goes on draws as one that was never cut */
    const hma_ids *guesses; /* what the reply may be, the likeliest first (replies of similar models); borrowed. Right */
    size_t guess_count;     /* guesses save time, wrong ones cost a little, none changes the reply. */
    /* answers: new ids, cut before the first eos, including the token on which the stop function said yes */
    int32_t *ids;        /* freed with hma_generation_clear() */
    size_t count;
    bool ended;          /* by eos or stop, not by max_tokens */
} hma_generation;

/*
 * Generates for all requests, batched with a KV cache. `stop` may be NULL.
 * Sampling is by Gumbel-max: argmax of logit/temperature + noise(key), which samples the softmax exactly.
 */
HMA_API HMA_MUST_CHECK hma_status hma_model_generate(hma_model *model, hma_generation *requests, size_t count, hma_stop_fn stop,
                                                     void *user);
HMA_API void hma_generation_clear(hma_generation *requests, size_t count);

/*
 * Two models of one vocabulary side by side, which say (1-ratio) log p_pre + ratio log p_post, renormalised: what is decoded
 * from when predictions are averaged instead of weights (Shi et al., "Decoding-time language model alignment with multiple
 * objectives", 2024). Every token costs both models. Sequences are cut to the shorter of both contexts; post's end-of-sequence
 * ids count. The models must not be used otherwise while a call runs.
 */
typedef struct hma_mixture {
    hma_model *pre, *post;
    double ratio; /* 0..1 */
} hma_mixture;

/* As hma_model_loglikelihood() and hma_model_generate(), with the same noise for the same keys.
 * @return HMA_INCOMPATIBLE when the vocabularies have different sizes. */
HMA_API HMA_MUST_CHECK hma_status hma_mixture_loglikelihood(const hma_mixture *mixture, hma_loglikelihood *requests,
                                                            size_t count);
HMA_API HMA_MUST_CHECK hma_status hma_mixture_generate(const hma_mixture *mixture, hma_generation *requests, size_t count,
                                                       hma_stop_fn stop, void *user);

/* What was computed so far, for estimates and benchmarks. */
typedef struct hma_model_counters {
    uint64_t tokens;        /* positions run through the layers */
    uint64_t tokens_shared; /* positions saved because a prefix was shared */
    uint64_t generated;     /* new tokens */
    double flops;           /* useful floating point operations in matrix products and attention */
    double seconds_merge;   /* reading, merging, packing */
    double seconds_compute;
} hma_model_counters;
HMA_API hma_model_counters hma_model_count(const hma_model *model);

#ifdef __cplusplus
}
#endif
#endif
