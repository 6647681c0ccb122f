/*
 * JSON documents of moderate size: a strict check, then a cJSON tree, then typed getters that name file and key when they
 * refuse.
 *
 * cJSON alone accepts duplicate keys, NULs, bad UTF-8 and trailing bytes, and takes 64 bytes a value; nothing reaches it
 * that hma_json_check() has not passed.
 */
#ifndef HMA_BASE_JSON_H
#define HMA_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"
#include "hma/text.h" /* hma_nearest() */

/* Limits of one document. */
enum { HMA_JSON_MAX_VALUES = 4000000 };

/* Valid JSON, no duplicate keys in any object, at most HMA_JSON_MAX_VALUES values. `name` is used in messages. */
hma_status hma_json_check(const char *name, const char *text, size_t length);

/* Checks and parses; *out is freed with cJSON_Delete(). */
hma_status hma_json_parse(cJSON **out, const char *name, const char *text, size_t length);

/* The same for one line of a larger file: `where` names file and line, so that messages say nothing but the column. */
hma_status hma_json_parse_line(cJSON **out, const char *where, const char *text, size_t length);

/* Reads, checks and parses a file of at most `limit` bytes. */
hma_status hma_json_load(cJSON **out, const char *path, size_t limit);

/*
 * Getters. `name` is the document (for messages). A key that is absent, or null, leaves *out alone and returns HMA_OK when
 * `required` is false; otherwise HMA_BAD_DATA. A value of another type or outside [least, most] is HMA_BAD_DATA; whole numbers end at 2^53
 * whatever `most` says, because those behind it are not exact as JSON has them.
 */
hma_status hma_json_get_u64(const cJSON *object, const char *name, const char *key, bool required, uint64_t least,
                            uint64_t most, uint64_t *out);
hma_status hma_json_get_size(const cJSON *object, const char *name, const char *key, bool required, size_t least, size_t most,
                             size_t *out);
hma_status hma_json_get_double(const cJSON *object, const char *name, const char *key, bool required, double least, double most,
                               double *out);
hma_status hma_json_get_bool(const cJSON *object, const char *name, const char *key, bool required, bool *out);
/* *out points into the tree. */
hma_status hma_json_get_text(const cJSON *object, const char *name, const char *key, bool required, const char **out);
/* NULL when absent or null. Case-sensitive, unlike cJSON_GetObjectItem. */
const cJSON *hma_json_get(const cJSON *object, const char *key);

/* HMA_BAD_DATA naming the first key of the object that is not in the NULL-terminated list, with the nearest known key. */
hma_status hma_json_known_keys(const cJSON *object, const char *name, const char *const *known);

#endif
