/* Fields that several kinds of file have. `where` is "FILE:LINE" or the like, for messages. */
#ifndef HMA_TASKS_FIELDS_H
#define HMA_TASKS_FIELDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text_set.h"
#include "hma/error.h"

/*
 * A word out of a few: *index gets the place of the value of `key` in the NULL-terminated list `words`; an absent key leaves it
 * alone, unless required. @return HMA_BAD_DATA naming the words and, where one is near, that one.
 */
hma_status hma_read_word(const cJSON *object, const char *where, const char *key, bool required, const char *const *words,
                         size_t *index);

/* Stop strings. */
typedef struct hma_stops {
    char **text; /* not empty */
    size_t count;
} hma_stops;

/* "until", a list of non-empty strings; none when it is absent. */
hma_status hma_read_until(const cJSON *object, const char *where, hma_stops *out);
void hma_stops_free(hma_stops *stops);

/* "temperature", "top_k" and "top_p"; absent ones are left alone. */
hma_status hma_read_sampling(const cJSON *object, const char *where, double *temperature, size_t *top_k, double *top_p);

/* Notes an id of the file; HMA_BAD_DATA when it was there before. */
hma_status hma_note_id(hma_text_set *ids, const char *id, const char *where);

#endif
