/* Which form a method gives a tensor, and the numbers in it that only the whole tensor tells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "merge/recipe_parts.h"
#include "merge/source_parts.h"
#include "merge/statistics.h"

/* Above it two tensors count as parallel, as in mergekit: the angle's sine has lost too many digits to divide by. */
static const double nearly_parallel = 0.9995;

/* ---- chosen when the source is made ---- */

static hma_status key_for(hma_rng_key *out, uint64_t seed, const char *purpose, const char *name) {
    hma_buffer text = {0};
    hma_buffer_text(&text, purpose);
    hma_buffer_text(&text, name);
    const hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        *out = hma_rng_key_for(seed, hma_buffer_cstr(&text));
    }
    hma_buffer_free(&text);
    return status;
}

static void straight(hma_blend *blend, double ratio) {
    blend->form = HMA_FORM_LINEAR;
    blend->ratio = ratio;
}

/* Deltas from pre, of which some are kept: by size, when there is a border to find, or drawn. */
static void choose_kept(hma_blend *blend, const hma_recipe *recipe, double ratio, bool by_size) {
    const double moved = recipe->lambda * ratio;
    if (moved == 0 || recipe->density >= 1) {
        straight(blend, moved);
        return;
    }
    blend->form = HMA_FORM_KEPT;
    blend->ratio = by_size ? moved : moved / recipe->density;
}

static void choose_shifted(hma_blend *blend, const hma_recipe *recipe, double ratio) {
    straight(blend, ratio);
    blend->form = recipe->lambda == 1 ? HMA_FORM_LINEAR : HMA_FORM_SHIFTED;
}

static void choose_form(hma_blend *blend, const hma_recipe *recipe, double ratio) {
    const bool from_pre = recipe->base == HMA_BASE_PRE;
    blend->ratio = ratio;
    switch (recipe->method) {
    case HMA_SLERP: blend->form = ratio == 0 || ratio == 1 ? HMA_FORM_LINEAR : HMA_FORM_SPHERICAL; break;
    case HMA_TASK_ARITHMETIC:
        if (from_pre) {
            straight(blend, recipe->lambda * ratio);
        } else {
            choose_shifted(blend, recipe, ratio);
        }
        break;
    case HMA_TIES:
        if (from_pre) {
            choose_kept(blend, recipe, ratio, true);
        } else {
            blend->form = HMA_FORM_ELECTED;
        }
        break;
    case HMA_DARE:
        if (from_pre) {
            choose_kept(blend, recipe, ratio, false);
        } else if (recipe->density >= 1) {
            choose_shifted(blend, recipe, ratio);
        } else {
            blend->form = HMA_FORM_SUMMED;
            blend->weight[0] = recipe->lambda * (1 - ratio) / recipe->density;
            blend->weight[1] = recipe->lambda * ratio / recipe->density;
        }
        break;
    default: straight(blend, ratio);
    }
}

/* Whether something has to be found out before the first element. */
static bool is_pending(const hma_blend *blend, const hma_recipe *recipe) {
    return blend->form == HMA_FORM_SPHERICAL || (recipe->method == HMA_TIES && blend->form == HMA_FORM_KEPT) ||
           (blend->form == HMA_FORM_ELECTED && recipe->density < 1);
}

static hma_status make_pending(hma_pending_blend **out) {
    hma_pending_blend *pending = HMA_NEW(hma_pending_blend, 1);
    if (!pending) {
        return HMA_FAILURE;
    }
    if (pthread_mutex_init(&pending->lock, NULL) != 0) {
        free(pending);
        return hma_error_memory("merge");
    }
    *out = pending;
    return HMA_OK;
}

void hma_source_free_pending(hma_pending_blend *pending) {
    if (pending) {
        (void)pthread_mutex_destroy(&pending->lock);
        free(pending);
    }
}

