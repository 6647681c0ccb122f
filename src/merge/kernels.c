#include "merge/kernels.h"

extern const hma_kernels hma_kernels_portable;
extern const hma_kernels hma_kernels_avx2;
extern const hma_kernels hma_kernels_avx512;

static bool has_avx2(void) { return __builtin_cpu_supports("avx2"); }

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

const hma_kernels *hma_kernels_at(size_t index) {
    const hma_kernels *usable[4] = {&hma_kernels_portable};
    size_t count = 1;
    if (has_avx2()) {
        usable[count++] = &hma_kernels_avx2;
    }
    if (has_avx512()) {
        usable[count++] = &hma_kernels_avx512;
    }
    return index < count ? usable[index] : NULL;
}

const hma_kernels *hma_kernels_best(void) {
    return has_avx512() ? &hma_kernels_avx512 : has_avx2() ? &hma_kernels_avx2 : &hma_kernels_portable;
}
