/* How many layers a checkpoint has: what its config says, held against the names of its tensors. */
#include <stdlib.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "checkpoint/config.h"
#include "hma/merge.h"
#include "merge/blocks.h"
#include "merge/roles.h"

static hma_status layers_of_config(const hma_checkpoint *checkpoint, size_t *layers) {
    static const char *const keys[] = {"num_hidden_layers", "n_layer", "num_layers", "n_layers", NULL};
    const cJSON *config = hma_checkpoint_text_config(checkpoint);
    for (const char *const *key = keys; *key; key++) {
        if (hma_json_get(config, *key)) {
            return hma_json_get_size(config, hma_checkpoint_config_path(checkpoint), *key, true, 1, HMA_MAX_LAYERS, layers);
        }
    }
    return hma_error(HMA_BAD_DATA, "%s: \"%s\" is missing (expected the number of layers): add it",
                     hma_checkpoint_config_path(checkpoint), keys[0]);
}

hma_status hma_checkpoint_layers(const hma_checkpoint *checkpoint, size_t *layers) {
    size_t count = 0, missing = 0;
    hma_status status = layers_of_config(checkpoint, &count);
    if (status != HMA_OK) {
        return status;
    }
    bool *seen = HMA_NEW(bool, count);
    if (!seen) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < hma_checkpoint_tensor_count(checkpoint) && status == HMA_OK; i++) {
        const hma_tensor *tensor = hma_checkpoint_tensor(checkpoint, i);
        const hma_role role = hma_role_of(tensor->name, tensor->rank);
        if (role.place == HMA_PLACE_LAYER && role.layer >= count) {
            status = hma_error(HMA_BAD_DATA, "%s: has tensor \"%.200s\" but %zu layers by its config.json (expected layers 0 "
                               "to %zu): correct the config or restore the weights", hma_checkpoint_folder(checkpoint),
                               tensor->name, count, count - 1);
        } else if (role.place == HMA_PLACE_LAYER) {
            seen[role.layer] = true;
        }
    }
    while (missing < count && seen[missing]) {
        missing++;
    }
    if (status == HMA_OK && missing < count) {
        status = hma_error(HMA_BAD_DATA, "%s: has no tensor of layer %zu (expected %zu layers by its config.json): correct the "
                           "config or restore the weights", hma_checkpoint_folder(checkpoint), missing, count);
    }
    free(seen);
    if (status == HMA_OK) {
        *layers = count;
    }
    return status;
}
