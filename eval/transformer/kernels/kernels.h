/* Which kernels this processor gets. */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_KERNELS_H
#define HMA_EVAL_TRANSFORMER_KERNELS_KERNELS_H

#include "eval/transformer/kernels/backward.h"
#include "eval/transformer/kernels/gemm.h"
#include "eval/transformer/kernels/vector.h"
#include "hma/model.h"

typedef struct hma_kernels {
    const hma_gemm *gemm; /* for the weights in hand */
    const hma_gemm *full; /* for any weights; the same, or its bits where weights are bfloat16 */
    const hma_vector *vector;
    const hma_backward *backward;
} hma_kernels;

/* AUTO is native where the processor has AVX2 and FMA, else OpenBLAS. HMA_USAGE when native is asked for and cannot be had. */
hma_status hma_kernels_choose(hma_kernels *out, hma_backend backend, hma_precision precision);

/* Weights that are all bfloat16 may be packed as such: changes no bit of any product. */
void hma_kernels_fit(hma_kernels *kernels, bool weights_are_bf16);

/* "avx512" / "openblas Haswell" / ..: recorded with results, whose last bits depend on it. Static memory. */
const char *hma_kernels_name(const hma_kernels *kernels);

#endif
