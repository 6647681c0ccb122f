/* Numbers from and to text, exactly, whatever the locale of the process. */
#ifndef HMA_BASE_NUMBER_H
#define HMA_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any double and the terminator. */
enum { HMA_DOUBLE_TEXT = 32 };

/* All of these demand that the whole text is the number, and return false otherwise (also on overflow). */
bool hma_parse_u64(uint64_t *out, const char *text);
bool hma_parse_double(double *out, const char *text); /* finite values only; no hexadecimal, no leading space */
/* A size in bytes: digits with an optional K, M, G or T (powers of 1024, optionally written KiB or KB), "6G" = 6442450944. */
bool hma_parse_size(uint64_t *out, const char *text);

/* Shortest decimal that reads back to the same bits; "nan", "inf", "-inf" otherwise. Returns `text`. */
const char *hma_double_text(double value, char text[HMA_DOUBLE_TEXT]);

#endif
