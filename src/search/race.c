#include "search/race.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/ranked.h"
#include "search/race_judge.h"
#include "search/race_track.h"

/* All answer one of so many parts first. */
enum { FIRST_PARTS = 8 };
/* One in eight candidates, within these bounds, is complete before anybody can be beaten; so many answer everything at a time.
 */
enum { LEADERS_SHARE = 8, LEADERS_LEAST = 6, LEADERS_MOST = 12, LEADERS_AT_ONCE = 6 };
/* How many of the final front a race may be expected to stop, and the share of what is left of that which a round may spend. */
static const double ALPHA = 0.1, ROUND_SHARE = 0.2;
/* Who has such a chance answers everything. */
static const double FAVOURITE = 0.3;
/* What others are asked in a round: this share of what is doubted on an axis, and at least this share of its items. */
static const double STEP = 0.3, LEAST_STEP = 1.0 / 32;
/* In deviations: axes that are behind by about the same are both asked. */
static const double SAME = 0.5;

void hma_race_free(hma_race *race) {
    for (size_t i = 0; i < race->count; i++) {
        hma_entrant_free(&race->list[i]);
    }
    free(race->list);
    hma_track_free(&race->track);
    *race = (hma_race){0};
}

void hma_race_leave(hma_race *race) { hma_entrant_free(&race->list[--race->count]); }

bool hma_race_is_complete(const hma_race *race, size_t entrant) {
    return race->settled && race->list[entrant].answered == race->track.items;
}

/* ---- entering ---- */

hma_status hma_race_settle(hma_race *race, const hma_score_table *table) {
    if (race->settled) {
        return HMA_OK;
    }
    const hma_status status = hma_track_make(&race->track, table);
    race->settled = status == HMA_OK;
    return status;
}

/* Before the race is settled, entrants have answered everything or nothing. */
static hma_status take_parts(hma_race *race, hma_entrant *entrant, bool *answers) {
    hma_part_scores scores;
    hma_status status = hma_parts_read(race->run->journal, race->sheet, entrant->candidate, &scores);
    if (status != HMA_OK) {
        return status;
    }
    *answers = scores.last > 0;
    if (!race->settled && scores.last > 0 && scores.last == scores.parts) {
        status = hma_race_settle(race, &scores.table);
    }
    if (status == HMA_OK && race->settled && !entrant->known) {
        status = hma_entrant_begin(entrant, &race->track);
    }
    if (status == HMA_OK && race->settled) {
        status = hma_entrant_take_parts(entrant, &race->track, &scores, &race->run->journal->sql);
    }
    hma_part_scores_free(&scores);
    return status;
}

hma_status hma_race_enter(hma_race *race, size_t candidate, bool *answers) {
    bool any;
    if (hma_grow(&race->list, &race->capacity, race->count + 1, sizeof *race->list) != 0) {
        return HMA_FAILURE;
    }
    hma_entrant *entrant = &race->list[race->count];
    *entrant = (hma_entrant){.candidate = candidate};
    entrant->failed = hma_run_candidate(race->run, candidate)->failure != NULL;
    race->count++; /* is freed with the others from here on */
    return take_parts(race, entrant, answers ? answers : &any);
}

/* ---- asking ---- */

/* The places, or all items without. */
static hma_status ask(hma_race *race, hma_entrant *entrant, const hma_places *only, size_t parts, hma_result **out) {
    hma_run *run = race->run;
    hma_selection selection = race->items;
    selection.only = only;
    selection.first = 0;
    selection.last = selection.parts = 1;
    hma_status status = hma_context_check(run->context);
    if (status == HMA_OK) {
        status = hma_run_select(run, &selection);
    }
    if (status == HMA_OK) {
        status = run->scorer.score(run->scorer.user, hma_run_candidate(run, entrant->candidate), out);
    }
    if (status == HMA_NON_FINITE) {
        entrant->failed = true;
        return hma_run_keep_failure(run, entrant->candidate);
    }
    if (status == HMA_OK) {
        size_t items = (*out)->has_alignment ? (*out)->alignment.items : 0;
        for (size_t i = 0; i < (*out)->task_count; i++) {
            items += (*out)->tasks[i].items;
        }
        status = hma_parts_put(run->journal, race->sheet, entrant->candidate, only, parts ? parts : items, *out);
        if (status != HMA_OK) {
            hma_result_free(*out);
        }
    }
    return status;
}

