/* The canonical header of a safetensors file, byte for byte what the reference writer gives for the same tensors. */
#ifndef HMA_CHECKPOINT_HEADER_WRITE_H
#define HMA_CHECKPOINT_HEADER_WRITE_H

#include "base/buffer.h"
#include "hma/checkpoint.h"

/* Sorts into the canonical order: by element type, the most strictly aligned first, then by name. */
void hma_header_order(const hma_tensor **tensors, size_t count);

/*
 * Appends length, JSON and padding for tensors whose data follows in the given order. `metadata` is key, value, .., NULL and
 * comes after "format": "pt"; it may be NULL.
 * @return HMA_USAGE when the header would be longer than the format allows.
 */
hma_status hma_header_write(hma_buffer *out, const hma_tensor *const *tensors, size_t count, const char *const *metadata);

#endif
