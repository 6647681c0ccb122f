/* Whether merges of several ratios are better than uniform averaging at the same mean ratio. */
#include <math.h>

#include "search/verdict.h"

static const double LEVEL = 0.05;

static const hma_difference *versus(const hma_front *front, size_t axis, size_t point) {
    return &front->axes[axis].versus_uniform[point];
}

static bool is_compared(const hma_front *front, size_t point) {
    return front->points[point].uniform.below != SIZE_MAX && !front->points[point].excluded &&
           !isnan(versus(front, HMA_ALIGNMENT, point)->p) && !isnan(versus(front, HMA_RETENTION, point)->p);
}

/* Better in one axis, by Bonferroni among all merges and both axes, and not worse in the other even without a correction. */
static bool is_better(const hma_front *front, size_t point, size_t comparisons) {
    for (size_t axis = HMA_ALIGNMENT; axis <= HMA_RETENTION; axis++) {
        const hma_difference *gain = versus(front, axis, point);
        const hma_difference *loss = versus(front, axis == HMA_ALIGNMENT ? HMA_RETENTION : HMA_ALIGNMENT, point);
        if (gain->low > 0 && gain->p <= LEVEL / (double)comparisons && loss->high >= 0) {
            return true;
        }
    }
    return false;
}

static void write_one(hma_buffer *text, const hma_front *front, size_t point) {
    const hma_point *p = &front->points[point];
    const bool scored = p->uniform.below == p->uniform.above;
    hma_buffer_printf(text,
                      "%s has %+.3g retention (95 %% interval %+.3g to %+.3g) and %+.3g alignment (%+.3g to %+.3g) against ",
                      p->label, versus(front, HMA_RETENTION, point)->mean, versus(front, HMA_RETENTION, point)->low,
                      versus(front, HMA_RETENTION, point)->high, versus(front, HMA_ALIGNMENT, point)->mean,
                      versus(front, HMA_ALIGNMENT, point)->low, versus(front, HMA_ALIGNMENT, point)->high);
    if (scored) {
        hma_buffer_printf(text, "uniform averaging at its mean ratio %.4g", p->mean_ratio);
    } else {
        hma_buffer_printf(text, "uniform averaging interpolated between %s and %s", front->points[p->uniform.below].label,
                          front->points[p->uniform.above].label);
    }
}

/* The recommended one where it has several ratios, else the one with the surest gain on either axis. */
static size_t choose(const hma_front *front) {
    size_t best = SIZE_MAX;
    double best_p = INFINITY;
    if (is_compared(front, front->recommended)) {
        return front->recommended;
    }
    for (size_t point = 0; point < front->point_count; point++) {
        for (size_t axis = HMA_ALIGNMENT; is_compared(front, point) && axis <= HMA_RETENTION; axis++) {
            const hma_difference *d = versus(front, axis, point);
            const double p = d->mean > 0 ? d->p : 2 - d->p;
            if (p < best_p) {
                best = point;
                best_p = p;
            }
        }
    }
    return best;
}

void hma_verdict_blocks(hma_buffer *text, const hma_front *front) {
    size_t compared = 0, better = 0;
    for (size_t point = 0; point < front->point_count; point++) {
        compared += is_compared(front, point);
    }
    for (size_t point = 0; point < front->point_count; point++) {
        better += is_compared(front, point) && is_better(front, point, 2 * compared);
    }
    if (compared == 0) {
        return;
    }
    if (better == 0) {
        hma_buffer_text(text, "no merge with different ratios for its blocks is distinguishably better than uniform averaging");
    } else {
        hma_buffer_printf(text, "%zu of %zu merges with different ratios for their blocks %s better than uniform averaging",
                          better, compared, better == 1 ? "is" : "are");
    }
    hma_buffer_printf(text, " among %zu comparisons; ", 2 * compared);
    write_one(text, front, choose(front));
}
