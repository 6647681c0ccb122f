#include "export/grid.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "export/markup.h"
#include "export/text.h"

void hma_grid_column(hma_grid *grid, const char *header, bool is_number) {
    if (grid->columns < HMA_GRID_MAX_COLUMNS) {
        grid->header[grid->columns] = header;
        grid->is_number[grid->columns++] = is_number;
    }
}

void hma_grid_row(hma_grid *grid, bool emphasis) {
    if (hma_grow(&grid->emphasis, &grid->row_capacity, grid->rows + 1, sizeof *grid->emphasis)) {
        grid->failed = true;
        return;
    }
    grid->emphasis[grid->rows++] = emphasis;
}

static void end_cell(hma_grid *grid) {
    hma_buffer_char(&grid->cells, 0);
    grid->count++;
    grid->failed = grid->failed || grid->cells.failed;
}

void hma_grid_text(hma_grid *grid, const char *text, size_t columns) {
    hma_put_line(&grid->cells, text, columns);
    end_cell(grid);
}

void hma_grid_fixed(hma_grid *grid, double value, int decimals) {
    hma_markup_fixed(&grid->cells, value, decimals);
    end_cell(grid);
}

void hma_grid_signed(hma_grid *grid, double value, int decimals) {
    hma_markup_signed(&grid->cells, value, decimals);
    end_cell(grid);
}

void hma_grid_interval(hma_grid *grid, double low, double high, int decimals) {
    hma_buffer_char(&grid->cells, '[');
    hma_markup_fixed(&grid->cells, low, decimals);
    hma_buffer_text(&grid->cells, ", ");
    hma_markup_fixed(&grid->cells, high, decimals);
    hma_buffer_char(&grid->cells, ']');
    end_cell(grid);
}

void hma_grid_p(hma_grid *grid, double p) {
    if (isfinite(p) && p < 0.001) {
        hma_grid_text(grid, "< 0.001", SIZE_MAX);
    } else {
        hma_grid_fixed(grid, p, 3);
    }
}

void hma_grid_free(hma_grid *grid) {
    hma_buffer_free(&grid->cells);
    hma_buffer_free(&grid->note);
    free(grid->emphasis);
    *grid = (hma_grid){0};
}

/* ---- showing ---- */

static bool can_be_shown(hma_buffer *out, const hma_grid *grid) {
    out->failed = out->failed || grid->failed || grid->note.failed;
    assert(out->failed || grid->count == grid->rows * grid->columns);
    return !out->failed;
}

static void html_cell(hma_buffer *out, const char *element, bool is_number, const char *text) {
    hma_buffer_printf(out, "<%s style=\"text-align:%s\">", element, is_number ? "right" : "left");
    hma_markup_text(out, text);
    hma_buffer_printf(out, "</%s>", element);
}

void hma_grid_html(hma_buffer *out, const hma_grid *grid) {
    if (!can_be_shown(out, grid)) {
        return;
    }
    const char *cell = hma_buffer_cstr(&grid->cells);
    hma_buffer_text(out, "<table>\n<thead>\n<tr>");
    for (size_t column = 0; column < grid->columns; column++) {
        html_cell(out, "th", grid->is_number[column], grid->header[column]);
    }
    hma_buffer_text(out, "</tr>\n</thead>\n<tbody>\n");
    for (size_t row = 0; row < grid->rows; row++) {
        hma_buffer_text(out, grid->emphasis[row] ? "<tr style=\"font-weight:bold\">" : "<tr>");
        for (size_t column = 0; column < grid->columns; column++) {
            html_cell(out, "td", grid->is_number[column], cell);
            cell += strlen(cell) + 1;
        }
        hma_buffer_text(out, "</tr>\n");
    }
    hma_buffer_text(out, "</tbody>\n</table>\n");
    if (grid->note.length) {
        hma_buffer_text(out, "<p>");
        hma_markup_text(out, hma_buffer_cstr(&grid->note));
        hma_buffer_text(out, "</p>\n");
    }
}

static void pad(hma_buffer *out, size_t from, size_t to) {
    for (; from < to; from++) {
        hma_buffer_char(out, ' ');
    }
}

static void plain_cell(hma_buffer *out, const char *text, size_t width, bool is_number) {
    const size_t own = hma_utf8_count(text, strlen(text));
    pad(out, is_number ? own : width, width);
    hma_buffer_text(out, text);
    pad(out, is_number ? width : own, width);
}

static void measure(const hma_grid *grid, size_t widths[HMA_GRID_MAX_COLUMNS]) {
    for (size_t column = 0; column < grid->columns; column++) {
        widths[column] = hma_utf8_count(grid->header[column], strlen(grid->header[column]));
    }
    const char *cell = hma_buffer_cstr(&grid->cells);
    for (size_t i = 0; i < grid->count; i++) {
        const size_t length = strlen(cell);
        widths[i % grid->columns] = hma_max_size(widths[i % grid->columns], hma_utf8_count(cell, length));
        cell += length + 1;
    }
}

void hma_grid_plain(hma_buffer *out, const hma_grid *grid) {
    size_t widths[HMA_GRID_MAX_COLUMNS];
    if (!can_be_shown(out, grid)) {
        return;
    }
    measure(grid, widths);
    for (size_t column = 0; column < grid->columns; column++) {
        hma_buffer_text(out, column ? "  " : "  ");
        plain_cell(out, grid->header[column], widths[column], grid->is_number[column]);
    }
    const char *cell = hma_buffer_cstr(&grid->cells);
    for (size_t i = 0; i < grid->count; i++) {
        hma_buffer_text(out, i % grid->columns ? "  " : grid->emphasis[i / grid->columns] ? "\n* " : "\n  ");
        plain_cell(out, cell, widths[i % grid->columns], grid->is_number[i % grid->columns]);
        cell += strlen(cell) + 1;
    }
    if (grid->note.length) {
        hma_buffer_char(out, '\n');
        hma_buffer_text(out, hma_buffer_cstr(&grid->note));
    }
}
