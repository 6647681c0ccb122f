#include "export/report.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/ranked.h"

enum {
    MOST_ROWS = 200, /* of a table of points */
    MOST_AXES = 8,   /* beside alignment and retention */
    ITEMS_OF_A_TASK = 5,
    LABEL_COLUMNS = 40,
    TEXT_COLUMNS = 120,
    DECIMALS = 3
};

static const char *front_mark(const hma_point *point) { return point->excluded ? "not finite" : point->on_front ? "yes" : ""; }

static void put_estimate(hma_grid *grid, const hma_axis *axis, size_t point) {
    hma_grid_fixed(grid, axis->point[point].value, DECIMALS);
}

static void put_label(hma_grid *grid, const hma_table *table, size_t point) {
    hma_grid_text(grid, hma_table_label(table, point), LABEL_COLUMNS);
}

/* ---- points ---- */

static bool is_key(const hma_front *front, size_t point) {
    return front->points[point].on_front || point == front->pre || point == front->post || point == front->recommended;
}

/* False for tables that come from no run. */
static bool has_key_points(const hma_front *front) {
    return front->pre < front->point_count && front->post < front->point_count && front->recommended < front->point_count;
}

/* Points that are worth a row of their own in a large run. */
static bool is_listed(const hma_front *front, size_t point) { return front->point_count <= MOST_ROWS || is_key(front, point); }

/* The axes that are shown beside alignment and retention. */
static size_t pick_axes(const hma_table *table, const hma_axis **axes) {
    size_t count = 0;
    for (size_t i = 0; i < table->front->axis_count && count < MOST_AXES; i++) {
        if (table->front->axes[i].kind == HMA_AXIS_CATEGORY) {
            axes[count++] = &table->front->axes[i];
        }
    }
    return count;
}

static void put_point(hma_grid *grid, const hma_table *table, size_t point, const hma_axis *const *axes, size_t axis_count) {
    const hma_axis *pair[] = {hma_table_axis(table, HMA_AXIS_ALIGNMENT), hma_table_axis(table, HMA_AXIS_RETENTION)};
    hma_grid_row(grid, point == table->front->recommended);
    put_label(grid, table, point);
    hma_grid_fixed(grid, table->points[point].mean_ratio, DECIMALS);
    for (size_t i = 0; i < 2; i++) {
        if (pair[i]) {
            put_estimate(grid, pair[i], point);
            hma_grid_fixed(grid, pair[i]->point[point].standard_error, DECIMALS);
        }
    }
    for (size_t i = 0; i < axis_count; i++) {
        put_estimate(grid, axes[i], point);
    }
    hma_grid_text(grid, front_mark(&table->front->points[point]), SIZE_MAX);
    hma_grid_fixed(grid, table->front->points[point].membership, 2);
}

void hma_report_points(hma_grid *grid, const hma_table *table) {
    const hma_axis *axes[MOST_AXES];
    const size_t axis_count = pick_axes(table, axes);
    size_t listed = 0;
    hma_grid_column(grid, "point", false);
    hma_grid_column(grid, "mean ratio", true);
    if (hma_table_axis(table, HMA_AXIS_ALIGNMENT)) {
        hma_grid_column(grid, "alignment", true);
        hma_grid_column(grid, "\xC2\xB1", true);
    }
    if (hma_table_axis(table, HMA_AXIS_RETENTION)) {
        hma_grid_column(grid, "retention", true);
        hma_grid_column(grid, "\xC2\xB1", true);
    }
    for (size_t i = 0; i < axis_count; i++) {
        hma_grid_column(grid, hma_axis_short_name(axes[i]), true);
    }
    hma_grid_column(grid, "front", false);
    hma_grid_column(grid, "membership", true);
    for (size_t i = 0; i < table->front->point_count && listed < MOST_ROWS; i++) {
        if (is_listed(table->front, i)) {
            put_point(grid, table, i, axes, axis_count);
            listed++;
        }
    }
    if (listed < table->front->point_count) {
        hma_buffer_printf(&grid->note, "%zu further points are not listed.", table->front->point_count - listed);
    }
}

/* ---- tax ---- */

