#include "eval/tasks/reply.h"

#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "hma/text.h"

/* Tokens looked at beside those that a stop string can stretch over: parts of a character have no text of their own. */
enum { MORE_TOKENS = 8 };

static size_t longest(const hma_stops *stops) {
    size_t most = 0;
    for (size_t i = 0; i < stops->count; i++) {
        most = hma_max_size(most, strlen(stops->text[i]));
    }
    return most;
}

static bool has_stop(const char *text, size_t length, const hma_stops *stops) {
    for (size_t i = 0; i < stops->count; i++) {
        if (memmem(text, length, stops->text[i], strlen(stops->text[i]))) {
            return true;
        }
    }
    return false;
}

bool hma_reply_stops(void *watch, size_t request, const int32_t *new_ids, size_t count) {
    hma_reply_watch *w = watch;
    const hma_stops *stops = w->stops[request];
    if (stops->count == 0) {
        return false;
    }
    /* a stop string of n bytes that ends now began at most n tokens ago; earlier ones would have stopped the reply before */
    const size_t tail = hma_min_size(count, longest(stops) + MORE_TOKENS);
    char *text;
    size_t length;
    if (hma_tokenizer_decode(w->tokenizer, new_ids + count - tail, tail, false, &text, &length) != HMA_OK) {
        atomic_store(&w->failed, true);
        return true;
    }
    const bool stop = has_stop(text, length, stops);
    hma_text_free(text);
    return stop;
}

hma_status hma_reply_text(const hma_tokenizer *tokenizer, const int32_t *ids, size_t count, const hma_stops *stops, char **text,
                          size_t *length) {
    const hma_status status = hma_tokenizer_decode(tokenizer, ids, count, true, text, length);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < stops->count; i++) {
        const char *stop = memmem(*text, *length, stops->text[i], strlen(stops->text[i]));
        *length = stop ? (size_t)(stop - *text) : *length;
    }
    (*text)[*length] = 0;
    return HMA_OK;
}

hma_status hma_reply_plain_text(const hma_tokenizer *tokenizer, const int32_t *ids, size_t count, const hma_stops *stops,
                                char **text) {
    char *raw;
    size_t length;
    hma_buffer plain = {0};
    const hma_status status = hma_reply_text(tokenizer, ids, count, stops, &raw, &length);
    if (status != HMA_OK || strlen(raw) == length) {
        *text = status == HMA_OK ? raw : *text;
        return status;
    }
    for (size_t i = 0; i < length; i++) {
        hma_buffer_add(&plain, raw[i] ? raw + i : "\xEF\xBF\xBD", raw[i] ? 1 : 3);
    }
    hma_text_free(raw);
    raw = hma_buffer_release(&plain);
    if (!raw) {
        return HMA_FAILURE;
    }
    *text = raw;
    return HMA_OK;
}
