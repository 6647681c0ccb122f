/* UTF-8, strictly (no overlong forms, no surrogates, nothing above U+10FFFF). */
#ifndef HMA_BASE_UTF8_H
#define HMA_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the valid sequence that `text` begins with, 0 when it does not begin with one. */
size_t hma_utf8_length(const char *text, size_t available);
/* The same, and the code point. */
size_t hma_utf8_decode(const char *text, size_t available, uint32_t *code_point);
/* Writes a code point (a valid one), returns its bytes, 1 to 4. */
size_t hma_utf8_encode(uint32_t code_point, char out[4]);
/* Offset of the first byte that is not part of valid UTF-8, `length` when all is valid. */
size_t hma_utf8_valid_prefix(const char *text, size_t length);
static inline bool hma_utf8_is_valid(const char *text, size_t length) { return hma_utf8_valid_prefix(text, length) == length; }
/* Code points of valid UTF-8. */
size_t hma_utf8_count(const char *text, size_t length);
/* What Python's str.isspace() says of a code point, and so str.strip() and str.split(). */
bool hma_utf8_is_python_space(uint32_t code_point);

#endif
