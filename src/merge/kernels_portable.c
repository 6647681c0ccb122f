#define HMA_KERNELS hma_kernels_portable
#define HMA_KERNELS_NAME "portable"
#include "merge/kernels_body.h"
