/*
 * Unicode normal forms in linear time. Decompositions, combining classes and compositions are utf8proc's; only code points
 * that the reference's normaliser knows (Unicode 9) take part, newer ones stay as they are.
 */
#ifndef HMA_TOKENIZER_UNICODE_FORMS_H
#define HMA_TOKENIZER_UNICODE_FORMS_H

#include <stddef.h>

#include "base/buffer.h"
#include "hma/error.h"

typedef enum hma_form { HMA_NFC, HMA_NFD, HMA_NFKC, HMA_NFKD } hma_form;

/* Appends the normal form of valid UTF-8 text. */
hma_status hma_form_write(hma_form form, const char *text, size_t length, hma_buffer *out);

#endif
