/* The front as JSON: what `hma front --json` prints and .json files hold. Numbers read back exactly; NaN is null. */
#include <math.h>
#include <string.h>

#include "export/writers.h"

static void put_key(hma_buffer *out, const char *key) {
    if (out->length && strchr("{[", out->data[out->length - 1]) == NULL) {
        hma_buffer_char(out, ',');
    }
    hma_buffer_json_text(out, key, strlen(key));
    hma_buffer_char(out, ':');
}

static void begin_object(hma_buffer *out, const char *key) {
    put_key(out, key);
    hma_buffer_char(out, '{');
}

static void begin_array(hma_buffer *out, const char *key) {
    put_key(out, key);
    hma_buffer_char(out, '[');
}

static void put_value(hma_buffer *out, const char *text) {
    hma_buffer_json_text(out, hma_text_or_empty(text), strlen(hma_text_or_empty(text)));
}

static void put_text(hma_buffer *out, const char *key, const char *text) {
    put_key(out, key);
    put_value(out, text);
}

static void put_double(hma_buffer *out, const char *key, double value) {
    put_key(out, key);
    hma_buffer_json_double(out, value);
}

static void put_bool(hma_buffer *out, const char *key, bool value) {
    put_key(out, key);
    hma_buffer_text(out, value ? "true" : "false");
}

static void put_doubles(hma_buffer *out, const char *key, const double *values, size_t count) {
    begin_array(out, key);
    for (size_t i = 0; i < count; i++) {
        hma_buffer_text(out, i ? "," : "");
        hma_buffer_json_double(out, values[i]);
    }
    hma_buffer_char(out, ']');
}

static void put_estimate(hma_buffer *out, const char *key, const hma_axis *axis, size_t point) {
    const hma_estimate *e = &axis->point[point];
    begin_object(out, key);
    put_double(out, "value", e->value);
    put_double(out, "stderr", e->standard_error);
    put_double(out, "low", e->low);
    put_double(out, "high", e->high);
    hma_buffer_char(out, '}');
}

/* Alignment and retention, also where the suite does not measure them. */
static void put_main_axes(hma_buffer *out, const hma_table *table, size_t point) {
    for (size_t i = 0; i < table->front->axis_count; i++) {
        const hma_axis *axis = &table->front->axes[i];
        if (axis->kind == HMA_AXIS_ALIGNMENT || axis->kind == HMA_AXIS_RETENTION) {
            put_estimate(out, axis->name, axis, point);
        }
    }
}

/* The axes of one kind as an object, keyed by their short names. */
static void put_estimates(hma_buffer *out, const char *key, const hma_table *table, hma_axis_kind kind, size_t point) {
    begin_object(out, key);
    for (size_t i = 0; i < table->front->axis_count; i++) {
        const hma_axis *axis = &table->front->axes[i];
        if (axis->kind == kind) {
            put_estimate(out, hma_axis_short_name(axis), axis, point);
        }
    }
    hma_buffer_char(out, '}');
}

typedef enum reference { TO_POST, TO_PRE, TO_UNIFORM } reference;

/* What a point scored on the search items, where it was: axes by their names. Higher there than on the test items is luck. */
static void put_search(hma_buffer *out, const hma_table *table, size_t point) {
    const hma_axis *axes = table->front->search_axes;
    bool scored = false;
    for (size_t i = 0; axes && i < table->front->axis_count; i++) {
        scored = scored || !isnan(axes[i].point[point].value);
    }
    if (!scored) {
        return;
    }
    begin_object(out, "search");
    for (size_t i = 0; i < table->front->axis_count; i++) {
        put_estimate(out, axes[i].name, &axes[i], point);
    }
    hma_buffer_char(out, '}');
}

static void put_differences(hma_buffer *out, const char *key, const hma_table *table, size_t point, reference to) {
    begin_object(out, key);
    for (size_t i = 0; i < table->front->axis_count; i++) {
        const hma_axis *axis = &table->front->axes[i];
        const hma_difference *d = to == TO_POST  ? &axis->versus_post[point]
                                  : to == TO_PRE ? &axis->versus_pre[point]
                                                 : &axis->versus_uniform[point];
        begin_object(out, axis->name);
        put_double(out, "mean", d->mean);
        put_double(out, "stderr", d->standard_error);
        put_double(out, "low", d->low);
        put_double(out, "high", d->high);
        put_double(out, "p", d->p);
        hma_buffer_char(out, '}');
    }
    hma_buffer_char(out, '}');
}

/* What the point is compared with as plain averaging; nothing where it is not. */
static void put_uniform(hma_buffer *out, const hma_table *table, size_t point) {
    const hma_uniform_pair *uniform = &table->front->points[point].uniform;
    if (uniform->below >= table->front->point_count || uniform->above >= table->front->point_count) {
        return;
    }
    begin_object(out, "uniform_at_same_mean");
    put_text(out, "below", table->front->points[uniform->below].id);
    put_text(out, "above", table->front->points[uniform->above].id);
    put_double(out, "weight_of_above", uniform->weight);
    hma_buffer_char(out, '}');
    put_differences(out, "versus_uniform", table, point, TO_UNIFORM);
}

