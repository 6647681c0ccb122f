/*
 * Generation with guesses. A guess is laid behind its prompt and all its tokens go through the layers at once, as if they had
 * been said; then every position says which token really follows. What agrees with the guess has been generated in one pass
 * instead of token by token, and the first token that does not agree is known as well. With what is known, the next guess that
 * fits is tried; where none fits, the reply is finished token by token (generate.c).
 *
 * Wrong guesses cost a pass. So every eighth reply is tried first, and the others only when most of what was guessed of those
 * was right; greedy replies and drawn ones are judged apart. A round of further guesses follows only on a round that ended
 * replies. Many drawn replies are not tried where weights stay in memory unless most of what was guessed of the model before
 * was right: a token costs as much in a guess as in a step there, similar models may soon draw something else, and until they
 * do steps take what is kept of them (trunk.h).
 *
 * Exact, because the bits of a position do not depend on how many others are computed with it; backends of which that is not
 * true take no guesses.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "eval/transformer/head.h"
#include "eval/transformer/sampler.h"
#include "eval/transformer/score_parts.h"
#include "eval/transformer/screen.h"

typedef struct reply {
    hma_generation *request;
    hma_ids prompt;
    int32_t *sequence; /* [prompt + max_tokens]: the prompt, and behind it the guess that is tried */
    hma_ids guess;     /* what is tried now, or was last */
    size_t known;      /* tokens before the try */
    bool tried;        /* in this round */
    bool finished;
} reply;

enum { GREEDY, DRAWN, KINDS };
enum { PROBE = 8, FULL_STEP = 16 };

typedef struct guessing {
    hma_model *m;
    const hma_onlooker *onlooker;
    reply *replies; /* [count] */
    size_t count;
    size_t drawn;                        /* replies of that kind, tried or not */
    double guessed[KINDS], right[KINDS]; /* tokens, in all rounds */
    /* of the pass that is answered */
    const hma_question *questions;
    size_t *first;   /* [questions]: the first of its positions */
    int32_t *tokens; /* [positions]: what follows each */
    /* of the positions whose logits are there */
    size_t from;
    float *logits;
    hma_screening screening; /* without a screen tokens are drawn from logits */
    bool screened;           /* bounds lie where logits do, but for rows that are whole */
    bool *whole;             /* [a step of positions] */
    size_t *owner;           /* [positions]: their question */
} guessing;

/* ---- which guess ---- */

static bool is_possible(const hma_model *m, const hma_ids *guess) {
    for (size_t i = 0; i < guess->count; i++) {
        if (guess->ids[i] < 0 || (size_t)guess->ids[i] >= m->architecture.vocabulary) {
            return false;
        }
    }
    return true;
}

/* The first guess that goes on from what is known; false when there is none. Every try makes at least one more token known. */
static bool choose_guess(const hma_model *m, reply *r) {
    const hma_generation *g = r->request;
    for (size_t i = 0; i < g->guess_count; i++) {
        const hma_ids *guess = &g->guesses[i];
        if (guess->count >= g->count && (g->count == 0 || memcmp(guess->ids, g->ids, g->count * sizeof *g->ids) == 0) &&
            is_possible(m, guess)) {
            r->guess = (hma_ids){guess->ids, hma_min_size(guess->count, g->max_tokens)};
            return true;
        }
    }
    return false;
}

/* Asked are the position before the first token that is not known, and all after it up to the last that can have a token
 * behind. */
static hma_question make_question(const reply *r, size_t number) {
    const hma_generation *g = r->request;
    const size_t looked_at = hma_min_size(r->guess.count, g->max_tokens - 1);
    if (looked_at) {
        memcpy(r->sequence + r->prompt.count, r->guess.ids, looked_at * sizeof *r->sequence);
    }
    return (hma_question){
        .sequence = {r->sequence, r->prompt.count + looked_at}, .count = looked_at - g->count + 1, .original = number};
}

/* ---- what really follows ---- */

static hma_status draw(void *argument, size_t index, size_t worker) {
    const guessing *g = argument;
    (void)worker;
    const size_t at = g->from + index, question = g->owner[at], width = g->m->architecture.vocabulary;
    const hma_generation *r = g->replies[g->questions[question].original].request;
    const size_t position = r->position + r->count + (at - g->first[question]);
    float *logits = g->logits + index * width;
    if (g->screened && hma_screen_serves(r)) {
        g->tokens[at] = hma_screening_draw(&g->screening, g->m->kernels.vector, r, position, index, logits);
        return HMA_OK;
    }
    return hma_sample(g->m->kernels.vector, r, position, logits, width, &g->tokens[at]);
}

