#include "search/race.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/race_judge.h"

/* How many of the final front a race may be expected to stop. */
static const double ALPHA = 0.02;

void hma_race_free(hma_race *race) {
    for (size_t i = 0; i < race->count; i++) {
        hma_part_scores_free(&race->list[i].scores);
    }
    free(race->list);
    free(race->weights);
    free(race->all);
    *race = (hma_race){0};
}

hma_status hma_race_enter(hma_race *race, size_t candidate) {
    if (hma_grow(&race->list, &race->capacity, race->count + 1, sizeof *race->list) != 0) {
        return HMA_FAILURE;
    }
    hma_entrant *entrant = &race->list[race->count];
    *entrant = (hma_entrant){.candidate = candidate};
    entrant->failed = hma_run_candidate(race->run, candidate)->failure != NULL;
    const hma_status status = hma_parts_read(race->run->journal, race->sheet, candidate, &entrant->scores);
    race->count += status == HMA_OK;
    return status;
}

/* ---- axes ---- */

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

hma_status hma_race_settle(hma_race *race, const hma_score_table *table) {
    if (race->weights) {
        return HMA_OK;
    }
    race->tasks = table->task_count;
    race->weights = HMA_NEW(double, 2 * table->task_count);
    race->all = HMA_NEW(size_t, table->task_count);
    if (!race->weights || !race->all) {
        return HMA_FAILURE;
    }
    fill_weights(table, race->weights);
    for (size_t i = 0; i < table->task_count; i++) {
        race->all[i] = table->tasks[i].items;
    }
    return HMA_OK;
}

/* ---- answering ---- */

static hma_status ask(hma_race *race, hma_entrant *entrant, uint32_t last) {
    hma_run *run = race->run;
    hma_selection selection = race->items;
    hma_result *result;
    selection.first = entrant->scores.last;
    selection.last = last;
    selection.parts = HMA_PARTS;
    hma_status status = hma_context_check(run->context);
    if (status == HMA_OK) {
        status = hma_run_select(run, &selection);
    }
    if (status == HMA_OK) {
        status = run->scorer.score(run->scorer.user, hma_run_candidate(run, entrant->candidate), &result);
    }
    if (status == HMA_NON_FINITE) {
        entrant->failed = true;
        return hma_run_keep_failure(run, entrant->candidate);
    }
    if (status == HMA_OK) {
        status = hma_parts_put(run->journal, race->sheet, entrant->candidate, last, HMA_PARTS, result);
        hma_result_free(result);
    }
    return status;
}

/* Has an entrant answer up to last/HMA_PARTS, unless it has. */
static hma_status bring(hma_race *race, size_t index, uint32_t last) {
    hma_entrant *entrant = &race->list[index];
    hma_status status = HMA_OK;
    if (entrant->failed) {
        return HMA_OK;
    }
    if (entrant->scores.last > 0 && entrant->scores.parts != HMA_PARTS) {
        return hma_sql_damaged(&race->run->journal->sql, "its parts have another size");
    }
    if (entrant->scores.last < last) {
        status = ask(race, entrant, last);
        if (status == HMA_OK && !entrant->failed) {
            hma_part_scores_free(&entrant->scores);
            status = hma_parts_read(race->run->journal, race->sheet, entrant->candidate, &entrant->scores);
        }
    }
    return status == HMA_OK && last == HMA_PARTS && !entrant->failed ? hma_race_settle(race, &entrant->scores.table) : status;
}

hma_status hma_race_finish(hma_race *race, size_t entrant) { return bring(race, entrant, HMA_PARTS); }

/* ---- heats ---- */

static bool is_running(const hma_race *race, size_t entrant) {
    return !race->list[entrant].failed && race->list[entrant].beaten_at == 0;
}

static hma_status fill_runners(const hma_race *race, size_t first, uint32_t last, hma_heat *heat) {
    for (size_t i = 0; i < race->count; i++) {
        const hma_entrant *entrant = &race->list[i];
        const bool there = is_running(race, i) && entrant->scores.last >= last;
        heat->runners[i] = (hma_runner){.table = &entrant->scores.table, .may_lose = i >= first, .out = !there};
    }
    return hma_heat_judge(heat, race->run->context);
}

static void note_beaten(hma_race *race, const hma_heat *heat, uint32_t last) {
    for (size_t i = 0; i < race->count; i++) {
        if (heat->runners[i].beaten) {
            race->list[i].beaten_at = last;
            race->list[i].chance = heat->runners[i].chance;
        }
    }
}

static hma_status judge(hma_race *race, size_t first, uint32_t before, uint32_t last) {
    const size_t tasks = race->tasks;
    size_t *asked = HMA_NEW(size_t, tasks);
    hma_heat heat = {.runners = HMA_NEW(hma_runner, race->count),
                     .count = race->count,
                     .metrics = tasks,
                     .weights = race->weights,
                     .asked = asked,
                     .all = race->all,
                     .alpha = hma_race_alpha(ALPHA, (double)before / HMA_PARTS, (double)last / HMA_PARTS),
                     .seed = race->seed};
    hma_status status = asked && heat.runners ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < tasks && status == HMA_OK; i++) {
        asked[i] = (race->all[i] * last + HMA_PARTS - 1) / HMA_PARTS;
    }
    if (status == HMA_OK) {
        status = fill_runners(race, first, last, &heat);
    }
    if (status == HMA_OK) {
        note_beaten(race, &heat, last);
    }
    free(asked);
    free(heat.runners);
    return status;
}

static size_t count_running(const hma_race *race, size_t first) {
    size_t count = 0;
    for (size_t i = first; i < race->count; i++) {
        count += is_running(race, i);
    }
    return count;
}

static size_t find_entrant(const hma_race *race, size_t first, size_t candidate) {
    while (race->list[first].candidate != candidate) {
        first++;
    }
    return first;
}

/* Has all that are running answer up to last/HMA_PARTS, those that begin alike one after the other. */
static hma_status bring_all(hma_race *race, size_t first, uint32_t last) {
    size_t *asked = HMA_NEW(size_t, race->count), count = 0;
    hma_status status = asked ? HMA_OK : HMA_FAILURE;
    for (size_t i = first; i < race->count && status == HMA_OK; i++) {
        if (is_running(race, i) && race->list[i].scores.last < last) {
            asked[count++] = race->list[i].candidate;
        }
    }
    if (status == HMA_OK && race->run->scorer.arrange) {
        status = hma_run_arrange(race->run, asked, count);
    }
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        hma_report_step(race->run->context, i, count);
        status = bring(race, find_entrant(race, first, asked[i]), last);
    }
    free(asked);
    return status;
}

hma_status hma_race_run(hma_race *race, size_t first) {
    hma_status status = HMA_OK;
    uint32_t before = 0;
    for (uint32_t last = 1; last <= HMA_PARTS && status == HMA_OK; last *= 2) {
        status = bring_all(race, first, last);
        if (status == HMA_OK && last < HMA_PARTS) {
            status = judge(race, first, before, last);
            hma_log(race->run->context, HMA_LOG_INFO, "race: after %u of %d parts of the items, %zu of %zu candidates go on",
                    last, HMA_PARTS, count_running(race, first), race->count - first);
        }
        before = last;
    }
    hma_report_step(race->run->context, 0, 0);
    return status;
}
