/*
 * Races over recorded answers: a finished sweep is raced again, in many random orders of its items, by the program's own code
 * (hma_run_race() with a scorer that looks answers up), and its front compared with the sweep's.
 *
 *     replay_race RUN [orders [items [candidates [seed]]]]
 *
 * RUN      a run folder of `hma sweep` without --race
 * orders   how many (30)
 * items    so many items of each task, drawn anew for each order; 0: all
 * candidates  so many of the merges, drawn anew; 0: all
 *
 * Tokens are those that pass through the model when nothing is guessed: questions (what the choices of an item share once) and
 * replies. What a race asks in several parts costs as many.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "hma/hma.h"
#include "hma/run_search.h"
#include "hma/tokenizer.h"
#include "search/pareto.h"
#include "search/run_parts.h"

typedef struct recorded {
    hma_run *run;
    hma_result **results; /* [candidates], NULL: failed */
    size_t candidates, tasks;
    size_t *items;  /* [tasks], the alignment's last */
    double **cost;  /* [tasks][items]: tokens of the question */
    double **reply; /* [candidates * tasks][items]: tokens of what was replied */
    hma_tokenizer *tokenizer;
} recorded;

typedef struct replay {
    const recorded *r;
    hma_selection selected;
    size_t **order; /* [tasks][items]: item at a place; the first kept[task] take part */
    size_t *kept;   /* [tasks] */
    double tokens, asked;
} replay;

static void check(hma_status status) {
    if (status != HMA_OK) {
        (void)fprintf(stderr, "replay_race: %s\n", hma_error_message());
        exit(1);
    }
}

static void *need(void *memory) {
    if (!memory) {
        check(HMA_FAILURE);
    }
    return memory;
}

static const hma_task_result *task_of(const hma_result *result, size_t task) {
    return task < result->task_count ? &result->tasks[task] : &result->alignment;
}

/* ---- what a question costs ---- */

static double count_tokens(const recorded *r, const char *text) {
    int32_t *ids;
    size_t count;
    check(hma_tokenizer_encode(r->tokenizer, text, strlen(text), false, &ids, &count));
    hma_ids_free(ids);
    return (double)count;
}

static size_t find_task(const recorded *r, const char *name, size_t length) {
    for (size_t t = 0; t < r->tasks; t++) {
        const char *own = task_of(r->results[0], t)->name;
        if (strlen(own) == length && strncmp(own, name, length) == 0) {
            return t;
        }
    }
    return r->tasks;
}

/* One line: {"id":"TASK/ITEM[/CHOICE]","context":..,"continuation":..}; the context counts once. */
static void add_question(recorded *r, const cJSON *line) {
    const char *id = NULL, *context = NULL, *continuation = NULL;
    check(hma_json_get_text(line, "requests", "id", true, &id));
    check(hma_json_get_text(line, "requests", "context", false, &context));
    check(hma_json_get_text(line, "requests", "continuation", false, &continuation));
    const char *slash = strchr(id, '/');
    const size_t task = slash ? find_task(r, id, (size_t)(slash - id)) : r->tasks;
    for (size_t i = 0; task < r->tasks && i < r->items[task]; i++) {
        const char *own = task_of(r->results[0], task)->item_id[i];
        const size_t length = strlen(own);
        if (strncmp(slash + 1, own, length) == 0 && (slash[1 + length] == '\0' || slash[1 + length] == '/')) {
            const bool is_new = r->cost[task][i] == 0;
            r->cost[task][i] += context && is_new ? count_tokens(r, context) : 0;
            r->cost[task][i] += continuation ? count_tokens(r, continuation) : 0;
            return;
        }
    }
}

static void read_costs(recorded *r) {
    char *path = need(hma_path_join(r->run->folder, HMA_RUN_REQUESTS)), line[65536];
    FILE *file = fopen(path, "rb");
    while (file && fgets(line, sizeof line, file)) {
        cJSON *parsed;
        check(hma_json_parse(&parsed, path, line, strlen(line)));
        add_question(r, parsed);
        cJSON_Delete(parsed);
    }
    if (file) {
        (void)fclose(file);
    }
    free(path);
}