/* Takes tokens as long as the guess was right, and the one that shows that it is not. */
static hma_status take(void *argument, size_t index, size_t worker) {
    guessing *g = argument;
    const hma_question *q = &g->questions[index];
    (void)worker;
    reply *r = &g->replies[q->original];
    for (size_t i = 0; i < q->count && !r->finished; i++) {
        const int32_t id = g->tokens[g->first[index] + i];
        const size_t at = r->request->count;
        r->finished = hma_generation_take(g->m, r->request, q->original, id, g->onlooker->stop, g->onlooker->stop_user);
        if (at >= r->guess.count || r->guess.ids[at] != id) {
            break;
        }
    }
    return HMA_OK;
}

/* Positions whose logits are in memory at a time. */
static size_t positions_at_once(const hma_model *m) {
    const size_t most = (size_t)(hma_context_left(m->context) / 16 / (m->architecture.vocabulary * sizeof(float)));
    return hma_max_size(1, hma_min_size(most, 512));
}

/* Room for a step of positions, a screen of the head for those of them that can do with one, logits. In that order: what a
 * screen claims is not left for logits. */
static hma_status prepare_drawing(guessing *g, size_t positions, size_t *step) {
    const hma_screen *screen;
    double served = 0;
    for (size_t i = 0; i < positions; i++) {
        served += hma_screen_serves(g->replies[g->questions[g->owner[i]].original].request);
    }
    hma_status status = hma_weights_screen(g->m->weights, served, &screen);
    if (status != HMA_OK) {
        return status;
    }
    *step = hma_min_size(positions_at_once(g->m), positions);
    g->whole = HMA_NEW(bool, *step);
    g->logits = hma_context_take(g->m->context, *step * g->m->architecture.vocabulary, sizeof *g->logits);
    status = g->whole && g->logits ? HMA_OK : HMA_FAILURE;
    return status == HMA_OK && screen ? hma_screening_new(&g->screening, screen, *step, hma_context_threads(g->m->context))
                                      : status;
}

static hma_status draw_some(guessing *g, const float *hidden, size_t count) {
    for (size_t i = 0; i < count; i++) {
        g->whole[i] = !hma_screen_serves(g->replies[g->questions[g->owner[g->from + i]].original].request);
    }
    hma_status status = hma_head_next(&g->m->engine, &g->screening, hidden, count, g->whole, g->logits, &g->screened);
    if (status == HMA_OK) {
        status = hma_pool_run(hma_context_pool(g->m->context), count, draw, g);
    }
    return status == HMA_OK ? hma_context_check(g->m->context) : status;
}

static hma_status draw_all(guessing *g, const float *hidden, size_t positions) {
    size_t step = 0;
    hma_status status = prepare_drawing(g, positions, &step);
    for (g->from = 0; status == HMA_OK && g->from < positions; g->from += step) {
        status = draw_some(g, hidden + g->from * g->m->architecture.hidden, hma_min_size(step, positions - g->from));
    }
    hma_screening_free(&g->screening);
    hma_context_give(g->m->context, g->logits);
    free(g->whole);
    g->logits = NULL;
    g->whole = NULL;
    return status;
}

static hma_status answer(void *user, hma_model *m, const float *hidden, const hma_question *questions, size_t count) {
    guessing *g = user;
    size_t positions = 0;
    for (size_t i = 0; i < count; i++) {
        positions += questions[i].count;
    }
    g->questions = questions;
    g->first = HMA_NEW(size_t, count);
    g->owner = HMA_NEW(size_t, positions);
    g->tokens = HMA_NEW(int32_t, positions);
    hma_status status = g->first && g->owner && g->tokens ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0, at = 0; status == HMA_OK && i < count; i++) {
        g->first[i] = at;
        for (size_t j = 0; j < questions[i].count; j++) {
            g->owner[at++] = i;
        }
    }
    if (status == HMA_OK) {
        status = draw_all(g, hidden, positions);
    }
    if (status == HMA_OK) {
        status = hma_pool_run(hma_context_pool(m->context), count, take, g);
    }
    free(g->first);
    free(g->owner);
    free(g->tokens);
    return status;
}

static int kind_of(const reply *r) { return r->request->temperature > 0 ? DRAWN : GREEDY; }

/* How much of the guesses that were tried was right; an empty one counts as one token. */
static void judge_guesses(guessing *g) {
    for (size_t i = 0; i < g->count; i++) {
        const reply *r = &g->replies[i];
        if (r->tried) {
            const hma_ids said = {r->request->ids, r->request->count};
            const size_t right = hma_ids_common(&said, &r->guess) - r->known, guessed = r->guess.count - r->known;
            g->guessed[kind_of(r)] += guessed ? (double)guessed : 1;
            g->right[kind_of(r)] += guessed ? (double)right : (double)r->finished;
        }
    }
}