static hma_status ask_missing(hma_race *race, hma_entrant *entrant) {
    hma_missing missing;
    hma_result *result;
    hma_status status = hma_missing_find(&missing, entrant, &race->track);
    if (status == HMA_OK && missing.count > 0) {
        status = ask(race, entrant, missing.only, race->track.items, &result);
        if (status == HMA_OK && !entrant->failed) {
            status = hma_entrant_take_result(entrant, &race->track, missing.only, result);
            hma_result_free(result);
        }
    }
    hma_missing_free(&missing);
    return status;
}

/* What is wanted and not known is asked; all that is wanted counts from now on. */
static hma_status bring(hma_race *race, hma_entrant *entrant) {
    if (entrant->failed) {
        return HMA_OK;
    }
    const hma_status status = ask_missing(race, entrant);
    for (size_t i = 0; i < race->track.items && status == HMA_OK && !entrant->failed; i++) {
        entrant->answered += entrant->wanted[i] && !entrant->asked[i];
        entrant->asked[i] = entrant->asked[i] || entrant->wanted[i];
        entrant->wanted[i] = false;
    }
    return status;
}

static void want_everything(const hma_race *race, hma_entrant *entrant) {
    for (size_t i = 0; i < race->track.items; i++) {
        entrant->wanted[i] = true;
    }
}

hma_status hma_race_finish(hma_race *race, size_t index) {
    hma_entrant *entrant = &race->list[index];
    hma_result *result;
    bool answers;
    if (!race->settled) { /* the first of all */
        hma_status status = entrant->failed ? HMA_OK : ask(race, entrant, NULL, 0, &result);
        if (status == HMA_OK && !entrant->failed) {
            hma_result_free(result);
            status = take_parts(race, entrant, &answers);
        }
        if (status != HMA_OK || entrant->failed) {
            return status;
        }
    }
    want_everything(race, entrant);
    return bring(race, entrant);
}

static bool is_running(const hma_race *race, size_t entrant) {
    return !race->list[entrant].failed && race->list[entrant].beaten_at == 0;
}

static bool wants(const hma_race *race, size_t entrant) {
    const bool *wanted = race->list[entrant].wanted;
    return is_running(race, entrant) && memchr(wanted, true, race->track.items * sizeof *wanted) != NULL;
}

static size_t find_entrant(const hma_race *race, size_t first, size_t candidate) {
    while (race->list[first].candidate != candidate) {
        first++;
    }
    return first;
}

/* All get what they want, those that begin alike one after the other. */
static hma_status bring_all(hma_race *race, size_t first) {
    size_t *asked = HMA_NEW(size_t, race->count), count = 0;
    hma_status status = asked ? HMA_OK : HMA_FAILURE;
    for (size_t i = first; i < race->count && status == HMA_OK; i++) {
        if (wants(race, i)) {
            asked[count++] = race->list[i].candidate;
        }
    }
    if (status == HMA_OK && race->run->scorer.arrange) {
        status = hma_run_arrange(race->run, asked, count);
    }
    for (size_t i = 0; i < count && status == HMA_OK; i++) {
        hma_report_step(race->run->context, i, count);
        status = bring(race, &race->list[find_entrant(race, first, asked[i])]);
    }
    free(asked);
    return status;
}

/* ---- what others are asked ---- */

