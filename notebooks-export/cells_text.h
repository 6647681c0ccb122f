/* The text of the files in notebooks-export/cells, under their names. */
#ifndef HMA_NOTEBOOKS_EXPORT_CELLS_TEXT_H
#define HMA_NOTEBOOKS_EXPORT_CELLS_TEXT_H

extern const char hma_cell_load[], hma_cell_points[], hma_cell_front[], hma_cell_paired[], hma_cell_blocks[], hma_cell_tax[],
    hma_cell_items[];

#endif
