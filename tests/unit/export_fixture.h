/*
 * Tables filled by hand, for the tests of the export writers: what a run would give, without a run.
 *
 * A fixture owns everything its table points to. Values are set after fixture_new(); statistics that no test reads by value are
 * derived from them by simple rules.
 */
#ifndef HMA_TESTS_EXPORT_FIXTURE_H
#define HMA_TESTS_EXPORT_FIXTURE_H

#include "testing.h"

#include "export/table.h"

typedef struct export_fixture {
    hma_table table;
    hma_front front;
} export_fixture;

static inline void *fixture_zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

static inline char *fixture_text(const char *text) {
    char *copy = strdup(text);
    assert_non_null(copy);
    return copy;
}

/* Points without values, ids "0000000000000000", "0000000000000001", .. */
static inline export_fixture *fixture_new(size_t points, size_t blocks, size_t layers, size_t axes) {
    export_fixture *f = fixture_zeroed(1, sizeof *f);
    f->front = (hma_front){.point_count = points, .axis_count = axes};
    f->front.points = fixture_zeroed(points, sizeof *f->front.points);
    f->front.axes = fixture_zeroed(axes, sizeof *f->front.axes);
    f->front.front = fixture_zeroed(points, sizeof *f->front.front);
    f->front.verdict = fixture_text("");
    f->table = (hma_table){.title = fixture_text("Averages of sft and dpo on suite small"),
                           .command_line = "hma sweep sft dpo",
                           .version = "0.1.0",
                           .precision = "fp32",
                           .seed = "1",
                           .pre = "models/sft",
                           .post = "models/dpo",
                           .base = "models/base",
                           .suite = "suite.json",
                           .pre_sha256 = "aa11",
                           .post_sha256 = "bb22",
                           .suite_sha256 = "cc33",
                           .front = &f->front,
                           .blocks = blocks,
                           .layers = layers};
    f->table.points = fixture_zeroed(points, sizeof *f->table.points);
    f->table.block_start = fixture_zeroed(blocks, sizeof *f->table.block_start);
    for (size_t block = 0; block < blocks; block++) {
        f->table.block_start[block] = block * layers / blocks;
    }
    f->table.ratios = fixture_zeroed(points * blocks, sizeof(double));
    f->table.layer_ratios = fixture_zeroed(points * layers, sizeof(double));
    for (size_t i = 0; i < points; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "%016zx", i);
        f->front.points[i] =
            (hma_point){.candidate = i, .id = fixture_text(id), .label = fixture_text(id), .uniform = {SIZE_MAX, SIZE_MAX, 0}};
        f->table.points[i] = (hma_table_point){.method = "linear", .origin = "grid", .recipe = fixture_text("{}")};
    }
    return f;
}

static inline void fixture_free(export_fixture *f) {
    const size_t points = f->front.point_count;
    for (size_t i = 0; i < points; i++) {
        free((void *)(uintptr_t)f->front.points[i].id);
        free((void *)(uintptr_t)f->front.points[i].label);
    }
    for (size_t i = 0; i < f->front.axis_count; i++) {
        hma_axis *axis = &f->front.axes[i];
        free(axis->name);
        free(axis->long_name);
        free(axis->units);
        free(axis->category);
        free(axis->point);
        free(axis->versus_post);
        free(axis->versus_pre);
        free(axis->versus_uniform);
    }
    hma_table_free(&f->table);
    free(f->front.verdict);
    free(f->front.points);
    free(f->front.axes);
    free(f->front.front);
    free(f);
}

static inline void fixture_label(export_fixture *f, size_t point, const char *label) {
    free((void *)(uintptr_t)f->front.points[point].label);
    f->front.points[point].label = fixture_text(label);
}

