/*
 * Scores simulated from known truths, for asking how often what a front says is true: of test_calibration.c, which is small,
 * and of tests/bench/coverage.c, which is large. Every function of a seed only.
 */
#ifndef HMA_TESTS_SIMULATED_SCORES_H
#define HMA_TESTS_SIMULATED_SCORES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "hma/front.h"
#include "search/front_parts.h"
#include "search/score_table.h"

/* ---- draws ---- */

typedef struct sim_draws {
    hma_rng_key key;
    uint64_t next;
} sim_draws;

static inline sim_draws sim_begin(uint64_t seed, const char *purpose) { return (sim_draws){hma_rng_key_for(seed, purpose), 0}; }
static inline double sim_uniform(sim_draws *d) { return hma_rng_double(d->key, d->next++); }
static inline double sim_between(sim_draws *d, double low, double high) { return low + (high - low) * sim_uniform(d); }
static inline double sim_normal(sim_draws *d) {
    const double radius = sqrt(-2 * log1p(-sim_uniform(d)));
    return radius * cos(6.283185307179586 * sim_uniform(d));
}

/* ---- fronts over a table ---- */

/* Point 0 is pre, the last one post; mean ratios from 0 to 1 in equal steps. */
static inline hma_front *sim_front(size_t points) {
    hma_front *front = calloc(1, sizeof *front);
    if (!front || !(front->points = calloc(points, sizeof *front->points))) {
        abort();
    }
    front->point_count = points;
    front->post = points - 1;
    for (size_t i = 0; i < points; i++) {
        front->points[i] = (hma_point){.candidate = i,
                                       .id = "id",
                                       .label = i == 0           ? "pre"
                                                : i + 1 < points ? "merge"
                                                                 : "post",
                                       .mean_ratio = (double)i / (double)(points - 1)};
    }
    return front;
}

/* ---- two points with a known difference ---- */

typedef enum sim_kind { SIM_SHARE = 0, SIM_GRADED, SIM_REWARD, SIM_BLEU, SIM_CLUSTERS, SIM_RETENTION, SIM_KINDS } sim_kind;

static inline const char *sim_kind_name(sim_kind kind) {
    static const char *const names[] = {
        "right or wrong", "graded (F1)", "reward", "BLEU", "right or wrong, 4 a passage", "retention of three tasks"};
    return names[kind];
}

/* What distinguishes the points of one simulation. */
typedef struct sim_truth {
    double level[2]; /* each point's chance, share or mean */
    double common;   /* share of the chance that is the item's and not the point's */
} sim_truth;

static inline double sim_share(sim_draws *d, double item, const sim_truth *t, size_t point) {
    const double own = sim_uniform(d), which = sim_uniform(d);
    return (which < t->common ? item : own) < t->level[point] ? 1 : 0;
}

/* 0, 1, or something between: a share level / 2 of ones, (1 - level) / 2 of zeros, and the other half uniform. */
static inline double sim_graded(sim_draws *d, double item, const sim_truth *t, size_t point) {
    const double own = sim_uniform(d), which = sim_uniform(d), u = which < t->common ? item : own, level = t->level[point];
    const double zeros = (1 - level) / 2, ones = level / 2;
    return u < ones ? 1 : u < ones + zeros ? 0 : (u - ones - zeros) / (1 - ones - zeros);
}
static inline double sim_graded_mean(double level) { return level / 2 + 0.25; }

static inline double sim_reward(sim_draws *d, double item, const sim_truth *t, size_t point) {
    const double own = sim_normal(d), tail = -log1p(-item); /* skewed, and shared */
    return t->level[point] + t->common * tail + 0.7 * own;
}

