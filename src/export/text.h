/* Text for files that must be UTF-8. */
#ifndef HMA_EXPORT_TEXT_H
#define HMA_EXPORT_TEXT_H

#include "base/buffer.h"

/* Appends a text; bytes that are not UTF-8 become U+FFFD. NULL is "". */
void hma_put_text(hma_buffer *out, const char *text);
/*
 * The same as one line of at most `columns` characters, the last an ellipsis where something was left out. A line break
 * becomes a sign for one; other characters that drive terminals or end lines become spaces.
 */
void hma_put_line(hma_buffer *out, const char *text, size_t columns);

/* Frees a buffer in which a part of `out` was prepared; its failure becomes that of `out`. */
void hma_end_part(hma_buffer *out, hma_buffer *part);

#endif
