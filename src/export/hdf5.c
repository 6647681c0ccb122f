/* The layout of the HDF5 export: schema hma-front, version 1. Described for readers in the README beside. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "export/hdf5_file.h"
#include "export/names.h"
#include "export/writers.h"

enum { SCHEMA_VERSION = 1 };

typedef struct layout {
    hma_h5 h5;
    const hma_table *table;
    const hma_front *front;
    size_t points;
    char (*axis_name)[HMA_NAME_SIZE]; /* [axes] */
    double *numbers;                  /* scratch, [points] each */
    bool *flags;
    const char **texts;
} layout;

static const hma_h5_column point_column = {.name = "point", .long_name = "point, in order of rising ratios"};

/* One field of an array of records, as a column. `offset` is the field's in a record of `size` bytes. */
static const double *field(layout *l, const void *records, size_t size, size_t offset) {
    for (size_t i = 0; i < l->points; i++) {
        memcpy(&l->numbers[i], (const char *)records + i * size + offset, sizeof(double));
    }
    return l->numbers;
}

static hma_h5_shape along(hma_h5_dimension *dimension) { return (hma_h5_shape){1, {dimension}}; }

static void put_root(layout *l) {
    const hma_table *t = l->table;
    const hid_t root = l->h5.file;
    const struct {
        const char *name, *value;
    } texts[] = {
        {"schema", "hma-front"},
        {"title", t->title},
        {"history", t->command_line},
        {"source", "scores journalled by hma; exports are rebuilt from the journal of the run"},
        {"hma_version", t->version},
        {"ratio_meaning", "weight of post"},
        {"pre", t->pre},
        {"post", t->post},
        {"suite", t->suite},
        {"pre_sha256", t->pre_sha256},
        {"post_sha256", t->post_sha256},
        {"suite_sha256", t->suite_sha256},
        {"precision", t->precision},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hma_h5_note_text(&l->h5, root, texts[i].name, texts[i].value);
    }
    uint64_t seed;
    hma_h5_note_integer(&l->h5, root, "schema_version", SCHEMA_VERSION);
    if (hma_parse_u64(&seed, hma_text_or_empty(t->seed))) {
        hma_h5_note_integer(&l->h5, root, "seed", seed);
    } else {
        hma_h5_note_text(&l->h5, root, "seed", t->seed);
    }
}

/* ---- /points ---- */

static void put_point_texts(layout *l, hid_t group, hma_h5_dimension *point) {
    static const hma_h5_column columns[] = {
        {.name = "id", .long_name = "id of the candidate: what its recipe does"},
        {.name = "label", .long_name = "label"},
        {.name = "origin", .long_name = "where the point comes from: grid, search, endpoint or extra"},
        {.name = "method", .long_name = "merge method, or what else the point is: checkpoint, logit-mixture"},
        {.name = "recipe",
         .long_name = "recipe as JSON: everything that determines the merged weights; empty where nothing is merged"},
        {.name = "failure", .long_name = "why the point has no scores"},
    };
    for (size_t column = 0; column < sizeof columns / sizeof *columns; column++) {
        for (size_t i = 0; i < l->points; i++) {
            const hma_table_point *p = &l->table->points[i];
            const char *const values[] = {
                l->front->points[i].id, hma_table_label(l->table, i), p->origin, p->method, p->recipe, p->failure};
            l->texts[i] = values[column];
        }
        hma_h5_texts(&l->h5, group, columns[column], along(point), l->texts);
    }
}

static void put_point_flags(layout *l, hid_t group, hma_h5_dimension *point) {
    static const hma_h5_column columns[] = {
        {.name = "on_front", .long_name = "no other point is better in both alignment and retention"},
        {.name = "excluded", .long_name = "a score is not finite: shown, never on the front"},
        {.name = "uniform", .long_name = "every layer has the same ratio"},
    };
    for (size_t column = 0; column < sizeof columns / sizeof *columns; column++) {
        for (size_t i = 0; i < l->points; i++) {
            const hma_point *p = &l->front->points[i];
            const bool values[] = {p->on_front, p->excluded, l->table->points[i].uniform};
            l->flags[i] = values[column];
        }
        hma_h5_bools(&l->h5, group, columns[column], along(point), l->flags);
    }
}

