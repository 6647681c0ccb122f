#include "checkpoint/eos.h"

#include <stdlib.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "checkpoint/config.h"

hma_status hma_token_id_read(int32_t *out, const cJSON *item, const char *path, const char *key) {
    *out = -1;
    if (!item || cJSON_IsNull(item)) {
        return HMA_OK;
    }
    const double v = cJSON_IsNumber(item) ? item->valuedouble : 0.5;
    if (v > INT32_MAX || v < INT32_MIN || v != (double)(int64_t)v) {
        return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not usable (expected a token id): correct it", path, key);
    }
    *out = v < 0 ? -1 : (int32_t)v;
    return HMA_OK;
}

hma_status hma_eos_read(hma_eos *out, const hma_checkpoint *checkpoint) {
    static const char key[] = "eos_token_id";
    const cJSON *generation = hma_checkpoint_generation_config(checkpoint);
    const cJSON *item = generation ? hma_json_get(generation, key) : NULL;
    const char *path = item ? hma_checkpoint_generation_config_path(checkpoint) : hma_checkpoint_config_path(checkpoint);
    if (!item) {
        item = hma_json_get(hma_checkpoint_config(checkpoint), key);
    }
    if (!item) {
        item = hma_json_get(hma_checkpoint_text_config(checkpoint), key);
    }
    const size_t count = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 1;
    *out = (hma_eos){.ids = HMA_NEW(int32_t, count)};
    if (!out->ids) {
        return HMA_FAILURE;
    }
    const cJSON *one = cJSON_IsArray(item) ? item->child : item;
    for (size_t i = 0; i < count && one; i++, one = one->next) {
        int32_t id;
        const hma_status status = hma_token_id_read(&id, one, path, key);
        if (status != HMA_OK) {
            return status;
        }
        if (id >= 0) {
            out->ids[out->count++] = id;
        }
    }
    return HMA_OK;
}

void hma_eos_free(hma_eos *eos) {
    free(eos->ids);
    *eos = (hma_eos){0};
}

void hma_eos_write(hma_buffer *out, const hma_eos *eos) {
    for (size_t i = 0; i < eos->count; i++) {
        hma_buffer_printf(out, "%s%ld", i ? " " : "", (long)eos->ids[i]);
    }
    if (eos->count == 0) {
        hma_buffer_text(out, "none");
    }
}
