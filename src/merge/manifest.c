#include "merge/manifest.h"

#include <string.h>

#include "base/json.h"

const cJSON *hma_manifest_recipe(const cJSON *document) {
    const cJSON *schema = hma_json_get(document, "schema"), *recipe = hma_json_get(document, "recipe");
    return recipe && cJSON_IsString(schema) && strcmp(schema->valuestring, HMA_MANIFEST_SCHEMA) == 0 ? recipe : document;
}
