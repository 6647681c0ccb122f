#include "front_print.h"

#include <math.h>
#include <stdio.h>

#include "hma/export.h"
#include "hma/text.h"
#include "table.h"

static bool is_shown(const hma_axis *axis) {
    return axis->kind == HMA_AXIS_ALIGNMENT || axis->kind == HMA_AXIS_RETENTION || axis->kind == HMA_AXIS_TASK;
}

/* Of the axes on search items these two are shown, without errors: JSON and exports have all. */
static bool is_searched(const hma_axis *axis) { return axis->kind == HMA_AXIS_ALIGNMENT || axis->kind == HMA_AXIS_RETENTION; }

static void put_head(cli_table *table, const hma_front *front) {
    cli_table_cell(table, "front");
    cli_table_cell(table, "point");
    cli_table_cell(table, "mean");
    for (size_t a = 0; a < front->axis_count; a++) {
        if (is_shown(&front->axes[a])) {
            cli_table_cell(table, "%s",
                           front->axes[a].kind == HMA_AXIS_TASK ? front->axes[a].name + sizeof "task_" - 1
                                                                : front->axes[a].name);
        }
    }
    for (size_t a = 0; front->search_axes && a < front->axis_count; a++) {
        if (is_searched(&front->axes[a])) {
            cli_table_cell(table, "%s, search", front->axes[a].name);
        }
    }
    cli_table_cell(table, "member");
    cli_table_cell(table, "origin");
}

static void put_point(cli_table *table, const hma_front *front, size_t index) {
    const hma_point *p = &front->points[index];
    cli_table_cell(table, "%s%s", p->on_front ? "*" : p->excluded ? "x" : "", index == front->recommended ? ">" : "");
    cli_table_cell(table, "%s", p->label);
    if (isnan(p->mean_ratio)) {
        cli_table_cell(table, "-");
    } else {
        cli_table_cell(table, "%.3g", p->mean_ratio);
    }
    for (size_t a = 0; a < front->axis_count; a++) {
        if (is_shown(&front->axes[a])) {
            cli_table_measure(table, front->axes[a].point[index].value, front->axes[a].point[index].standard_error);
        }
    }
    for (size_t a = 0; front->search_axes && a < front->axis_count; a++) {
        const double value = front->search_axes[a].point[index].value;
        if (is_searched(&front->axes[a]) && isnan(value)) {
            cli_table_cell(table, "-");
        } else if (is_searched(&front->axes[a])) {
            cli_table_cell(table, "%.3f", value);
        }
    }
    cli_table_cell(table, "%.2f", p->membership);
    cli_table_cell(table, "%s", hma_origin_name(p->origin));
}

static hma_status print_table(const hma_front *front) {
    char columns[64] = "llr";
    size_t used = 3;
    for (size_t a = 0; a < front->axis_count && used + 5 < sizeof columns; a++) {
        if (is_shown(&front->axes[a])) {
            columns[used++] = 'r';
        }
    }
    for (size_t a = 0; a < 2 && front->search_axes; a++) {
        columns[used++] = 'r';
    }
    columns[used++] = 'r';
    columns[used++] = 'l';
    columns[used] = 0;
    cli_table table = cli_table_begin(columns);
    put_head(&table, front);
    for (size_t i = 0; i < front->point_count; i++) {
        put_point(&table, front, i);
    }
    return cli_table_end(&table, stdout);
}

/* Candidates that are not in the table: the front is then of what there is. */
static void print_absent(const hma_run *run) {
    size_t waiting = 0, searched = 0, dropped = 0;
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        const hma_candidate *c = hma_run_candidate(run, i);
        searched += c->searched;
        dropped += c->dropped != NULL;
        waiting += !c->scored && !c->failure && !c->searched && !c->dropped;
    }
    if (waiting > 0) {
        (void)printf("%zu candidates are not scored yet.\n", waiting);
    }
    if (searched > 0) {
        (void)printf("%zu more candidates were scored on the search items only, where others beat them.\n", searched);
    }
    if (dropped > 0) {
        (void)printf("%zu more candidates were stopped early: they had no chance of the front.\n", dropped);
    }
}

