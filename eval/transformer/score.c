/* Teacher-forced scoring: loglikelihoods, logits, rewards. All three are "hidden states at chosen positions, then a head". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/head.h"
#include "eval/transformer/score_parts.h"

static int compare_questions(const void *a, const void *b) {
    const hma_question *x = a, *y = b;
    const int order = hma_ids_compare(&x->sequence, &y->sequence);
    return order ? order : x->original < y->original ? -1 : x->original > y->original;
}

/* One pass over the layers for some questions. */
static hma_status run_pass(hma_model *m, const hma_question *questions, size_t count, hma_pass_use use, const hma_tally *tally,
                           hma_answer_fn answer, void *user) {
    const hma_architecture *a = &m->architecture;
    hma_batch batch = {0};
    hma_store store = {0};
    hma_ids *sequences = HMA_NEW(hma_ids, count);
    size_t *leaf = HMA_NEW(size_t, count), *rows = NULL, answers = 0, given = 0;
    float *x = NULL, *hidden = NULL;
    hma_status status = sequences && leaf ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        sequences[i] = questions[i].sequence;
        answers += questions[i].count;
        given += questions[i].sequence.count;
    }
    if (status == HMA_OK) {
        status = hma_batch_forest(&batch, sequences, count, leaf);
    }
    if (status == HMA_OK) {
        status = hma_store_new(&store, m->context, a, batch.store_rows);
    }
    x = hma_context_take(m->context, batch.rows * a->hidden, sizeof *x);
    hidden = hma_context_take(m->context, answers * a->hidden, sizeof *hidden);
    rows = HMA_NEW(size_t, answers);
    if (status == HMA_OK && (!x || !hidden || !rows)) {
        status = HMA_FAILURE;
    }
    for (size_t i = 0, at = 0; status == HMA_OK && i < count; i++) {
        for (size_t j = questions[i].count; j-- > 0;) {
            rows[at++] = hma_batch_row(&batch, leaf[i], questions[i].sequence.count - 1 - j);
        }
    }
    if (status == HMA_OK) {
        status = hma_batch_ask(&batch, rows, answers);
    }
    if (status == HMA_OK) {
        status = hma_trunk_run(m->trunk, &m->engine, &batch, x, &store, use, NULL, tally);
    }
    if (status == HMA_OK) {
        status = hma_engine_final(&m->engine, x, rows, answers, hidden);
    }
    if (status == HMA_OK) {
        status = answer(user, m, hidden, questions, count);
    }
    m->counters.tokens += batch.rows;
    m->counters.tokens_shared += given - batch.rows;
    hma_batch_free(&batch);
    hma_store_free(&store);
    free(sequences);
    free(leaf);
    free(rows);
    hma_context_give(m->context, x);
    hma_context_give(m->context, hidden);
    return status;
}

/* Tokens that question `i` of a sorted list adds to those before it. */
static size_t new_tokens(const hma_question *questions, size_t i, size_t first) {
    const hma_ids *sequence = &questions[i].sequence;
    return sequence->count - (i > first ? hma_ids_common(&questions[i - 1].sequence, sequence) : 0);
}

static bool fits(const hma_room *room, size_t rows, size_t answers) {
    return rows <= room->rows && rows * room->row + answers * room->answer <= room->bytes;
}

hma_status hma_ask(hma_model *m, hma_question *questions, size_t count, hma_pass_use use, const char *what,
                   hma_answer_fn answer, void *user) {
    const hma_room room = hma_model_room(m);
    hma_tally tally = {.what = what};
    hma_status status = HMA_OK;
    qsort(questions, count, sizeof *questions, compare_questions);
    for (size_t i = 0; i < count; i++) {
        tally.total += (double)new_tokens(questions, i, 0);
    }
    for (size_t first = 0; status == HMA_OK && first < count;) {
        size_t rows = questions[first].sequence.count, answers = questions[first].count, next = first + 1;
        while (next < count && fits(&room, rows + new_tokens(questions, next, first), answers + questions[next].count)) {
            answers += questions[next].count;
            rows += new_tokens(questions, next++, first);
        }
        status = run_pass(m, questions + first, next - first, use, &tally, answer, user);
        tally.before += (double)rows;
        first = next;
    }
    return status;
}

/* ---- loglikelihoods ---- */