void hma_report_tax(hma_grid *grid, const hma_table *table) {
    const hma_front *front = table->front;
    static const char *const columns[] = {"task", "pre", "post", "tax", "95 % interval", "p", "recommended", "won back"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        hma_grid_column(grid, columns[i], i > 0);
    }
    for (size_t i = 0; i < front->axis_count; i++) {
        const hma_axis *axis = &front->axes[i];
        if (axis->kind != HMA_AXIS_TASK || !has_key_points(front)) {
            continue;
        }
        const hma_difference *tax = &axis->versus_pre[front->post], *back = &axis->versus_post[front->recommended];
        const bool has_lost = axis->higher_is_better ? tax->mean < 0 : tax->mean > 0;
        const double share = has_lost ? -back->mean / tax->mean * 100 : NAN;
        hma_grid_row(grid, false);
        hma_grid_text(grid, hma_axis_short_name(axis), LABEL_COLUMNS);
        put_estimate(grid, axis, front->pre);
        put_estimate(grid, axis, front->post);
        hma_grid_signed(grid, tax->mean, DECIMALS);
        hma_grid_interval(grid, tax->low, tax->high, DECIMALS);
        hma_grid_p(grid, tax->p);
        put_estimate(grid, axis, front->recommended);
        hma_grid_fixed(grid, share, 0);
    }
    hma_buffer_text(&grid->note,
                    "Tax: post minus pre, paired by item. Won back: what the recommended merge gains over post, in % "
                    "of the tax.");
}

/* ---- paired ---- */

/* Three columns for alignment and three for retention, where they were measured; the first of each is called by `names`. */
static void pair_columns(hma_grid *grid, const hma_axis *const pair[2], const char *const names[2], const char *second,
                         const char *third) {
    for (size_t i = 0; i < 2; i++) {
        if (pair[i]) {
            hma_grid_column(grid, names[i], true);
            hma_grid_column(grid, second, true);
            hma_grid_column(grid, third, true);
        }
    }
}

void hma_report_paired(hma_grid *grid, const hma_table *table) {
    const hma_front *front = table->front;
    const hma_axis *pair[] = {hma_table_axis(table, HMA_AXIS_ALIGNMENT), hma_table_axis(table, HMA_AXIS_RETENTION)};
    static const char *const names[] = {"alignment", "retention"};
    hma_grid_column(grid, "point", false);
    pair_columns(grid, pair, names, "95 % interval", "p");
    for (size_t i = 0; i < front->point_count && grid->rows < MOST_ROWS; i++) {
        if (i == front->post || !is_key(front, i)) {
            continue;
        }
        hma_grid_row(grid, i == front->recommended);
        put_label(grid, table, i);
        for (size_t a = 0; a < 2; a++) {
            if (pair[a]) {
                const hma_difference *d = &pair[a]->versus_post[i];
                hma_grid_signed(grid, d->mean, DECIMALS);
                hma_grid_interval(grid, d->low, d->high, DECIMALS);
                hma_grid_p(grid, d->p);
            }
        }
    }
    hma_buffer_text(&grid->note, "Point minus post, on the same items, prompts and random numbers.");
}

/* ---- blocks against one ratio ---- */

/*
 * Retention that one ratio for all layers reaches at an alignment: linear between neighbours on the curve of uniform points,
 * the best value where the curve passes several times, NaN where it does not reach.
 */
static double uniform_retention(const hma_table *table, const hma_axis *alignment, const hma_axis *retention, double x) {
    double best = NAN, last_x = NAN, last_y = NAN;
    for (size_t i = 0; i < table->front->point_count; i++) {
        const double this_x = alignment->point[i].value, this_y = retention->point[i].value;
        if (!table->points[i].uniform || !isfinite(this_x) || !isfinite(this_y)) {
            continue;
        }
        if (isfinite(last_x) && fmin(last_x, this_x) <= x && x <= fmax(last_x, this_x)) {
            const double part = this_x != last_x ? (x - last_x) / (this_x - last_x) : 1;
            best = fmax(best, last_y + part * (this_y - last_y)); /* fmax ignores a NaN */
        }
        last_x = this_x;
        last_y = this_y;
    }
    return best;
}

void hma_report_blocks(hma_grid *grid, const hma_table *table) {
    const hma_axis *alignment = hma_table_axis(table, HMA_AXIS_ALIGNMENT);
    const hma_axis *retention = hma_table_axis(table, HMA_AXIS_RETENTION);
    static const char *const columns[] = {"ratios by block", "mean ratio", "alignment", "retention", "one ratio", "gain"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        hma_grid_column(grid, columns[i], i > 0);
    }
    for (size_t i = 0; alignment && retention && i < table->front->point_count && grid->rows < MOST_ROWS; i++) {
        if (table->points[i].uniform || table->front->points[i].kind != HMA_CANDIDATE_MERGE ||
            table->front->points[i].excluded || !is_listed(table->front, i)) {
            continue;
        }
        const double one = uniform_retention(table, alignment, retention, alignment->point[i].value);
        hma_grid_row(grid, i == table->front->recommended);
        put_label(grid, table, i);
        hma_grid_fixed(grid, table->points[i].mean_ratio, DECIMALS);
        put_estimate(grid, alignment, i);
        put_estimate(grid, retention, i);
        hma_grid_fixed(grid, one, DECIMALS);
        hma_grid_signed(grid, retention->point[i].value - one, DECIMALS);
    }
    hma_buffer_text(&grid->note,
                    "One ratio: the retention of the curve of uniform ratios at the same alignment, linear between "
                    "its points.");
}

