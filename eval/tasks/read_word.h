/* A field of a JSON object that is one of a few words. */
#ifndef HMA_TASKS_READ_WORD_H
#define HMA_TASKS_READ_WORD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

/*
 * *index gets the place of the value of `key` in the NULL-terminated list `words`; an absent key leaves it alone, unless
 * required. @return HMA_BAD_DATA naming the words and, where one is near, that one.
 */
hma_status hma_read_word(const cJSON *object, const char *where, const char *key, bool required, const char *const *words,
                         size_t *index);

#endif