static hma_status answer_loglikelihoods(void *user, hma_model *m, const float *hidden, const hma_question *questions,
                                        size_t count) {
    hma_loglikelihood *requests = user;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += questions[i].count;
    }
    int32_t *targets = HMA_NEW(int32_t, rows);
    double *logprob = HMA_NEW(double, rows);
    bool *greedy = HMA_NEW(bool, rows);
    hma_status status = targets && logprob && greedy ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0, at = 0; status == HMA_OK && i < count; i++) {
        const hma_ids *continuation = &requests[questions[i].original].continuation;
        memcpy(targets + at, continuation->ids, continuation->count * sizeof *targets);
        at += continuation->count;
    }
    if (status == HMA_OK) {
        status = hma_head_score(&m->engine, hidden, rows, targets, logprob, greedy, NULL);
    }
    for (size_t i = 0, at = 0; status == HMA_OK && i < count; i++) {
        hma_loglikelihood *r = &requests[questions[i].original];
        r->logprob = 0;
        r->greedy = true;
        for (size_t j = 0; j < questions[i].count; j++, at++) {
            r->logprob += logprob[at];
            r->greedy = r->greedy && greedy[at];
        }
    }
    free(targets);
    free(logprob);
    free(greedy);
    return status;
}

/* Input (context + continuation)[-(max_length + 1):][:-1], in memory taken from *at. */
static hma_status loglikelihood_input(const hma_model *m, const hma_loglikelihood *r, size_t number, size_t most, int32_t **at,
                                      hma_question *out) {
    const size_t total = r->context.count + r->continuation.count;
    char what[64];
    (void)snprintf(what, sizeof what, "request %zu", number);
    if (r->continuation.count == 0 || r->context.count == 0) {
        return hma_error(HMA_BAD_DATA, "%s: %s is empty (expected at least one token): give it text or ids", what,
                         r->context.count ? "the continuation" : "the context");
    }
    if (r->continuation.count > most) {
        return hma_error(HMA_BAD_DATA,
                         "%s: the continuation has %zu tokens (expected at most %zu, the model's context): shorten it", what,
                         r->continuation.count, most);
    }
    hma_status status = hma_model_check_ids(m, what, r->context.ids, r->context.count);
    if (status == HMA_OK) {
        status = hma_model_check_ids(m, what, r->continuation.ids, r->continuation.count);
    }
    if (status != HMA_OK) {
        return status;
    }
    const size_t cut = total > most + 1 ? total - (most + 1) : 0; /* always inside the context */
    int32_t *ids = *at;
    memcpy(ids, r->context.ids + cut, (r->context.count - cut) * sizeof *ids);
    memcpy(ids + r->context.count - cut, r->continuation.ids, r->continuation.count * sizeof *ids);
    *at += total - cut;
    *out = (hma_question){.sequence = {ids, total - cut - 1}, .count = r->continuation.count, .original = number};
    return HMA_OK;
}

static hma_status refuse_reward_head(const hma_model *m) {
    return m->architecture.reward_head
               ? hma_error(HMA_BAD_DATA,
                           "%s: is a reward model (expected a causal language model): it can only answer reward requests",
                           m->engine.name)
               : HMA_OK;
}

/* Asks at the positions that predict the continuations' tokens. */
static hma_status ask_continuations(hma_model *m, const hma_loglikelihood *requests, size_t count, size_t most,
                                    hma_answer_fn answer, void *user) {
    hma_status status = refuse_reward_head(m);
    size_t total = 0, answers = 0;
    for (size_t i = 0; i < count; i++) {
        total += requests[i].context.count + requests[i].continuation.count;
    }
    int32_t *ids = HMA_NEW(int32_t, total), *at = ids;
    hma_question *questions = HMA_NEW(hma_question, count);
    if (status == HMA_OK && (!ids || !questions)) {
        status = HMA_FAILURE;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = loglikelihood_input(m, &requests[i], i, most, &at, &questions[i]);
        questions[i].answer = answers;
        answers += requests[i].continuation.count;
    }
    if (status == HMA_OK) {
        status = hma_ask(m, questions, count, HMA_PASS_COMPLETE, "log-likelihoods", answer, user);
    }
    free(ids);
    free(questions);
    return status;
}

hma_status hma_model_loglikelihood(hma_model *m, hma_loglikelihood *requests, size_t count) {
    return ask_continuations(m, requests, count, m->architecture.max_length, answer_loglikelihoods, requests);
}