/* ---- search items against test items ---- */

/* False for points that were not scored on the search items, or when no axis was. */
static bool was_searched(const hma_table *table, size_t point) {
    const hma_axis *search = table->front->search_axes;
    for (size_t a = 0; search && a < table->front->axis_count; a++) {
        if (isfinite(search[a].point[point].value)) {
            return true;
        }
    }
    return false;
}

void hma_report_search(hma_grid *grid, const hma_table *table) {
    const hma_front *front = table->front;
    const hma_axis *pair[] = {hma_table_axis(table, HMA_AXIS_ALIGNMENT), hma_table_axis(table, HMA_AXIS_RETENTION)};
    static const char *const names[] = {"alignment, search", "retention, search"};
    hma_grid_column(grid, "point", false);
    pair_columns(grid, pair, names, "test", "test - search");
    for (size_t i = 0; i < front->point_count && grid->rows < MOST_ROWS; i++) {
        if (!was_searched(table, i)) {
            continue;
        }
        hma_grid_row(grid, i == front->recommended);
        put_label(grid, table, i);
        for (size_t a = 0; a < 2; a++) {
            if (pair[a]) {
                const double search = front->search_axes[pair[a] - front->axes].point[i].value;
                hma_grid_fixed(grid, search, DECIMALS);
                put_estimate(grid, pair[a], i);
                hma_grid_signed(grid, pair[a]->point[i].value - search, DECIMALS);
            }
        }
    }
    hma_buffer_text(&grid->note,
                    "Ratios were chosen by the search items, and chance helped those that were chosen; every other figure here "
                    "is of test items. Pre and post, which nobody chose, tell how much the items themselves differ.");
}

/* ---- items ---- */

static double score(const hma_table_task *task, size_t point, size_t item) { return task->score[point * task->items + item]; }

static const char *text(const hma_table_task *task, size_t point, size_t item) {
    return task->samples ? hma_text_or_empty(task->text[(point * task->items + item) * task->samples]) : "";
}

static void put_item(hma_grid *grid, const hma_front *front, const hma_table_task *task, size_t item) {
    hma_grid_row(grid, false);
    hma_grid_text(grid, task->name, LABEL_COLUMNS);
    hma_grid_text(grid, task->id[item], LABEL_COLUMNS);
    hma_grid_fixed(grid, score(task, front->pre, item), DECIMALS);
    hma_grid_fixed(grid, score(task, front->post, item), DECIMALS);
    hma_grid_fixed(grid, score(task, front->recommended, item), DECIMALS);
    hma_grid_text(grid, text(task, front->post, item), TEXT_COLUMNS);
    hma_grid_text(grid, text(task, front->recommended, item), TEXT_COLUMNS);
}

static void put_task_items(hma_grid *grid, const hma_front *front, const hma_table_task *task) {
    hma_ranked *items = HMA_NEW(hma_ranked, task->items);
    size_t count = 0;
    grid->failed = grid->failed || !items;
    for (size_t i = 0; items && i < task->items; i++) {
        const double size = fabs(score(task, front->recommended, i) - score(task, front->post, i));
        if (size > 0) { /* false for NaN */
            items[count++] = (hma_ranked){size, i};
        }
    }
    if (count > 1) {
        qsort(items, count, sizeof *items, hma_ranked_falling);
    }
    for (size_t i = 0; i < hma_min_size(count, ITEMS_OF_A_TASK); i++) {
        put_item(grid, front, task, items[i].index);
    }
    free(items);
}

void hma_report_items(hma_grid *grid, const hma_table *table) {
    static const char *const columns[] = {"task", "item", "pre", "post", "recommended", "text of post", "text of recommended"};
    const hma_front *front = table->front;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        hma_grid_column(grid, columns[i], i >= 2 && i <= 4);
    }
    for (size_t i = 0; has_key_points(front) && i < table->task_count; i++) {
        put_task_items(grid, front, &table->tasks[i]);
    }
    hma_buffer_printf(&grid->note, "Of every task, the %d items on which the recommended merge and post differ most.",
                      ITEMS_OF_A_TASK);
}

/* ---- facts ---- */

size_t hma_report_facts(const hma_table *table, hma_report_fact facts[HMA_REPORT_FACTS]) {
    const hma_report_fact all[HMA_REPORT_FACTS] = {
        {"command", table->command_line},        {"pre", table->pre},
        {"pre, SHA-256", table->pre_sha256},     {"post", table->post},
        {"post, SHA-256", table->post_sha256},   {"suite", table->suite},
        {"suite, SHA-256", table->suite_sha256}, {"seed", table->seed},
        {"precision", table->precision},         {"hma", table->version},
    };
    size_t count = 0;
    for (size_t i = 0; i < HMA_REPORT_FACTS; i++) {
        if (all[i].value && *all[i].value) {
            facts[count++] = all[i];
        }
    }
    return count;
}
