/* Which tokens end a reply, and other token ids that configuration files name. */
#ifndef HMA_CHECKPOINT_EOS_H
#define HMA_CHECKPOINT_EOS_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "hma/checkpoint.h"

/* A token id from a configuration file: -1 when absent, null or negative. `path` and `key` are for the message. */
hma_status hma_token_id_read(int32_t *out, const cJSON *item, const char *path, const char *key);

typedef struct hma_eos {
    int32_t *ids; /* in the order of the file: the first one is what training appends */
    size_t count;
} hma_eos;

/* generation_config.json's eos_token_id, one or several; else config.json's. Free with hma_eos_free() in any case. */
hma_status hma_eos_read(hma_eos *out, const hma_checkpoint *checkpoint);
void hma_eos_free(hma_eos *eos);

/* "0 17"; "none". */
void hma_eos_write(hma_buffer *out, const hma_eos *eos);

#endif
