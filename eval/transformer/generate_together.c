/*
 * Several models that generate in step, where weights are streamed: a step goes through each layer of all of them before the
 * next one, so that what is read for one serves the others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/replying.h"

typedef struct joint {
    hma_replying *works; /* [count] */
    size_t count;
    hma_onlooker *onlookers;
    /* of those that take part in a step */
    hma_replying **taking;
    hma_batch *batches;
    hma_engine_step *steps;
    hma_head_job *heads;
} joint;

static hma_status open_joint(joint *j, const hma_companion *companions, size_t count) {
    hma_status status;
    *j = (joint){.works = HMA_NEW(hma_replying, count),
                 .onlookers = HMA_NEW(hma_onlooker, count),
                 .taking = HMA_NEW(hma_replying *, count),
                 .batches = HMA_NEW(hma_batch, count),
                 .steps = HMA_NEW(hma_engine_step, count),
                 .heads = HMA_NEW(hma_head_job, count)};
    status = j->works && j->onlookers && j->taking && j->batches && j->steps && j->heads ? HMA_OK : HMA_FAILURE;
    while (status == HMA_OK && j->count < count) {
        const hma_companion *c = &companions[j->count];
        j->onlookers[j->count] = (hma_onlooker){.stop = c->stop, .stop_user = c->stop_user};
        j->works[j->count].onlooker = &j->onlookers[j->count];
        status = hma_replying_open(&j->works[j->count++], &c->model, 1, c->requests, c->count);
    }
    return status;
}

static void close_joint(joint *j, const hma_companion *companions, hma_status status) {
    for (size_t i = 0; i < j->count; i++) {
        hma_replying_close(&j->works[i], companions[i].requests, status);
    }
    free(j->works);
    free(j->onlookers);
    free(j->taking);
    free(j->batches);
    free(j->steps);
    free(j->heads);
}

/* One token for every reply under way of every model. */
static hma_status step_together(joint *j, size_t taking) {
    hma_status status = HMA_OK;
    size_t made = 0;
    for (size_t i = 0; status == HMA_OK && i < taking; i++) {
        hma_replying *w = j->taking[i];
        hma_replying_model *s = &w->sides[0];
        status = hma_replying_step_batch(w, &j->batches[i]);
        made += status == HMA_OK;
        j->steps[i] = (hma_engine_step){&s->m->engine, &j->batches[i], s->x, s->stores};
        j->heads[i] = (hma_head_job){&s->m->engine, s->hidden, w->active_count, s->logits};
    }
    if (status == HMA_OK) {
        status = hma_engines_in_step(j->steps, taking);
    }
    for (size_t i = 0; status == HMA_OK && i < taking; i++) {
        hma_replying_model *s = &j->taking[i]->sides[0];
        status = hma_engine_final(&s->m->engine, s->x, j->taking[i]->rows, j->taking[i]->active_count, s->hidden);
    }
    if (status == HMA_OK) {
        status = hma_heads_logits(j->heads, taking);
    }
    for (size_t i = 0; status == HMA_OK && i < taking; i++) {
        j->taking[i]->screened = false; /* these are logits, whatever its prompts had */
        status = hma_replying_draw(j->taking[i], j->batches[i].rows);
        status = status == HMA_OK ? hma_replying_drop_finished(j->taking[i]) : status;
    }
    for (size_t i = 0; i < made; i++) {
        hma_batch_free(&j->batches[i]);
    }
    return status;
}

static hma_status run_joint(joint *j) {
    hma_status status = HMA_OK;
    for (size_t taking = 1; status == HMA_OK && taking > 0;) {
        double done = 0, all = 0;
        taking = 0;
        for (size_t i = 0; status == HMA_OK && i < j->count; i++) {
            hma_replying *w = &j->works[i];
            status = hma_replying_let_in(w);
            done += hma_replying_done(w);
            all += (double)w->count;
            if (w->active_count) {
                j->taking[taking++] = w;
            }
        }
        if (status == HMA_OK && taking) {
            status = step_together(j, taking);
        }
        if (status == HMA_OK && j->count) {
            hma_report(j->works[0].m->context, "generating for several candidates", "replies", done, all);
        }
    }
    return status;
}

hma_status hma_generate_together(const hma_companion *companions, size_t count) {
    joint j;
    hma_status status = open_joint(&j, companions, count);
    if (status == HMA_OK) {
        status = run_joint(&j);
    }
    close_joint(&j, companions, status);
    return status;
}
