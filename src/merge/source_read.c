/* Reading a source: block by block, merged while it is read. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "merge/source_parts.h"
#include "merge/values.h"

/* One read under way. The buffers hold a block each. */
typedef struct reading {
    const hma_source *source;
    const hma_source_entry *tensor;
    const hma_blend *blend; /* of HMA_BLEND */
    void *pre, *post, *base, *merged;
} reading;

/* Between pre and post only rounding exceeds a range, of F16 or just below F32's; beyond them F32 and BF16 are no larger than
 * each other. */
static const char *advice(const hma_blend *blend) {
    const bool between = blend->form == HMA_FORM_LINEAR && blend->ratio <= 1;
    return blend->to == HMA_F16 || between ? "choose an output type with a larger range"
                                                 : "choose a smaller ratio or lambda, for no output type has a larger range";
}

/* Says which element of a block made the kernel refuse it. */
static hma_status explain(const reading *r, uint64_t first, size_t count, const void *merged) {
    const hma_blend *blend = r->blend;
    hma_status status =
        hma_check_both_finite(r->source->pre, r->source->post, r->tensor->post, first, count, r->pre, r->post);
    if (status == HMA_OK && r->tensor->base) {
        status = hma_check_finite(r->source->base, r->tensor->base, first, count, r->base);
    }
    if (status != HMA_OK) {
        return status;
    }
    const size_t i = hma_first_not_finite(blend->to, merged, count);
    return hma_error(HMA_NON_FINITE, "%s: tensor \"%.200s\" merges to a value beyond the range of %s at index %llu (pre %g, "
                     "post %g): %s", hma_checkpoint_folder(r->source->post),
                     r->tensor->out.name, hma_dtype_name(blend->to), (unsigned long long)(first + i),
                     (double)hma_value_at(blend->from, r->pre, i),
                     (double)hma_value_at(blend->from, r->post, i), advice(blend));
}

static hma_status read_finite(const reading *r, uint64_t first, size_t count, void *out) {
    const hma_tensor *post = r->tensor->post;
    const hma_status status = hma_checkpoint_read(r->source->post, post, first, count, out);
    if (status != HMA_OK || r->source->kernels->all_finite(post->dtype, count, out)) {
        return status;
    }
    return hma_check_finite(r->source->post, post, first, count, out);
}

static hma_status read_both(const reading *r, uint64_t first, size_t count, void *post) {
    const hma_status status = hma_checkpoint_read(r->source->pre, r->tensor->pre, first, count, r->pre);
    return status == HMA_OK ? hma_checkpoint_read(r->source->post, r->tensor->post, first, count, post) : status;
}

static hma_status read_equal(const reading *r, uint64_t first, size_t count, void *out) {
    const size_t size = hma_dtype_size(r->tensor->out.dtype);
    const hma_status status = read_both(r, first, count, out);
    if (status != HMA_OK || memcmp(r->pre, out, count * size) == 0) {
        return status;
    }
    return hma_error(HMA_INCOMPATIBLE, "%s: tensor \"%.200s\" of type %s is not the same as in %s (expected equal values, it "
                     "cannot be averaged): use checkpoints of one model", hma_checkpoint_folder(r->source->post),
                     r->tensor->out.name, hma_dtype_name(r->tensor->out.dtype), hma_checkpoint_folder(r->source->pre));
}

