#include "eval/tasks/reply_memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

/* A reply that one or more of the remembered models gave. */
typedef struct remembered_reply {
    int32_t *ids;
    size_t count;
    size_t models; /* 0: a free place */
} remembered_reply;

typedef struct hma_remembered_question {
    remembered_reply *replies;
    size_t count, capacity;
    uint32_t given[HMA_REMEMBERED_MODELS]; /* place of the model's reply, plus 1; 0: it was not asked */
} question;

typedef struct hma_remembered_model {
    double *ratios; /* [layers], NULL: not known */
    size_t layers;
} model;

void hma_reply_memory_free(hma_reply_memory *m) {
    for (size_t q = 0; q < m->asked_count; q++) {
        for (size_t i = 0; i < m->asked[q].count; i++) {
            free(m->asked[q].replies[i].ids);
        }
        free(m->asked[q].replies);
    }
    for (size_t i = 0; m->models && i < HMA_REMEMBERED_MODELS; i++) {
        free(m->models[i].ratios);
    }
    hma_text_set_free(&m->questions);
    free(m->asked);
    free(m->models);
    free(m->guesses);
    *m = (hma_reply_memory){0};
}

/* ---- questions ---- */

/* Everything that a reply depends on. */
static void write_key(hma_buffer *key, const hma_generation *q) {
    const uint64_t numbers[] = {q->max_tokens, q->top_k, q->seed, q->stream, q->sample, q->position};
    hma_buffer_add(key, numbers, sizeof numbers);
    hma_buffer_add(key, &q->temperature, sizeof q->temperature);
    hma_buffer_add(key, &q->top_p, sizeof q->top_p);
    hma_buffer_add(key, q->prompt.ids, q->prompt.count * sizeof *q->prompt.ids);
}

/* Place of a question, SIZE_MAX when it is new and not to be added. */
static hma_status find_question(hma_reply_memory *m, const hma_generation *q, bool add, size_t *place) {
    hma_buffer key = {0};
    uint64_t value = SIZE_MAX;
    bool added = false;
    write_key(&key, q);
    hma_status status = hma_buffer_ok(&key);
    if (status == HMA_OK && !hma_text_set_find(&m->questions, key.data, key.length, &value) && add) {
        value = m->asked_count;
        status = hma_grow(&m->asked, &m->asked_capacity, m->asked_count + 1, sizeof *m->asked)
                     ? HMA_FAILURE
                     : hma_text_set_put(&m->questions, key.data, key.length, value, &added);
        if (status == HMA_OK) {
            m->asked[m->asked_count++] = (question){0};
        }
    }
    hma_buffer_free(&key);
    *place = (size_t)value;
    return status;
}

/* ---- recalling ---- */

typedef struct neighbour {
    double distance;
    size_t age, model;
} neighbour;

static int nearest_first(const void *left, const void *right) {
    const neighbour *a = left, *b = right;
    if (a->distance != b->distance) {
        return a->distance < b->distance ? -1 : 1;
    }
    return a->age < b->age ? -1 : a->age > b->age;
}

static double distance(const model *other, const double *ratios, size_t layers) {
    if (!ratios || !other->ratios || other->layers != layers) {
        return INFINITY;
    }
    double sum = 0;
    for (size_t l = 0; l < layers; l++) {
        sum += (ratios[l] - other->ratios[l]) * (ratios[l] - other->ratios[l]);
    }
    return sum;
}

static size_t remembered(const hma_reply_memory *m) {
    return m->models_seen < HMA_REMEMBERED_MODELS ? m->models_seen : HMA_REMEMBERED_MODELS;
}

/* All models that are remembered, into order[HMA_REMEMBERED_MODELS]. */
static size_t sort_models(const hma_reply_memory *m, const double *ratios, size_t layers, neighbour *order) {
    const size_t count = remembered(m);
    for (size_t i = 0; i < count; i++) {
        const size_t age = m->models_seen - 1 - i, slot = age % HMA_REMEMBERED_MODELS;
        order[i] = (neighbour){distance(&m->models[slot], ratios, layers), i, slot};
    }
    qsort(order, count, sizeof *order, nearest_first);
    return count;
}

