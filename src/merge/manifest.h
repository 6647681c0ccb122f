/* hma-recipe.json: what a merged folder says about itself. */
#ifndef HMA_MERGE_MANIFEST_H
#define HMA_MERGE_MANIFEST_H

#include <cjson/cJSON.h>

#define HMA_MANIFEST_FILE "hma-recipe.json"
#define HMA_MANIFEST_SCHEMA "hma-merge"

/* The recipe inside a manifest, so that a merged folder's own file can be used as a recipe; any other document itself. */
const cJSON *hma_manifest_recipe(const cJSON *document);

#endif
