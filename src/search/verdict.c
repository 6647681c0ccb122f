#include "search/verdict.h"

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "search/statistics.h"

/* A loss of alignment of at most this share of what post gained over pre is taken as none. */
static const double TOLERATED_SHARE = 0.05;

typedef struct choice {
    hma_front *front;
    const hma_axes *axes;
    const hma_resampled *resampled;
    size_t comparisons; /* points that are compared with post */
    double *scratch;    /* [resamples] */
} choice;

static const hma_difference *versus_post(const choice *c, size_t axis, size_t point) {
    return &c->front->axes[axis].versus_post[point];
}

static double value(const choice *c, size_t axis, size_t point) { return c->front->axes[axis].point[point].value; }

static size_t count_comparisons(const hma_front *front) {
    size_t count = 0;
    for (size_t point = 0; point < front->point_count; point++) {
        count += point != front->post && !front->points[point].excluded;
    }
    return count;
}

/* Whether the point retains more than post even though it was picked among all the points. */
static bool retains_more(const choice *c, size_t point) {
    const hma_difference *gain = versus_post(c, HMA_RETENTION, point);
    if (point == c->front->post || !(gain->low > 0)) { /* also when an interval is NaN */
        return false;
    }
    hma_axes_replicates(c->axes, c->resampled, HMA_RETENTION, point, c->front->post, 0, c->resampled->resamples, c->scratch);
    return hma_quantile(c->scratch, c->resampled->resamples, 0.025 / (double)c->comparisons) > 0;
}

static bool stays_aligned(const choice *c, size_t point) {
    const hma_difference *loss = versus_post(c, HMA_ALIGNMENT, point);
    const double gained = value(c, HMA_ALIGNMENT, c->front->post) - value(c, HMA_ALIGNMENT, c->front->pre);
    return loss->high >= 0 || -loss->mean <= TOLERATED_SHARE * gained;
}

/* Sum of both axes, each from 0 to 1 over the front. */
static double balance(const choice *c, size_t point) {
    const hma_front *front = c->front;
    double sum = 0;
    for (size_t axis = HMA_ALIGNMENT; axis <= HMA_RETENTION; axis++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < front->front_count; i++) {
            low = fmin(low, value(c, axis, front->front[i]));
            high = fmax(high, value(c, axis, front->front[i]));
        }
        sum += high > low ? (value(c, axis, point) - low) / (high - low) : 0;
    }
    return sum;
}

/* The best of the front's points that retain more, by retention among the aligned ones or by balance; post when none does. */
static size_t best_point(const choice *c, bool aligned) {
    const hma_front *front = c->front;
    size_t best = front->post;
    double best_score = -INFINITY;
    for (size_t i = 0; i < front->front_count; i++) {
        const size_t point = front->front[i];
        const double score = aligned ? value(c, HMA_RETENTION, point) : balance(c, point);
        /* of equal ones the later: more aligned */
        if (retains_more(c, point) && (!aligned || stays_aligned(c, point)) && score >= best_score) {
            best = point;
            best_score = score;
        }
    }
    return best;
}

/* ---- the sentence ---- */

static void write_difference(hma_buffer *text, const choice *c, size_t axis, size_t point) {
    const hma_difference *d = versus_post(c, axis, point);
    hma_buffer_printf(text, "%.3g against %.3g (%+.3g, 95 %% interval %+.3g to %+.3g)", value(c, axis, point),
                      value(c, axis, c->front->post), d->mean, d->low, d->high);
}

/* Best retention of all the others, for saying that even that is not enough. */
static size_t most_retaining(const choice *c) {
    const hma_front *front = c->front;
    size_t best = front->post;
    for (size_t point = 0; point < front->point_count; point++) {
        const bool other = point != front->post && !front->points[point].excluded;
        if (other && (best == front->post || value(c, HMA_RETENTION, point) > value(c, HMA_RETENTION, best))) {
            best = point;
        }
    }
    return best;
}

static void write_no_merge(hma_buffer *text, const choice *c) {
    const size_t best = most_retaining(c);
    hma_buffer_text(text, "no merge is distinguishable from post in retention");
    if (best != c->front->post) {
        hma_buffer_printf(text, ": the best, %s, has ", c->front->points[best].label);
        write_difference(text, c, HMA_RETENTION, best);
        hma_buffer_printf(text, ", not significant among %zu comparisons", c->comparisons);
    }
}

static void write_recommendation(hma_buffer *text, const choice *c, size_t point, bool aligned) {
    const char *loss = versus_post(c, HMA_ALIGNMENT, point)->high >= 0 ? "loses no alignment significantly"
                                                                       : "loses at most 5 % of the alignment that post gained";
    hma_buffer_printf(text, aligned ? "%s" : "no merge retains more than post without losing alignment; the best balance, %s,",
                      c->front->points[point].label);
    hma_buffer_text(text, " gains retention, ");
    write_difference(text, c, HMA_RETENTION, point);
    hma_buffer_printf(text, ", and %s, ", aligned ? loss : "loses alignment");
    write_difference(text, c, HMA_ALIGNMENT, point);
    hma_buffer_printf(text, "; the gain is significant among %zu comparisons", c->comparisons);
}

static void write_unmeasured(hma_buffer *text, const choice *c, bool alignment) {
    hma_buffer_printf(
        text, "the suite does not measure %s, so that no merge can be weighed against post: the front is the best %s alone",
        alignment ? "retention" : "alignment", c->front->axes[alignment ? HMA_ALIGNMENT : HMA_RETENTION].name);
}

static hma_status decide(choice *c, hma_buffer *text) {
    hma_front *front = c->front;
    const bool alignment = hma_axes_measured(c->axes, c->resampled->table, HMA_ALIGNMENT);
    const bool retention = hma_axes_measured(c->axes, c->resampled->table, HMA_RETENTION);
    front->recommended = front->post;
    if (!alignment || !retention) {
        write_unmeasured(text, c, alignment);
        return hma_buffer_ok(text);
    }
    size_t best = best_point(c, true);
    const bool aligned = best != front->post;
    if (!aligned) {
        best = best_point(c, false);
    }
    front->recommended = best;
    if (best == front->post) {
        write_no_merge(text, c);
    } else {
        write_recommendation(text, c, best, aligned);
    }
    return hma_buffer_ok(text);
}

hma_status hma_verdict(hma_front *front, const hma_axes *axes, const hma_resampled *resampled) {
    choice c = {front, axes, resampled, count_comparisons(front), HMA_NEW(double, resampled->resamples)};
    if (!c.scratch) {
        return HMA_FAILURE;
    }
    hma_buffer text = {0};
    const hma_status status = decide(&c, &text);
    free(c.scratch);
    front->verdict = status == HMA_OK ? hma_buffer_release(&text) : NULL;
    hma_buffer_free(&text);
    return front->verdict ? HMA_OK : HMA_FAILURE;
}
