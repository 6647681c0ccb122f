/* config.json as text: a merge keeps it byte for byte, apart from the type that the weights are stored in. */
#ifndef HMA_MERGE_CONFIG_EDIT_H
#define HMA_MERGE_CONFIG_EDIT_H

#include "base/buffer.h"
#include "hma/checkpoint.h"

/*
 * Copies `text`, with "torch_dtype" and "dtype" of the root and of its "text_config" set to `dtype` where they are strings
 * that say something else. Nothing is added. `name` is what messages call the document.
 */
hma_status hma_config_with_dtype(hma_buffer *out, const char *name, const char *text, size_t length, hma_dtype dtype);

#endif
