#include "search/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/pareto.h"
#include "search/statistics.h"

/* A loss of alignment of at most this share of what post gained over pre is taken as none. */
static const double TOLERATED_SHARE = 0.05;
/* Chance of claiming a gain of retention that does not exist, on either side. */
static const double LEVEL = 0.05;
enum { BATCH = 256 };

typedef struct choice {
    hma_front *front;
    const hma_axes *axes;
    const hma_resampled *resampled;
    size_t *merges; /* [merge_count]: the front of what can be recommended, by rising alignment */
    size_t merge_count;
    size_t comparisons; /* merges that are compared with post, pre among them */
    double level;       /* two-sided p that one of them must reach */
    bool measured[2];   /* alignment, retention */
    size_t gain; /* the axis on which more than post is looked for: retention, or alignment where only that is measured */
} choice;

static const hma_difference *versus_post(const choice *c, size_t axis, size_t point) {
    return &c->front->axes[axis].versus_post[point];
}

static double value(const choice *c, size_t axis, size_t point) { return c->front->axes[axis].point[point].value; }

/* What can be recommended: what hma merge makes. */
static bool is_eligible(const hma_front *front, size_t point) {
    return front->points[point].kind == HMA_CANDIDATE_MERGE && !front->points[point].excluded;
}

/* Pre and post can be recommended as well; sentences that speak of merges mean the others. */
static bool is_between(const hma_front *front, size_t point) {
    return is_eligible(front, point) && point != front->pre && point != front->post;
}

static size_t count_comparisons(const hma_front *front) {
    size_t count = 0;
    for (size_t point = 0; point < front->point_count; point++) {
        count += point != front->post && is_eligible(front, point);
    }
    return count;
}

/* The front's points, unless something else than a merge dominates what would be on it otherwise. An axis that is not measured
 * is the same for all. */
static hma_status gather_merges(choice *c) {
    const hma_front *front = c->front;
    hma_spot *spots = HMA_NEW(hma_spot, front->point_count);
    size_t count = 0;
    c->merges = HMA_NEW(size_t, front->point_count);
    if (!spots || !c->merges) {
        free(spots);
        return HMA_FAILURE;
    }
    for (size_t point = 0; point < front->point_count; point++) {
        if (is_eligible(front, point)) {
            spots[count++] = (hma_spot){c->measured[HMA_ALIGNMENT] ? value(c, HMA_ALIGNMENT, point) : 0,
                                        c->measured[HMA_RETENTION] ? value(c, HMA_RETENTION, point) : 0, point};
        }
    }
    c->merge_count = hma_pareto_select(spots, count);
    for (size_t i = 0; i < c->merge_count; i++) {
        c->merges[c->merge_count - 1 - i] = spots[i].index;
    }
    free(spots);
    return HMA_OK;
}

/* ---- having looked at many ---- */

/* Raises most[count] to the point's standardised deviations from what was measured, in as many resamples. */
static void raise_deviations(const choice *c, size_t point, size_t first, size_t count, double *replicates, double *most) {
    const hma_difference *d = versus_post(c, c->gain, point);
    if (!(d->standard_error > 0)) {
        return;
    }
    hma_axes_replicates(c->axes, c->resampled, c->gain, point, c->front->post, first, count, replicates);
    for (size_t i = 0; i < count; i++) {
        most[i] = fmax(most[i], (replicates[i] - d->mean) / d->standard_error);
    }
}

/*
 * The level at which one merge may be called better although the best of many was looked for: that of the largest of their
 * deviations, which are far from independent (single-step maxT; Westfall and Young, Resampling-Based Multiple Testing, 1993).
 * Never stricter than Bonferroni's, never laxer than for a single merge.
 */
