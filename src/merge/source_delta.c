/* The direction in which a merge moves when its ratios grow. */
#include "merge/delta.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "merge/source_parts.h"

/* Elements that are read at a time. */
enum { PIECE = HMA_BLOCK };

typedef struct pieces {
    void *stored;
    float *pre;
} pieces;

static hma_status read_piece(const hma_source *source, const hma_source_entry *entry, uint64_t first, size_t count,
                             const pieces *p, float *out) {
    const hma_dtype type = entry->post->dtype;
    hma_status status = hma_checkpoint_read(source->pre, entry->pre, first, count, p->stored);
    if (status != HMA_OK) {
        return status;
    }
    source->kernels->widen(type, count, p->stored, p->pre);
    status = hma_checkpoint_read(source->post, entry->post, first, count, p->stored);
    if (status != HMA_OK) {
        return status;
    }
    source->kernels->widen(type, count, p->stored, out);
    for (size_t i = 0; i < count; i++) {
        out[i] -= p->pre[i];
    }
    return HMA_OK;
}

hma_status hma_source_read_delta(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                                 float *destination) {
    const hma_source_entry *entry = (const hma_source_entry *)(const void *)tensor; /* as hma_source_tensor() gave it */
    if (first > tensor->elements || count > tensor->elements - first) {
        return hma_error(HMA_USAGE, "%s: elements %llu to %llu do not exist (expected at most %llu)", tensor->name,
                         (unsigned long long)first, (unsigned long long)(first + count), (unsigned long long)tensor->elements);
    }
    if (entry->how != HMA_BLEND) {
        memset(destination, 0, (size_t)count * sizeof *destination);
        return HMA_OK;
    }
    /* rows that only one of the two has do not move */
    const uint64_t common = first >= entry->common ? 0 : hma_min_u64(count, entry->common - first);
    memset(destination + common, 0, (size_t)(count - common) * sizeof *destination);
    count = common;
    const size_t most = (size_t)hma_min_u64(count, PIECE);
    pieces p = {hma_new_aligned(most, hma_dtype_size(entry->post->dtype)), hma_new_aligned(most, sizeof(float))};
    hma_status status = p.stored && p.pre ? HMA_OK : HMA_FAILURE;
    while (status == HMA_OK && count > 0) {
        const size_t n = (size_t)hma_min_u64(count, PIECE);
        status = read_piece(source, entry, first, n, &p, destination);
        destination += n;
        first += n;
        count -= n;
    }
    free(p.stored);
    free(p.pre);
    return status;
}
