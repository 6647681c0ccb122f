/* Which uniform merges a merge of several ratios is to be compared with: is it better than plain averaging? */
#ifndef HMA_SEARCH_UNIFORM_H
#define HMA_SEARCH_UNIFORM_H

#include "hma/front.h"
#include "search/evidence.h"

/* Fills in `uniform` of all points. Points whose scores are not finite are compared with nothing, and nothing with them. */
void hma_uniform_find(hma_front *front, const hma_evidence *evidence);

#endif
