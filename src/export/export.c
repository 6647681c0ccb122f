#include "hma/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/error_set.h"
#include "base/file.h"
#include "export/writers.h"
#include "hma/checkpoint.h"

static hma_status save_text(const hma_table *table, const char *path, hma_status (*write)(hma_buffer *, const hma_table *)) {
    hma_buffer text = {0};
    hma_status status = write(&text, table);
    if (status == HMA_OK) {
        status = hma_file_store(path, hma_buffer_cstr(&text), text.length);
    }
    hma_buffer_free(&text);
    return status;
}

/* Text files end with a line feed. */
static hma_status write_json_line(hma_buffer *out, const hma_table *table) {
    const hma_status status = hma_write_json(out, table);
    hma_buffer_char(out, '\n');
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}

static hma_status save_csv(const hma_table *table, const char *path) { return save_text(table, path, hma_write_csv); }
static hma_status save_json(const hma_table *table, const char *path) { return save_text(table, path, write_json_line); }
static hma_status save_svg(const hma_table *table, const char *path) { return save_text(table, path, hma_write_svg); }
static hma_status save_html(const hma_table *table, const char *path) { return save_text(table, path, hma_write_html); }

static hma_status save_hdf5(const hma_table *table, const char *path) {
    void *image;
    size_t length;
    hma_status status = hma_write_hdf5(table, path, &image, &length);
    if (status == HMA_OK) {
        status = hma_file_store(path, image, length);
        free(image);
    }
    return status;
}

/* The data first: a notebook never refers to a file that is not there. */
static hma_status save_notebook(const hma_table *table, const char *path) {
    hma_buffer notebook = {0}, data = {0};
    hma_buffer_add(&data, path, strlen(path) - strlen(".ipynb"));
    hma_buffer_text(&data, ".h5");
    hma_status status = hma_buffer_ok(&data);
    if (status == HMA_OK) {
        status = hma_write_notebook(&notebook, table, hma_path_base(hma_buffer_cstr(&data)));
    }
    if (status == HMA_OK) {
        status = save_hdf5(table, hma_buffer_cstr(&data));
    }
    if (status == HMA_OK) {
        status = hma_file_store(path, hma_buffer_cstr(&notebook), notebook.length);
    }
    hma_buffer_free(&notebook);
    hma_buffer_free(&data);
    return status;
}

typedef struct export_format {
    const char *suffix;
    hma_status (*save)(const hma_table *table, const char *path);
    bool needs_items;
} export_format;

static const export_format formats[] = {
    {".h5", save_hdf5, true},  {".csv", save_csv, false},  {".json", save_json, false},
    {".svg", save_svg, false}, {".html", save_html, true}, {".ipynb", save_notebook, true},
};

/* NULL when the suffix names none; a name that is nothing but a suffix has none. */
static const export_format *find_format(const char *path) {
    const char *name = hma_path_base(path), *suffix = strrchr(name, '.');
    for (size_t i = 0; suffix && suffix != name && i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(suffix, formats[i].suffix) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

hma_status hma_export_check(const char *path) {
    return find_format(path) ? HMA_OK
                             : hma_error(HMA_USAGE,
                                         "%s: the suffix names no format (expected .h5, .csv, .json, .svg, .html or .ipynb): "
                                         "choose one",
                                         path);
}

hma_status hma_export(const hma_run *run, const hma_front *front, const char *path) {
    const export_format *format = find_format(path);
    if (!format) {
        return hma_export_check(path);
    }
    hma_table table;
    hma_status status = hma_table_gather(&table, run, front, format->needs_items);
    if (status == HMA_OK) {
        status = format->save(&table, path);
        hma_table_free(&table);
    }
    return status;
}

hma_status hma_export_json(const hma_run *run, const hma_front *front, char **json) {
    hma_table table;
    hma_buffer text = {0};
    hma_status status = hma_table_gather(&table, run, front, false);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_write_json(&text, &table);
    hma_table_free(&table);
    char *content = status == HMA_OK ? hma_buffer_release(&text) : NULL;
    hma_buffer_free(&text);
    if (!content) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    *json = content;
    return HMA_OK;
}

/* The type in which a model stores its weights; NULL when its folder is not there any more. */
static const char *stored_type(const char *folder) {
    hma_checkpoint *checkpoint;
    const char *name = NULL;
    if (hma_checkpoint_open(&checkpoint, folder) != HMA_OK) {
        return NULL;
    }
    for (size_t i = 0; i < hma_checkpoint_tensor_count(checkpoint) && !name; i++) {
        const hma_dtype dtype = hma_checkpoint_tensor(checkpoint, i)->dtype;
        name = hma_dtype_is_weight(dtype) ? hma_dtype_name(dtype) : NULL;
    }
    hma_checkpoint_close(checkpoint);
    return name;
}

hma_status hma_export_mergekit(const hma_run *run, const hma_front *front, size_t point, const char *path) {
    hma_table table;
    hma_buffer text = {0};
    if (point >= front->point_count) {
        return hma_error(HMA_USAGE, "--point: there is no point %zu (expected 0 to %zu): choose one of the run", point,
                         front->point_count ? front->point_count - 1 : 0);
    }
    hma_status status = hma_table_gather(&table, run, front, false);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_write_mergekit(&text, &table, point, stored_type(table.post));
    if (status == HMA_OK) {
        status = hma_file_store(path, hma_buffer_cstr(&text), text.length);
    }
    hma_buffer_free(&text);
    hma_table_free(&table);
    return status;
}