/* What tokens cost in a step they cost in a guess, if there are enough of them and nothing waits for weights. */
static bool drawn_may_pay(const guessing *g) {
    const bool full = g->drawn >= FULL_STEP && hma_model_resident(g->m);
    return !full || g->m->drawn_right >= g->m->drawn_guessed / 2;
}

static bool is_worth_trying(const guessing *g, size_t number, bool probing) {
    const int kind = kind_of(&g->replies[number]);
    if (kind == DRAWN && !drawn_may_pay(g)) {
        return false;
    }
    return probing ? number % PROBE == 0 : g->right[kind] >= g->guessed[kind] / 2;
}

/* Tells of the replies that this round has finished. */
static hma_status tell_ended(const guessing *g, size_t ended) {
    const hma_onlooker *o = g->onlooker;
    if (!o->finished) {
        return HMA_OK;
    }
    size_t *numbers = HMA_NEW(size_t, ended), count = 0;
    for (size_t i = 0; numbers && i < g->count; i++) {
        if (g->replies[i].tried && g->replies[i].finished) {
            numbers[count++] = i;
        }
    }
    const hma_status status = numbers ? o->finished(o->user, numbers, count) : HMA_FAILURE;
    free(numbers);
    return status;
}

/* One try for every reply that has a guess left; *asked says how many there were, *ended how many of them are finished now. */
static hma_status try_guesses(guessing *g, bool probing, size_t *asked, size_t *ended) {
    hma_question *questions = HMA_NEW(hma_question, g->count);
    if (!questions) {
        return HMA_FAILURE;
    }
    *asked = *ended = 0;
    for (size_t i = 0; i < g->count; i++) {
        reply *r = &g->replies[i];
        r->tried = !r->finished && is_worth_trying(g, i, probing) && choose_guess(g->m, r);
        if (r->tried) {
            r->known = r->request->count;
            questions[(*asked)++] = make_question(r, i);
        }
    }
    const hma_status status =
        *asked ? hma_ask(g->m, questions, *asked, HMA_PASS_CONTINUED, "replies that may come again", answer, g) : HMA_OK;
    for (size_t i = 0; i < g->count; i++) {
        *ended += g->replies[i].tried && g->replies[i].finished;
    }
    judge_guesses(g);
    free(questions);
    return status == HMA_OK && *ended ? tell_ended(g, *ended) : status;
}

static hma_status try_all(guessing *g) {
    size_t asked, ended;
    (void)hma_report_phase(g->m->context, HMA_PHASE_GUESSES);
    hma_status status = try_guesses(g, true, &asked, &ended);
    for (size_t round = 0; status == HMA_OK && (round == 0 || ended > asked / 4); round++) {
        status = try_guesses(g, false, &asked, &ended);
    }
    (void)hma_report_phase(g->m->context, HMA_PHASE_REPLIES);
    return status;
}

/* ---- what no guess told ---- */

typedef struct rest {
    guessing *g;
    hma_generation *requests;
    size_t *reply; /* [requests]: which reply a request goes on with */
    bool *taken;   /* [requests]: what it said has been added to the reply */
} rest;

/* The stop function is asked about whole replies: the new part is laid behind what was known before. */
static bool stop_rest(void *user, size_t number, const int32_t *ids, size_t count) {
    const rest *t = user;
    const size_t original = t->reply[number];
    hma_generation *r = t->g->replies[original].request;
    memcpy(r->ids + r->count, ids, count * sizeof *ids);
    return t->g->onlooker->stop(t->g->onlooker->stop_user, original, r->ids, r->count + count);
}

static hma_generation go_on(const reply *r) {
    const hma_generation *g = r->request;
    hma_generation more = *g;
    if (g->count) {
        memcpy(r->sequence + r->prompt.count, g->ids, g->count * sizeof *g->ids);
    }
    more.prompt = (hma_ids){r->sequence, r->prompt.count + g->count};
    more.max_tokens = g->max_tokens - g->count;
    more.position = (uint32_t)(g->position + g->count);
    more.guess_count = 0;
    more.ids = NULL;
    return more;
}

static void take_rest(rest *t, size_t number) {
    hma_generation *r = t->g->replies[t->reply[number]].request;
    const hma_generation *more = &t->requests[number];
    if (t->taken[number]) {
        return;
    }
    t->taken[number] = true;
    if (more->count) {
        memcpy(r->ids + r->count, more->ids, more->count * sizeof *r->ids);
    }
    r->count += more->count;
    r->ended = more->ended;
}

