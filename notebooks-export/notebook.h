/*
 * Writes Jupyter notebooks, format 4.5, so that Jupyter saving them again changes no byte: keys sorted, one space of
 * indentation, texts as lists of lines, a line feed at the end.
 */
#ifndef HMA_NOTEBOOKS_EXPORT_NOTEBOOK_H
#define HMA_NOTEBOOKS_EXPORT_NOTEBOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

typedef struct hma_notebook {
    hma_buffer *out;
    bool has_cells;
} hma_notebook;

/* One way of showing an output. */
typedef struct hma_notebook_view {
    const char *type; /* "text/html", .. */
    const char *content;
} hma_notebook_view;

void hma_notebook_begin(hma_notebook *notebook, hma_buffer *out);
/* Ids are unique, 1 to 64 of [a-zA-Z0-9-_], and the same in every export. Texts are UTF-8. */
void hma_notebook_markdown(hma_notebook *notebook, const char *id, const char *text);
/* A code cell that has been run already when there are views: one output, in views of rising `type`. `tag` may be NULL. */
void hma_notebook_code(hma_notebook *notebook, const char *id, const char *tag, const char *source,
                       const hma_notebook_view *views, size_t view_count);
void hma_notebook_end(hma_notebook *notebook);

#endif
