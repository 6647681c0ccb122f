/*
 * How far a long piece of work has come, and how long it will still take: steps (candidates) of a few phases each, of all of
 * which it is known beforehand about how long they should take. What really happens corrects that, phase by phase, because each
 * kind of work goes wrong in its own way: replies end early, guesses are right, products are slower than hoped for.
 *
 * Times are the caller's: seconds of any clock that never goes back.
 */
#ifndef HMA_BASE_COURSE_H
#define HMA_BASE_COURSE_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef enum hma_phase {
    HMA_PHASE_QUESTIONS = 0, /* log-likelihoods */
    HMA_PHASE_GUESSES,       /* earlier replies, checked */
    HMA_PHASE_REPLIES,       /* token by token */
    HMA_PHASE_JUDGING,
    HMA_PHASES
} hma_phase;

/* Expected seconds of a step. */
typedef struct hma_expectation {
    double seconds[HMA_PHASES];
} hma_expectation;

typedef struct hma_course {
    hma_expectation *expected; /* [steps] */
    size_t steps, step;        /* the one under way; steps before it are over */
    double before;             /* seconds that were spent on the same work earlier */
    double began;
    bool in_phase;
    hma_phase phase;
    double phase_began;
    double done[HMA_PHASES], spent[HMA_PHASES]; /* of the step under way: shares, and seconds before `phase_began` */
    double measured[HMA_PHASES], planned[HMA_PHASES]; /* of steps that are over, recent ones more than old ones */
    double share;                 /* the largest that was told */
} hma_course;

/* All expectations are 0 at first. `before` may be 0. */
hma_status hma_course_begin(hma_course *course, size_t steps, double before, double now);
void hma_course_end(hma_course *course);
/* Corrects what is expected of a step, at any time before it is over. */
void hma_course_expect(hma_course *course, size_t step, const hma_expectation *expected);

/* A step begins, and with it all before it are over. */
void hma_course_step(hma_course *course, size_t step, double now);
/* A phase of it begins or goes on. Judging may come between replies, others come in order; any may be missing. */
void hma_course_phase(hma_course *course, hma_phase phase, double now);
/* So much of the phase under way is done, 0 .. 1; less than before counts as the same. */
void hma_course_done(hma_course *course, double fraction);

/* Share of all work that is done, 0 .. 1, never less than before; and the seconds that are left. Both NaN while nothing is
 * expected. */
void hma_course_tell(hma_course *course, double now, double *share, double *left);

#endif