static hma_status set_level(choice *c) {
    const size_t resamples = c->resampled->resamples;
    double *most = HMA_NEW(double, resamples), *replicates = HMA_NEW(double, BATCH);
    if (!most || !replicates) {
        free(most);
        free(replicates);
        return HMA_FAILURE;
    }
    for (size_t first = 0; first < resamples; first += BATCH) {
        const size_t count = hma_min_size(BATCH, resamples - first);
        for (size_t i = 0; i < count; i++) {
            most[first + i] = -INFINITY;
        }
        for (size_t point = 0; point < c->front->point_count; point++) {
            if (point != c->front->post && is_eligible(c->front, point)) {
                raise_deviations(c, point, first, count, replicates, most + first);
            }
        }
    }
    const double largest = hma_quantile(most, resamples, 1 - LEVEL / 2);
    const double by_resamples = largest > 0 ? hma_two_sided_tail(largest, INFINITY) : LEVEL;
    c->level = fmin(LEVEL, fmax(by_resamples, LEVEL / (double)hma_max_size(c->comparisons, 1)));
    free(most);
    free(replicates);
    return HMA_OK;
}

/* Whether the point has more than post even though it was picked among all the points. */
static bool gains(const choice *c, size_t point) {
    const hma_difference *gain = versus_post(c, c->gain, point);
    return point != c->front->post && gain->low > 0 && gain->p <= c->level; /* not when they are NaN */
}

static bool stays_aligned(const choice *c, size_t point) {
    const hma_difference *loss = versus_post(c, HMA_ALIGNMENT, point);
    const double gained = value(c, HMA_ALIGNMENT, c->front->post) - value(c, HMA_ALIGNMENT, c->front->pre);
    return loss->high >= 0 || -loss->mean <= TOLERATED_SHARE * gained;
}

/* ---- named points ---- */

/* Sum of both axes, each from 0 to 1 over the front. */
static double balance(const choice *c, size_t point) {
    double sum = 0;
    for (size_t axis = HMA_ALIGNMENT; axis <= HMA_RETENTION; axis++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < c->merge_count; i++) {
            low = fmin(low, value(c, axis, c->merges[i]));
            high = fmax(high, value(c, axis, c->merges[i]));
        }
        sum += high > low ? (value(c, axis, point) - low) / (high - low) : 0;
    }
    return sum;
}

static double retention_of(const choice *c, size_t point) { return value(c, HMA_RETENTION, point); }
static double alignment_of(const choice *c, size_t point) { return value(c, HMA_ALIGNMENT, point); }

static double gain_of(const choice *c, size_t point) { return value(c, c->gain, point); }

static bool gains_for_nothing(const choice *c, size_t point) { return gains(c, point) && stays_aligned(c, point); }
/* Pre gives up all that post gained, which is no balance. */
static bool gains_at_a_price(const choice *c, size_t point) { return gains(c, point) && is_between(c->front, point); }
static bool loses_no_reward(const choice *c, size_t point) { return versus_post(c, HMA_ALIGNMENT, point)->high >= 0; }
static bool pays_no_tax(const choice *c, size_t point) { return c->front->axes[HMA_RETENTION].versus_pre[point].high >= 0; }

/* The best of the merges' front that are accepted (NULL: all); of equal ones the later, more aligned one; `fallback` when there
 * is none. */
static size_t best_point(const choice *c, double (*score)(const choice *c, size_t point),
                         bool (*accepts)(const choice *c, size_t point), size_t fallback) {
    size_t best = fallback;
    double best_score = -INFINITY;
    for (size_t i = 0; i < c->merge_count; i++) {
        const size_t point = c->merges[i];
        if ((!accepts || accepts(c, point)) && score(c, point) >= best_score) {
            best = point;
            best_score = score(c, point);
        }
    }
    return best;
}

/* Names whose axes are not measured have no point. */
static void name_points(const choice *c) {
    hma_front *front = c->front;
    const bool alignment = c->measured[HMA_ALIGNMENT], retention = c->measured[HMA_RETENTION];
    front->knee = front->best_retention = front->best_reward = SIZE_MAX;
    if (alignment && retention) {
        front->knee = best_point(c, balance, NULL, front->post);
    }
    if (retention) {
        front->best_retention = best_point(c, retention_of, alignment ? loses_no_reward : NULL, front->post);
    }
    if (alignment) {
        front->best_reward = best_point(c, alignment_of, retention ? pays_no_tax : NULL, front->pre);
    }
}

