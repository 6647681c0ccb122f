/* Compiled for the baseline of the platform; see CMakeLists.txt. */
#define HMA_BACKWARD_TABLE hma_backward_base
#include "eval/transformer/kernels/backward_body.h"
