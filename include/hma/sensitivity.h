/*
 * Sensitivity: which layers and which kinds of tensors buy alignment when their ratio grows, and which cost retention.
 *
 * Two log-likelihoods are looked at, both under one merge: that of replies with high reward (post's own best-rewarded replies
 * to the search prompts, or texts of the user's), and that of the gold answers of the suite's retention tasks. For each layer
 * and kind of tensor the exact derivative by its ratio is told, with a standard error over texts. Only search prompts and
 * search items are used, so that what is learned here may guide a search.
 */
#ifndef HMA_SENSITIVITY_H
#define HMA_SENSITIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"
#include "hma/eval.h"
#include "hma/merge.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A derivative by a ratio, or a value, in nats per token. */
typedef struct hma_slope {
    double value;
    double error; /* standard error over texts, their lengths taken into account; NaN with fewer than two */
} hma_slope;

/* Texts whose log-likelihood is looked at. */
typedef struct hma_sensitivity_measure {
    char *name;     /* "replies", or a task's name */
    char *category; /* NULL for the replies */
    size_t texts, tokens;
    hma_slope likelihood; /* mean log-likelihood of a token at these ratios */
} hma_sensitivity_measure;

/* What of the model moves. */
typedef enum hma_scope {
    HMA_SCOPE_PART = 0, /* one kind of tensor in one layer, or outside of the layers */
    HMA_SCOPE_LAYER,    /* all of one layer, or all that is outside */
    HMA_SCOPE_KIND,     /* one kind everywhere */
    HMA_SCOPE_ALL
} hma_scope;

#define HMA_OUTSIDE_LAYERS SIZE_MAX

typedef struct hma_sensitivity_row {
    hma_scope scope;
    size_t layer;         /* of a part or a layer; HMA_OUTSIDE_LAYERS */
    hma_tensor_kind kind; /* of a part or a kind */
    uint64_t elements;
    hma_slope replies;   /* gained by the likelihood of the replies, for a unit of ratio */
    hma_slope retention; /* mean over categories of the means over their tasks; tasks taken as independent */
    hma_slope *measures; /* [measure_count] */
} hma_sensitivity_row;

typedef struct hma_sensitivity {
    size_t measure_count; /* the replies first, then the tasks */
    hma_sensitivity_measure *measures;
    hma_slope retention; /* likelihood of the gold answers, put together as a row's */
    size_t row_count;    /* parts in order of the layers, what is outside last; layers; kinds; all */
    hma_sensitivity_row *rows;
} hma_sensitivity;

typedef struct hma_sensitivity_options {
    hma_model_options model; /* precision must be HMA_FP32 */
    hma_bos bos;
    const char *texts; /* file with the replies, a line {"prompt":"..","response":".."} each; NULL: post's own */
    size_t best,
        drawn;    /* of post's own replies: so many of the highest reward, and so many drawn from them; 0: half, two fifths */
    size_t limit; /* items of each task, and prompts, at most; 0: the suite's own limits */
} hma_sensitivity_options;

/*
 * Computes it at the ratios of `recipe`, whose output type and rounding are not looked at: the merge is not rounded. `options`
 * may be NULL. *out is freed with hma_sensitivity_free().
 * @return HMA_USAGE when there is nothing to look at, or it is to be computed in another precision than fp32.
 */
HMA_API HMA_MUST_CHECK hma_status hma_sensitivity_compute(hma_sensitivity **out, hma_context *context,
                                                          const hma_checkpoint *pre, const hma_checkpoint *post,
                                                          const hma_suite *suite, const hma_recipe *recipe,
                                                          const hma_sensitivity_options *options);
HMA_API void hma_sensitivity_free(hma_sensitivity *sensitivity);

#ifdef __cplusplus
}
#endif
#endif
