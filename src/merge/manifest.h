/* hma-recipe.json: what a merged folder says about itself, for programs, with the SHA-256 of every other file. */
#ifndef HMA_MERGE_MANIFEST_H
#define HMA_MERGE_MANIFEST_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "hma/context.h"
#include "merge/facts.h"

#define HMA_MANIFEST_FILE "hma-recipe.json"

/* The recipe inside a manifest, so that a merged folder's own file can be used as a recipe; any other document itself. */
const cJSON *hma_manifest_recipe(const cJSON *document);

/* The manifest of a folder in which everything else has been written. */
hma_status hma_manifest_write(hma_context *context, hma_buffer *out, const hma_merge_facts *facts, const char *folder);

/*
 * Holds the files of a folder against its manifest. `files` is how many were checked; *found is false when there is no
 * manifest.
 * @return HMA_BAD_DATA naming the first file that is missing or is not what was recorded, or for a broken manifest.
 */
hma_status hma_manifest_check(hma_context *context, const char *folder, bool *found, size_t *files);

#endif
