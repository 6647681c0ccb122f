/* Sources: how one is put together. What happens when it is read: source_read.c. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "checkpoint/buffers.h"
#include "checkpoint/config.h"
#include "checkpoint/serial.h"
#include "merge/compatible.h"
#include "merge/origin.h"
#include "merge/recipe_parts.h"
#include "merge/source_parts.h"

void hma_source_free(hma_source *source) {
    if (source) {
        for (size_t i = 0; i < source->count; i++) {
            hma_source_free_pending(source->tensors[i].pending);
        }
        hma_recipe_free(source->recipe);
        free(source->tensors);
        free(source);
    }
}

static hma_status new_source(hma_source **out, const hma_checkpoint *pre, const hma_checkpoint *post) {
    hma_source *source = HMA_NEW(hma_source, 1);
    if (!source) {
        return HMA_FAILURE;
    }
    source->tensors = HMA_NEW(hma_source_entry, hma_checkpoint_tensor_count(post));
    if (!source->tensors) {
        free(source);
        return HMA_FAILURE;
    }
    source->pre = pre;
    source->post = post;
    source->described = post;
    source->kernels = hma_kernels_best();
    *out = source;
    return HMA_OK;
}

/* ---- one checkpoint ---- */

hma_status hma_source_plain(hma_source **out, const hma_checkpoint *checkpoint) {
    hma_source *source;
    const hma_status status = new_source(&source, NULL, checkpoint);
    if (status != HMA_OK) {
        return status;
    }
    source->count = hma_checkpoint_tensor_count(checkpoint);
    for (size_t i = 0; i < source->count; i++) {
        const hma_tensor *tensor = hma_checkpoint_tensor(checkpoint, i);
        const bool weight = hma_dtype_is_weight(tensor->dtype) && !hma_tensor_is_buffer(tensor->name);
        source->tensors[i] = (hma_source_entry){.out = *tensor, .post = tensor,
                                                .how = weight ? HMA_COPY_FINITE : HMA_COPY_BITS};
    }
    *out = source;
    return HMA_OK;
}

/* ---- two checkpoints ---- */

static hma_status check_layers(const hma_recipe *recipe, const hma_checkpoint *post) {
    size_t layers = 0;
    const hma_status status = hma_checkpoint_layers(post, &layers);
    if (status == HMA_OK && layers != recipe->layers) {
        return hma_error(HMA_USAGE, "recipe: is for %zu layers (expected %zu, as %s has): make it for these checkpoints",
                         recipe->layers, layers, hma_checkpoint_folder(post));
    }
    return status;
}

/* The part of two tensors that both have: all of it, or the rows of tokens that both know. */
static bool find_common(const hma_source *source, const hma_tensor *pre, const hma_tensor *post, uint64_t *common) {
    if (pre->dtype != post->dtype || pre->rank != post->rank) {
        return false;
    }
    *common = hma_min_u64(pre->elements, post->elements);
    if (pre->elements == post->elements) {
        return true;
    }
    return source->recipe->extra_rows != HMA_EXTRA_ROWS_NONE && hma_tensor_has_vocabulary_rows(post->name);
}

static hma_status refuse_donor(const hma_source *source, const hma_tensor *pre, const hma_tensor *post) {
    const bool from_pre = source->recipe->extra_rows == HMA_EXTRA_ROWS_PRE;
    return hma_error(
        HMA_INCOMPATIBLE,
        "%s: tensor \"%.200s\" has no rows beyond those of %s, whose %llu rows are more than %llu "
        "(expected the extra rows of the larger vocabulary): take them from %s (--extra-rows %s)",
        hma_checkpoint_folder(source->described), post->name, hma_checkpoint_folder(from_pre ? source->post : source->pre),
        (unsigned long long)(from_pre ? post : pre)->shape[0], (unsigned long long)(from_pre ? pre : post)->shape[0],
        from_pre ? "post" : "pre", from_pre ? "post" : "pre");
}

static hma_status not_the_same(const hma_source *source, const char *name, const hma_checkpoint *than) {
    return hma_error(HMA_INCOMPATIBLE, "%s: tensor \"%.200s\" is not the same as in %s (expected equal types and shapes): use "
                     "checkpoints of one model", hma_checkpoint_folder(source->post), name, hma_checkpoint_folder(than));
}

