/* What an opened checkpoint consists of; for the files of this folder only. */
#ifndef HMA_CHECKPOINT_HANDLE_H
#define HMA_CHECKPOINT_HANDLE_H

#include <cjson/cJSON.h>

#include "base/file.h"
#include "checkpoint/tensor_list.h"

typedef struct hma_shard {
    char *path; /* FOLDER/NAME */
    hma_input input;
} hma_shard;

typedef struct hma_json_file {
    char *path;
    cJSON *root;     /* NULL when there is no such file */
    char digest[65]; /* SHA-256 of its bytes */
} hma_json_file;

struct hma_checkpoint {
    char *folder;
    hma_json_file config, generation;
    hma_shard *shards;
    size_t shard_count;
    hma_tensor_list tensors; /* sorted by name */
    char **warnings;
    size_t warning_count, warning_capacity;
    uint64_t serial;         /* of this opening: no two have the same */
    char *digest;            /* [65] "" until it has been computed: a memory, not part of what the checkpoint is */
};

/* Loads config.json and generation_config.json of checkpoint->folder. */
hma_status hma_config_load(hma_checkpoint *checkpoint);
void hma_config_free(hma_checkpoint *checkpoint);

/* Remembers something odd that stops nothing. */
hma_status hma_checkpoint_warn(hma_checkpoint *checkpoint, const char *format, ...) HMA_PRINTF(2, 3);

#endif