/* The most doubted items of an axis that were not asked yet. */
static hma_status want_doubted(const hma_race *race, hma_entrant *entrant, const hma_racer *racer, size_t axis) {
    const hma_track *c = &race->track;
    hma_ranked *left = HMA_NEW(hma_ranked, c->items);
    size_t count = 0, items = 0, chosen = 0;
    double all = 0, sum = 0;
    if (!left) {
        return HMA_FAILURE;
    }
    for (size_t task = 0; task < c->shape.task_count; task++) {
        for (size_t i = c->first[task]; i < c->first[task + 1] && hma_track_axis(c, task) == axis; i++, items++) {
            if (!entrant->asked[i]) {
                left[count++] = (hma_ranked){racer->doubt[i], i};
                all += racer->doubt[i];
            }
        }
    }
    qsort(left, count, sizeof *left, hma_ranked_falling);
    while (chosen < count && (sum < STEP * all || (double)chosen < LEAST_STEP * (double)items)) {
        sum += left[chosen].value;
        entrant->wanted[left[chosen++].index] = true;
    }
    free(left);
    return HMA_OK;
}

static hma_status want_more(hma_race *race, const hma_racer *racers, size_t index) {
    const double behind[HMA_AXES] = {hma_judge_behind(racers, race->count, index, 0),
                                     hma_judge_behind(racers, race->count, index, 1)};
    hma_entrant *entrant = &race->list[index];
    hma_status status = HMA_OK;
    for (size_t axis = 0; axis < HMA_AXES && status == HMA_OK; axis++) {
        if (isfinite(behind[axis]) && behind[axis] <= behind[1 - axis] + SAME) {
            status = want_doubted(race, entrant, &racers[index], axis);
        }
    }
    if (status == HMA_OK && !wants(race, index)) { /* nothing that counts is left */
        want_everything(race, entrant);
    }
    return status;
}

/* ---- rounds ---- */

static bool is_open(const hma_race *race, size_t entrant) {
    return is_running(race, entrant) && !hma_race_is_complete(race, entrant);
}

static size_t count_open(const hma_race *race) {
    size_t count = 0;
    for (size_t i = 0; i < race->count; i++) {
        count += is_open(race, i);
    }
    return count;
}

static size_t count_complete(const hma_race *race) {
    size_t count = 0;
    for (size_t i = 0; i < race->count; i++) {
        count += is_running(race, i) && hma_race_is_complete(race, i);
    }
    return count;
}

/* Answers that are not finite cannot be compared: such candidates answer everything, and the front sorts them out. */
static bool is_finite(const hma_track *c, const hma_entrant *entrant) {
    for (size_t task = 0; task < c->shape.task_count; task++) {
        const hma_task_scores *t = &entrant->table.tasks[task];
        for (size_t i = 0; i < t->items * t->width && hma_track_axis(c, task) < HMA_AXES; i++) {
            if (entrant->asked[c->first[task] + i / t->width] && !isfinite(t->stats[i])) {
                return false;
            }
        }
    }
    return true;
}

static void free_racers(hma_racer *racers, size_t count) {
    for (size_t i = 0; racers && i < count; i++) {
        free(racers[i].doubt);
        free(racers[i].task_value);
    }
    free(racers);
}

static hma_status make_racers(const hma_race *race, size_t first, hma_racer **out) {
    hma_racer *racers = HMA_NEW(hma_racer, race->count);
    hma_status status = racers ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < race->count && status == HMA_OK; i++) {
        const hma_entrant *entrant = &race->list[i];
        const bool open = is_open(race, i);
        racers[i] = (hma_racer){.table = &entrant->table,
                                .asked = entrant->asked,
                                .answered = entrant->answered,
                                .out = !is_running(race, i) || (open && i < first) || !is_finite(&race->track, entrant),
                                .may_lose = i >= first};
        if (!racers[i].out) {
            racers[i].doubt = HMA_NEW(double, race->track.items);
            racers[i].task_value = HMA_NEW(double, race->track.shape.task_count);
            status = racers[i].doubt && racers[i].task_value ? HMA_OK : HMA_FAILURE;
        }
    }
    if (status != HMA_OK) {
        free_racers(racers, race->count);
        return status;
    }
    *out = racers;
    return HMA_OK;
}

