/* Compiled for AVX2 and FMA; see CMakeLists.txt. */
#define HMA_BACKWARD_TABLE hma_backward_avx2
#include "eval/transformer/kernels/backward_body.h"
