/* Compiled for AVX2: see CMakeLists.txt. */
#define HMA_KERNELS hma_kernels_avx2
#define HMA_KERNELS_NAME "avx2"
#include "merge/kernels_body.h"
