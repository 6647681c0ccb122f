/* Compiled for AVX2 and FMA; see CMakeLists.txt. */
#define HMA_VECTOR_TABLE hma_vector_avx2
#define HMA_VECTOR_NAME "avx2"
#include "eval/transformer/kernels/vector_body.h"
