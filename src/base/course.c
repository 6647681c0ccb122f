#include "base/course.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* Of a step's weight in the corrections so much is left after the next one: merges that are scored one after the other resemble
 * each other, pre and post resemble them less. */
static const double MEMORY = 0.7;

/* Expectations count as if they had been measured for so many seconds: the first measurements are short and noisy. */
static const double PRIOR = 0.05;

hma_status hma_course_begin(hma_course *course, size_t steps, double before, double now) {
    hma_course c = {.steps = steps, .before = before, .began = now};
    c.expected = HMA_NEW(hma_expectation, steps);
    if (!c.expected) {
        return HMA_FAILURE;
    }
    *course = c;
    return HMA_OK;
}

void hma_course_end(hma_course *course) {
    free(course->expected);
    *course = (hma_course){0};
}

void hma_course_expect(hma_course *course, size_t step, const hma_expectation *expected) {
    course->expected[step] = *expected;
}

static void leave_phase(hma_course *c, double now) {
    if (c->in_phase) {
        c->spent[c->phase] += now - c->phase_began;
        c->in_phase = false;
    }
}

/* What was measured of the step under way comes to what is known. */
static void leave_step(hma_course *c, double now) {
    leave_phase(c, now);
    for (size_t p = 0; p < HMA_PHASES; p++) {
        c->measured[p] = MEMORY * c->measured[p] + c->spent[p];
        c->planned[p] = MEMORY * c->planned[p] + c->expected[c->step].seconds[p];
        c->spent[p] = c->done[p] = 0;
    }
}

void hma_course_step(hma_course *c, size_t step, double now) {
    if (step != c->step && step < c->steps) {
        leave_step(c, now);
        c->step = step;
    }
}

void hma_course_phase(hma_course *c, hma_phase phase, double now) {
    if (!c->in_phase || c->phase != phase) {
        leave_phase(c, now);
        c->in_phase = true;
        c->phase = phase;
        c->phase_began = now;
    }
}

void hma_course_done(hma_course *c, double fraction) {
    if (c->in_phase && fraction > c->done[c->phase]) {
        c->done[c->phase] = fraction < 1 ? fraction : 1;
    }
}

/* ---- what is left ---- */

/* Seconds of a phase of the step under way, so far. */
static double spent_on(const hma_course *c, size_t phase, double now) {
    return c->spent[phase] + (c->in_phase && c->phase == phase ? now - c->phase_began : 0);
}

/* The share of a phase of the step under way that is done: all of one that others have followed, but for replies, between which
 * some are judged. */
static double done_of(const hma_course *c, size_t phase) {
    return phase < c->phase && phase != HMA_PHASE_REPLIES ? 1 : c->done[phase];
}

/* By what expectations of each phase have to be multiplied. A phase that has not been seen yet takes after all others. */
static void find_factors(const hma_course *c, double now, double factor[HMA_PHASES]) {
    double all_measured = PRIOR, all_planned = PRIOR;
    for (size_t p = 0; p < HMA_PHASES; p++) {
        all_measured += c->measured[p] + spent_on(c, p, now);
        all_planned += c->planned[p] + c->expected[c->step].seconds[p] * done_of(c, p);
    }
    for (size_t p = 0; p < HMA_PHASES; p++) {
        const double measured = c->measured[p] + spent_on(c, p, now),
                     planned = c->planned[p] + c->expected[c->step].seconds[p] * done_of(c, p);
        const double general = all_measured / all_planned;
        factor[p] = (measured + PRIOR * general) / (planned + PRIOR);
    }
}

void hma_course_tell(hma_course *c, double now, double *share, double *left) {
    double factor[HMA_PHASES], seconds = 0, planned = 0;
    *share = *left = (double)NAN;
    find_factors(c, now, factor);
    for (size_t s = c->step; s < c->steps; s++) {
        for (size_t p = 0; p < HMA_PHASES; p++) {
            const double to_do = c->expected[s].seconds[p] * (s == c->step ? 1 - done_of(c, p) : 1);
            seconds += to_do * factor[p];
            planned += c->expected[s].seconds[p];
        }
    }
    if (planned > 0) {
        const double over = c->before + (now - c->began);
        c->share = fmax(c->share, over > 0 ? over / (over + seconds) : 0);
        *share = c->share;
        *left = seconds;
    }
}