/* n-gram matches of a reply of 8 to 29 tokens, each matched with a chance of its own around the level. */
static inline double sim_order_chance(double quality, size_t order) {
    return order == 0 ? quality : 0.9 * pow(quality, (double)order + 1);
}
static inline void sim_bleu(sim_draws *d, double item, const sim_truth *t, size_t point, double *stats) {
    const size_t length = 8 + (size_t)(22 * item);
    const double quality = t->level[point] + (fmod(item * 1000, 1) < 0.5 ? -0.15 : 0.15);
    for (size_t order = 0; order < 4; order++) {
        stats[4 + order] = (double)(length - order);
        stats[order] = 0;
        for (size_t i = 0; i < length - order; i++) {
            stats[order] += sim_uniform(d) < sim_order_chance(quality, order);
        }
    }
    stats[8] = (double)length;
    stats[9] = (double)length + floor(7 * fmod(item * 77777, 1)) - 2;
}
static inline double sim_bleu_truth(double level) {
    double sums[HMA_METRIC_MAX_WIDTH] = {0};
    for (size_t length = 8; length < 30; length++) {
        for (size_t order = 0; order < 4; order++) {
            sums[4 + order] += 1e4 * (double)(length - order);
            sums[order] += 1e4 * (double)(length - order) *
                           (sim_order_chance(level - 0.15, order) + sim_order_chance(level + 0.15, order)) / 2;
        }
        sums[8] += 1e4 * (double)length;
        sums[9] += 1e4 * ((double)length + 1);
    }
    return hma_metric_value(HMA_METRIC_BLEU, sums, 1);
}

static inline sim_truth sim_draw_truth(sim_draws *d, sim_kind kind) {
    sim_truth t = {.common = sim_between(d, 0.5, 0.9)};
    const double low = kind == SIM_BLEU ? 0.4 : 0.25, high = kind == SIM_BLEU ? 0.75 : 0.9;
    t.level[0] = sim_between(d, low, high);
    t.level[1] = t.level[0] + sim_between(d, -0.08, 0.08);
    return t;
}

static inline double sim_true_value(sim_kind kind, const sim_truth *t, size_t point) {
    const double level = t->level[point];
    switch (kind) {
    case SIM_GRADED: return sim_graded_mean(level);
    case SIM_REWARD: return level + t->common;
    case SIM_BLEU: return sim_bleu_truth(level);
    default: return level;
    }
}

static inline void sim_check(hma_status status) {
    if (status != HMA_OK) {
        abort();
    }
}

/* Items in passages of 1 to 7, 4 on average; whether they are right is a matter of the passage as often as not. */
static inline void sim_fill_task(hma_score_table *table, size_t task, sim_kind kind, const char *name, size_t items,
                                 const sim_truth *t, sim_draws *d) {
    const hma_metric metric = kind == SIM_GRADED   ? HMA_METRIC_F1
                              : kind == SIM_REWARD ? HMA_METRIC_REWARD
                              : kind == SIM_BLEU   ? HMA_METRIC_BLEU
                                                   : HMA_METRIC_ACC;
    sim_check(hma_task_scores_set(table, task, name, name, metric, kind == SIM_REWARD, items));
    hma_task_scores *scores = &table->tasks[task];
    size_t left = 0;
    double passage = 0, passage_own[2] = {0};
    if (kind == SIM_CLUSTERS) {
        scores->clusters = (hma_clusters){.of = calloc(items, sizeof(size_t))};
    }
    for (size_t item = 0; item < items; item++) {
        double u = sim_uniform(d);
        if (kind == SIM_CLUSTERS && left == 0) {
            left = 1 + (size_t)(7 * sim_uniform(d));
            passage = sim_uniform(d);
            passage_own[0] = sim_uniform(d);
            passage_own[1] = sim_uniform(d);
            scores->clusters.count++;
        }
        if (kind == SIM_CLUSTERS) {
            scores->clusters.of[item] = scores->clusters.count - 1;
            left--;
        }
        const bool by_passage = kind == SIM_CLUSTERS && sim_uniform(d) < 0.5;
        for (size_t point = 0; point < table->points; point++) {
            double *stats = hma_task_scores_of(scores, point) + item * scores->width;
            switch (kind) {
            case SIM_GRADED: *stats = sim_graded(d, u, t, point); break;
            case SIM_REWARD: *stats = sim_reward(d, u, t, point); break;
            case SIM_BLEU: sim_bleu(d, u, t, point, stats); break;
            default:
                *stats = by_passage ? (sim_uniform(d) < t->common ? passage : passage_own[point]) < t->level[point]
                                    : sim_share(d, u, t, point);
            }
        }
    }
}

