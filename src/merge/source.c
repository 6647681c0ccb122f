/* Sources: how one is put together. What happens when it is read: source_read.c. */
#include <stdlib.h>
#include <string.h>

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

static hma_status blend_of(hma_blend *out, const hma_recipe *recipe, const hma_tensor *tensor, bool tied_head) {
    static const char purpose[] = "rounding ";
    hma_blend blend = {.from = tensor->dtype,
                       .to = recipe->dtype == HMA_DTYPE_STORED ? tensor->dtype : (hma_dtype)recipe->dtype,
                       .ratio = hma_recipe_tensor_ratio(recipe, tensor, tied_head),
                       .stochastic = recipe->rounding == HMA_ROUND_STOCHASTIC};
    const size_t length = strlen(tensor->name);
    char *text = HMA_NEW(char, sizeof purpose + length);
    if (!text) {
        return HMA_FAILURE;
    }
    memcpy(text, purpose, sizeof purpose - 1);
    memcpy(text + sizeof purpose - 1, tensor->name, length);
    blend.key = hma_rng_key_for(recipe->seed, text);
    free(text);
    *out = blend;
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
    if (!pre && hma_tensor_is_tied_copy(source->post, post->name)) {
        return HMA_OK;
    }
    source->count++;
    if (hma_tensor_is_buffer(post->name)) {
        return HMA_OK;
    }
    if (!pre || pre->dtype != post->dtype || pre->elements != post->elements) {
        return hma_error(HMA_INCOMPATIBLE, "%s: tensor \"%.200s\" is not the same as in %s (expected equal types and shapes): "
                         "use checkpoints of one model", hma_checkpoint_folder(source->post), post->name,
                         hma_checkpoint_folder(source->pre));
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
    const hma_status status = blend_of(&tensor->blend, source->recipe, post, tied_head);
    tensor->out.dtype = tensor->blend.to;
    tensor->out.bytes = tensor->out.elements * hma_dtype_size(tensor->blend.to);
    return status;
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

hma_status hma_source_merged(hma_source **out, const hma_checkpoint *pre, const hma_checkpoint *post,
                             const hma_recipe *recipe) {
    hma_status status = hma_check_compatible(pre, post);
    if (status == HMA_OK) {
        status = check_layers(recipe, post);
    }
    hma_source *source = NULL;
    if (status == HMA_OK) {
        status = new_source(&source, pre, post);
    }
    if (status == HMA_OK) {
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

/* ---- questions ---- */

size_t hma_source_tensor_count(const hma_source *source) { return source->count; }

const hma_tensor *hma_source_tensor(const hma_source *source, size_t index) {
    return index < source->count ? &source->tensors[index].out : NULL;
}

size_t hma_source_index(const hma_source *source, const hma_tensor *tensor) {
    return (size_t)((const hma_source_entry *)(const void *)tensor - source->tensors);
}

hma_origin_of_values hma_source_origin(const hma_source *source, const hma_tensor *tensor) {
    const hma_source_entry *entry = &source->tensors[hma_source_index(source, tensor)];
    hma_origin_of_values origin = {.word = {hma_checkpoint_serial(source->post),
                                            source->pre ? hma_checkpoint_serial(source->pre) : 0, (uint64_t)entry->how}};
    if (entry->how == HMA_BLEND) {
        const hma_blend *blend = &entry->blend;
        origin.word[2] |= (uint64_t)blend->from << 8 | (uint64_t)blend->to << 16 | (uint64_t)blend->stochastic << 24;
        memcpy(&origin.word[3], &blend->ratio, sizeof blend->ratio);
        origin.word[4] = blend->stochastic ? (uint64_t)blend->key.word[0] << 32 | blend->key.word[1] : 0;
    }
    return origin;
}

static int by_name(const void *name, const void *tensor) { return strcmp(name, ((const hma_source_entry *)tensor)->out.name); }

const hma_tensor *hma_source_find(const hma_source *source, const char *name) {
    const hma_source_entry *found = bsearch(name, source->tensors, source->count, sizeof *source->tensors, by_name);
    return found ? &found->out : NULL;
}

const hma_checkpoint *hma_source_described_by(const hma_source *source) { return source->post; }
const hma_checkpoint *hma_source_pre(const hma_source *source) { return source->pre; }
const hma_recipe *hma_source_recipe(const hma_source *source) { return source->recipe; }
