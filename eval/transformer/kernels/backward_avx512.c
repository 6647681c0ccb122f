/* Compiled for AVX-512 (F, BW, DQ, VL); see CMakeLists.txt. */
#define HMA_BACKWARD_TABLE hma_backward_avx512
#include "eval/transformer/kernels/backward_body.h"