/* Whether the 95 % intervals hold the truth: of pre's value, and of post minus pre. p is below 0.05 as often as 0 is outside.
 */
typedef struct sim_covered {
    bool value, difference, significant;
    double width;
} sim_covered;

static inline sim_covered sim_cover(hma_context *context, sim_kind kind, size_t items, uint64_t seed) {
    static const sim_kind parts[] = {SIM_SHARE, SIM_GRADED, SIM_BLEU};
    const bool several = kind == SIM_RETENTION;
    sim_draws d = sim_begin(seed, sim_kind_name(kind));
    hma_score_table table;
    sim_truth truth[3];
    double value[2] = {0};
    sim_check(hma_score_table_new(&table, 2, several ? 3 : 1));
    for (size_t task = 0; task < table.task_count; task++) {
        const sim_kind part = several ? parts[task] : kind;
        truth[task] = sim_draw_truth(&d, part);
        sim_fill_task(&table, task, part, task == 0 ? "a" : task == 1 ? "b" : "c", items, &truth[task], &d);
        for (size_t point = 0; point < 2; point++) {
            value[point] += sim_true_value(part, &truth[task], point) / (double)table.task_count;
        }
    }
    hma_front *front = sim_front(2);
    sim_check(hma_front_fill(front, context, &table, 20, seed)); /* intervals do not rest on the resamples */
    const hma_axis *axis = &front->axes[kind == SIM_REWARD ? 0 : 1];
    const hma_difference *difference = &axis->versus_pre[1];
    const double gained = value[1] - value[0];
    const sim_covered covered = {.value = axis->point[0].low <= value[0] && value[0] <= axis->point[0].high,
                                 .difference = difference->low <= gained && gained <= difference->high,
                                 .significant = difference->p < 0.05,
                                 .width = difference->high - difference->low};
    hma_front_free(front);
    hma_score_table_free(&table);
    return covered;
}

/* ---- many points along a curve ---- */

typedef struct sim_scene {
    size_t points, items;
    double deviation; /* of merges from the curve, on both axes that go from 0 to 1 */
    double noise;     /* standard error of a point's own noise; what all points share is larger and does not matter */
} sim_scene;

/* membership[points] and whether each point is on the true front. */
static inline void sim_membership(hma_context *context, const sim_scene *scene, size_t resamples, uint64_t seed,
                                  double *membership, bool *on_front) {
    sim_draws d = sim_begin(seed, "scene");
    const size_t points = scene->points;
    hma_score_table table;
    hma_front *front = sim_front(points);
    double *truth[2] = {calloc(points, sizeof(double)), calloc(points, sizeof(double))};
    sim_check(hma_score_table_new(&table, points, 2));
    for (size_t axis = 0; axis < 2; axis++) {
        const double bend = 0.3 * sim_normal(&d);
        sim_check(hma_task_scores_set(&table, axis, axis ? "skill" : "prompts", "c", axis ? HMA_METRIC_F1 : HMA_METRIC_REWARD,
                                      !axis, scene->items));
        for (size_t i = 0; i < points; i++) {
            const double x = (double)i / (double)(points - 1);
            truth[axis][i] = (axis ? 1 - x : x) + bend * x * (1 - x) + scene->deviation * sim_normal(&d);
        }
        for (size_t item = 0; item < scene->items; item++) {
            const double size = scene->noise * sqrt((double)scene->items), shared = 2 * sim_normal(&d), tilt = sim_normal(&d);
            for (size_t i = 0; i < points; i++) {
                const double x = (double)i / (double)(points - 1);
                hma_task_scores_of(&table.tasks[axis], i)[item] = truth[axis][i] + size * (shared + tilt * x + sim_normal(&d));
            }
        }
    }
    sim_check(hma_front_fill(front, context, &table, resamples, seed));
    for (size_t i = 0; i < points; i++) {
        membership[i] = front->points[i].membership;
        on_front[i] = true;
        for (size_t j = 0; j < points; j++) {
            on_front[i] = on_front[i] && !(truth[0][j] >= truth[0][i] && truth[1][j] >= truth[1][i] &&
                                           (truth[0][j] > truth[0][i] || truth[1][j] > truth[1][i]));
        }
    }
    hma_front_free(front);
    hma_score_table_free(&table);
    free(truth[0]);
    free(truth[1]);
}

