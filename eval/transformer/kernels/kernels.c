#include "eval/transformer/kernels/kernels.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>

#include "base/error_set.h"

static char openblas_name[96];
static pthread_once_t openblas_once = PTHREAD_ONCE_INIT;

/* Several of our threads call OpenBLAS at once; its own threads would only get in their way, and change the bits. */
static void set_up_openblas(void) {
    openblas_set_num_threads(1);
    (void)snprintf(openblas_name, sizeof openblas_name, "openblas %s", openblas_get_corename());
}

static const hma_vector *choose_vector(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
        return &hma_vector_avx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &hma_vector_avx2 : &hma_vector_base;
}

hma_status hma_kernels_choose(hma_kernels *out, hma_backend backend) {
    const hma_vector *vector = choose_vector();
    const hma_gemm *native = vector == &hma_vector_avx512 ? &hma_gemm_avx512 : vector == &hma_vector_avx2 ? &hma_gemm_avx2 : NULL;
    const hma_gemm *gemm = NULL;
    switch (backend) {
    case HMA_BACKEND_AUTO: gemm = native ? native : &hma_gemm_openblas; break;
    case HMA_BACKEND_NATIVE: gemm = native; break;
    case HMA_BACKEND_OPENBLAS: gemm = &hma_gemm_openblas; break;
    case HMA_BACKEND_NAIVE: gemm = &hma_gemm_naive; break;
    }
    if (!gemm) {
        return hma_error(HMA_USAGE, "--backend: native kernels need AVX2 and FMA (expected a processor that has them): use openblas");
    }
    if (gemm == &hma_gemm_openblas) {
        (void)pthread_once(&openblas_once, set_up_openblas);
    }
    *out = (hma_kernels){gemm, vector};
    return HMA_OK;
}

const char *hma_kernels_name(const hma_kernels *kernels) {
    return kernels->gemm == &hma_gemm_openblas ? openblas_name : kernels->gemm->name;
}
