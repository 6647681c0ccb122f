/* One row a point (RFC 4180: CR LF, quotes where needed). Numbers read back exactly; what is not finite is an empty cell. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "export/names.h"
#include "export/text.h"
#include "export/writers.h"

static void put_separator(hma_buffer *out) {
    if (out->length && out->data[out->length - 1] != '\n') {
        hma_buffer_char(out, ',');
    }
}

static void put_quoted(hma_buffer *out, const char *text) {
    const char *quote;
    hma_buffer_char(out, '"');
    for (; (quote = strchr(text, '"')) != NULL; text = quote + 1) {
        hma_buffer_add(out, text, (size_t)(quote - text));
        hma_buffer_text(out, "\"\"");
    }
    hma_buffer_text(out, text);
    hma_buffer_char(out, '"');
}

/* A spreadsheet takes a cell that begins like a formula for one; an apostrophe makes it text again. */
static void put_text(hma_buffer *out, const char *text) {
    hma_buffer clean = {0};
    hma_put_text(&clean, text && *text && strchr("=+-@\t\r", *text) ? "'" : "");
    hma_put_text(&clean, text);
    put_separator(out);
    const char *content = hma_buffer_cstr(&clean);
    /* an empty first cell would be taken for no cell at all */
    if (*content == 0 || strpbrk(content, "\",\r\n") || *content == ' ') {
        put_quoted(out, content);
    } else {
        hma_buffer_text(out, content);
    }
    hma_end_part(out, &clean);
}

static void put_double(hma_buffer *out, double value) {
    char text[HMA_DOUBLE_TEXT];
    put_separator(out);
    hma_buffer_text(out, isfinite(value) ? hma_double_text(value, text) : "");
}

static void put_bool(hma_buffer *out, bool value) { put_text(out, value ? "true" : "false"); }

static void put_axis_names(hma_buffer *out, const char *axis, bool searched) {
    static const char *const columns[] = {
        "",           "_stderr",           "_ci_low",     "_ci_high", "_minus_post", "_minus_post_stderr", "_minus_post_p",
        "_minus_pre", "_minus_pre_stderr", "_minus_pre_p"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        put_separator(out);
        hma_buffer_printf(out, "%s%s", axis, columns[i]);
    }
    if (searched) {
        hma_buffer_printf(out, ",%s_search,%s_search_stderr", axis, axis);
    }
}

static hma_status put_header(hma_buffer *out, const hma_table *table) {
    static const char *const columns[] = {"id",       "label",       "origin",  "method",     "uniform",   "on_front",
                                          "excluded", "recommended", "failure", "membership", "mean_ratio"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        put_text(out, columns[i]);
    }
    for (size_t block = 0; block < table->blocks; block++) {
        put_separator(out);
        hma_buffer_printf(out, "ratio_%zu", block + 1);
    }
    hma_name_set names = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; i < table->front->axis_count && status == HMA_OK; i++) {
        char name[HMA_NAME_SIZE];
        status = hma_name_set_make(&names, table->front->axes[i].name, name);
        if (status == HMA_OK) {
            put_axis_names(out, name, table->front->search_axes != NULL);
        }
    }
    hma_name_set_free(&names);
    hma_buffer_text(out, "\r\n");
    return status;
}

static void put_axis(hma_buffer *out, const hma_axis *axis, size_t point) {
    const hma_estimate *e = &axis->point[point];
    const hma_difference *post = &axis->versus_post[point], *pre = &axis->versus_pre[point];
    const double values[] = {e->value,  e->standard_error,   e->low, e->high, post->mean, post->standard_error, post->p,
                             pre->mean, pre->standard_error, pre->p};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        put_double(out, values[i]);
    }
}

static void put_row(hma_buffer *out, const hma_table *table, size_t index) {
    const hma_point *point = &table->front->points[index];
    const hma_table_point *more = &table->points[index];
    put_text(out, point->id);
    put_text(out, hma_table_label(table, index));
    put_text(out, more->origin);
    put_text(out, more->method);
    put_bool(out, more->uniform);
    put_bool(out, point->on_front);
    put_bool(out, point->excluded);
    put_bool(out, index == table->front->recommended);
    put_text(out, more->failure);
    put_double(out, point->membership);
    put_double(out, more->mean_ratio);
    for (size_t block = 0; block < table->blocks; block++) {
        put_double(out, table->ratios[index * table->blocks + block]);
    }
    for (size_t i = 0; i < table->front->axis_count; i++) {
        put_axis(out, &table->front->axes[i], index);
        if (table->front->search_axes) {
            const hma_estimate *search = &table->front->search_axes[i].point[index];
            put_double(out, search->value);
            put_double(out, search->standard_error);
        }
    }
    hma_buffer_text(out, "\r\n");
}

hma_status hma_write_csv(hma_buffer *out, const hma_table *table) {
    const hma_status status = put_header(out, table);
    for (size_t i = 0; status == HMA_OK && i < table->front->point_count; i++) {
        put_row(out, table, i);
    }
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
