/* A table of texts, made once and shown as HTML or as plain text. */
#ifndef HMA_EXPORT_GRID_H
#define HMA_EXPORT_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { HMA_GRID_MAX_COLUMNS = 16 };

typedef struct hma_grid {
    const char *header[HMA_GRID_MAX_COLUMNS];
    bool is_number[HMA_GRID_MAX_COLUMNS]; /* aligned to the right */
    size_t columns;
    hma_buffer cells; /* all texts, each with a terminator, row by row */
    size_t count;     /* cells so far */
    bool *emphasis;   /* [rows] */
    size_t rows, row_capacity;
    hma_buffer note; /* a line below the table, may be empty */
    bool failed;
} hma_grid;

/* Columns are declared before the first row; `header` must last as long as the grid. */
void hma_grid_column(hma_grid *grid, const char *header, bool is_number);
/* Starts a row; then one call per column. An emphasised row is shown in bold (HTML) or with a star (text). */
void hma_grid_row(hma_grid *grid, bool emphasis);
/* Any text, as one line of at most `columns` characters. */
void hma_grid_text(hma_grid *grid, const char *text, size_t columns);
void hma_grid_fixed(hma_grid *grid, double value, int decimals);
void hma_grid_signed(hma_grid *grid, double value, int decimals);
/* "[low, high]" */
void hma_grid_interval(hma_grid *grid, double low, double high, int decimals);
/* A probability: "< 0.001" where it is that small. */
void hma_grid_p(hma_grid *grid, double p);
void hma_grid_free(hma_grid *grid);

void hma_grid_html(hma_buffer *out, const hma_grid *grid);
void hma_grid_plain(hma_buffer *out, const hma_grid *grid);

#endif