/* Type, shape, and of which elements the tensor is made. */
static hma_status shape_merged(hma_source *source, hma_source_entry *tensor) {
    const hma_tensor *pre = tensor->pre, *post = tensor->post;
    if (!pre || !find_common(source, pre, post, &tensor->common)) {
        return not_the_same(source, post->name, source->pre);
    }
    const hma_tensor *donor = source->recipe->extra_rows == HMA_EXTRA_ROWS_PRE ? pre : post;
    if (donor->elements < hma_max_u64(pre->elements, post->elements)) {
        return refuse_donor(source, pre, post);
    }
    memcpy(tensor->out.shape, donor->shape, sizeof donor->shape);
    tensor->out.elements = donor->elements;
    if (source->base) {
        const hma_tensor *base = hma_checkpoint_find(source->base, post->name);
        if (!base || base->dtype != post->dtype || base->elements < tensor->common) {
            return not_the_same(source, post->name, source->base);
        }
        tensor->base = base;
    }
    return HMA_OK;
}

/*
 * How one tensor of post is merged. Buffers carry nothing that was learned and come from post as they are; those that only
 * pre has do not appear. A copy of a tied head that only one of the two has does not appear either: it would not be the copy
 * of the merged embedding.
 */
static hma_status add_merged(hma_source *source, const hma_tensor *post, bool tied_head) {
    const hma_tensor *pre = hma_checkpoint_find(source->pre, post->name);
    hma_source_entry *tensor = &source->tensors[source->count];
    *tensor = (hma_source_entry){.out = *post, .pre = pre, .post = post, .how = HMA_COPY_BITS};
    const bool everywhere = pre && (!source->base || hma_checkpoint_find(source->base, post->name));
    if (!everywhere && hma_tensor_is_tied_copy(source->post, post->name)) {
        return HMA_OK;
    }
    source->count++;
    if (hma_tensor_is_buffer(post->name)) {
        return HMA_OK;
    }
    const hma_status status = shape_merged(source, tensor);
    if (status != HMA_OK) {
        return status;
    }
    if (post->dtype == HMA_F64) {
        return hma_error(HMA_BAD_DATA, "%s: tensor \"%.200s\" is F64 (expected F32, F16 or BF16): save the model in one of "
                         "these", hma_checkpoint_folder(source->post), post->name);
    }
    if (!hma_dtype_is_weight(post->dtype)) {
        tensor->how = HMA_COPY_EQUAL;
        return HMA_OK;
    }
    tensor->how = HMA_BLEND;
    tensor->out.dtype = source->recipe->dtype == HMA_DTYPE_STORED ? post->dtype : (hma_dtype)source->recipe->dtype;
    tensor->out.bytes = tensor->out.elements * hma_dtype_size(tensor->out.dtype);
    return hma_source_choose_blend(source, tensor, tied_head);
}

/* An override that does nothing is a misspelt name. */
static hma_status check_overrides(const hma_source *source) {
    const hma_overrides *overrides = &source->recipe->overrides;
    for (size_t i = 0; i < overrides->count; i++) {
        bool used = false;
        for (size_t t = 0; !used && t < source->count; t++) {
            const hma_source_entry *tensor = &source->tensors[t];
            used = tensor->how == HMA_BLEND && hma_override_matches(&overrides->list[i], tensor->out.name);
        }
        if (!used) {
            return hma_error(HMA_USAGE, "tensors: \"%s\" matches no tensor of %s (expected a name such as %s, or a pattern): "
                             "correct it", overrides->list[i].glob, hma_checkpoint_folder(source->post),
                             source->count ? source->tensors[source->count / 2].out.name : "model.norm.weight");
        }
    }
    return HMA_OK;
}

static hma_status check_models(const hma_checkpoint *pre, const hma_checkpoint *post, const hma_checkpoint *base,
                               const hma_recipe *recipe) {
    if (recipe->base == HMA_BASE_MODEL && !base) {
        return hma_error(HMA_USAGE,
                         "recipe: takes its deltas from a third model (expected one, \"base\" is \"model\"): name it "
                         "(--base), or make the recipe without");
    }
    hma_status status = hma_check_compatible(pre, post, recipe->extra_rows != HMA_EXTRA_ROWS_NONE);
    if (status == HMA_OK && recipe->base == HMA_BASE_MODEL) {
        status = hma_check_base(pre, base, recipe->extra_rows != HMA_EXTRA_ROWS_NONE);
    }
    return status;
}