hma_status hma_source_choose_blend(const hma_source *source, hma_source_entry *entry, bool tied_head) {
    static const char *const purposes[] = {"kept of pre ", "kept of post "};
    const hma_recipe *recipe = source->recipe;
    hma_blend blend = {.from = entry->post->dtype,
                       .to = entry->out.dtype,
                       .lambda = recipe->lambda,
                       .stochastic = recipe->rounding == HMA_ROUND_STOCHASTIC};
    hma_status status = key_for(&blend.key, recipe->seed, "rounding ", entry->out.name);
    for (size_t i = 0; i < 2 && status == HMA_OK; i++) {
        blend.keep[i] =
            (hma_keep){.by_size = recipe->method == HMA_TIES, .share = recipe->method == HMA_TIES ? 1 : recipe->density};
        status = key_for(&blend.keep[i].key, recipe->seed, purposes[i], entry->out.name);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (hma_recipe_tensor_stays_pre(recipe, entry->post, tied_head)) {
        straight(&blend, 0);
    } else {
        choose_form(&blend, recipe, hma_recipe_tensor_ratio(recipe, entry->post, tied_head));
    }
    if (!hma_form_has_base(blend.form)) {
        entry->base = NULL;
    }
    entry->blend = blend;
    return is_pending(&blend, recipe) ? make_pending(&entry->pending) : HMA_OK;
}

/* ---- found out when it is first read ---- */

static void follow_angle(hma_blend *blend, double cosine) {
    if (!(fabs(cosine) <= nearly_parallel)) { /* so is a tensor without direction */
        straight(blend, blend->ratio);
        return;
    }
    const double angle = acos(cosine), sine = sin(angle);
    blend->weight[0] = sin((1 - blend->ratio) * angle) / sine;
    blend->weight[1] = sin(blend->ratio * angle) / sine;
}

static hma_status find_angle(const hma_source *source, const hma_source_entry *entry, hma_blend *blend) {
    const hma_tensor_pair pair = {source->pre, source->post, entry->pre, entry->post, entry->common};
    const hma_status status = hma_pair_cosine(&pair, source->kernels, &entry->pending->cosine);
    if (status == HMA_OK) {
        follow_angle(blend, entry->pending->cosine);
    }
    return status;
}

static hma_status find_borders(const hma_source *source, const hma_source_entry *entry, hma_blend *blend) {
    const bool has_base = entry->base != NULL;
    const hma_checkpoint *from = has_base ? source->base : source->pre;
    const hma_tensor *from_tensor = has_base ? entry->base : entry->pre;
    const hma_tensor_pair pairs[] = {{from, source->pre, from_tensor, entry->pre, entry->common},
                                     {from, source->post, from_tensor, entry->post, entry->common}};
    hma_status status = HMA_OK;
    for (size_t i = has_base ? 0 : 1; i < 2 && status == HMA_OK; i++) {
        status = hma_pair_border(&pairs[i], source->kernels, source->recipe->density, &blend->keep[i]);
    }
    return status;
}

static hma_status find(const hma_source *source, const hma_source_entry *entry) {
    hma_blend blend = entry->blend;
    const hma_status status =
        blend.form == HMA_FORM_SPHERICAL ? find_angle(source, entry, &blend) : find_borders(source, entry, &blend);
    if (status == HMA_OK) {
        entry->pending->blend = blend;
        atomic_store_explicit(&entry->pending->known, true, memory_order_release);
    }
    return status;
}

void hma_source_take_findings(hma_source *source, const hma_source *from) {
    const hma_recipe *own = source->recipe, *other = from->recipe;
    if (!own || !other || source->pre != from->pre || source->post != from->post || source->base != from->base ||
        source->count != from->count || own->method != other->method || own->density != other->density) {
        return;
    }
    for (size_t i = 0; i < source->count; i++) {
        hma_source_entry *entry = &source->tensors[i];
        const hma_pending_blend *found = from->tensors[i].pending;
        if (!entry->pending || !found || !atomic_load_explicit(&found->known, memory_order_acquire)) {
            continue;
        }
        hma_blend blend = entry->blend;
        if (blend.form == HMA_FORM_SPHERICAL) {
            entry->pending->cosine = found->cosine;
            follow_angle(&blend, found->cosine);
        }
        for (size_t k = 0; k < 2; k++) { /* the keys are this recipe's own: its seed may be another */
            blend.keep[k].threshold = found->blend.keep[k].threshold;
            blend.keep[k].share = found->blend.keep[k].share;
        }
        entry->pending->blend = blend;
        atomic_store_explicit(&entry->pending->known, true, memory_order_release);
    }
}

void hma_source_count_slerp(const hma_source *source, size_t *tensors, size_t *straight_ones) {
    *tensors = *straight_ones = 0;
    for (size_t i = 0; i < source->count; i++) {
        const hma_source_entry *entry = &source->tensors[i];
        if (entry->pending && entry->blend.form == HMA_FORM_SPHERICAL && atomic_load(&entry->pending->known)) {
            ++*tensors;
            *straight_ones += entry->pending->blend.form == HMA_FORM_LINEAR;
        }
    }
}

hma_status hma_source_blend_of(const hma_source *source, const hma_source_entry *entry, const hma_blend **out) {
    hma_pending_blend *pending = entry->pending;
    hma_status status = HMA_OK;
    if (pending && !atomic_load_explicit(&pending->known, memory_order_acquire)) {
        (void)pthread_mutex_lock(&pending->lock);
        if (!atomic_load_explicit(&pending->known, memory_order_relaxed)) {
            status = find(source, entry); /* a failure is the next reader's to find again */
        }
        (void)pthread_mutex_unlock(&pending->lock);
    }
    if (status == HMA_OK) {
        *out = pending ? &pending->blend : &entry->blend;
    }
    return status;
}