static void put_points(layout *l) {
    const hma_table *t = l->table;
    hid_t group = hma_h5_group(&l->h5, l->h5.file, "points");
    hma_h5_dimension point = hma_h5_numbered(&l->h5, group, point_column, 0, l->points);
    hma_h5_dimension block =
        hma_h5_numbered(&l->h5, group, (hma_h5_column){.name = "block", .long_name = "block of layers"}, 1, t->blocks);
    hma_h5_dimension layer =
        hma_h5_numbered(&l->h5, group, (hma_h5_column){.name = "layer", .long_name = "layer"}, 0, t->layers);
    hma_h5_sizes(&l->h5, group, (hma_h5_column){.name = "block_start", .long_name = "first layer of the block"}, along(&block),
                 t->block_start);
    put_point_texts(l, group, &point);
    put_point_flags(l, group, &point);
    hma_h5_doubles(&l->h5, group,
                   (hma_h5_column){.name = "mean_ratio", .long_name = "mean ratio over the blocks", .units = "1"},
                   along(&point), field(l, t->points, sizeof *t->points, offsetof(hma_table_point, mean_ratio)));
    hma_h5_doubles(&l->h5, group, (hma_h5_column){.name = "ratios", .long_name = "weight of post in each block", .units = "1"},
                   (hma_h5_shape){2, {&point, &block}}, t->ratios);
    hma_h5_doubles(&l->h5, group,
                   (hma_h5_column){.name = "layer_ratios", .long_name = "weight of post in each layer", .units = "1"},
                   (hma_h5_shape){2, {&point, &layer}}, t->layer_ratios);
    hma_h5_close(&l->h5, &point.scale);
    hma_h5_close(&l->h5, &block.scale);
    hma_h5_close(&l->h5, &layer.scale);
    hma_h5_close(&l->h5, &group);
}

/* ---- /axes and /paired: one group an axis ---- */

static void put_axis_notes(layout *l, hid_t group, const hma_axis *axis) {
    static const char *const kinds[] = {"alignment", "retention", "category", "task"};
    hma_h5_note_text(&l->h5, group, "name", axis->name);
    hma_h5_note_text(&l->h5, group, "long_name", axis->long_name);
    hma_h5_note_text(&l->h5, group, "units", axis->units);
    hma_h5_note_bool(&l->h5, group, "higher_is_better", axis->higher_is_better);
    hma_h5_note_text(&l->h5, group, "category", axis->category);
    hma_h5_note_text(&l->h5, group, "kind", kinds[axis->kind]);
}

/* What an axis' group has of each of its records: a field of doubles, and the words that its long name begins with. */
typedef struct axis_column {
    const char *name, *what;
    size_t offset;
    bool has_units;
} axis_column;

static const axis_column estimate_columns[] = {
    {"value", "", offsetof(hma_estimate, value), true},
    {"stderr", "standard error of ", offsetof(hma_estimate, standard_error), true},
    {"ci_low", "lower end of the 95 % interval of ", offsetof(hma_estimate, low), true},
    {"ci_high", "upper end of the 95 % interval of ", offsetof(hma_estimate, high), true},
};

static const axis_column difference_columns[] = {
    {"mean", "paired difference in ", offsetof(hma_difference, mean), true},
    {"stderr", "standard error of the difference in ", offsetof(hma_difference, standard_error), true},
    {"ci_low", "lower end of the 95 % interval of the difference in ", offsetof(hma_difference, low), true},
    {"ci_high", "upper end of the 95 % interval of the difference in ", offsetof(hma_difference, high), true},
    {"p", "two-sided p of the difference in ", offsetof(hma_difference, p), false},
};

