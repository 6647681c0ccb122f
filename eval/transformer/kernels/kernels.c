#include "eval/transformer/kernels/kernels.h"

#include <cblas.h>
#include <cpuid.h>
#include <pthread.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "eval/transformer/kernels/screen.h"

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

/* The dot product instruction runs at half the rate of fp32 on Intel's processors before Granite Rapids, at twice that rate on
 * AMD's. */
static bool fast_dot_product(void) { return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd"); }

static const hma_gemm *native(const hma_vector *vector, hma_precision precision) {
    if (vector == &hma_vector_avx512) {
        return precision == HMA_FP32 ? &hma_gemm_avx512 : fast_dot_product() ? &hma_gemm_dot_bf16 : &hma_gemm_avx512_bf16;
    }
    return vector != &hma_vector_avx2 ? NULL : precision == HMA_FP32 ? &hma_gemm_avx2 : &hma_gemm_avx2_bf16;
}

hma_status hma_kernels_choose(hma_kernels *out, hma_backend backend, hma_precision precision) {
    const bool fp32 = precision == HMA_FP32;
    const hma_vector *vector = choose_vector();
    const hma_gemm *own = native(vector, precision), *openblas = fp32 ? &hma_gemm_openblas : &hma_gemm_openblas_bf16,
                   *gemm = NULL;
    switch (backend) {
    case HMA_BACKEND_AUTO: gemm = own ? own : openblas; break;
    case HMA_BACKEND_NATIVE: gemm = own; break;
    case HMA_BACKEND_OPENBLAS: gemm = openblas; break;
    case HMA_BACKEND_NAIVE: gemm = fp32 ? &hma_gemm_naive : &hma_gemm_naive_bf16; break;
    }
    if (!gemm) {
        return hma_error(HMA_USAGE,
                         "--backend: native kernels need AVX2 and FMA (expected a processor that has them): use openblas");
    }
    if (gemm == openblas) {
        (void)pthread_once(&openblas_once, set_up_openblas);
    }
    const hma_backward *backward = vector == &hma_vector_avx512 ? &hma_backward_avx512
                                   : vector == &hma_vector_avx2 ? &hma_backward_avx2
                                                                : &hma_backward_base;
    *out = (hma_kernels){gemm, gemm, vector, backward};
    return HMA_OK;
}

void hma_kernels_fit(hma_kernels *kernels, bool weights_are_bf16) {
    const hma_gemm *half = kernels->full == &hma_gemm_avx512 ? &hma_gemm_avx512_w16
                           : kernels->full == &hma_gemm_avx2 ? &hma_gemm_avx2_w16
                                                             : NULL;
    kernels->gemm = weights_are_bf16 && half ? half : kernels->full;
}

enum { LEAST_COLUMNS = 4 * HMA_PANEL, MOST_COLUMNS = 16 * HMA_PANEL };

size_t hma_gemm_columns_at_once(const hma_gemm *gemm, size_t count, size_t threads) {
    if (!gemm->invariant) {
        return LEAST_COLUMNS;
    }
    const size_t share = hma_packed_rows(threads == 1 ? count : count / (2 * threads));
    return threads == 1 ? share : hma_max_size(LEAST_COLUMNS, hma_min_size(share, MOST_COLUMNS));
}

bool hma_screen_avx512_runs(void) { return choose_vector() == &hma_vector_avx512 && __builtin_cpu_supports("avx512vnni"); }

bool hma_screen_avx2_runs(void) {
    /* AVX-VNNI has no name that both compilers know: bit 4 of EAX, leaf 7, 1 */
    unsigned a = 0, b = 0, c = 0, d = 0;
    return choose_vector() != &hma_vector_base && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

const char *hma_kernels_name(const hma_kernels *kernels) {
    const bool openblas = kernels->full == &hma_gemm_openblas || kernels->full == &hma_gemm_openblas_bf16;
    return openblas ? openblas_name : kernels->full->name;
}

hma_status hma_model_kernels(const char **name, const hma_model_options *options) {
    hma_kernels kernels = {0};
    const hma_status status = options ? hma_kernels_choose(&kernels, options->backend, options->precision)
                                      : hma_kernels_choose(&kernels, HMA_BACKEND_AUTO, HMA_FP32);
    if (status == HMA_OK) {
        *name = hma_kernels_name(&kernels);
    }
    return status;
}
