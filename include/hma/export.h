/*
 * Exports of a run: HDF5, CSV, JSON, SVG, HTML, notebook, mergekit YAML. Each is rebuilt from the journal at any time; the same
 * run gives the same bytes. Written beside and renamed into place, never half-written.
 */
#ifndef HMA_EXPORT_H
#define HMA_EXPORT_H

#include "hma/context.h"
#include "hma/error.h"
#include "hma/front.h"
#include "hma/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the suffix of `path` names a format of hma_export(): for checking several before the first is written. */
HMA_API HMA_MUST_CHECK hma_status hma_export_check(const char *path);

/*
 * Writes the front to `path`; the format is chosen by the suffix: .h5 .csv .json .svg .html .ipynb.
 * A notebook refers to an HDF5 file of the same name with .h5 beside it, which is written too.
 * @return HMA_USAGE for another suffix, HMA_IO.
 */
HMA_API HMA_MUST_CHECK hma_status hma_export(const hma_run *run, const hma_front *front, const char *path);

/* The front as one JSON object (the shape of `hma front --json`); freed with hma_text_free(). */
HMA_API HMA_MUST_CHECK hma_status hma_export_json(const hma_run *run, const hma_front *front, char **json);

/*
 * A mergekit configuration that makes the given point (index into front->points).
 * @return HMA_USAGE for a recipe that mergekit cannot express: overrides with wildcards inside.
 */
HMA_API HMA_MUST_CHECK hma_status hma_export_mergekit(const hma_run *run, const hma_front *front, size_t point,
                                                      const char *path);

#ifdef __cplusplus
}
#endif
#endif