/* Tokens of what was replied, as the detail tells. */
static double reply_cost(const recorded *r, const char *detail) {
    cJSON *parsed;
    double cost = 0;
    check(hma_json_parse(&parsed, "detail", detail, strlen(detail)));
    const cJSON *text = hma_json_get(parsed, "text"), *replies = hma_json_get(parsed, "replies"), *reply;
    cost += cJSON_IsString(text) ? count_tokens(r, text->valuestring) : 0;
    cJSON_ArrayForEach(reply, replies) { cost += cJSON_IsString(reply) ? count_tokens(r, reply->valuestring) : 0; }
    cJSON_Delete(parsed);
    return cost;
}

static void read_replies(recorded *r) {
    r->reply = need(HMA_NEW(double *, r->candidates * r->tasks));
    for (size_t c = 0; c < r->candidates; c++) {
        for (size_t t = 0; t < r->tasks && r->results[c]; t++) {
            const hma_task_result *task = task_of(r->results[c], t);
            double *cost = r->reply[c * r->tasks + t] = need(HMA_NEW(double, task->items));
            for (size_t i = 0; i < task->items; i++) {
                cost[i] = task->detail[i] ? reply_cost(r, task->detail[i]) : 0;
            }
        }
    }
}

static void read_run(recorded *r, const char *folder) {
    check(hma_run_open(&r->run, folder));
    check(hma_tokenizer_open(&r->tokenizer, hma_run_fact(r->run, "pre")));
    r->candidates = hma_run_candidate_count(r->run);
    r->results = need(HMA_NEW(hma_result *, r->candidates));
    for (size_t i = 0; i < r->candidates; i++) {
        if (hma_run_candidate(r->run, i)->scored) {
            check(hma_run_result(r->run, i, &r->results[i]));
        }
    }
    r->tasks = r->results[0]->task_count + r->results[0]->has_alignment;
    r->items = need(HMA_NEW(size_t, r->tasks));
    r->cost = need(HMA_NEW(double *, r->tasks));
    for (size_t t = 0; t < r->tasks; t++) {
        r->items[t] = task_of(r->results[0], t)->items;
        r->cost[t] = need(HMA_NEW(double, r->items[t]));
    }
    read_costs(r);
    read_replies(r);
}

/* ---- looking answers up ---- */

static hma_status select_items(void *user, const hma_selection *selection) {
    ((replay *)user)->selected = *selection;
    return HMA_OK;
}

static void copy_task(const replay *p, size_t candidate, size_t task, hma_task_result *to, double *tokens) {
    const hma_task_result *from = task_of(p->r->results[candidate], task);
    const double *reply = p->r->reply[candidate * p->r->tasks + task];
    const hma_selection *s = &p->selected;
    const size_t count = s->only ? s->only[task].count : p->kept[task];
    to->name = need(hma_copy_text(from->name));
    to->category = need(hma_copy_text(from->category));
    to->items = count;
    to->item_id = need(HMA_NEW(char *, count));
    to->detail = need(HMA_NEW(char *, count));
    to->measure_count = 1;
    to->measures = need(HMA_NEW(hma_measure, 1));
    const size_t width = hma_metric_describe(from->measures[0].metric)->width;
    to->measures[0] =
        (hma_measure){.metric = from->measures[0].metric, .items = count, .stats = need(HMA_NEW(double, count *width))};
    for (size_t i = 0; i < count; i++) {
        const size_t item = p->order[task][s->only ? s->only[task].place[i] : i];
        to->item_id[i] = need(hma_copy_text(from->item_id[item]));
        to->detail[i] = need(hma_copy_text("{}"));
        memcpy(to->measures[0].stats + i * width, from->measures[0].stats + item * width, width * sizeof(double));
        *tokens += p->r->cost[task][item] + reply[item];
    }
}

