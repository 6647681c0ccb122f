/*
 * The rules of Python's str and re that the definitions of the text metrics are written in: lower(), split(), strip(),
 * string.punctuation, word boundaries. All text is valid UTF-8 without U+0000.
 */
#ifndef HMA_TASKS_PYTHON_TEXT_H
#define HMA_TASKS_PYTHON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "hma/error.h"

/* Appends text.lower(): U+0130 becomes two code points, a capital sigma at the end of a word becomes the final one. */
void hma_python_lower(hma_buffer *out, const char *text);

/* Appends the text without the 32 characters of string.punctuation. */
void hma_python_drop_punctuation(hma_buffer *out, const char *text);

/* Appends the text with every lower-case "a", "an" and "the" between word boundaries replaced by a space. */
void hma_python_drop_articles(hma_buffer *out, const char *text);

/* What \w matches. */
bool hma_python_is_word(uint32_t code_point);

/* text.strip(): points into `text`, *length is what is left. */
const char *hma_python_strip(const char *text, size_t *length);

/* Whether text.rstrip() is shorter: what stands at the end of a context moves to the continuation. */
bool hma_python_ends_in_space(const char *text);

/* A list of words, zero-terminated, in one piece of memory. */
typedef struct hma_words {
    char *text;
    const char **word;
    size_t count;
} hma_words;

/* text.split(). *out is freed with hma_words_free(). */
hma_status hma_words_split(hma_words *out, const char *text);
void hma_words_free(hma_words *words);
/* In byte order, for comparing multisets. */
void hma_words_sort(hma_words *words);
/* Size of the intersection of two sorted multisets. */
size_t hma_words_shared(const hma_words *a, const hma_words *b);

#endif
