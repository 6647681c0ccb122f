/* What libhma's own code needs of a source. Public side: hma/merge.h. */
#ifndef HMA_MERGE_SOURCE_H
#define HMA_MERGE_SOURCE_H

#include "hma/merge.h"
#include "merge/delta.h"
#include "merge/kernels.h"

/*
 * Elements that are worked on at a time. Tensors are always cut at multiples of it, counted from their first element, so that
 * sums over a tensor have the same bits whoever asks for which part.
 */
enum { HMA_BLOCK = 1 << 16 };

/*
 * hma_source_read(), and what rounding did to these elements, summed block by block in order. Sums of other ranges of the
 * same tensor may be added in any cut at multiples of HMA_BLOCK. All zero for tensors that are copied.
 */
hma_status hma_source_read_measured(const hma_source *source, const hma_tensor *tensor, uint64_t first, uint64_t count,
                                    void *destination, hma_loss_sums *sums);

/*
 * What `from` has found out about whole tensors, angles and borders, need not be found again when both sources merge the same
 * models by the same method with the same density, at whatever ratios. Nobody may read `source` meanwhile.
 */
void hma_source_take_findings(hma_source *source, const hma_source *from);

/* Tensors that slerp interpolates, and how many of them were found to be nearly parallel; of those that have been read. */
void hma_source_count_slerp(const hma_source *source, size_t *tensors, size_t *straight);

/* The checkpoint whose weights have ratio 0; NULL for a plain source. */
const hma_checkpoint *hma_source_pre(const hma_source *source);
/* The checkpoint whose weights have ratio 1; of a plain source the only one. */
const hma_checkpoint *hma_source_post(const hma_source *source);
/* The third model; NULL without one. */
const hma_checkpoint *hma_source_base(const hma_source *source);

#endif
