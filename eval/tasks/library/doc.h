/*
 * Documents of published data sets: fields of a JSON tree that are read with a message that names file, document and field, and
 * trees that are built so that no failed allocation goes unnoticed. `where` is "FILE: document N".
 */
#ifndef HMA_TASKS_LIBRARY_DOC_H
#define HMA_TASKS_LIBRARY_DOC_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/buffer.h"
#include "hma/error.h"

/* A text; absent, null and other types are refused. */
hma_status hma_doc_text(const cJSON *doc, const char *where, const char *key, const char **text);
/* A list or an object that must be there. */
hma_status hma_doc_list(const cJSON *doc, const char *where, const char *key, const cJSON **list);
hma_status hma_doc_object(const cJSON *doc, const char *where, const char *key, const cJSON **object);
/* A whole number from 0 to `most`, also as a text of digits or as true and false. */
hma_status hma_doc_number(const cJSON *doc, const char *where, const char *key, size_t most, size_t *number);

/* What is the same for all documents without a label: "the test split is published without it". */
hma_status hma_doc_no_label(const char *where, const char *key, const char *expected);

/* Adds a value to an object (`key`) or a list (`key` NULL); takes over `value`, which may be NULL after a failed allocation. */
hma_status hma_doc_put(cJSON *parent, const char *key, cJSON *value);
hma_status hma_doc_put_text(cJSON *parent, const char *key, const char *text);
hma_status hma_doc_put_number(cJSON *parent, const char *key, double number);
/* A copy of a value of another tree; nothing when it is NULL. */
hma_status hma_doc_put_copy(cJSON *parent, const char *key, const cJSON *value);
/* An empty list or object that was added; NULL when memory is out. */
cJSON *hma_doc_open_list(cJSON *parent, const char *key);
cJSON *hma_doc_open_object(cJSON *parent, const char *key);

/* The text of a buffer, which is freed. */
hma_status hma_doc_put_buffer(cJSON *parent, const char *key, hma_buffer *text);

/* Appends a prompt: {name} stands for a field of the document, which must be a text. */
hma_status hma_doc_fill(hma_buffer *out, const char *prompt, const cJSON *doc, const char *where);

#endif