static void put_axis_column(layout *l, hid_t group, hma_h5_dimension *point, const hma_axis *axis, const axis_column *column,
                            const double *values) {
    hma_buffer long_name = {0};
    hma_buffer_printf(&long_name, "%s%s", column->what, hma_text_or_empty(axis->long_name));
    if (long_name.failed) {
        hma_h5_fail_memory(&l->h5);
    }
    const bool is_score = *column->what == 0;
    hma_h5_doubles(&l->h5, group,
                   (hma_h5_column){.name = column->name,
                                   .long_name = hma_buffer_cstr(&long_name),
                                   .units = column->has_units ? axis->units : "1",
                                   .higher_is_better = is_score ? &axis->higher_is_better : NULL},
                   along(point), values);
    hma_buffer_free(&long_name);
}

static void put_estimates(layout *l, hid_t group, hma_h5_dimension *point, const hma_axis *axis) {
    for (size_t i = 0; i < sizeof estimate_columns / sizeof *estimate_columns; i++) {
        put_axis_column(l, group, point, axis, &estimate_columns[i],
                        field(l, axis->point, sizeof *axis->point, estimate_columns[i].offset));
    }
}

static void put_differences(layout *l, hid_t group, hma_h5_dimension *point, const hma_axis *axis,
                            const hma_difference *differences) {
    for (size_t i = 0; i < sizeof difference_columns / sizeof *difference_columns; i++) {
        put_axis_column(l, group, point, axis, &difference_columns[i],
                        field(l, differences, sizeof *differences, difference_columns[i].offset));
    }
}

/* /axes, and /search/axes for what was scored on the search items. */
static void put_axes(layout *l, hid_t parent, const hma_axis *axes) {
    hid_t group = hma_h5_group(&l->h5, parent, "axes");
    hma_h5_dimension point = hma_h5_numbered(&l->h5, group, point_column, 0, l->points);
    for (size_t i = 0; i < l->front->axis_count; i++) {
        hid_t own = hma_h5_group(&l->h5, group, l->axis_name[i]);
        put_axis_notes(l, own, &axes[i]);
        put_estimates(l, own, &point, &axes[i]);
        hma_h5_close(&l->h5, &own);
    }
    hma_h5_close(&l->h5, &point.scale);
    hma_h5_close(&l->h5, &group);
}

static void put_search(layout *l) {
    if (l->front->search_axes) {
        hid_t group = hma_h5_group(&l->h5, l->h5.file, "search");
        hma_h5_note_text(&l->h5, group, "description",
                         "scores on the items that ratios were chosen with; NaN for points that were not scored there");
        put_axes(l, group, l->front->search_axes);
        hma_h5_close(&l->h5, &group);
    }
}

static const hma_difference *to_post(const hma_axis *axis) { return axis->versus_post; }
static const hma_difference *to_pre(const hma_axis *axis) { return axis->versus_pre; }
static const hma_difference *to_uniform(const hma_axis *axis) { return axis->versus_uniform; }

static bool any_uniform(const hma_front *front) {
    for (size_t i = 0; i < front->point_count; i++) {
        if (front->points[i].uniform.below < front->point_count) {
            return true;
        }
    }
    return false;
}

static void put_paired_to(layout *l, hid_t parent, const char *name, const char *description, size_t reference,
                          const hma_difference *(*differences)(const hma_axis *axis)) {
    hid_t group = hma_h5_group(&l->h5, parent, name);
    hma_h5_note_text(&l->h5, group, "description", description);
    if (reference < l->points) {
        hma_h5_note_text(&l->h5, group, "reference", l->front->points[reference].id);
    }
    hma_h5_dimension point = hma_h5_numbered(&l->h5, group, point_column, 0, l->points);
    for (size_t i = 0; i < l->front->axis_count; i++) {
        const hma_axis *axis = &l->front->axes[i];
        hid_t own = hma_h5_group(&l->h5, group, l->axis_name[i]);
        put_axis_notes(l, own, axis);
        put_differences(l, own, &point, axis, differences(axis));
        hma_h5_close(&l->h5, &own);
    }
    hma_h5_close(&l->h5, &point.scale);
    hma_h5_close(&l->h5, &group);
}