/* Where an axis is not measured, the points that are named after it are not there. */
static void print_named(const hma_front *front) {
    const bool both = front->knee < front->point_count;
    if (both) {
        (void)printf("knee: %s, ", front->points[front->knee].label);
    }
    if (front->best_retention < front->point_count) {
        (void)printf("best retention%s: %s%s", both ? " without losing reward" : "", front->points[front->best_retention].label,
                     both ? ", " : "\n");
    }
    if (front->best_reward < front->point_count) {
        (void)printf("best reward%s: %s\n", both ? " without tax" : "", front->points[front->best_reward].label);
    }
}

static hma_status print_text(const hma_run *run, const hma_front *front) {
    (void)printf("Ratios are the weight of post, block by block (0 is pre, 1 is post; the weight of pre is 1 - ratio).\n\n");
    const hma_status status = print_table(front);
    (void)printf("\n* on the front, > recommended, x excluded; ± standard errors; member: probability of the front\n");
    print_absent(run);
    const hma_estimate *h = &front->hypervolume;
    if (isfinite(h->value)) {
        (void)printf("hypervolume %.4g (95 %% interval %.4g to %.4g), beyond alignment %.4g and retention %.4g\n", h->value,
                     h->low, h->high, front->reference_alignment, front->reference_retention);
    }
    print_named(front);
    (void)printf("recommended: %s\nverdict: %s\n", front->points[front->recommended].label, front->verdict);
    if (*front->blocks_verdict) {
        (void)printf("blocks: %s\n", front->blocks_verdict);
    }
    return status;
}

/* ---- merges of several ratios beside plain averaging ---- */

static bool is_compared(const hma_front *front, size_t point) {
    const hma_uniform_pair *pair = &front->points[point].uniform;
    return pair->below < front->point_count && pair->below == pair->above;
}

static void put_difference(cli_table *table, const hma_difference *d) {
    cli_table_cell(table, "%+.3f", d->mean);
    if (isnan(d->low)) {
        cli_table_cell(table, "-"); /* too few items */
    } else {
        cli_table_cell(table, "%+.3f to %+.3f", d->low, d->high);
    }
}

hma_status cli_front_print_comparison(const hma_front *front) {
    static const char *const head[] = {"mean", "merge", "alignment", "95 % interval", "retention", "95 % interval"};
    size_t count = 0;
    for (size_t i = 0; i < front->point_count; i++) {
        count += is_compared(front, i);
    }
    if (count == 0) {
        (void)printf("\nNo merge of several ratios has a uniform merge of the same mean ratio beside it.\n");
        return HMA_OK;
    }
    (void)printf("\nMerges of several ratios against the uniform merge of the same mean ratio, paired by item:\n\n");
    cli_table table = cli_table_begin("rlrrrr");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_cell(&table, "%s", head[i]);
    }
    for (size_t i = 0; i < front->point_count; i++) {
        if (is_compared(front, i)) {
            cli_table_cell(&table, "%.3g", front->points[i].mean_ratio);
            cli_table_cell(&table, "%s", front->points[i].label);
            for (size_t a = 0; a < front->axis_count; a++) {
                if (is_searched(&front->axes[a])) {
                    put_difference(&table, &front->axes[a].versus_uniform[i]);
                }
            }
        }
    }
    return cli_table_end(&table, stdout);
}

hma_status cli_front_print(const hma_run *run, const hma_front *front, bool as_json) {
    if (!as_json) {
        return print_text(run, front);
    }
    char *json;
    const hma_status status = hma_export_json(run, front, &json);
    if (status == HMA_OK) {
        (void)printf("%s\n", json);
        hma_text_free(json);
    }
    return status;
}