/* One ratio a block; layers are spread over the blocks evenly. */
static inline void fixture_ratios(export_fixture *f, size_t point, const double *ratios) {
    hma_table *t = &f->table;
    hma_table_point *p = &t->points[point];
    p->uniform = true;
    p->mean_ratio = 0;
    for (size_t block = 0; block < t->blocks; block++) {
        t->ratios[point * t->blocks + block] = ratios[block];
        p->uniform = p->uniform && ratios[block] == ratios[0];
        p->mean_ratio += ratios[block] / (double)t->blocks;
    }
    for (size_t layer = 0; layer < t->layers; layer++) {
        t->layer_ratios[point * t->layers + layer] = ratios[layer * t->blocks / t->layers];
    }
}

/* The axis at `index`; values[points], standard error a tenth of the span of 1, differences to the values of pre and post. */
static inline void fixture_axis(export_fixture *f, size_t index, hma_axis_kind kind, const char *name, const char *long_name,
                                const char *category, const double *values, double standard_error) {
    const size_t points = f->front.point_count;
    hma_axis *axis = &f->front.axes[index];
    *axis = (hma_axis){.name = fixture_text(name),
                       .long_name = fixture_text(long_name),
                       .units = fixture_text("1"),
                       .category = fixture_text(category),
                       .kind = kind,
                       .higher_is_better = true};
    axis->point = fixture_zeroed(points, sizeof *axis->point);
    axis->versus_post = fixture_zeroed(points, sizeof *axis->versus_post);
    axis->versus_pre = fixture_zeroed(points, sizeof *axis->versus_pre);
    axis->versus_uniform = fixture_zeroed(points, sizeof *axis->versus_uniform);
    for (size_t i = 0; i < points; i++) {
        const double v = values[i], e = standard_error;
        axis->point[i] = (hma_estimate){v, e, v - 2 * e, v + 2 * e};
        const double to_post = v - values[f->front.post], to_pre = v - values[f->front.pre];
        axis->versus_post[i] = (hma_difference){to_post, e / 2, to_post - e, to_post + e, i == f->front.post ? 1 : 0.03125};
        axis->versus_pre[i] = (hma_difference){to_pre, e / 2, to_pre - e, to_pre + e, i == f->front.pre ? 1 : 0.25};
        axis->versus_uniform[i] = (hma_difference){NAN, NAN, NAN, NAN, NAN};
        if (f->front.points[i].uniform.below != SIZE_MAX) {
            const hma_uniform_pair *u = &f->front.points[i].uniform;
            const double to_uniform = v - (1 - u->weight) * values[u->below] - u->weight * values[u->above];
            axis->versus_uniform[i] = (hma_difference){to_uniform, e / 2, to_uniform - e, to_uniform + e, 0.125};
        }
    }
}

static inline void fixture_on_front(export_fixture *f, size_t point, double membership) {
    f->front.points[point].on_front = true;
    f->front.points[point].membership = membership;
    f->front.front[f->front.front_count++] = point;
}

static inline void fixture_tasks(export_fixture *f, size_t count) {
    f->table.tasks = fixture_zeroed(count, sizeof *f->table.tasks);
    f->table.task_count = count;
}

/* Items of one task, score (point + item) % 2, texts "NAME point/item". */
static inline void fixture_task(export_fixture *f, size_t index, const char *name, const char *metric, size_t items,
                                size_t samples) {
    const size_t points = f->front.point_count;
    hma_table_task *task = &f->table.tasks[index];
    const bool is_alignment = strcmp(name, "alignment") == 0;
    *task = (hma_table_task){.name = fixture_text(name),
                             .category = fixture_text(is_alignment ? "" : name),
                             .metric = metric,
                             .is_alignment = is_alignment,
                             .items = items,
                             .samples = samples};
    task->id = fixture_zeroed(items, sizeof *task->id);
    task->score = fixture_zeroed(points * items, sizeof *task->score);
    task->text = samples ? fixture_zeroed(points * items * samples, sizeof *task->text) : NULL;
    task->reward = samples && is_alignment ? fixture_zeroed(points * items * samples, sizeof *task->reward) : NULL;
    for (size_t i = 0; i < points * items; i++) {
        char text[128];
        task->score[i] = (double)((i / items + i % items) % 2);
        (void)snprintf(text, sizeof text, "%zu", i % items);
        if (i < items) {
            task->id[i] = fixture_text(text);
        }
        for (size_t s = 0; s < samples; s++) {
            (void)snprintf(text, sizeof text, "%.60s %zu/%zu", name, i / items, i % items);
            task->text[i * samples + s] = fixture_text(text);
            if (task->reward) {
                task->reward[i * samples + s] = task->score[i] + (double)s;
            }
        }
    }
}