static size_t collect(const question *q, const neighbour *order, size_t models, hma_ids *guesses) {
    uint32_t taken[HMA_MOST_GUESSES];
    size_t count = 0;
    for (size_t i = 0; i < models && count < HMA_MOST_GUESSES; i++) {
        const uint32_t given = q->given[order[i].model];
        size_t known = 0;
        while (known < count && taken[known] != given) {
            known++;
        }
        if (given && known == count) {
            taken[count] = given;
            guesses[count++] = (hma_ids){q->replies[given - 1].ids, q->replies[given - 1].count};
        }
    }
    return count;
}

hma_status hma_reply_memory_recall(hma_reply_memory *m, hma_generation *questions, size_t count, const double *ratios,
                                   size_t layers) {
    neighbour order[HMA_REMEMBERED_MODELS];
    const size_t models = m->models ? sort_models(m, ratios, layers, order) : 0;
    free(m->guesses);
    m->guesses = HMA_NEW(hma_ids, count * HMA_MOST_GUESSES);
    hma_status status = m->guesses ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        size_t place;
        status = find_question(m, &questions[i], false, &place);
        questions[i].guesses = m->guesses + i * HMA_MOST_GUESSES;
        questions[i].guess_count = status == HMA_OK && place != SIZE_MAX
                                       ? collect(&m->asked[place], order, models, m->guesses + i * HMA_MOST_GUESSES)
                                       : 0;
    }
    return status;
}

/* ---- taking in ---- */

static void forget_reply(question *q, size_t slot) {
    if (q->given[slot]) {
        remembered_reply *reply = &q->replies[q->given[slot] - 1];
        if (--reply->models == 0) {
            free(reply->ids);
            *reply = (remembered_reply){0};
        }
        q->given[slot] = 0;
    }
}

static hma_status add_reply(question *q, size_t slot, const hma_generation *given) {
    size_t place = q->count;
    for (size_t i = q->count; i-- > 0;) {
        remembered_reply *r = &q->replies[i];
        if (r->models == 0) {
            place = i;
        } else if (r->count == given->count && (r->count == 0 || memcmp(r->ids, given->ids, r->count * sizeof *r->ids) == 0)) {
            r->models++;
            q->given[slot] = (uint32_t)(i + 1);
            return HMA_OK;
        }
    }
    int32_t *ids = HMA_NEW(int32_t, given->count);
    if (!ids || hma_grow(&q->replies, &q->capacity, place + 1, sizeof *q->replies)) {
        free(ids);
        return HMA_FAILURE;
    }
    if (given->count) {
        memcpy(ids, given->ids, given->count * sizeof *ids);
    }
    q->count = place == q->count ? q->count + 1 : q->count;
    q->replies[place] = (remembered_reply){ids, given->count, 1};
    q->given[slot] = (uint32_t)(place + 1);
    return HMA_OK;
}

/* Makes place for a model, at the cost of the oldest. */
static hma_status begin_model(hma_reply_memory *m, const double *ratios, size_t layers, size_t *slot) {
    if (!m->models && !(m->models = HMA_NEW(model, HMA_REMEMBERED_MODELS))) {
        return HMA_FAILURE;
    }
    double *copy = ratios ? HMA_NEW(double, layers) : NULL;
    if (ratios && !copy) {
        return HMA_FAILURE;
    }
    if (copy) {
        memcpy(copy, ratios, layers * sizeof *copy);
    }
    *slot = m->models_seen++ % HMA_REMEMBERED_MODELS;
    free(m->models[*slot].ratios);
    m->models[*slot] = (model){copy, layers};
    for (size_t q = 0; q < m->asked_count; q++) {
        forget_reply(&m->asked[q], *slot);
    }
    return HMA_OK;
}

hma_status hma_reply_memory_add(hma_reply_memory *m, const hma_generation *questions, size_t count, const double *ratios,
                                size_t layers) {
    size_t slot = 0;
    hma_status status = begin_model(m, ratios, layers, &slot);
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        size_t place;
        status = find_question(m, &questions[i], true, &place);
        if (status == HMA_OK && m->asked[place].given[slot] == 0) { /* the same question may be asked twice */
            status = add_reply(&m->asked[place], slot, &questions[i]);
        }
    }
    return status;
}