static void note_beaten(hma_race *race, const hma_racer *racers) {
    for (size_t i = 0; i < race->count; i++) {
        hma_entrant *entrant = &race->list[i];
        if (racers[i].beaten) {
            entrant->beaten_at = entrant->answered;
            entrant->chance = racers[i].chance;
            memcpy(entrant->guess, racers[i].task_value, race->track.shape.task_count * sizeof *entrant->guess);
        }
    }
}

/* Those with the best chances among the open ones. */
static void choose_leaders(hma_race *race, const hma_racer *racers, size_t first, size_t count) {
    for (size_t chosen = 0; chosen < count; chosen++) {
        size_t best = race->count;
        for (size_t i = first; i < race->count; i++) {
            if (is_open(race, i) && !wants(race, i) && (best == race->count || racers[i].chance > racers[best].chance)) {
                best = i;
            }
        }
        if (best == race->count) {
            return;
        }
        want_everything(race, &race->list[best]);
    }
}

static hma_status choose(hma_race *race, hma_racer *racers, size_t first, double *alpha) {
    double spent = 0;
    const size_t leaders = hma_max_size(LEADERS_LEAST, hma_min_size(LEADERS_MOST, race->count / LEADERS_SHARE));
    if (count_complete(race) < leaders) {
        choose_leaders(race, racers, first, hma_min_size(LEADERS_AT_ONCE, leaders - count_complete(race)));
        return HMA_OK;
    }
    hma_status status = hma_judge_beaten(&race->track, racers, race->count, ROUND_SHARE * *alpha, &spent);
    if (status == HMA_OK) {
        *alpha -= spent;
        note_beaten(race, racers);
    }
    for (size_t i = first; i < race->count && status == HMA_OK; i++) {
        if (is_open(race, i) && racers[i].chance >= FAVOURITE) { /* and whatever takes no part */
            want_everything(race, &race->list[i]);
        } else if (is_open(race, i)) {
            status = want_more(race, racers, i);
        }
    }
    return status;
}

static hma_status run_round(hma_race *race, size_t first, double *alpha) {
    hma_racer *racers;
    hma_status status = make_racers(race, first, &racers);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_guess(&race->track, racers, race->count, race->run->context);
    if (status == HMA_OK) {
        status = hma_judge_chances(racers, race->count, race->seed, race->rounds++, race->run->context);
    }
    if (status == HMA_OK) {
        status = choose(race, racers, first, alpha);
    }
    free_racers(racers, race->count);
    if (status == HMA_OK) {
        hma_log(race->run->context, HMA_LOG_INFO, "race: round %llu: %zu candidates are complete, %zu go on, %.2g to lose",
                (unsigned long long)race->rounds, count_complete(race), count_open(race), *alpha);
        status = bring_all(race, first);
    }
    return status;
}

static void want_first_part(const hma_race *race, hma_entrant *entrant) {
    for (size_t task = 0; task < race->track.shape.task_count; task++) {
        const size_t items = race->track.shape.tasks[task].items;
        for (size_t i = 0; i < (items + FIRST_PARTS - 1) / FIRST_PARTS; i++) {
            entrant->wanted[race->track.first[task] + i] = true;
        }
    }
}

hma_status hma_race_run(hma_race *race, size_t first) {
    double alpha = ALPHA * (double)(race->count - first) / (double)hma_max_size(race->count, 1);
    for (size_t i = first; i < race->count; i++) {
        want_first_part(race, &race->list[i]);
    }
    hma_status status = bring_all(race, first);
    while (status == HMA_OK && count_open(race) > 0) {
        status = run_round(race, first, &alpha);
    }
    hma_report_step(race->run->context, 0, 0);
    return status;
}
