/* Which point to ship, which others have a name, and the sentences that say why. The rules stand in hma/front.h. */
#ifndef HMA_SEARCH_VERDICT_H
#define HMA_SEARCH_VERDICT_H

#include "base/buffer.h"
#include "hma/front.h"
#include "search/axes.h"

/* Fills in the named points and both verdicts of a front that is otherwise complete. */
hma_status hma_verdict(hma_front *front, const hma_axes *axes, const hma_resampled *resampled);

/* ---- shared by verdict.c and verdict_blocks.c ---- */

/* "0.8 against 0.4 (+0.4, 95 % interval +0.3 to +0.5)" */
void hma_verdict_difference(hma_buffer *text, double value, double reference, const hma_difference *difference);
/* Whether different ratios for the blocks are better than plain averaging. Nothing is written when none are compared. */
void hma_verdict_blocks(hma_buffer *text, const hma_front *front);

#endif