/* Replies are whole before anybody is told of them. */
static hma_status pass_on(void *user, const size_t *numbers, size_t count) {
    rest *t = user;
    size_t *originals = HMA_NEW(size_t, count);
    if (!originals) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        take_rest(t, numbers[i]);
        originals[i] = t->reply[numbers[i]];
    }
    const hma_status status = t->g->onlooker->finished(t->g->onlooker->user, originals, count);
    free(originals);
    return status;
}

static hma_status finish(guessing *g) {
    rest t = {.g = g,
              .requests = HMA_NEW(hma_generation, g->count),
              .reply = HMA_NEW(size_t, g->count),
              .taken = HMA_NEW(bool, g->count)};
    const hma_onlooker onlooker = {g->onlooker->stop ? stop_rest : NULL, &t, g->onlooker->finished ? pass_on : NULL, &t};
    size_t count = 0;
    hma_status status = t.requests && t.reply && t.taken ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < g->count; i++) {
        if (!g->replies[i].finished) {
            t.reply[count] = i;
            t.requests[count++] = go_on(&g->replies[i]);
        }
    }
    if (status == HMA_OK && count) {
        status = hma_generate_plainly(g->m, t.requests, count, &onlooker);
        for (size_t i = 0; status == HMA_OK && i < count; i++) {
            take_rest(&t, i);
        }
        hma_generation_clear(t.requests, count);
    } else if (status == HMA_OK) {
        hma_report(g->m->context, "generating", "replies", (double)g->count, (double)g->count);
    }
    free(t.reply);
    free(t.taken);
    free(t.requests);
    return status;
}

/* How right the first guesses of drawn replies were, tried or not: the next model's will be about as right. */
static void remember_drawn(guessing *g) {
    double guessed = 0, right = 0;
    for (size_t i = 0; i < g->count; i++) {
        const hma_generation *r = g->replies[i].request;
        if (kind_of(&g->replies[i]) == DRAWN && r->guess_count) {
            const hma_ids said = {r->ids, r->count};
            guessed += (double)r->guesses[0].count;
            right += (double)hma_ids_common(&said, &r->guesses[0]);
        }
    }
    if (guessed > 0) {
        g->m->drawn_guessed = guessed;
        g->m->drawn_right = right;
    }
}

/* ---- the call ---- */

static hma_status begin(guessing *g, hma_generation *requests) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < g->count; i++) {
        reply *r = &g->replies[i];
        r->request = &requests[i];
        status = hma_generation_begin(g->m, &requests[i], i, &r->prompt);
        if (status == HMA_OK) {
            r->sequence = HMA_NEW(int32_t, r->prompt.count + requests[i].max_tokens);
            status = r->sequence ? HMA_OK : HMA_FAILURE;
        }
        if (status == HMA_OK) {
            memcpy(r->sequence, r->prompt.ids, r->prompt.count * sizeof *r->sequence);
            g->drawn += kind_of(r) == DRAWN;
        }
    }
    return status;
}

static hma_status generate_guessing(hma_model *m, hma_generation *requests, size_t count, const hma_onlooker *onlooker) {
    guessing g = {.m = m, .onlooker = onlooker, .replies = HMA_NEW(reply, count), .count = count};
    hma_status status = g.replies ? begin(&g, requests) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = try_all(&g);
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        m->counters.generated += requests[i].count;
    }
    if (status == HMA_OK) {
        status = finish(&g);
    }
    if (status == HMA_OK) {
        remember_drawn(&g);
    }
    for (size_t i = 0; g.replies && i < count; i++) {
        free(g.replies[i].sequence);
    }
    free(g.replies);
    return status;
}

hma_status hma_model_generate(hma_model *m, hma_generation *requests, size_t count, hma_stop_fn stop, void *user) {
    return hma_generate_watched(m, requests, count, &(hma_onlooker){.stop = stop, .stop_user = user});
}

hma_status hma_generate_watched(hma_model *m, hma_generation *requests, size_t count, const hma_onlooker *onlooker) {
    const hma_onlooker unwatched = {.stop = onlooker->stop, .stop_user = onlooker->stop_user};
    bool guessed = false;
    if (m->architecture.reward_head) {
        return hma_error(HMA_BAD_DATA, "%s: is a reward model (expected a causal language model): it cannot generate",
                         m->engine.name);
    }
    for (size_t i = 0; i < count; i++) {
        requests[i].ids = NULL;
        guessed = guessed || requests[i].guess_count;
    }
    if (guessed && hma_model_invariant(m)) {
        const hma_status status = generate_guessing(m, requests, count, onlooker);
        if (status != HMA_OK) {
            hma_generation_clear(requests, count);
        }
        /* a wrong guess may overflow where the reply itself does not; then nobody is told a second time */
        return status == HMA_NON_FINITE ? hma_generate_plainly(m, requests, count, &unwatched) : status;
    }
    return hma_generate_plainly(m, requests, count, onlooker);
}
