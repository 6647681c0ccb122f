/*
 * Chat templates: the part of Jinja that they use, evaluated as Jinja 3 does it in transformers. What is not supported is
 * refused where it is met, with its line; nothing is approximated. Templates are input that nobody vouches for: depth, steps
 * and memory are bounded.
 *
 * Supported: if, for (with loop, else, if), set, macro, break, continue, generation; text, whole numbers, lists, dictionaries;
 * operators, slices, if-else; common filters, tests and methods (builtins.c); raise_exception, namespace, range.
 */
#ifndef HMA_TOKENIZER_JINJA_JINJA_H
#define HMA_TOKENIZER_JINJA_JINJA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "hma/error.h"
#include "hma/tokenizer.h"

typedef struct hma_jinja hma_jinja;

hma_status hma_jinja_compile(hma_jinja **out, const char *source, size_t length);
void hma_jinja_free(hma_jinja *jinja);

/* A text that templates know by name, such as bos_token; `text` NULL leaves the name undefined. */
typedef struct hma_jinja_global {
    const char *name, *text;
} hma_jinja_global;

/* Appends what the template makes of the messages. `tools` and `documents` are none. */
hma_status hma_jinja_render(const hma_jinja *jinja, const hma_chat_message *messages, size_t count, bool generation_prompt,
                            const hma_jinja_global *globals, size_t global_count, hma_buffer *out);

#endif
