/* The notebook of a front: the table's contents as texts, for notebooks-export to lay out. */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "export/report.h"
#include "export/text.h"
#include "export/writers.h"
#include "notebooks-export/cells.h"

/* The results of the cells; kept until the notebook is written. */
typedef struct results {
    hma_buffer html[HMA_CELL_COUNT], plain[HMA_CELL_COUNT], svg;
} results;

/* ---- Markdown ---- */

/* Shown as it is written: nothing in it is Markdown, HTML or a formula. */
static void put_words(hma_buffer *out, const char *text) {
    hma_buffer line = {0};
    hma_put_line(&line, text, SIZE_MAX);
    for (const char *c = hma_buffer_cstr(&line); *c; c++) {
        if (*c == '<' || *c == '>' || *c == '&') {
            hma_buffer_text(out, *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : "&amp;");
        } else {
            hma_buffer_text(out, strchr("\\`*_[]$~", *c) ? "\\" : "");
            hma_buffer_char(out, *c);
        }
    }
    hma_end_part(out, &line);
}

static void put_summary(hma_buffer *out, const hma_table *table) {
    hma_buffer_text(out, "# ");
    put_words(out, table->title);
    hma_buffer_text(out, "\n\n**");
    put_words(out, table->front->verdict);
    hma_buffer_text(out, "**\n\nA ratio is the weight of post: 0 is pre, 1 is post.\n\n");
    hma_report_fact facts[HMA_REPORT_FACTS];
    const size_t count = hma_report_facts(table, facts);
    for (size_t i = 0; i < count; i++) {
        hma_buffer_printf(out, "- %s: ", facts[i].name);
        put_words(out, facts[i].value);
        hma_buffer_char(out, '\n');
    }
}

/* ---- results ---- */

static void fill_grid(results *r, hma_cell cell, const hma_table *table, void (*fill)(hma_grid *grid, const hma_table *table)) {
    hma_grid grid = {0};
    fill(&grid, table);
    hma_grid_html(&r->html[cell], &grid);
    hma_grid_plain(&r->plain[cell], &grid);
    hma_grid_free(&grid);
}

/* Jupyter shows SVG of notebooks that it does not trust (all that come from elsewhere) only inside an image. */
static hma_status put_image(hma_buffer *out, const hma_buffer *svg, const char *words) {
    unsigned char *encoded = HMA_NEW(unsigned char, svg->length / 3 * 4 + 5);
    if (!encoded) {
        return HMA_FAILURE;
    }
    const int length = EVP_EncodeBlock(encoded, (const unsigned char *)svg->data, (int)svg->length);
    hma_buffer_printf(out, "<img alt=\"%s\" src=\"data:image/svg+xml;base64,", words);
    hma_buffer_add(out, encoded, (size_t)length);
    hma_buffer_text(out, "\">\n");
    free(encoded);
    return HMA_OK;
}

static hma_status fill_results(results *r, const hma_table *table) {
    hma_status status = hma_write_svg(&r->svg, table);
    if (status == HMA_OK) {
        status = put_image(&r->html[HMA_CELL_FRONT], &r->svg, "alignment and retention of all points");
    }
    hma_buffer_text(&r->plain[HMA_CELL_FRONT], "Alignment and retention of all points: run the cell to see the picture.");
    fill_grid(r, HMA_CELL_POINTS, table, hma_report_points);
    fill_grid(r, HMA_CELL_PAIRED, table, hma_report_paired);
    fill_grid(r, HMA_CELL_BLOCKS, table, hma_report_blocks);
    fill_grid(r, HMA_CELL_TAX, table, hma_report_tax);
    fill_grid(r, HMA_CELL_ITEMS, table, hma_report_items);
    for (size_t i = 0; i < HMA_CELL_COUNT && status == HMA_OK; i++) {
        status = hma_buffer_ok(&r->html[i]);
        status = status == HMA_OK ? hma_buffer_ok(&r->plain[i]) : status;
    }
    return status;
}

static void show(hma_front_notebook *content, size_t cell, const char *type, const hma_buffer *result) {
    content->result[cell].views[content->result[cell].view_count++] = (hma_notebook_view){type, hma_buffer_cstr(result)};
}

static hma_status write_cells(hma_buffer *out, const char *summary, const char *data_file, const results *r) {
    hma_front_notebook content = {.summary = summary, .data_file = data_file};
    show(&content, HMA_CELL_FRONT, "image/svg+xml", &r->svg);
    for (size_t i = 0; i < HMA_CELL_COUNT; i++) {
        show(&content, i, "text/html", &r->html[i]);
        show(&content, i, "text/plain", &r->plain[i]);
    }
    return hma_front_notebook_write(out, &content);
}

hma_status hma_write_notebook(hma_buffer *out, const hma_table *table, const char *data_file) {
    if (!hma_utf8_is_valid(data_file, strlen(data_file))) {
        return hma_error(HMA_USAGE, "%s: the name is not UTF-8 (expected a name that a notebook can hold): choose another name",
                         data_file);
    }
    results r = {0};
    hma_buffer summary = {0};
    put_summary(&summary, table);
    hma_status status = hma_buffer_ok(&summary);
    if (status == HMA_OK) {
        status = fill_results(&r, table);
    }
    if (status == HMA_OK) {
        status = write_cells(out, hma_buffer_cstr(&summary), data_file, &r);
    }
    for (size_t i = 0; i < HMA_CELL_COUNT; i++) {
        hma_buffer_free(&r.html[i]);
        hma_buffer_free(&r.plain[i]);
    }
    hma_buffer_free(&r.svg);
    hma_buffer_free(&summary);
    return status;
}
