#include "eval/tokenizer/components.h"

#include "base/error_set.h"
#include "base/json.h"

hma_status hma_sequence_from_json(const cJSON *json, const char *key, const char *name, hma_component_fn read, void *user) {
    const char *const known[] = {"type", key, NULL};
    const cJSON *list = hma_json_get(json, key), *item;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && !cJSON_IsArray(list)) {
        return hma_error(HMA_BAD_DATA, "%s: Sequence without \"%s\" (expected a list): correct the file", name, key);
    }
    cJSON_ArrayForEach(item, list) {
        if (status == HMA_OK) {
            status = read(user, item, name);
        }
    }
    return status;
}
