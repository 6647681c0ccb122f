/*
 * Merging: a merged model is a view of (pre, post, recipe), never a folder, until hma_merge_write() is asked for one.
 *
 * hma_source is what the transformer and the writer both read from: named tensors, in blocks, already merged and already
 * rounded to the output type. A plain checkpoint is a source as well; readers cannot tell the difference.
 *
 *   merged = round_to_dtype( (1-a) * pre + a * post ),  computed in fp64, rounded once
 *
 * and likewise for the other methods of hma/recipe.h. Those that need to know a whole tensor first (the angle of slerp, the
 * border of what ties keeps) read it once or twice before its first element, a block at a time; no more than that is held in
 * memory.
 *
 * Vocabularies that differ in size are merged by recipes with extra rows only: common rows are merged, the others are the named
 * donor's, which must be the model that has them. Nothing is cut off. Config and tokenizer are the donor's.
 *
 * a = 0 and a = 1 copy bits; where pre and post are bit-equal the output is bit-equal. A NaN or an infinity in an input is
 * HMA_NON_FINITE, naming tensor and index, also where the ratio is 0 or 1. So is a result beyond the range of the output type.
 *
 * What is not learned: buffers of old files (attention masks, rotary frequencies) come from post as they are, and those that
 * only pre has are left out; other tensors of integer type must be bit-equal and are copied. A tied head that is stored
 * nevertheless takes the embedding's ratio, and is left out when only one of the two has it.
 */
#ifndef HMA_MERGE_H
#define HMA_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/checkpoint.h"
#include "hma/context.h"
#include "hma/error.h"
#include "hma/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_source hma_source;

/* A source over one checkpoint, which must outlive it. */
HMA_API HMA_MUST_CHECK hma_status hma_source_plain(hma_source **out, const hma_checkpoint *checkpoint);

/*
 * A source over a merge. Both checkpoints must outlive it; the recipe is copied.
 * @return HMA_INCOMPATIBLE with the first of hma_checkpoint_compare()'s problems and their number; HMA_USAGE when the recipe is
 *         for another number of layers, or one of its tensor patterns matches nothing.
 */
HMA_API HMA_MUST_CHECK hma_status hma_source_merged(hma_source **out, const hma_checkpoint *pre, const hma_checkpoint *post,
                                                    const hma_recipe *recipe);

/*
 * The same with a third checkpoint, from which recipes whose base is HMA_BASE_MODEL take their deltas; other recipes do not
 * look at it, and without one hma_source_merged() refuses those with HMA_USAGE. `base` may be NULL and must outlive the source.
 * @return HMA_INCOMPATIBLE when pre and base are no checkpoints of one model.
 */
HMA_API HMA_MUST_CHECK hma_status hma_source_merged_from(hma_source **out, const hma_checkpoint *pre,
                                                         const hma_checkpoint *post, const hma_checkpoint *base,
                                                         const hma_recipe *recipe);
HMA_API void hma_source_free(hma_source *source);

/* The tensors of the source in byte order of names; `dtype` and `bytes` are those of the output. */
HMA_API size_t hma_source_tensor_count(const hma_source *source);
HMA_API const hma_tensor *hma_source_tensor(const hma_source *source, size_t index);
HMA_API const hma_tensor *hma_source_find(const hma_source *source, const char *name);

/* Folder whose config.json and tokenizer describe the model: the checkpoint's, for a merge post's, or those of the donor of the
 * extra rows. */
HMA_API const hma_checkpoint *hma_source_described_by(const hma_source *source);
/* NULL for a plain source. */
HMA_API const hma_recipe *hma_source_recipe(const hma_source *source);

/*
 * Reads `count` elements from element `first` on: merged, rounded to the tensor's dtype, and then either as stored
 * (hma_source_read, count * size of dtype bytes) or widened to fp32 (hma_source_read_f32, weight types only). `tensor` is one
 * of this source's own, `destination` is aligned for its elements. The bytes do not depend on how a tensor is cut into reads.
 * Thread rule: any number of threads may read one source at once.
 * @return HMA_NON_FINITE, HMA_IO, HMA_INCOMPATIBLE (integers that differ), HMA_USAGE (elements that do not exist).
 */
HMA_API HMA_MUST_CHECK hma_status hma_source_read(const hma_source *source, const hma_tensor *tensor, uint64_t first,
                                                  uint64_t count, void *destination);
HMA_API HMA_MUST_CHECK hma_status hma_source_read_f32(const hma_source *source, const hma_tensor *tensor, uint64_t first,
                                                      uint64_t count, float *destination);

/* What rounding to the output type did to the weights. lost / differing is the share of interpolations that were lost. */
typedef struct hma_rounding_loss {
    uint64_t elements;     /* all */
    uint64_t differing;    /* pre and post differ, and 0 < a < 1 */
    uint64_t lost;         /* of those: rounding to nearest gave what pre or post alone would have given; 0 for stochastic
                              rounding, which loses nothing on average */
    double error_norm;     /* L2 of (rounded - exact) over all elements */
    double delta_norm;     /* L2 of (post - pre) over all elements */
} hma_rounding_loss;

