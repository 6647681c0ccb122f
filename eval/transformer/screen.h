/*
 * The next token without all logits. The head is kept a second time, in 8 bits (kernels/screen.h): its products bound the
 * logits, and only those that can still win are computed as they are everywhere else, a panel at a time. So the token is the
 * same as hma_sample() takes from all logits, to the last bit of what is compared; for the argmax and for Gumbel-max, which
 * ask for a maximum only. Top-k and top-p need more, and so does whoever wants probabilities.
 */
#ifndef HMA_EVAL_TRANSFORMER_SCREEN_H
#define HMA_EVAL_TRANSFORMER_SCREEN_H

#include "base/pool.h"
#include "eval/transformer/kernels/screen.h"
#include "eval/transformer/sampler.h"
#include "eval/transformer/weights.h"

typedef struct hma_screen hma_screen;

/* Bytes of a screen for a head of this shape; 0 when there is none for it, or none on this processor. */
uint64_t hma_screen_bytes(const hma_gemm *gemm, size_t rows, size_t columns);
/* Memory only. */
hma_status hma_screen_new(hma_screen **out, const hma_gemm *gemm, size_t rows, size_t columns);
void hma_screen_free(hma_screen *screen);
/* Rounds a head, which must stay where it is. */
hma_status hma_screen_make(hma_screen *screen, hma_pool *pool, const hma_matrix *head);

/* Whether a screen tells this request's tokens. */
bool hma_screen_serves(const hma_generation *request);

/* Positions at which tokens are drawn. */
typedef struct hma_screening {
    const hma_screen *screen; /* NULL: logits are computed */
    const float *hidden;      /* borrowed: [count, columns] of the last bounds */
    uint8_t *bytes;           /* [most, stride] */
    hma_screen_row *rows;     /* [most] */
    float *turned;            /* [threads, columns] scratch */
    float *tops;              /* [most, head rows / HMA_SCREEN_TOP, rounded up] */
} hma_screening;

hma_status hma_screening_new(hma_screening *out, const hma_screen *screen, size_t most, size_t threads);
void hma_screening_free(hma_screening *screening);

/*
 * What the logits of hidden[count, columns] are at most, into most[count, head rows]; *possible is false, and nothing is there,
 * when a hidden state is not finite or so large that logits may overflow.
 */
hma_status hma_screening_bound(hma_screening *screening, hma_pool *pool, const float *hidden, size_t count, float *most,
                               bool *possible);
/* What hma_sample() would take at position `index` of those that were bounded last, whose row `most` is. */
int32_t hma_screening_draw(const hma_screening *screening, const hma_vector *vector, const hma_generation *request,
                           size_t position, size_t index, const float *most);

#endif