hma_status hma_front_find_named(const hma_front *front, const char *name, size_t *point) {
    const struct {
        const char *name;
        size_t point;
    } named[] = {{"recommended", front->recommended},
                 {"knee", front->knee},
                 {"best-retention", front->best_retention},
                 {"best-reward", front->best_reward}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (strcmp(name, named[i].name) == 0 && named[i].point < front->point_count) {
            *point = named[i].point;
            return HMA_OK;
        }
        if (strcmp(name, named[i].name) == 0) {
            return hma_error(HMA_FAILURE,
                             "point \"%s\": there is none (expected a suite that measures %s): choose a point by its id", name,
                             front->best_reward < front->point_count ? "retention" : "alignment");
        }
    }
    return hma_error(
        HMA_USAGE, "point \"%.60s\": is no name of a point (expected recommended, knee, best-retention or best-reward)", name);
}

/* ---- the sentence ---- */

void hma_verdict_difference(hma_buffer *text, double own, double reference, const hma_difference *d) {
    hma_buffer_printf(text, "%.3g against %.3g (%+.3g, ", own, reference, d->mean);
    if (isnan(d->low)) {
        hma_buffer_text(text, "too few items for an interval)");
    } else {
        hma_buffer_printf(text, "95 %% interval %+.3g to %+.3g)", d->low, d->high);
    }
}

static void write_difference(hma_buffer *text, const choice *c, size_t axis, size_t point) {
    hma_verdict_difference(text, value(c, axis, point), value(c, axis, c->front->post), versus_post(c, axis, point));
}

static void write_comparisons(hma_buffer *text, const choice *c) {
    hma_buffer_printf(text, "significant among %zu comparison%s", c->comparisons, c->comparisons == 1 ? "" : "s");
}

/* The one that gains most of all merges but pre and post, for saying that even that is not enough; post when there is none. */
static size_t most_gaining(const choice *c) {
    const hma_front *front = c->front;
    size_t best = front->post;
    for (size_t point = 0; point < front->point_count; point++) {
        if (is_between(front, point) && (best == front->post || gain_of(c, point) > gain_of(c, best))) {
            best = point;
        }
    }
    return best;
}

static const char *gain_name(const choice *c) { return c->front->axes[c->gain].name; }

static bool has_merges(const choice *c) { return most_gaining(c) != c->front->post; }

static void write_no_merge(hma_buffer *text, const choice *c) {
    const size_t best = most_gaining(c);
    hma_buffer_printf(text, "no merge is distinguishable from post in %s: the best, %s, has ", gain_name(c),
                      c->front->points[best].label);
    write_difference(text, c, c->gain, best);
    hma_buffer_text(text, ", not ");
    write_comparisons(text, c);
}

/* Post is what remains: pre is told of, and not called a merge. */
static void write_endpoints(hma_buffer *text, const choice *c) {
    static const char *const has[] = {", pre has ", " and "};
    size_t count = 0;
    hma_buffer_text(text, "no merge has been scored that could be weighed against post");
    for (size_t axis = HMA_RETENTION + 1; axis-- > HMA_ALIGNMENT;) {
        if (c->measured[axis]) {
            hma_buffer_printf(text, "%s%s ", has[count++], c->front->axes[axis].name);
            write_difference(text, c, axis, c->front->pre);
        }
    }
}

/* Gains and losses of a point; `aligned`: its loss is none. */
static void write_trade(hma_buffer *text, const choice *c, size_t point, bool aligned) {
    const char *loss = versus_post(c, HMA_ALIGNMENT, point)->high >= 0 ? "loses no alignment significantly"
                                                                       : "loses at most 5 % of the alignment that post gained";
    hma_buffer_text(text, " gains retention, ");
    write_difference(text, c, HMA_RETENTION, point);
    hma_buffer_printf(text, ", and %s, ", aligned ? loss : "loses alignment");
    write_difference(text, c, HMA_ALIGNMENT, point);
    hma_buffer_text(text, "; the gain is ");
    write_comparisons(text, c);
}

