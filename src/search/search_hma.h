/* The paper's search: for each mean ratio the maximum of the proxy objective over Omega, beside the uniform merge of that mean.
 */
#ifndef HMA_SEARCH_SEARCH_HMA_H
#define HMA_SEARCH_SEARCH_HMA_H

#include "search/trials.h"

/* Scores what it finds, and the uniform merges, on the search items. */
hma_status hma_search_hma(hma_trials *trials);

#endif
