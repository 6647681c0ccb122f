/*
 * The byte alphabet of byte-level tokenizers: every byte is written as one printable character, so that vocabularies are text.
 * Bytes that are printable Latin-1 stand for themselves; the others, in order, become U+0100, U+0101, ..
 */
#ifndef HMA_TOKENIZER_BYTE_ALPHABET_H
#define HMA_TOKENIZER_BYTE_ALPHABET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Writes each byte as its character. */
void hma_byte_alphabet_write(hma_buffer *out, const char *bytes, size_t length);
/* The byte that a character stands for. */
bool hma_byte_alphabet_read(uint32_t code_point, unsigned char *byte);

#endif