static hma_result *look_up(const replay *p, size_t candidate, double *tokens, double *asked) {
    const hma_result *from = p->r->results[candidate];
    hma_result *to = need(HMA_NEW(hma_result, 1));
    to->tasks = need(HMA_NEW(hma_task_result, from->task_count));
    to->task_count = from->task_count;
    to->has_alignment = from->has_alignment;
    for (size_t t = 0; t < p->r->tasks; t++) {
        hma_task_result *own = t < to->task_count ? &to->tasks[t] : &to->alignment;
        copy_task(p, candidate, t, own, tokens);
        *asked += (double)own->items;
    }
    check(hma_result_summarize(to, 1));
    return to;
}

static hma_status score(void *user, const hma_candidate *candidate, hma_result **out) {
    replay *p = user;
    size_t index;
    check(hma_run_find(p->r->run, candidate->id, &index));
    double tokens = 0;
    *out = look_up(p, index, &tokens, &p->asked);
    (*out)->cost.tokens = (uint64_t)tokens;
    p->tokens += tokens;
    return HMA_OK;
}

/* ---- a race ---- */

typedef struct outcome {
    double tokens, asked, volume;
    size_t front, lost;
} outcome;

static void shuffle(size_t *list, size_t count, hma_rng_key key) {
    for (size_t i = 0; i < count; i++) {
        list[i] = i;
    }
    for (size_t i = count; i > 1; i--) {
        const size_t other = (size_t)hma_rng_below(key, i, i), kept = list[i - 1];
        list[i - 1] = list[other];
        list[other] = kept;
    }
}

