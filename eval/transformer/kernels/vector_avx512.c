/* Compiled for AVX-512 (F, BW, DQ, VL); see CMakeLists.txt. */
#define HMA_VECTOR_TABLE hma_vector_avx512
#define HMA_VECTOR_NAME "avx512"
#include "eval/transformer/kernels/vector_body.h"
