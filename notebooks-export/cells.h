/* The notebook of a front: which cells there are and in which order. */
#ifndef HMA_NOTEBOOKS_EXPORT_CELLS_H
#define HMA_NOTEBOOKS_EXPORT_CELLS_H

#include "hma/error.h"
#include "notebooks-export/notebook.h"

/* The code cells whose results are shown without running them. */
typedef enum hma_cell {
    HMA_CELL_POINTS = 0,
    HMA_CELL_FRONT,
    HMA_CELL_PAIRED,
    HMA_CELL_BLOCKS,
    HMA_CELL_TAX,
    HMA_CELL_ITEMS,
    HMA_CELL_COUNT
} hma_cell;

enum { HMA_CELL_MAX_VIEWS = 3 };

/* What a front has to show. All texts are UTF-8. */
typedef struct hma_front_notebook {
    const char *summary;   /* Markdown: title, verdict, provenance */
    const char *data_file; /* name of the HDF5 file beside the notebook */
    struct {
        hma_notebook_view views[HMA_CELL_MAX_VIEWS]; /* of rising `type` */
        size_t view_count;
    } result[HMA_CELL_COUNT];
} hma_front_notebook;

hma_status hma_front_notebook_write(hma_buffer *out, const hma_front_notebook *content);

#endif
