/* Doubles as text, bit for bit: 16 hex digits each, separated by spaces. Equal texts are equal numbers, NaN and -0 included. */
#ifndef HMA_SEARCH_BITS_H
#define HMA_SEARCH_BITS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

void hma_bits_write(hma_buffer *text, const double *values, size_t count);

/* False when the text is not that of exactly `count` numbers. */
bool hma_bits_read(const char *text, double *values, size_t count);

#endif
