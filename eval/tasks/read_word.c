#include "eval/tasks/read_word.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/json.h"

static hma_status unknown_word(const char *where, const char *key, const char *word, const char *const *words) {
    hma_buffer list = {0};
    const char *near = hma_nearest(word, words);
    for (const char *const *w = words; *w; w++) {
        hma_buffer_printf(&list, "%s\"%s\"", w == words ? "" : w[1] ? ", " : " or ", *w);
    }
    const hma_status status =
        near ? hma_error(HMA_BAD_DATA, "%s: \"%s\" is \"%.60s\" (expected %s): did you mean \"%s\"?", where, key, word,
                         hma_buffer_cstr(&list), near)
             : hma_error(HMA_BAD_DATA, "%s: \"%s\" is \"%.60s\" (expected %s): correct it", where, key, word, hma_buffer_cstr(&list));
    hma_buffer_free(&list);
    return status;
}

hma_status hma_read_word(const cJSON *object, const char *where, const char *key, bool required, const char *const *words,
                         size_t *index) {
    const char *word = NULL;
    const hma_status status = hma_json_get_text(object, where, key, required, &word);
    if (status != HMA_OK || !word) {
        return status;
    }
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *index = i;
            return HMA_OK;
        }
    }
    return unknown_word(where, key, word, words);
}