static hma_run *begin(hma_context *context, replay *p, const char *folder) {
    hma_run *run;
    hma_facts facts = {0};
    char digest[65];
    const char *suite = "{}";
    hma_recipe_spec recipe = hma_recipe_spec_default();
    recipe.layers = hma_run_layers(p->r->run);
    check(hma_sha256_of(suite, strlen(suite), digest));
    check(hma_facts_set(&facts, HMA_FACT_FIXED, "layers", "%zu", recipe.layers));
    check(hma_facts_set(&facts, HMA_FACT_FIXED, "seed", "1"));
    check(hma_facts_set(&facts, HMA_FACT_FIXED, "policy", "full"));
    check(hma_facts_set(&facts, HMA_FACT_FIXED, "suite_text_sha256", "%s", digest));
    check(hma_run_take(&run, context, folder));
    check(hma_run_start(run, &facts, &recipe, suite));
    hma_facts_free(&facts);
    (void)sqlite3_exec(run->journal->sql.db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    run->scorer = (hma_scorer){.score = score, .select = select_items, .user = p};
    return run;
}

/* The front of all that were added, and what is left of it among those that were scored. */
static void compare(const replay *p, const hma_run *run, outcome *out) {
    const size_t count = hma_run_candidate_count(run);
    hma_spot *all = need(HMA_NEW(hma_spot, count)), *left = need(HMA_NEW(hma_spot, count));
    size_t scored = 0;
    double unused[2] = {0}, corner[2] = {INFINITY, INFINITY};
    for (size_t i = 0; i < count; i++) {
        size_t index;
        check(hma_run_find(p->r->run, hma_run_candidate(run, i)->id, &index));
        hma_result *result = look_up(p, index, &unused[0], &unused[1]);
        all[i] = (hma_spot){result->has_alignment ? result->alignment.measures[0].value : 0, result->retention, i};
        if (i < 2) {
            corner[0] = fmin(corner[0], all[i].x);
            corner[1] = fmin(corner[1], all[i].y);
        }
        if (hma_run_candidate(run, i)->scored) {
            left[scored++] = all[i];
        }
        hma_result_free(result);
    }
    out->front = hma_pareto_select(all, count);
    scored = hma_pareto_select(left, scored);
    for (size_t i = 0; i < out->front; i++) {
        out->lost += !hma_run_candidate(run, all[i].index)->scored;
    }
    out->volume = hma_pareto_area(left, scored, corner[0], corner[1]) / hma_pareto_area(all, out->front, corner[0], corner[1]);
    free(all);
    free(left);
}

static outcome race(hma_context *context, const recorded *r, uint64_t seed, size_t limit, size_t candidates) {
    outcome out = {0};
    replay p = {.r = r, .order = need(HMA_NEW(size_t *, r->tasks)), .kept = need(HMA_NEW(size_t, r->tasks))};
    char folder[] = "/tmp/replay-race-XXXXXX", path[64];
    const hma_rng_key key = hma_rng_key_for(seed, "replay");
    size_t *chosen = need(HMA_NEW(size_t, r->candidates)), added = 0;
    double all_tokens = 0, all_asked = 0;
    for (size_t t = 0; t < r->tasks; t++) {
        p.order[t] = need(HMA_NEW(size_t, r->items[t]));
        p.kept[t] = limit ? hma_min_size(limit, r->items[t]) : r->items[t];
        shuffle(p.order[t], r->items[t], hma_rng_key_with(key, t));
    }
    shuffle(chosen, r->candidates, hma_rng_key_with(key, r->tasks));
    need(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/run", folder);
    hma_run *run = begin(context, &p, path);
    for (size_t i = 0; i < r->candidates && (candidates == 0 || added < candidates); i++) {
        const size_t index = candidates == 0 ? i : chosen[i];
        const hma_candidate *one = hma_run_candidate(r->run, index);
        if (index >= 2 && one->kind == HMA_CANDIDATE_MERGE && r->results[index]) {
            check(hma_run_add(run, one->recipe, one->origin, one->label));
            p.selected = (hma_selection){0};
            hma_result_free(look_up(&p, index, &all_tokens, &all_asked));
            added++;
        }
    }
    static const size_t ends[2] = {0, 1};
    check(hma_run_score_some(run, ends, 2));
    p.tokens = p.asked = 0;
    check(hma_run_race(run));
    out.tokens = p.tokens / all_tokens;
    out.asked = p.asked / all_asked;
    p.selected = (hma_selection){0};
    compare(&p, run, &out);
    hma_run_close(run);
    check(hma_folder_remove(folder));
    for (size_t t = 0; t < r->tasks; t++) {
        free(p.order[t]);
    }
    free(p.order);
    free(p.kept);
    free(chosen);
    return out;
}

static size_t number(int count, char **words, int at, size_t without) {
    return count > at ? (size_t)strtoull(words[at], NULL, 10) : without;
}

int main(int count, char **words) {
    recorded r = {0};
    hma_context *context;
    size_t same = 0;
    double tokens = 0, most = 0, asked = 0, volume = 0, least = 1, lost = 0;
    if (count < 2) {
        (void)fprintf(stderr, "usage: replay_race RUN [orders [items [candidates [seed]]]]\n");
        return 2;
    }
    const size_t orders = number(count, words, 2, 30), limit = number(count, words, 3, 0),
                 candidates = number(count, words, 4, 0);
    const size_t first = number(count, words, 5, 1);
    check(hma_context_new(&context, &(hma_context_options){.threads = 2}));
    read_run(&r, words[1]);
    for (size_t i = 0; i < orders; i++) {
        const outcome o = race(context, &r, first + i, limit, candidates);
        (void)printf("order %zu: front %zu, lost %zu, tokens %.3f, items %.3f, hypervolume %.5f\n", first + i, o.front, o.lost,
                     o.tokens, o.asked, o.volume);
        (void)fflush(stdout);
        same += o.lost == 0;
        lost += (double)o.lost;
        tokens += o.tokens;
        asked += o.asked;
        volume += o.volume;
        most = fmax(most, o.tokens);
        least = fmin(least, o.volume);
    }
    const double n = (double)orders;
    (void)printf("%zu orders: the same front in %zu, %.2f points lost on average; tokens %.3f (at most %.3f), items %.3f, "
                 "hypervolume kept %.5f (at least %.5f)\n",
                 orders, same, lost / n, tokens / n, most, asked / n, volume / n, least);
    for (size_t i = 0; i < r.candidates; i++) {
        hma_result_free(r.results[i]);
    }
    for (size_t i = 0; i < r.candidates * r.tasks; i++) {
        free(r.reply[i]);
    }
    free(r.reply);
    for (size_t t = 0; t < r.tasks; t++) {
        free(r.cost[t]);
    }
    free(r.results);
    free(r.cost);
    free(r.items);
    hma_tokenizer_free(r.tokenizer);
    hma_run_close(r.run);
    hma_context_free(context);
    return 0;
}