static hma_status keep_hidden(void *user, hma_model *m, const float *hidden, const hma_question *questions, size_t count) {
    float *out = user;
    const size_t width = m->architecture.hidden;
    for (size_t i = 0; i < count; i++) {
        memcpy(out + questions[i].answer * width, hidden, questions[i].count * width * sizeof *out);
        hidden += questions[i].count * width;
    }
    return HMA_OK;
}

hma_status hma_model_hidden(hma_model *m, const hma_loglikelihood *requests, size_t count, size_t most, float *hidden) {
    return ask_continuations(m, requests, count, most, keep_hidden, hidden);
}

/* ---- one row a sequence: logits and rewards ---- */

static hma_status answer_logits(void *user, hma_model *m, const float *hidden, const hma_question *questions, size_t count) {
    float *out = user;
    const size_t width = hma_weights_head_rows(m->weights);
    float *logits = hma_new_aligned(count * width, sizeof *logits);
    hma_status status = logits ? hma_head_logits(&m->engine, hidden, count, logits) : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        memcpy(out + questions[i].original * width, logits + i * width, width * sizeof *out);
    }
    free(logits);
    return status;
}

static hma_status last_positions(hma_model *m, const hma_ids *sequences, size_t count, hma_pass_use use, const char *what,
                                 float *out) {
    hma_question *questions = HMA_NEW(hma_question, count);
    hma_status status = questions ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "request %zu", i);
        questions[i] = (hma_question){.sequence = sequences[i], .count = 1, .original = i};
        status = hma_model_check_ids(m, name, sequences[i].ids, sequences[i].count);
        if (status == HMA_OK && sequences[i].count == 0) {
            status = hma_error(HMA_BAD_DATA, "%s: has no tokens (expected at least one): give it text or ids", name);
        }
    }
    if (status == HMA_OK) {
        status = hma_ask(m, questions, count, use, what, answer_logits, out);
    }
    free(questions);
    return status;
}

hma_status hma_model_logits(hma_model *m, const hma_ids *sequences, size_t count, float *logits) {
    hma_status status = refuse_reward_head(m);
    hma_ids *cut = HMA_NEW(hma_ids, count);
    if (status == HMA_OK && !cut) {
        status = HMA_FAILURE;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        const size_t most = m->architecture.max_length, over = sequences[i].count > most ? sequences[i].count - most : 0;
        cut[i] = (hma_ids){sequences[i].ids + over, sequences[i].count - over};
    }
    if (status == HMA_OK) {
        status = last_positions(m, cut, count, HMA_PASS_COMPLETE, "logits", logits);
    }
    free(cut);
    return status;
}

/* Causal: what comes after the position that is read cannot change it, so the sequence ends there. */
static hma_status reward_input(const hma_model *m, const hma_ids *sequence, size_t number, hma_ids *out) {
    if (sequence->count > m->architecture.max_length) {
        return hma_error(HMA_BAD_DATA,
                         "request %zu: has %zu tokens (expected at most %zu, the reward model's context): shorten it", number,
                         sequence->count, m->architecture.max_length);
    }
    size_t end = sequence->count;
    while (end > 1 && m->pad >= 0 && sequence->ids[end - 1] == m->pad) {
        end--; /* nothing but padding: the reference reads position 0 */
    }
    *out = (hma_ids){sequence->ids, end};
    char what[64];
    (void)snprintf(what, sizeof what, "request %zu", number);
    return hma_model_check_ids(m, what, sequence->ids, sequence->count);
}

hma_status hma_model_reward(hma_model *m, const hma_ids *sequences, size_t count, double *rewards) {
    if (!m->architecture.reward_head) {
        return hma_error(HMA_BAD_DATA,
                         "%s: has no reward head (expected a ...ForSequenceClassification model with one label): use a reward "
                         "model",
                         m->engine.name);
    }
    hma_ids *cut = HMA_NEW(hma_ids, count);
    float *values = HMA_NEW(float, count);
    hma_status status = cut && values ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = reward_input(m, &sequences[i], i, &cut[i]);
    }
    if (status == HMA_OK) {
        status = last_positions(m, cut, count, HMA_PASS_CONTINUED, "rewards", values);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        rewards[i] = (double)values[i];
    }
    free(cut);
    free(values);
    return status;
}