hma_status hma_source_merged_from(hma_source **out, const hma_checkpoint *pre, const hma_checkpoint *post,
                                  const hma_checkpoint *base, const hma_recipe *recipe) {
    hma_status status = check_models(pre, post, base, recipe);
    if (status == HMA_OK) {
        status = check_layers(recipe, post);
    }
    hma_source *source = NULL;
    if (status == HMA_OK) {
        status = new_source(&source, pre, post);
    }
    if (status == HMA_OK) {
        source->base = recipe->base == HMA_BASE_MODEL ? base : NULL;
        source->described = recipe->extra_rows == HMA_EXTRA_ROWS_PRE ? pre : post;
        status = hma_recipe_copy(&source->recipe, recipe);
    }
    const bool tied_head = hma_checkpoint_tied_head(post);
    for (size_t i = 0; status == HMA_OK && i < hma_checkpoint_tensor_count(post); i++) {
        status = add_merged(source, hma_checkpoint_tensor(post, i), tied_head);
    }
    if (status == HMA_OK) {
        status = check_overrides(source);
    }
    if (status != HMA_OK) {
        hma_source_free(source);
        return status;
    }
    *out = source;
    return HMA_OK;
}

hma_status hma_source_merged(hma_source **out, const hma_checkpoint *pre, const hma_checkpoint *post,
                             const hma_recipe *recipe) {
    return hma_source_merged_from(out, pre, post, NULL, recipe);
}

/* ---- questions ---- */

size_t hma_source_tensor_count(const hma_source *source) { return source->count; }

const hma_tensor *hma_source_tensor(const hma_source *source, size_t index) {
    return index < source->count ? &source->tensors[index].out : NULL;
}

size_t hma_source_index(const hma_source *source, const hma_tensor *tensor) {
    return (size_t)((const hma_source_entry *)(const void *)tensor - source->tensors);
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t bits_of_key(hma_rng_key key) { return (uint64_t)key.word[0] << 32 | key.word[1]; }

/* What a pending blend will be follows from the rest: models, method and density. */
hma_origin_of_values hma_source_origin(const hma_source *source, const hma_tensor *tensor) {
    const hma_source_entry *entry = &source->tensors[hma_source_index(source, tensor)];
    hma_origin_of_values origin = {.word = {hma_checkpoint_serial(source->post),
                                            source->pre ? hma_checkpoint_serial(source->pre) : 0, (uint64_t)entry->how}};
    if (entry->how == HMA_BLEND) {
        const hma_blend *blend = &entry->blend;
        origin.word[2] |= (uint64_t)blend->from << 8 | (uint64_t)blend->to << 16 | (uint64_t)blend->stochastic << 24 |
                          (uint64_t)blend->form << 32 | (uint64_t)(source->described == source->pre) << 40;
        origin.word[3] = bits_of(blend->ratio);
        origin.word[4] = blend->stochastic ? bits_of_key(blend->key) : 0;
        if (blend->form != HMA_FORM_LINEAR) {
            origin.word[5] = entry->base ? hma_checkpoint_serial(source->base) : 0;
            origin.word[6] = bits_of(blend->lambda);
            origin.word[7] = bits_of(source->recipe->density);
            origin.word[8] = bits_of_key(blend->keep[1].key);
        }
    }
    return origin;
}

static int by_name(const void *name, const void *tensor) { return strcmp(name, ((const hma_source_entry *)tensor)->out.name); }

const hma_tensor *hma_source_find(const hma_source *source, const char *name) {
    const hma_source_entry *found = bsearch(name, source->tensors, source->count, sizeof *source->tensors, by_name);
    return found ? &found->out : NULL;
}

const hma_checkpoint *hma_source_described_by(const hma_source *source) { return source->described; }
const hma_checkpoint *hma_source_post(const hma_source *source) { return source->post; }
const hma_checkpoint *hma_source_base(const hma_source *source) { return source->base; }
const hma_checkpoint *hma_source_pre(const hma_source *source) { return source->pre; }
const hma_recipe *hma_source_recipe(const hma_source *source) { return source->recipe; }
