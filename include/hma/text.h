/*
 * Text as libhma reads and writes it: numbers, sizes, JSON strings, the nearest word. For programs around the library, so that
 * an option and a file mean the same thing. Nothing here depends on the locale.
 */
#ifndef HMA_TEXT_H
#define HMA_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "hma/export_macro.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frees a text that the library has returned. NULL is allowed. */
HMA_API void hma_text_free(char *text);

/* These demand that the whole text is the number, and return false otherwise (also on overflow). */
HMA_API bool hma_parse_u64(uint64_t *out, const char *text);
/* Finite values only; no hexadecimal, no leading space. */
HMA_API bool hma_parse_double(double *out, const char *text);
/* A size in bytes: digits with an optional K, M, G or T (powers of 1024, optionally written KiB or KB), "6G" = 6442450944. */
HMA_API bool hma_parse_size(uint64_t *out, const char *text);

/* Room for any double and the terminator. */
enum { HMA_DOUBLE_TEXT = 32 };
/* Shortest decimal that reads back to the same bits; "nan", "inf", "-inf" otherwise. Returns `text`. */
HMA_API const char *hma_double_text(double value, char text[HMA_DOUBLE_TEXT]);

/* The text as a JSON string, with quotes and escapes (bytes that are not UTF-8 become U+FFFD); freed with hma_text_free(). NULL
 * when memory is out. */
HMA_API char *hma_json_quote(const char *text);

/* Texts from files and arguments may hold anything: whatever would break the line or drive a terminal becomes '?' (line ends
 * and tabs a space). In place, the length stays. */
HMA_API void hma_text_one_line(char *text);

/* The entry of a NULL-terminated list that is nearest to `word`, by spelling or because one begins with the other; NULL when
 * nothing is near: for "did you mean". */
HMA_API const char *hma_nearest(const char *word, const char *const *list);

#ifdef __cplusplus
}
#endif
#endif