/* An extra that is better in both is worth knowing of, even if it is none that hma merge can make. */
static void write_better_extra(hma_buffer *text, const choice *c) {
    const hma_front *front = c->front;
    for (size_t i = 0; i < front->front_count; i++) {
        const size_t point = front->front[i];
        const hma_point *p = &front->points[point];
        if (p->kind != HMA_CANDIDATE_MERGE && value(c, HMA_ALIGNMENT, point) >= value(c, HMA_ALIGNMENT, front->recommended) &&
            value(c, HMA_RETENTION, point) >= value(c, HMA_RETENTION, front->recommended)) {
            hma_buffer_printf(text, "; %s, which is no merge, has at least as much of both", p->label);
            return;
        }
    }
}

/* ---- the decision ---- */

/* By the one axis that is measured. */
static void decide_by_one(choice *c, hma_buffer *text) {
    hma_front *front = c->front;
    const char *other = front->axes[c->gain == HMA_RETENTION ? HMA_ALIGNMENT : HMA_RETENTION].name;
    front->recommended = best_point(c, gain_of, gains, front->post);
    hma_buffer_printf(text, "the suite does not measure %s, so that %s alone decides: ", other, gain_name(c));
    if (front->recommended != front->post) {
        hma_buffer_printf(text, "%s has most, ", front->points[front->recommended].label);
        write_difference(text, c, c->gain, front->recommended);
        hma_buffer_text(text, ", ");
        write_comparisons(text, c);
        hma_buffer_printf(text, "; what that costs in %s is unknown", other);
    } else if (has_merges(c)) {
        write_no_merge(text, c);
    } else {
        write_endpoints(text, c);
    }
}

static void decide_by_both(choice *c, hma_buffer *text) {
    hma_front *front = c->front;
    const size_t aligned = best_point(c, retention_of, gains_for_nothing, front->post);
    const size_t balanced = best_point(c, balance, gains_at_a_price, front->post);
    if (aligned != front->post) {
        front->recommended = aligned;
        hma_buffer_printf(text, "%s%s", has_merges(c) ? "" : "no merge has been scored; ", front->points[aligned].label);
        write_trade(text, c, aligned, true);
    } else if (balanced != front->post) {
        const bool better = balance(c, balanced) > balance(c, front->post);
        front->recommended = better ? balanced : front->post;
        hma_buffer_printf(text, "no merge retains more than post without losing alignment%s; the best balance%s, %s,",
                          better ? "" : ", nor balances both better than post", better ? "" : " of those that retain more",
                          front->points[balanced].label);
        write_trade(text, c, balanced, false);
    } else if (has_merges(c)) {
        write_no_merge(text, c);
    } else {
        write_endpoints(text, c);
    }
    write_better_extra(text, c);
}

static hma_status decide(choice *c, hma_buffer *text) {
    for (size_t axis = HMA_ALIGNMENT; axis <= HMA_RETENTION; axis++) {
        c->measured[axis] = hma_axes_measured(c->axes, c->resampled->table, axis);
    }
    c->gain = c->measured[HMA_RETENTION] ? HMA_RETENTION : HMA_ALIGNMENT;
    c->front->recommended = c->front->post;
    hma_status status = set_level(c);
    if (status == HMA_OK) {
        status = gather_merges(c);
    }
    if (status != HMA_OK) {
        return status;
    }
    name_points(c);
    if (c->measured[HMA_ALIGNMENT] && c->measured[HMA_RETENTION]) {
        decide_by_both(c, text);
    } else {
        decide_by_one(c, text);
    }
    return hma_buffer_ok(text);
}

hma_status hma_verdict(hma_front *front, const hma_axes *axes, const hma_resampled *resampled) {
    choice c = {.front = front, .axes = axes, .resampled = resampled, .comparisons = count_comparisons(front)};
    hma_buffer text = {0}, blocks = {0};
    hma_status status = decide(&c, &text);
    if (status == HMA_OK) {
        hma_verdict_blocks(&blocks, front);
        status = hma_buffer_ok(&blocks);
    }
    if (status == HMA_OK) {
        front->verdict = hma_buffer_release(&text);
        front->blocks_verdict = hma_buffer_release(&blocks);
        status = front->verdict && front->blocks_verdict ? HMA_OK : HMA_FAILURE;
    }
    free(c.merges);
    hma_buffer_free(&text);
    hma_buffer_free(&blocks);
    return status;
}