/* Six points of a run with three blocks over six layers: pre, post, two uniform ones, one by blocks, one without scores. */
static inline export_fixture *fixture_small(void) {
    enum { POINTS = 6 };
    static const double ratios[POINTS][3] = {{0, 0, 0},     {0.3, 0.3, 0.3}, {0.6, 0.6, 0.6},
                                             {0.4, 0.7, 1}, {0.9, 0.2, 0.7}, {1, 1, 1}};
    static const double alignment[POINTS] = {0.71, 2.77, 3.64, 3.62, NAN, 3.72};
    static const double retention[POINTS] = {0.901, 0.91, 0.851, 0.881, 0.8, 0.466};
    static const double commonsense[POINTS] = {1, 0.997, 0.98, 0.997, 0.9, 0.83};
    static const double translation[POINTS] = {0.973, 0.968, 0.874, 0.917, 0.7, 0.205};
    static const char *const labels[POINTS] = {"pre", "0.3", "0.6", "0.4,0.7,1", "0.9,0.2,0.7", "post"};
    static const char *const origins[POINTS] = {"endpoint", "grid", "grid", "search", "extra", "endpoint"};
    export_fixture *f = fixture_new(POINTS, 3, 6, 5);
    f->front.pre = 0;
    f->front.post = 5;
    f->front.recommended = f->front.best_retention = 3;
    f->front.knee = 2;
    f->front.best_reward = 1;
    f->front.points[3].uniform = (hma_uniform_pair){2, 5, 0.25};
    for (size_t i = 0; i < POINTS; i++) {
        fixture_ratios(f, i, ratios[i]);
        fixture_label(f, i, labels[i]);
        f->table.points[i].origin = origins[i];
    }
    fixture_axis(f, 0, HMA_AXIS_ALIGNMENT, "alignment", "mean reward", "", alignment, 0.06);
    fixture_axis(f, 1, HMA_AXIS_RETENTION, "retention", "mean over categories", "", retention, 0.012);
    fixture_axis(f, 2, HMA_AXIS_CATEGORY, "category_translation", "translation", "translation", translation, 0.01);
    fixture_axis(f, 3, HMA_AXIS_TASK, "task_commonsense", "accuracy on commonsense", "commonsense", commonsense, 0.007);
    fixture_axis(f, 4, HMA_AXIS_TASK, "task_translation", "BLEU on translation", "translation", translation, 0.01);
    f->front.points[4].excluded = true;
    f->table.points[4].failure = "alignment: reward of prompt 7 is not finite";
    fixture_on_front(f, 1, 0.98);
    fixture_on_front(f, 3, 0.91);
    fixture_on_front(f, 2, 0.52);
    fixture_on_front(f, 5, 0.88);
    f->front.reference_alignment = 0.71;
    f->front.reference_retention = 0.466;
    f->front.hypervolume = (hma_estimate){1.28, 0.03, 1.22, 1.34};
    free(f->front.verdict);
    f->front.verdict = fixture_text("0.4,0.7,1 keeps 0.415 [0.403, 0.427] more retention than post and loses 0.10 [0.04, 0.16] "
                                    "in alignment.");
    fixture_tasks(f, 3);
    fixture_task(f, 0, "alignment", "reward", 2, 2);
    fixture_task(f, 1, "commonsense", "acc", 4, 0);
    fixture_task(f, 2, "translation", "bleu", 3, 1);
    return f;
}

#endif
