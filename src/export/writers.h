/*
 * The writers: each turns a table into the bytes of one format, in memory. Nothing here opens files; export.c puts the bytes in
 * place. The same table gives the same bytes.
 */
#ifndef HMA_EXPORT_WRITERS_H
#define HMA_EXPORT_WRITERS_H

#include <stddef.h>

#include "base/buffer.h"
#include "export/table.h"
#include "hma/error.h"

/* HDF5, schema hma-front 1; `name` is what messages call the file. *image is freed with free(). */
hma_status hma_write_hdf5(const hma_table *table, const char *name, void **image, size_t *length);

/* One row a point, RFC 4180. */
hma_status hma_write_csv(hma_buffer *out, const hma_table *table);

/* The object of `hma front --json`, without a line feed at the end. */
hma_status hma_write_json(hma_buffer *out, const hma_table *table);

/* The picture of the front. */
hma_status hma_write_svg(hma_buffer *out, const hma_table *table);

/* A page that needs nothing beside it. */
hma_status hma_write_html(hma_buffer *out, const hma_table *table);

/* A notebook; `data_file` is the name of the HDF5 file beside it. */
hma_status hma_write_notebook(hma_buffer *out, const hma_table *table, const char *data_file);

/*
 * A mergekit configuration for one point. `stored` is the type in which the checkpoints store their weights ("BF16", ..), NULL
 * when it is not known.
 */
hma_status hma_write_mergekit(hma_buffer *out, const hma_table *table, size_t point, const char *stored);

#endif