static void put_paired(layout *l) {
    hid_t group = hma_h5_group(&l->h5, l->h5.file, "paired");
    put_paired_to(l, group, "post", "point minus reference, paired by item", l->front->post, to_post);
    put_paired_to(l, group, "pre", "point minus reference, paired by item", l->front->pre, to_pre);
    if (any_uniform(l->front)) {
        put_paired_to(
            l, group, "uniform",
            "merge of several ratios minus uniform averaging at the same mean ratio (scored, or interpolated between the "
            "nearest two), paired by item",
            SIZE_MAX, to_uniform);
    }
    hma_h5_close(&l->h5, &group);
}

/* ---- /front ---- */

static void put_scalar(layout *l, hid_t group, const char *name, const char *long_name, double value) {
    hma_h5_doubles(&l->h5, group, (hma_h5_column){.name = name, .long_name = long_name}, (hma_h5_shape){0}, &value);
}

/* A name without a point is left out. */
static void note_point(layout *l, hid_t group, const char *name, size_t point) {
    if (point < l->points) {
        hma_h5_note_text(&l->h5, group, name, l->front->points[point].id);
    }
}

static void put_front(layout *l) {
    static const char *const objectives[] = {"alignment", "retention"};
    const hma_front *front = l->front;
    const double reference[] = {front->reference_alignment, front->reference_retention};
    hid_t group = hma_h5_group(&l->h5, l->h5.file, "front");
    hma_h5_note_text(&l->h5, group, "verdict", front->verdict);
    note_point(l, group, "recommended", front->recommended);
    note_point(l, group, "knee", front->knee);
    note_point(l, group, "best_retention", front->best_retention);
    note_point(l, group, "best_reward", front->best_reward);
    hma_h5_note_text(&l->h5, group, "blocks_verdict", hma_text_or_empty(front->blocks_verdict));
    hma_h5_dimension point = hma_h5_numbered(&l->h5, group, point_column, 0, l->points);
    hma_h5_dimension rank =
        hma_h5_numbered(&l->h5, group, (hma_h5_column){.name = "rank", .long_name = "place on the front, by rising alignment"},
                        0, front->front_count);
    hma_h5_dimension axis =
        hma_h5_named(&l->h5, group, (hma_h5_column){.name = "axis", .long_name = "axis of the front"}, objectives, 2);
    for (size_t i = 0; i < front->front_count; i++) {
        l->texts[i] = front->points[front->front[i]].id;
    }
    hma_h5_texts(&l->h5, group, (hma_h5_column){.name = "points", .long_name = "ids of the points on the front"}, along(&rank),
                 l->texts);
    hma_h5_doubles(
        &l->h5, group,
        (hma_h5_column){.name = "membership_probability", .long_name = "probability of being on the true front", .units = "1"},
        along(&point), field(l, front->points, sizeof *front->points, offsetof(hma_point, membership)));
    put_scalar(l, group, "hypervolume", "area between the front and the reference point", front->hypervolume.value);
    put_scalar(l, group, "hypervolume_ci_low", "lower end of its 95 % interval", front->hypervolume.low);
    put_scalar(l, group, "hypervolume_ci_high", "upper end of its 95 % interval", front->hypervolume.high);
    hma_h5_doubles(&l->h5, group,
                   (hma_h5_column){.name = "reference_point", .long_name = "the worse of pre and post on each axis"},
                   along(&axis), reference);
    hma_h5_close(&l->h5, &point.scale);
    hma_h5_close(&l->h5, &rank.scale);
    hma_h5_close(&l->h5, &axis.scale);
    hma_h5_close(&l->h5, &group);
}

/* ---- /items ---- */

static void put_task_texts(layout *l, hid_t group, const hma_table_task *task, hma_h5_shape items) {
    hma_h5_shape shape = items;
    hma_h5_dimension sample = {.scale = H5I_INVALID_HID};
    if (task->is_alignment || task->samples > 1) {
        sample = hma_h5_numbered(&l->h5, group, (hma_h5_column){.name = "sample", .long_name = "sample"}, 0, task->samples);
        shape.dimension[shape.rank++] = &sample;
    }
    hma_h5_texts(&l->h5, group, (hma_h5_column){.name = "text", .long_name = "generated text"}, shape,
                 (const char *const *)task->text);
    if (task->reward) {
        hma_h5_doubles(&l->h5, group, (hma_h5_column){.name = "reward", .long_name = "reward of each reply"}, shape,
                       task->reward);
    }
    hma_h5_close(&l->h5, &sample.scale);
}

