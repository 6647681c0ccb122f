/* What the files of hma/sensitivity.h share. */
#ifndef HMA_SEARCH_SENSITIVITY_PARTS_H
#define HMA_SEARCH_SENSITIVITY_PARTS_H

#include "hma/sensitivity.h"
#include "search/passages.h"

/* Makes the measures: names, counts, and passages[measure_count], both to be freed by the caller also after a failure. */
hma_status hma_sensitivity_texts(hma_sensitivity *out, hma_passages **passages, hma_context *context, hma_model *model,
                                 const hma_checkpoint *pre, const hma_checkpoint *post, const hma_suite *suite,
                                 const hma_sensitivity_options *options);

#endif
