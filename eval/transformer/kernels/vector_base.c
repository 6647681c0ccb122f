/* Compiled for the baseline of the platform; see CMakeLists.txt. */
#define HMA_VECTOR_TABLE hma_vector_base
#define HMA_VECTOR_NAME "base"
#include "eval/transformer/kernels/vector_body.h"
