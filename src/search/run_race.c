/* Races over the test items: the sweep's candidates stop early when they are beaten for sure. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "hma/run_search.h"
#include "hma/text.h"
#include "search/race.h"

enum { ENDPOINTS = 2 };

/* Who was scored without a race takes no part: its answers do not stand in the race's order. */
static bool enters(const hma_race *race, const hma_entrant *entrant, bool answers) {
    const hma_candidate *candidate = hma_run_candidate(race->run, entrant->candidate);
    return !candidate->failure && !candidate->searched && (!candidate->scored || answers);
}

static hma_status enter_all(hma_race *race) {
    hma_status status = HMA_OK;
    for (size_t i = ENDPOINTS; i < hma_run_candidate_count(race->run) && status == HMA_OK; i++) {
        bool answers;
        status = hma_race_enter(race, i, &answers);
        if (status == HMA_OK && !enters(race, &race->list[race->count - 1], answers)) {
            hma_race_leave(race);
        }
    }
    return status;
}

/* Pre and post do not race; they tell which tasks there are. */
static hma_status settle(hma_race *race) {
    static const size_t endpoints[ENDPOINTS] = {0, 1};
    hma_score_table table = {0};
    hma_status status = hma_run_score_some(race->run, endpoints, ENDPOINTS);
    if (status == HMA_OK) {
        status = hma_journal_read_table(race->run->journal, endpoints, 1, &table);
    }
    if (status == HMA_OK) {
        status = hma_race_settle(race, &table);
    }
    hma_score_table_free(&table);
    return status;
}

/* ---- the end ---- */

static hma_status read_seed(const hma_run *run, uint64_t *seed) {
    const char *recorded = hma_run_fact(run, "seed");
    return recorded && hma_parse_u64(seed, recorded) ? HMA_OK : hma_sql_damaged(&run->journal->sql, "its seed is missing");
}

/* All answers are there: they become the candidate's result. */
static hma_status keep_result(hma_run *run, size_t candidate, uint64_t seed) {
    hma_result *result;
    hma_status status = hma_parts_result(run->journal, candidate, &result);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_result_summarize(result, seed);
    if (status == HMA_OK) {
        status = hma_run_keep_result(run, candidate, result);
    }
    hma_result_free(result);
    return status;
}

static hma_status keep_dropped(hma_run *run, const hma_race *race, const hma_entrant *entrant) {
    hma_run_entry *entry = &run->entries[entrant->candidate];
    hma_buffer text = {0};
    hma_buffer_printf(&text, "beaten after %zu of %zu items (chance of being on the front: %.2g)", entrant->beaten_at,
                      race->track.items, entrant->chance);
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        status = hma_parts_set_status(run->journal, entrant->candidate, "dropped", hma_buffer_cstr(&text));
    }
    if (status == HMA_OK) {
        free(entry->dropped);
        entry->candidate.dropped = entry->dropped = hma_buffer_release(&text);
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status keep_all(hma_run *run, const hma_race *race) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < race->count && status == HMA_OK; i++) {
        const hma_entrant *entrant = &race->list[i];
        if (entrant->beaten_at > 0) {
            status = keep_dropped(run, race, entrant);
        } else if (!entrant->failed && !hma_run_candidate(run, entrant->candidate)->scored) {
            status = keep_result(run, entrant->candidate, race->seed);
        }
    }
    return status;
}

hma_status hma_run_race(hma_run *run) {
    if (!run->context) {
        return hma_error(HMA_USAGE, "%s: was opened for reading (expected hma_run_begin)", run->folder);
    }
    hma_race race = {.run = run, .sheet = HMA_SHEET_TEST, .items = run->test};
    hma_status status = read_seed(run, &race.seed);
    if (status == HMA_OK) {
        status = settle(&race);
    }
    if (status == HMA_OK) {
        status = enter_all(&race);
    }
    if (status == HMA_OK) {
        status = hma_race_run(&race, 0);
    }
    if (status == HMA_OK) {
        status = keep_all(run, &race);
    }
    hma_race_free(&race);
    return status;
}
