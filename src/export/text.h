/* Text for files that must be UTF-8. */
#ifndef HMA_EXPORT_TEXT_H
#define HMA_EXPORT_TEXT_H

#include "base/buffer.h"

/* Appends a text; bytes that are not UTF-8 become U+FFFD. NULL is "". */
void hma_put_text(hma_buffer *out, const char *text);

#endif
