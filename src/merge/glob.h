/*
 * Patterns for tensor names: '*' any run of characters, '?' one character, '[a-z]' one of a set, '[!a-z]' one outside it.
 * Everything else stands for itself, '.' and '/' included. The whole name must match. Unlike fnmatch(3) the result does not
 * depend on the locale, nothing is escaped, and time is bounded by pattern length times name length.
 */
#ifndef HMA_MERGE_GLOB_H
#define HMA_MERGE_GLOB_H

#include <stdbool.h>

/* False for an empty pattern, an empty or unclosed set, a reversed range, and text that is not UTF-8. */
bool hma_glob_is_valid(const char *pattern);

/* `pattern` must be valid. */
bool hma_glob_matches(const char *pattern, const char *name);

#endif
