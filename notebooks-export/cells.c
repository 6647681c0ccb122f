#include "notebooks-export/cells.h"

#include <string.h>

#include "notebooks-export/cells_text.h"

static const struct {
    const char *id, *code, *words; /* words stand in a Markdown cell before the code */
} cells[] = {
    [HMA_CELL_POINTS] = {"points", hma_cell_points, "## Points\n\nEvery candidate that was scored, by rising ratio."},
    [HMA_CELL_FRONT] =
        {"front-plot", hma_cell_front,
         "## Front\n\nFilled points are on the front: no other point is better in both alignment and retention."},
    [HMA_CELL_PAIRED] = {"paired", hma_cell_paired,
                         "## Differences to post\n\nPaired: all points saw the same items, prompts and random numbers."},
    [HMA_CELL_BLOCKS] = {"blocks", hma_cell_blocks,
                         "## Ratios by block against one ratio\n\nWhat a ratio per block of layers gains in retention over one "
                         "ratio for all layers, at the same alignment."},
    [HMA_CELL_TAX] = {"tax", hma_cell_tax,
                      "## Alignment tax\n\nWhat post lost against pre on every task, and where the recommended merge stands."},
    [HMA_CELL_ITEMS] = {"items", hma_cell_items, "## Items\n\nThe items on which the recommended merge and post differ most."},
};

/* Frees a text that was prepared for a cell; its failure is the notebook's. */
static void end_part(hma_notebook *notebook, hma_buffer *part) {
    notebook->out->failed = notebook->out->failed || part->failed;
    hma_buffer_free(part);
}

/* The name of a cell's Markdown companion. */
static void put_words(hma_notebook *notebook, const char *id, const char *words) {
    hma_buffer name = {0};
    hma_buffer_printf(&name, "%s-words", id);
    hma_notebook_markdown(notebook, hma_buffer_cstr(&name), words);
    end_part(notebook, &name);
}

/* The cell that papermill and the like put other values after. A JSON string is a Python string too. */
static void put_parameters(hma_notebook *notebook, const char *data_file) {
    hma_buffer source = {0};
    hma_buffer_text(&source, "path = ");
    hma_buffer_json_text(&source, data_file, strlen(data_file));
    hma_notebook_code(notebook, "parameters", "parameters", hma_buffer_cstr(&source), NULL, 0);
    end_part(notebook, &source);
}

/* Jupyter keeps no line feed at the end of a cell. */
static void put_code(hma_notebook *notebook, const char *id, const char *code, const hma_notebook_view *views, size_t count) {
    hma_buffer source = {0};
    hma_buffer_add(&source, code, strlen(code) - 1);
    hma_notebook_code(notebook, id, NULL, hma_buffer_cstr(&source), views, count);
    end_part(notebook, &source);
}

hma_status hma_front_notebook_write(hma_buffer *out, const hma_front_notebook *content) {
    hma_notebook notebook;
    hma_notebook_begin(&notebook, out);
    hma_notebook_markdown(&notebook, "title", content->summary);
    put_parameters(&notebook, content->data_file);
    put_code(&notebook, "load", hma_cell_load, NULL, 0);
    for (size_t i = 0; i < HMA_CELL_COUNT; i++) {
        put_words(&notebook, cells[i].id, cells[i].words);
        put_code(&notebook, cells[i].id, cells[i].code, content->result[i].views, content->result[i].view_count);
    }
    hma_notebook_end(&notebook);
    return hma_buffer_ok(out);
}