static void put_point(hma_buffer *out, const hma_table *table, size_t index) {
    const hma_point *point = &table->front->points[index];
    const hma_table_point *more = &table->points[index];
    hma_buffer_char(out, '{');
    put_text(out, "id", point->id);
    put_text(out, "label", hma_table_label(table, index));
    put_text(out, "origin", more->origin);
    put_text(out, "method", more->method);
    put_doubles(out, "ratios", table->ratios + index * table->blocks, table->blocks);
    put_double(out, "mean_ratio", more->mean_ratio);
    put_doubles(out, "layer_ratios", table->layer_ratios + index * table->layers, table->layers);
    put_bool(out, "uniform", more->uniform);
    put_main_axes(out, table, index);
    put_estimates(out, "tasks", table, HMA_AXIS_TASK, index);
    put_estimates(out, "categories", table, HMA_AXIS_CATEGORY, index);
    put_search(out, table, index);
    put_bool(out, "on_front", point->on_front);
    put_bool(out, "excluded", point->excluded);
    if (more->failure) {
        put_text(out, "failure", more->failure);
    }
    put_double(out, "membership", point->membership);
    put_differences(out, "versus_post", table, index, TO_POST);
    put_differences(out, "versus_pre", table, index, TO_PRE);
    put_uniform(out, table, index);
    if (more->sha256) {
        put_text(out, "folder", more->folder);
        put_text(out, "sha256", more->sha256);
    }
    if (more->recipe) {
        put_key(out, "recipe");
        hma_buffer_text(out, more->recipe);
    }
    hma_buffer_char(out, '}');
}

static void put_input(hma_buffer *out, const char *key, const char *path, const char *sha256) {
    begin_object(out, key);
    put_text(out, "path", path);
    put_text(out, "sha256", sha256);
    hma_buffer_char(out, '}');
}

static void put_run(hma_buffer *out, const hma_table *table) {
    put_text(out, "schema", "hma-front");
    put_double(out, "schema_version", 1);
    put_text(out, "title", table->title);
    put_text(out, "history", table->command_line);
    put_text(out, "hma_version", table->version);
    put_text(out, "precision", table->precision);
    put_text(out, "seed", table->seed); /* as text: 64 bits do not fit into every reader's numbers */
    put_input(out, "pre", table->pre, table->pre_sha256);
    put_input(out, "post", table->post, table->post_sha256);
    put_input(out, "suite", table->suite, table->suite_sha256);
    put_text(out, "ratio_meaning", "weight of post");
    begin_array(out, "block_start");
    for (size_t block = 0; block < table->blocks; block++) {
        hma_buffer_printf(out, "%s%zu", block ? "," : "", table->block_start[block]);
    }
    hma_buffer_char(out, ']');
}

static void put_axes(hma_buffer *out, const hma_table *table) {
    begin_object(out, "axes");
    for (size_t i = 0; i < table->front->axis_count; i++) {
        const hma_axis *axis = &table->front->axes[i];
        begin_object(out, axis->name);
        put_text(out, "long_name", axis->long_name);
        put_text(out, "units", axis->units);
        put_text(out, "category", axis->category);
        put_bool(out, "higher_is_better", axis->higher_is_better);
        hma_buffer_char(out, '}');
    }
    hma_buffer_char(out, '}');
}

static void put_id(hma_buffer *out, const hma_table *table, const char *key, size_t point) {
    put_key(out, key);
    if (point < table->front->point_count) {
        put_value(out, table->front->points[point].id);
    } else {
        hma_buffer_text(out, "null");
    }
}

static void put_front(hma_buffer *out, const hma_table *table) {
    const hma_front *front = table->front;
    begin_array(out, "front");
    for (size_t i = 0; i < front->front_count; i++) {
        hma_buffer_text(out, i ? "," : "");
        put_value(out, front->points[front->front[i]].id);
    }
    hma_buffer_char(out, ']');
    begin_object(out, "hypervolume");
    put_double(out, "value", front->hypervolume.value);
    put_double(out, "low", front->hypervolume.low);
    put_double(out, "high", front->hypervolume.high);
    hma_buffer_char(out, '}');
    begin_object(out, "reference_point");
    put_double(out, "alignment", front->reference_alignment);
    put_double(out, "retention", front->reference_retention);
    hma_buffer_char(out, '}');
    put_id(out, table, "recommended", front->recommended);
    begin_object(out, "named");
    put_id(out, table, "knee", front->knee);
    put_id(out, table, "best-retention", front->best_retention);
    put_id(out, table, "best-reward", front->best_reward);
    hma_buffer_char(out, '}');
    put_text(out, "verdict", front->verdict);
    put_text(out, "blocks_verdict", front->blocks_verdict);
}

hma_status hma_write_json(hma_buffer *out, const hma_table *table) {
    hma_buffer_char(out, '{');
    put_run(out, table);
    put_axes(out, table);
    begin_array(out, "points");
    for (size_t i = 0; i < table->front->point_count; i++) {
        hma_buffer_text(out, i ? ",\n" : "\n");
        put_point(out, table, i);
    }
    hma_buffer_text(out, "\n]");
    put_front(out, table);
    hma_buffer_char(out, '}');
    return hma_buffer_ok(out);
}
