/* Compiled for AVX-512 F, BW, DQ and VL: see CMakeLists.txt. */
#define HMA_KERNELS hma_kernels_avx512
#define HMA_KERNELS_NAME "avx512"
#include "merge/kernels_body.h"
