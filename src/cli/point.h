/* Points of a run, as the options --point and --from name them. */
#ifndef HMA_CLI_POINT_H
#define HMA_CLI_POINT_H

#include "hma/context.h"
#include "hma/front.h"
#include "hma/run.h"

/*
 * A point of the front by a name that hma_front_find_named() knows ("recommended", "knee", ..), id, unique beginning of an id,
 * or label. Index into front->points.
 * @return HMA_USAGE when there is no such point, or it has no scores yet.
 */
hma_status cli_point_find(size_t *point, const hma_run *run, const hma_front *front, const char *name);

/* A run opened for reading with its front. Both are freed by the caller, also after a failure. */
hma_status cli_run_front(hma_run **run, hma_front **front, hma_context *context, const char *folder);

/* Scores of a point as a JSON object, for model cards; freed with free(). NULL when memory is out. */
char *cli_point_scores(const hma_front *front, size_t point, const char *run_folder);

#endif