static hma_status read_common(const reading *r, uint64_t first, size_t count, void *out, hma_loss_sums *sums) {
    const hma_operands in = {r->pre, r->post, r->base};
    hma_status status = read_both(r, first, count, r->post);
    if (status == HMA_OK && r->tensor->base) {
        status = hma_checkpoint_read(r->source->base, r->tensor->base, first, count, r->base);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (!r->source->kernels->blend(r->blend, first, count, &in, out)) {
        return explain(r, first, count, out);
    }
    if (sums) {
        hma_loss_sums block;
        r->source->kernels->measure_loss(r->blend, first, count, &in, out, &block);
        sums->differing += block.differing;
        sums->lost += block.lost;
        sums->error_squared += block.error_squared;
        sums->delta_squared += block.delta_squared;
    }
    return HMA_OK;
}

/* Rows that only the donor has: its values in the output type, rounded as merged ones are. */
static hma_status read_extra(const reading *r, uint64_t first, size_t count, void *out) {
    const hma_source *source = r->source;
    const hma_tensor *donor = source->described == source->pre ? r->tensor->pre : r->tensor->post;
    const hma_operands in = {r->post, r->post, NULL};
    hma_blend copy = r->tensor->blend;
    copy.form = HMA_FORM_LINEAR;
    copy.ratio = 0;
    hma_status status = hma_checkpoint_read(source->described, donor, first, count, r->post);
    if (status == HMA_OK && !source->kernels->blend(&copy, first, count, &in, out)) {
        status = hma_check_finite(source->described, donor, first, count, r->post);
        status = status != HMA_OK ? status
                                  : hma_error(HMA_NON_FINITE, "%s: tensor \"%.200s\" has a value beyond the range of %s (in "
                                              "elements from %llu on): choose an output type with a larger range",
                                              hma_checkpoint_folder(source->described), donor->name,
                                              hma_dtype_name(copy.to), (unsigned long long)first);
    }
    return status;
}

static hma_status read_blend(const reading *r, uint64_t first, size_t count, void *out, hma_loss_sums *sums) {
    const uint64_t common = r->tensor->common;
    const size_t merged = first >= common ? 0 : (size_t)hma_min_u64(count, common - first);
    hma_status status = merged > 0 ? read_common(r, first, merged, out, sums) : HMA_OK;
    if (status == HMA_OK && merged < count) {
        status = read_extra(r, first + merged, count - merged,
                            (unsigned char *)out + merged * hma_dtype_size(r->tensor->out.dtype));
    }
    return status;
}

static hma_status read_block(const reading *r, uint64_t first, size_t count, void *out, hma_loss_sums *sums) {
    switch (r->tensor->how) {
    case HMA_COPY_FINITE: return read_finite(r, first, count, out);
    case HMA_COPY_EQUAL: return read_equal(r, first, count, out);
    case HMA_BLEND: return read_blend(r, first, count, out, sums);
    case HMA_COPY_BITS: break;
    }
    return hma_checkpoint_read(r->source->post, r->tensor->post, first, count, out);
}

static void end(reading *r) {
    free(r->pre);
    free(r->post);
    free(r->base);
    free(r->merged);
}

static hma_status begin(reading *out, const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                        bool widened) {
    if (first > tensor->elements || count > tensor->elements - first) {
        return hma_error(HMA_USAGE, "%s: elements %llu to %llu do not exist (expected at most %llu)", tensor->name,
                         (unsigned long long)first, (unsigned long long)(first + count), (unsigned long long)tensor->elements);
    }
    /* callers hold pointers that hma_source_tensor() gave them */
    reading r = {.source = source, .tensor = (const hma_source_entry *)(const void *)tensor};
    const bool two = r.tensor->how == HMA_BLEND || r.tensor->how == HMA_COPY_EQUAL;
    const size_t block = (size_t)hma_min_u64(count, HMA_BLOCK), size = hma_dtype_size(r.tensor->post->dtype);
    r.pre = hma_new_aligned(two ? block : 0, size);
    r.post = hma_new_aligned(two ? block : 0, size);
    r.base = hma_new_aligned(r.tensor->base ? block : 0, size);
    r.merged = hma_new_aligned(widened ? block : 0, hma_dtype_size(tensor->dtype));
    hma_status status = r.pre && r.post && r.base && r.merged ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK && r.tensor->how == HMA_BLEND) {
        status = hma_source_blend_of(source, r.tensor, &r.blend);
    }
    if (status != HMA_OK) {
        end(&r);
        return status;
    }
    *out = r;
    return HMA_OK;
}

/* Elements from `first` on that lie in the same block, at most `count`. */
static size_t rest_of_block(uint64_t first, uint64_t count) {
    return (size_t)hma_min_u64(count, HMA_BLOCK - first % HMA_BLOCK);
}

static hma_status read_elements(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                                void *destination, hma_loss_sums *sums) {
    reading r;
    unsigned char *out = destination;
    hma_status status = begin(&r, source, tensor, first, count, false);
    if (status != HMA_OK) {
        return status;
    }
    while (status == HMA_OK && count > 0) {
        const size_t n = rest_of_block(first, count);
        status = read_block(&r, first, n, out, sums);
        out += n * hma_dtype_size(tensor->dtype);
        first += n;
        count -= n;
    }
    end(&r);
    return status;
}

hma_status hma_source_read(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                           void *destination) {
    return read_elements(source, tensor, first, count, destination, NULL);
}

hma_status hma_source_read_measured(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                                    void *destination, hma_loss_sums *sums) {
    *sums = (hma_loss_sums){0};
    return read_elements(source, tensor, first, count, destination, sums);
}

hma_status hma_source_read_f32(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                               float *destination) {
    reading r;
    if (!hma_dtype_is_weight(tensor->dtype)) {
        return hma_error(HMA_BAD_DATA, "%s: tensor \"%.200s\" has type %s (expected F32, F16 or BF16): save the model in one "
                         "of these", hma_checkpoint_folder(source->post), tensor->name, hma_dtype_name(tensor->dtype));
    }
    if (tensor->dtype == HMA_F32) {
        return hma_source_read(source, tensor, first, count, destination);
    }
    hma_status status = begin(&r, source, tensor, first, count, true);
    if (status != HMA_OK) {
        return status;
    }
    while (status == HMA_OK && count > 0) {
        const size_t n = rest_of_block(first, count);
        status = read_block(&r, first, n, r.merged, NULL);
        if (status == HMA_OK) {
            source->kernels->widen(tensor->dtype, n, r.merged, destination);
        }
        destination += n;
        first += n;
        count -= n;
    }
    end(&r);
    return status;
}
