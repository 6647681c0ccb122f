/* What a race asks: tasks, items, their weights; and what its entrants have answered. */
#include "search/race_track.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"

/* ---- weights ---- */

static bool is_skill(const hma_task_scores *task) {
    return !task->alignment && hma_metric_describe(task->metric)->unit_interval;
}

static bool same_category(const hma_task_scores *a, const hma_task_scores *b) { return strcmp(a->category, b->category) == 0; }

/* Retention is the mean over categories of the mean over their tasks. */
static void fill_weights(const hma_score_table *table, double *weights) {
    double categories = 0;
    for (size_t i = 0; i < table->task_count; i++) {
        bool first = is_skill(&table->tasks[i]);
        for (size_t j = 0; j < i; j++) {
            first = first && !(is_skill(&table->tasks[j]) && same_category(&table->tasks[i], &table->tasks[j]));
        }
        categories += first;
    }
    for (size_t i = 0; i < table->task_count; i++) {
        double size = 0;
        for (size_t j = 0; j < table->task_count; j++) {
            size += is_skill(&table->tasks[j]) && same_category(&table->tasks[i], &table->tasks[j]);
        }
        weights[i] = table->tasks[i].alignment ? 1 : 0;
        weights[table->task_count + i] = is_skill(&table->tasks[i]) ? 1 / (categories * size) : 0;
    }
}

/* ---- the track ---- */

static hma_status copy_shape(hma_score_table *out, const hma_score_table *shape) {
    hma_status status = hma_score_table_new(out, 1, shape->task_count);
    for (size_t i = 0; i < shape->task_count && status == HMA_OK; i++) {
        const hma_task_scores *t = &shape->tasks[i];
        status = hma_task_scores_set(out, i, t->name, t->category, t->metric, t->alignment, t->items);
    }
    return status;
}

hma_status hma_track_make(hma_track *track, const hma_score_table *table) {
    track->weights = HMA_NEW(double, 2 * table->task_count);
    track->first = HMA_NEW(size_t, table->task_count + 1);
    if (!track->weights || !track->first) {
        return HMA_FAILURE;
    }
    fill_weights(table, track->weights);
    for (size_t i = 0; i < table->task_count; i++) {
        track->first[i + 1] = track->first[i] + table->tasks[i].items;
    }
    track->items = track->first[table->task_count];
    return copy_shape(&track->shape, table);
}

void hma_track_free(hma_track *track) {
    hma_score_table_free(&track->shape);
    free(track->weights);
    free(track->first);
    *track = (hma_track){0};
}

/* ---- entrants ---- */

void hma_entrant_free(hma_entrant *entrant) {
    hma_score_table_free(&entrant->table);
    free(entrant->known);
    free(entrant->asked);
    free(entrant->wanted);
    free(entrant->guess);
    *entrant = (hma_entrant){0};
}

hma_status hma_entrant_begin(hma_entrant *entrant, const hma_track *track) {
    entrant->known = HMA_NEW(bool, track->items);
    entrant->asked = HMA_NEW(bool, track->items);
    entrant->wanted = HMA_NEW(bool, track->items);
    entrant->guess = HMA_NEW(double, track->shape.task_count);
    return entrant->known && entrant->asked && entrant->wanted && entrant->guess ? copy_shape(&entrant->table, &track->shape)
                                                                                 : HMA_FAILURE;
}

static void take(hma_entrant *entrant, const hma_track *track, size_t task, size_t place, const double *stats) {
    hma_task_scores *t = &entrant->table.tasks[task];
    memcpy(t->stats + place * t->width, stats, t->width * sizeof *stats);
    entrant->known[track->first[task] + place] = true;
}

hma_status hma_entrant_take_parts(hma_entrant *entrant, const hma_track *track, const hma_part_scores *scores,
                                  const hma_sql *sql) {
    entrant->tokens = scores->tokens;
    entrant->seconds = scores->seconds;
    if (scores->last > 0 && (scores->table.task_count != track->shape.task_count ||
                             (scores->parts != track->items && scores->last != scores->parts))) {
        return hma_error(HMA_INCOMPATIBLE,
                         "%s: holds a race that another hma began (expected %zu items, not %zu): finish it without --race",
                         sql->path, track->items, scores->parts);
    }
    for (size_t task = 0; task < scores->table.task_count; task++) {
        const hma_task_scores *from = &scores->table.tasks[task];
        for (size_t i = 0; i < from->items; i++) {
            const size_t place = scores->place[task][i];
            if (place >= track->shape.tasks[task].items || from->width != track->shape.tasks[task].width) {
                return hma_sql_damaged(sql, "partial scores are of other items");
            }
            take(entrant, track, task, place, from->stats + i * from->width);
        }
    }
    return HMA_OK;
}

hma_status hma_entrant_take_result(hma_entrant *entrant, const hma_track *track, const hma_places *only,
                                   const hma_result *result) {
    entrant->tokens += (double)result->cost.tokens;
    entrant->seconds += result->seconds;
    for (size_t task = 0; task < track->shape.task_count; task++) {
        const hma_task_result *from = task < result->task_count ? &result->tasks[task] : &result->alignment;
        if (from->measures[0].metric != track->shape.tasks[task].metric) {
            return hma_error(HMA_FAILURE, "%s: the tasks are not those of earlier candidates: please report this", from->name);
        }
        for (size_t i = 0; i < only[task].count; i++) {
            take(entrant, track, task, only[task].place[i], from->measures[0].stats + i * track->shape.tasks[task].width);
        }
    }
    return HMA_OK;
}

/* ---- what is still to be asked ---- */

void hma_missing_free(hma_missing *missing) {
    free(missing->only);
    free(missing->places);
    *missing = (hma_missing){0};
}

hma_status hma_missing_find(hma_missing *missing, const hma_entrant *entrant, const hma_track *track) {
    const size_t tasks = track->shape.task_count;
    /* lists of selections have one for prompts, whether there are any or not */
    *missing = (hma_missing){.only = HMA_NEW(hma_places, tasks + 1), .places = HMA_NEW(size_t, track->items)};
    if (!missing->only || !missing->places) {
        return HMA_FAILURE;
    }
    for (size_t task = 0; task < tasks; task++) {
        const size_t before = missing->count;
        missing->only[task].place = missing->places + before;
        for (size_t i = track->first[task]; i < track->first[task + 1]; i++) {
            if (entrant->wanted[i] && !entrant->known[i]) {
                missing->places[missing->count++] = i - track->first[task];
            }
        }
        missing->only[task].count = missing->count - before;
    }
    return HMA_OK;
}
