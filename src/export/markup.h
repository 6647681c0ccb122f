/* Text and numbers inside XML and HTML: nothing a name contains can end an element, an attribute or the document. */
#ifndef HMA_EXPORT_MARKUP_H
#define HMA_EXPORT_MARKUP_H

#include <stddef.h>

#include "base/buffer.h"

/*
 * Escapes & < > " ' and writes what XML 1.0 forbids (control characters, U+FFFE, bytes that are not UTF-8) as U+FFFD, so that
 * the result may stand in an element and in a quoted attribute.
 */
void hma_markup_text(hma_buffer *out, const char *text);

/* A number with a fixed count of decimals, a point whatever the locale, never "-0.00"; an en dash for what is not finite. */
void hma_markup_fixed(hma_buffer *out, double value, int decimals);
/* The same with a plus sign before what is not negative: for differences. */
void hma_markup_signed(hma_buffer *out, double value, int decimals);

#endif