static void put_task(layout *l, hid_t parent, hma_h5_dimension *point, const char *name, const hma_table_task *task) {
    hid_t group = hma_h5_group(&l->h5, parent, name);
    hma_h5_note_text(&l->h5, group, "long_name", task->name);
    hma_h5_note_text(&l->h5, group, "category", task->category);
    hma_h5_note_text(&l->h5, group, "metric", task->metric);
    hma_h5_dimension item =
        hma_h5_numbered(&l->h5, group, (hma_h5_column){.name = "item", .long_name = "item"}, 0, task->items);
    const hma_h5_shape shape = {2, {point, &item}};
    hma_h5_texts(&l->h5, group, (hma_h5_column){.name = "item_id", .long_name = "id of the item"}, along(&item),
                 (const char *const *)task->id);
    hma_h5_doubles(&l->h5, group, (hma_h5_column){.name = "score", .long_name = "the task's metric on the item alone"}, shape,
                   task->score);
    if (task->samples) {
        put_task_texts(l, group, task, shape);
    }
    hma_h5_close(&l->h5, &item.scale);
    hma_h5_close(&l->h5, &group);
}

/* Names of the groups that stand beside the scale "point". */
static hma_status make_names(hma_name_set *names, const char *wanted, char name[HMA_NAME_SIZE]) {
    char taken[HMA_NAME_SIZE];
    const hma_status status = names->taken.count ? HMA_OK : hma_name_set_make(names, point_column.name, taken);
    return status == HMA_OK ? hma_name_set_make(names, wanted, name) : status;
}

static void put_items(layout *l) {
    hid_t group = hma_h5_group(&l->h5, l->h5.file, "items");
    hma_h5_dimension point = hma_h5_numbered(&l->h5, group, point_column, 0, l->points);
    hma_name_set names = {0};
    for (size_t i = 0; i < l->table->task_count && l->h5.status == HMA_OK; i++) {
        char name[HMA_NAME_SIZE];
        l->h5.status = make_names(&names, l->table->tasks[i].name, name);
        if (l->h5.status == HMA_OK) {
            put_task(l, group, &point, name, &l->table->tasks[i]);
        }
    }
    hma_name_set_free(&names);
    hma_h5_close(&l->h5, &point.scale);
    hma_h5_close(&l->h5, &group);
}

/* ---- all of it ---- */

static hma_status prepare(layout *l) {
    l->numbers = HMA_NEW(double, l->points);
    l->flags = HMA_NEW(bool, l->points);
    l->texts = HMA_NEW(const char *, l->points);
    l->axis_name = hma_new_array(l->front->axis_count, sizeof *l->axis_name);
    hma_name_set names = {0};
    hma_status status = l->numbers && l->flags && l->texts && l->axis_name ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < l->front->axis_count && status == HMA_OK; i++) {
        status = make_names(&names, l->front->axes[i].name, l->axis_name[i]);
    }
    hma_name_set_free(&names);
    return status;
}

hma_status hma_write_hdf5(const hma_table *table, const char *name, void **image, size_t *length) {
    layout l = {.table = table, .front = table->front, .points = table->front->point_count};
    void *bytes = NULL;
    size_t count = 0;
    hma_h5_begin(&l.h5, name);
    if (l.h5.status == HMA_OK && (l.h5.status = prepare(&l)) == HMA_OK) {
        put_root(&l);
        put_points(&l);
        put_axes(&l, l.h5.file, l.front->axes);
        put_front(&l);
        put_items(&l);
        put_paired(&l);
        put_search(&l);
    }
    hma_status status = hma_h5_image(&l.h5, &bytes, &count);
    if (status == HMA_OK) {
        status = hma_h5_verify(&l.h5, bytes, count);
    }
    hma_h5_end(&l.h5);
    free(l.numbers);
    free(l.flags);
    free(l.texts);
    free(l.axis_name);
    if (status != HMA_OK) {
        free(bytes);
        return status;
    }
    *image = bytes;
    *length = count;
    return HMA_OK;
}
