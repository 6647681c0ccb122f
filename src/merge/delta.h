/* How a merge moves with its ratios: d merged / d ratio = post - pre for every tensor, and which ratios a tensor follows. */
#ifndef HMA_MERGE_DELTA_H
#define HMA_MERGE_DELTA_H

#include "hma/merge.h"
#include "hma/recipe.h"

/* Place of one of the source's tensors, as in hma_source_tensor(). */
size_t hma_source_index(const hma_source *source, const hma_tensor *tensor);

/*
 * post - pre of elements first .. first+count-1, rounded once, to fp32, whatever the output type. Zero for tensors that are
 * copied, and for those of a plain source.
 * Thread rule and errors: as hma_source_read_f32().
 */
hma_status hma_source_read_delta(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                                 float *destination);

/*
 * Derivative of a tensor's ratio by the recipe's block ratios, into slope[hma_recipe_blocks()]: 1 for the block that it
 * follows, 1/K each where it takes the mean, 0 where an override or the policy fixes it.
 */
void hma_recipe_tensor_slope(const hma_recipe *recipe, const hma_tensor *tensor, bool tied_head, double *slope);

#endif
