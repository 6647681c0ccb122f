#include "eval/transformer/sampler.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"

typedef struct choice {
    float logit;
    int32_t id;
} choice;

/* Larger logits first; of equal ones the smaller id. */
static bool before(const choice *a, const choice *b) { return a->logit > b->logit || (a->logit == b->logit && a->id < b->id); }

static void sift_down(choice *heap, size_t count, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!before(&heap[child], &heap[at])) {
            return;
        }
        const choice moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

/* Keeps the top_k largest and of these the fewest whose probability reaches top_p; all others become -inf. */
static hma_status keep_top(const hma_generation *r, float *logits, size_t count) {
    choice *heap = HMA_NEW(choice, count);
    if (!heap) {
        return HMA_FAILURE;
    }
    double total = 0;
    float max = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        heap[i] = (choice){logits[i], (int32_t)i};
        max = fmaxf(max, logits[i]);
    }
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(heap, count, i);
    }
    /* the heap gives the tokens in falling order; what has been taken collects behind it */
    const size_t most = r->top_k && r->top_k < count ? r->top_k : count;
    size_t left = count;
    choice *taken = HMA_NEW(choice, most);
    if (!taken) {
        free(heap);
        return HMA_FAILURE;
    }
    if (most == count) {
        for (size_t i = 0; i < count; i++) {
            total += exp((double)(logits[i] - max) / r->temperature);
        }
    }
    size_t kept = 0;
    double sum = 0;
    while (kept < most && left && (most < count || kept == 0 || sum < r->top_p * total)) {
        taken[kept++] = heap[0];
        sum += exp((double)(heap[0].logit - max) / r->temperature);
        heap[0] = heap[--left];
        sift_down(heap, left, 0);
    }
    if (most < count) {
        /* top-p of the top-k: their own sum is the whole */
        total = sum;
        sum = 0;
        size_t n = 0;
        while (n < kept && (n == 0 || sum < r->top_p * total)) {
            sum += exp((double)(taken[n++].logit - max) / r->temperature);
        }
        kept = n;
    }
    for (size_t i = 0; i < count; i++) {
        logits[i] = -INFINITY;
    }
    for (size_t i = 0; i < kept; i++) {
        logits[taken[i].id] = taken[i].logit;
    }
    free(heap);
    free(taken);
    return HMA_OK;
}

static hma_rng_key noise_key(const hma_generation *r) {
    return hma_rng_key_with(hma_rng_key_for(r->seed, "sampling"), r->stream);
}

hma_status hma_sample(const hma_vector *vector, const hma_generation *r, size_t position, float *logits, size_t count,
                      int32_t *out) {
    if (!(r->temperature > 0)) {
        *out = (int32_t)vector->softmax_part(logits, count, 0).argmax;
        return HMA_OK;
    }
    if ((r->top_k && r->top_k < count) || r->top_p < 1) {
        const hma_status status = keep_top(r, logits, count);
        if (status != HMA_OK) {
            return status;
        }
    }
    const hma_rng_key key = noise_key(r);
    *out = (int32_t)vector->gumbel_argmax(logits, count, (float)(1 / r->temperature), key.word, (uint32_t)position, r->sample);
    return HMA_OK;
}

int32_t hma_sample_screened(const hma_vector *vector, const hma_generation *r, size_t position, const hma_screened *screened,
                            size_t count) {
    if (!(r->temperature > 0)) {
        return (int32_t)vector->screened_argmax(screened, count, 1, NULL, 0, 0);
    }
    const hma_rng_key key = noise_key(r);
    return (int32_t)vector->screened_argmax(screened, count, (float)(1 / r->temperature), key.word, (uint32_t)position,
                                            r->sample);
}