/* ---- claims ---- */

typedef struct sim_claim {
    bool gain;   /* a merge is recommended over post */
    bool blocks; /* different ratios are called better than uniform averaging */
} sim_claim;

/*
 * `merges` uniform merges and, when `blocks`, as many of three ratios with the same means, pre and post. All retain `gain` more
 * than post (0: none does) and are as aligned; right-or-wrong items when `shares`, graded ones, which gain half of it,
 * otherwise.
 */
static inline sim_claim sim_claims(hma_context *context, size_t merges, bool blocks, bool shares, size_t items, double gain,
                                   size_t resamples, uint64_t seed) {
    sim_draws d = sim_begin(seed, "claims");
    const size_t points = 2 + merges * (blocks ? 2 : 1);
    hma_score_table table;
    hma_front *front = sim_front(points);
    hma_recipe **recipes = calloc(points, sizeof *recipes);
    const double level = sim_between(&d, 0.35, 0.8);
    for (size_t i = 0; i < points; i++) {
        const bool end = i == 0 || i + 1 == points;
        const double ratio = end ? (i > 0 ? 1 : 0) : (double)(1 + (i - 1) % merges) / (double)(merges + 1);
        const double spread = i > merges && !end ? fmin(ratio, 1 - ratio) : 0,
                     ratios[] = {ratio - spread, ratio, ratio + spread};
        hma_recipe_spec spec = hma_recipe_spec_default();
        spec.layers = 3;
        spec.blocks = "3";
        spec.ratios = ratios;
        spec.ratio_count = 3;
        sim_check(hma_recipe_new(&recipes[i], &spec));
        front->points[i].recipe = recipes[i];
        front->points[i].mean_ratio = hma_recipe_mean_ratio(recipes[i]);
        front->points[i].origin = end ? HMA_ORIGIN_ENDPOINT : HMA_ORIGIN_GRID;
    }
    sim_check(hma_score_table_new(&table, points, 2));
    sim_check(hma_task_scores_set(&table, 0, "skill", "skill", shares ? HMA_METRIC_ACC : HMA_METRIC_F1, false, items));
    sim_check(hma_task_scores_set(&table, 1, "prompts", "", HMA_METRIC_REWARD, true, items));
    for (size_t item = 0; item < items; item++) {
        const double right = sim_uniform(&d), mood = sim_normal(&d);
        for (size_t i = 0; i < points; i++) {
            const sim_truth t = {.level = {i == 0 ? level + 0.1 : i + 1 < points ? level + gain : level}, .common = 0.8};
            hma_task_scores_of(&table.tasks[0], i)[item] = shares ? sim_share(&d, right, &t, 0) : sim_graded(&d, right, &t, 0);
            hma_task_scores_of(&table.tasks[1], i)[item] = mood + 0.5 * sim_normal(&d) + (i == 0 ? -1 : 0);
        }
    }
    sim_check(hma_front_fill(front, context, &table, resamples, seed));
    const size_t chosen = front->recommended;
    const sim_claim claim = {.gain = chosen != front->post && chosen != front->pre,
                             .blocks = *front->blocks_verdict && strncmp(front->blocks_verdict, "no merge", 8) != 0};
    hma_front_free(front);
    hma_score_table_free(&table);
    for (size_t i = 0; i < points; i++) {
        hma_recipe_free(recipes[i]);
    }
    free(recipes);
    return claim;
}

#endif