/* Kinds for which losses are kept apart. */
typedef enum hma_tensor_kind {
    HMA_KIND_EMBEDDING = 0,
    HMA_KIND_ATTENTION,
    HMA_KIND_MLP,
    HMA_KIND_NORM,
    HMA_KIND_HEAD,
    HMA_KIND_OTHER,
    HMA_KIND_COUNT
} hma_tensor_kind;
HMA_API const char *hma_tensor_kind_name(hma_tensor_kind kind);

typedef struct hma_merge_report {
    uint64_t bytes;       /* of tensor data */
    size_t tensors;
    size_t shards;
    hma_rounding_loss total;
    hma_rounding_loss kind[HMA_KIND_COUNT];
    size_t slerp_tensors; /* of slerp: that took a ratio between 0 and 1, */
    size_t slerp_linear;  /* and of those the ones so nearly parallel that they were averaged linearly */
} hma_merge_report;

typedef struct hma_merge_options {
    uint64_t shard_size;      /* bytes a shard may hold; 0: 5 GB, as the Hugging Face tools */
    bool force;               /* replace an existing folder: an empty one, or a model and all beside it unless it is a run */
    bool dry_run;             /* check everything and compute the report, write nothing */
    const char *donor;        /* "post" (default when NULL) or "pre": whose config, tokenizer and templates are copied */
    const char *command_line; /* for the model card and hma-recipe.json; may be NULL */
    const char *scores_json;  /* the same: a JSON object; may be NULL */
} hma_merge_options;

/*
 * Writes a merged source as a complete Hugging Face folder: config (byte for byte the donor's, apart from the dtype when that
 * changes), generation config, every tokenizer and template file, model.safetensors or shards with an index, README.md (model
 * card), hma-recipe.json (recipe, digests of the inputs, SHA-256 of every file written). Memory does not grow with the model.
 * The same inputs and options give the same bytes. Everything is written beside `folder`, flushed, read back, and renamed into
 * place in one step; on any failure nothing is left behind. `options` and `report` may be NULL.
 *
 * Warns through the log when rounding loses more than 20 % of the interpolations.
 * @return HMA_IO, HMA_NON_FINITE, HMA_INTERRUPTED, HMA_USAGE (the source is a single checkpoint; `folder` exists and `force` is
 *         not set, or what exists is no model folder, holds what no merge writes, or is a link; it is one of the inputs, lies in one or contains one).
 */
HMA_API HMA_MUST_CHECK hma_status hma_merge_write(hma_context *context, const hma_source *source, const char *folder,
                                                  const hma_merge_options *options, hma_merge_report *report);

/* What separates post from pre, for one tensor or summed over several. */
typedef struct hma_delta {
    double l2;       /* L2 norm of post - pre */
    double relative; /* l2 / L2 norm of pre; NaN when pre is all zero */
    double max_abs;
    double cosine;   /* between pre and post; NaN when one of them is all zero */
    double changed;  /* share of elements whose values differ (0 and -0 do not) */
    uint64_t elements;
} hma_delta;

typedef struct hma_diff {
    size_t tensor_count;
    const hma_tensor **tensors; /* [tensor_count], owned by pre */
    hma_delta *tensor;          /* [tensor_count] */
    size_t layer_count;
    hma_delta *layer;           /* [layer_count] */
    size_t block_count;
    size_t *block_start;        /* [block_count] */
    hma_delta *block;           /* [block_count] */
    hma_delta kind[HMA_KIND_COUNT];
    hma_delta total;
} hma_diff;

/*
 * Compares two compatible checkpoints; sums in fp64, in an order that does not depend on threads. Tensors are those of weight
 * types, without the buffers that are not learned. `blocks` is as in hma_recipe_spec; NULL: one block. Free with
 * hma_diff_free(). NaN and infinity are HMA_NON_FINITE.
 */
HMA_API HMA_MUST_CHECK hma_status hma_diff_compute(hma_context *context, hma_diff **out, const hma_checkpoint *pre,
                                                   const hma_checkpoint *post, const char *blocks);
HMA_API void hma_diff_free(hma_diff *diff);

/*
 * Checks a checkpoint folder: headers, number of layers, every weight finite, and, where the folder has a hma-recipe.json, that
 * every file still has the SHA-256 recorded there. *report is a few lines of text, freed with hma_text_free().
 * @return HMA_BAD_DATA naming the file that has changed, HMA_NON_FINITE, HMA_IO.
 */
HMA_API HMA_MUST_CHECK hma_status hma_checkpoint_verify(hma_context *context, const char *folder, char **report);

/* Layers of a checkpoint: config.json's count, checked against the tensor names. */
HMA_API HMA_MUST_CHECK hma_status hma_checkpoint_layers(const hma_checkpoint *checkpoint, size_t *layers);

#ifdef __cplusplus
}
#endif
#endif
