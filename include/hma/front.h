/*
 * The Pareto front of a run, with uncertainty: which candidates no other candidate beats in both alignment and retention,
 * how sure that is given the items that were scored, and what the recommended merge gains and loses against post.
 *
 * One point dominates another when it is at least as good in alignment and in retention, and better in one of them. Equal
 * points do not dominate each other: duplicates are on the front together or not at all. A point with a score that is not
 * finite dominates nothing and is never on the front. When the suite measures only one of the two, the front is the best
 * points of that one, and it alone decides what is recommended.
 *
 * All comparisons are paired: every candidate has seen the same items, prompts and random numbers. Items that share something
 * (a passage) count as one piece of evidence, a cluster. Standard errors are the jackknife's over clusters, which for a mean
 * over items that stand alone is the usual one (n-1); category and retention add those of their tasks as independent. Intervals
 * are 95 % intervals by Student's t, for shares of right answers by Wilson's and Agresti's, which hold with few items as well;
 * p is two-sided and below 0.05 where the interval of the difference excludes 0. Fewer than 2 items (or clusters) in a task:
 * NaN for all of these. The bootstrap behind membership and hypervolume draws whole clusters with replacement, each task's
 * items and the prompts on their own, the same draws for all points (10,000 resamples, seeded).
 *
 * Recommended is, among the merges that no other merge dominates and that retain significantly more than post - after
 * correction for having looked at all merges: by the largest deviation among them in the same resamples - the one with the best
 * retention whose loss of alignment against post is not significant at 95 % or at most 5 % of what post gained over pre. When
 * all of them lose more alignment: the knee of these, the one with the largest sum of both axes, each scaled to the range of
 * the merges that no other merge dominates, unless the sum of post is as large; pre, which gives up all that post gained, is no
 * such knee. When none retains more: post itself. When only one axis is measured: the one with the most of it, if it has
 * significantly more than post. Candidates that are no merge of pre and post are shown and can be on the front; they are never
 * recommended.
 *
 * Three more points have names, chosen among the merges that no other merge dominates (pre and post are merges) without any
 * claim of significance: "knee", the largest sum of both scaled axes; "best-retention", the most retaining one whose loss of
 * alignment against post is not significant; "best-reward", the most aligned one whose loss of retention against pre is not
 * significant. Without one of the axes the other has its name alone ("best-retention" is the most retaining one), and the names
 * that need the axis have no point.
 */
#ifndef HMA_FRONT_H
#define HMA_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hma/context.h"
#include "hma/error.h"
#include "hma/run.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hma_estimate {
    double value;
    double standard_error;
    double low, high; /* 95 % interval */
} hma_estimate;

/* Difference to a reference point (post or pre), paired by item. */
typedef struct hma_difference {
    double mean;
    double standard_error;
    double low, high;
    double p; /* two-sided */
} hma_difference;

/* The uniform merges that a merge of several ratios is compared with: the one of the same mean ratio, or the two next to it,
 * between which scores are interpolated: (1-weight) below + weight above. */
typedef struct hma_uniform_pair {
    size_t below, above; /* points, the same where one has that mean; SIZE_MAX when there is nothing to compare with */
    double weight;
} hma_uniform_pair;

typedef enum hma_axis_kind { HMA_AXIS_ALIGNMENT = 0, HMA_AXIS_RETENTION, HMA_AXIS_CATEGORY, HMA_AXIS_TASK } hma_axis_kind;

typedef struct hma_axis {
    char *name; /* "alignment", "retention", "category_NAME", "task_NAME" */
    char *long_name;
    char *units;
    char *category; /* "" where there is none */
    hma_axis_kind kind;
    bool higher_is_better;
    hma_estimate *point;         /* [points]; NaN where a candidate has no finite score */
    hma_difference *versus_post; /* [points] */
    hma_difference *versus_pre;
    hma_difference
        *versus_uniform; /* of merges of several ratios, to uniform averaging at the same mean ratio; NaN for others */
} hma_axis;

typedef struct hma_point {
    size_t candidate; /* index in the run */
    const char *id;   /* owned by the run */
    const char *label;
    hma_origin origin;
    hma_candidate_kind kind;
    const hma_recipe *recipe; /* NULL unless a merge */
    double mean_ratio;        /* NaN of a checkpoint */
    bool on_front;
    bool excluded;     /* a score is not finite: shown, never on the front */
    double membership; /* probability of being on the true front: share of resamples, drawn closer together as far as noise has
                          driven the points apart; 0 when excluded */
    hma_uniform_pair uniform;
} hma_point;

typedef struct hma_front {
    size_t point_count; /* scored and failed candidates, in order of mean ratio, then of layer ratios */
    hma_point *points;
    size_t axis_count;
    hma_axis *axes; /* alignment first, retention second (both always there, NaN when the suite does not measure them), then
                       the categories that make up retention, then tasks */
    hma_axis *search_axes; /* [axis_count] the same on the search items, by which a search chose its points; NaN for points
                              that were not scored there. NULL in a run that has not searched */
    size_t front_count;
    size_t *front;                                   /* [front_count] indices into points, by rising alignment */
    double reference_alignment, reference_retention; /* of the hypervolume: the worst value of each among pre and post */
    hma_estimate hypervolume; /* area that the front dominates beyond the reference, in units of alignment * retention; in each
                                 resample both are taken anew. NaN unless both are measured. A maximum over noisy points is
                                 optimistic, so the interval is widened to hold the value where it would not */
    size_t pre, post;         /* indices into points */
    size_t recommended;       /* index into points; post when no merge is better */
    size_t knee, best_retention, best_reward; /* points with a name; SIZE_MAX: none, an axis is not measured */
    char *verdict;                            /* one sentence with numbers */
    char *
        blocks_verdict; /* whether different ratios for the blocks are better than plain averaging; "" when none are compared */
} hma_front;

typedef struct hma_front_options {
    size_t resamples; /* 0: 10,000 */
    uint64_t seed;
} hma_front_options;

/*
 * Computes the front of what has been scored so far. The run must outlive it. `options` may be NULL: then the seed is the
 * suite's.
 * @return HMA_FAILURE when pre and post are not both scored yet, or when the resamples of so many points do not fit the
 *         context's memory; HMA_NON_FINITE when a score of pre or post is not finite; HMA_INTERRUPTED.
 */
HMA_API HMA_MUST_CHECK hma_status hma_front_compute(hma_front **out, hma_context *context, const hma_run *run,
                                                    const hma_front_options *options);
/*
 * Whether the front that a run is scored for will fit the context's memory: told before anything is scored. `points` is how
 * many it will have.
 * @return HMA_FAILURE when the default number of resamples does not fit.
 */
HMA_API HMA_MUST_CHECK hma_status hma_front_check(const hma_context *context, const hma_run *run, size_t points);

/* Point of a name: "recommended", "knee", "best-retention", "best-reward". HMA_USAGE for another; HMA_FAILURE when
 * the suite does not measure what the name is about. */
HMA_API HMA_MUST_CHECK hma_status hma_front_find_named(const hma_front *front, const char *name, size_t *point);
HMA_API void hma_front_free(hma_front *front);

#ifdef __cplusplus
}
#endif
#endif
