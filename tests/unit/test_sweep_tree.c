/*
 * A sweep shares between its candidates what they have in common. Every candidate has the bits of one that is scored alone, in
 * whatever order, with any number of threads, with little memory, whatever is kept, and after an interruption.
 */
#include "testing.h"

#include <math.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/context.h"
#include "base/file.h"
#include "eval/tasks/evaluator.h"
#include "hma/hma.h"
#include "search/upcoming.h"

enum { LAYERS = 6, CANDIDATES = 9, ITEMS = 5, PROMPTS = 140 };

static const char *place(const char *name) {
    static char paths[4][1024];
    static size_t next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/../eval/demo/%s", HMA_TEST_DATA, name);
    return path;
}

/* Blocks that begin alike, one ratio for all, a tensor of its own in the middle, other blocks. */
static const char *const recipes[CANDIDATES] = {
    "{\"blocks\":3,\"ratios\":[0.2,0.6,1]}",
    "{\"blocks\":3,\"ratios\":[0.2,0.6,0.4]}",
    "{\"blocks\":3,\"ratios\":[0.2,0.3,1]}",
    "{\"blocks\":3,\"ratios\":[0.7,0.6,1]}",
    "{\"blocks\":1,\"ratios\":[0.2]}",
    "{\"blocks\":3,\"ratios\":[0.2,0.6,1],\"tensors\":{\"model.layers.3.mlp.up_proj.weight\":0.9}}",
    "{\"blocks\":[0,5],\"ratios\":[0.2,0.8],\"policy\":\"linear-only\"}",
    "{\"blocks\":3,\"ratios\":[0.2,0.6,1],\"dtype\":\"F32\"}",
    "{\"blocks\":3,\"ratios\":[0.2,0.6,0.9],\"rounding\":\"stochastic\",\"seed\":4}",
};

typedef struct setting {
    hma_context *context;
    hma_checkpoint *pre, *post;
    hma_suite *suite;
    hma_evaluator *evaluator;
    hma_recipe *recipe[CANDIDATES];
} setting;

static setting open_setting(unsigned threads, uint64_t memory) {
    setting s = {0};
    assert_ok(hma_context_new(&s.context, &(hma_context_options){.threads = threads, .memory = memory}));
    assert_ok(hma_checkpoint_open(&s.pre, place("pre")));
    assert_ok(hma_checkpoint_open(&s.post, place("post")));
    assert_ok(hma_suite_load(&s.suite, place("suite.json")));
    const hma_eval_options options = {.limit = ITEMS, .pre = s.pre, .post = s.post};
    assert_ok(hma_evaluator_new(&s.evaluator, s.context, s.suite, place("post"), &options));
    for (size_t i = 0; i < CANDIDATES; i++) {
        assert_ok(hma_recipe_parse(&s.recipe[i], recipes[i], strlen(recipes[i]), LAYERS, "recipe"));
    }
    return s;
}

static void close_setting(setting *s) {
    for (size_t i = 0; i < CANDIDATES; i++) {
        hma_recipe_free(s->recipe[i]);
    }
    hma_evaluator_free(s->evaluator);
    hma_suite_free(s->suite);
    hma_checkpoint_close(s->pre);
    hma_checkpoint_close(s->post);
    hma_context_free(s->context);
}

/* Candidate number CANDIDATES is pre. */
static hma_result *score(setting *s, size_t candidate) {
    hma_source *source = NULL;
    hma_result *result = NULL;
    if (candidate < CANDIDATES) {
        assert_ok(hma_source_merged(&source, s->pre, s->post, s->recipe[candidate]));
    } else {
        assert_ok(hma_source_plain(&source, s->pre));
    }
    assert_ok(hma_evaluator_run(s->evaluator, source, &result));
    hma_source_free(source);
    return result;
}

static void same_task(const hma_task_result *a, const hma_task_result *b) {
    assert_int_equal(a->items, b->items);
    for (size_t i = 0; i < a->items; i++) {
        assert_string_equal(a->detail[i], b->detail[i]);
    }
    for (size_t m = 0; m < a->measure_count; m++) {
        const size_t width = hma_metric_describe(a->measures[m].metric)->width;
        assert_memory_equal(a->measures[m].stats, b->measures[m].stats, a->items * width * sizeof(double));
    }
}

static void same_result(const hma_result *a, const hma_result *b) {
    assert_int_equal(a->task_count, b->task_count);
    for (size_t t = 0; t < a->task_count; t++) {
        same_task(&a->tasks[t], &b->tasks[t]);
    }
    same_task(&a->alignment, &b->alignment);
}

/* Each scored by an evaluator of its own. */
static hma_result *alone[CANDIDATES + 1];

static int score_alone(void **state) {
    (void)state;
    for (size_t i = 0; i <= CANDIDATES; i++) {
        setting s = open_setting(2, 0);
        alone[i] = score(&s, i);
        close_setting(&s);
    }
    return 0;
}

static int forget_alone(void **state) {
    (void)state;
    for (size_t i = 0; i <= CANDIDATES; i++) {
        hma_result_free(alone[i]);
    }
    return 0;
}

static void score_in_order(unsigned threads, uint64_t memory, const size_t *order, const size_t *depths, size_t depth_count) {
    setting s = open_setting(threads, memory);
    for (size_t i = 0; i <= CANDIDATES; i++) {
        assert_ok(hma_evaluator_keep(s.evaluator, depths, depth_count));
        hma_result *result = score(&s, order[i]);
        same_result(alone[order[i]], result);
        hma_result_free(result);
    }
    close_setting(&s);
}

static const size_t orders[][CANDIDATES + 1] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, {4, 1, 5, 0, 9, 7, 2, 8, 3, 6}};

static void any_order_and_number_of_threads_gives_the_bits_of_candidates_scored_alone(void **state) {
    (void)state;
    static const size_t depths[] = {2, 4};
    score_in_order(1, 0, orders[0], depths, 2);
    score_in_order(2, 0, orders[1], depths, 2);
    score_in_order(3, 0, orders[2], depths, 2);
}

/* 6 MB: weights are streamed, several passes, hardly anything can be kept. 24 MB: some of it. */
static void so_does_little_memory_that_forces_to_drop_and_to_stream(void **state) {
    (void)state;
    static const size_t depths[] = {1, 2, 3, 4, 5};
    score_in_order(2, 6 << 20, orders[0], depths, 5);
    score_in_order(2, 24 << 20, orders[2], depths, 5);
    if (!HMA_SANITIZED) {
        score_in_order(1, 1 << 20, orders[0], depths + 1, 1);
    }
}

/* Where layers are streamed, replies of several candidates are given in step. */
static void so_do_candidates_that_reply_together(void **state) {
    (void)state;
    static const size_t together[] = {3, 0, 1, 2, 4, 8}, count = sizeof together / sizeof *together;
    for (unsigned threads = HMA_SANITIZED ? 3 : 1; threads <= 3; threads++) {
        /* what is claimed while the model is opened is not there for weights, but for keys and values */
        const uint64_t memory = (uint64_t)64 << 20, claimed = threads == 2 ? 0 : memory - (5 << 20);
        setting s = open_setting(threads, threads == 2 ? 5 << 20 : memory);
        hma_source *source[CANDIDATES] = {NULL};
        for (size_t i = 0; i < count; i++) {
            assert_ok(hma_source_merged(&source[i], s.pre, s.post, s.recipe[together[i]]));
        }
        hma_context_claim(s.context, claimed);
        assert_ok(hma_evaluator_bind(s.evaluator, source[0]));
        hma_context_release(s.context, claimed);
        assert_int_equal(hma_replies_together(s.evaluator), claimed ? HMA_MOST_TOGETHER : 1);
        assert_ok(hma_replies_give(s.evaluator, (const hma_source *const *)source, count));
        for (size_t i = count; i-- > 0;) {
            hma_result *result;
            assert_ok(hma_evaluator_bind(s.evaluator, source[i]));
            assert_true(hma_replies_are_there(s.evaluator));
            assert_ok(hma_evaluator_run(s.evaluator, source[i], &result));
            assert_false(hma_replies_are_there(s.evaluator));
            same_result(result, alone[together[i]]);
            assert_true(result->cost.generated >= alone[together[i]]->cost.generated / 2);
            hma_result_free(result);
        }
        for (size_t i = 0; i < count; i++) {
            hma_source_free(source[i]);
        }
        close_setting(&s);
    }
}

static void candidates_of_another_type_reply_alone(void **state) {
    (void)state;
    enum { F32 = 7 };
    setting s = open_setting(2, 5 << 20);
    hma_source *source[2];
    assert_ok(hma_source_merged(&source[0], s.pre, s.post, s.recipe[0]));
    assert_ok(hma_source_merged(&source[1], s.pre, s.post, s.recipe[F32]));
    assert_ok(hma_evaluator_bind(s.evaluator, source[0]));
    assert_ok(hma_replies_give(s.evaluator, (const hma_source *const *)source, 2));
    assert_false(hma_replies_are_there(s.evaluator));
    hma_result *result;
    assert_ok(hma_evaluator_run(s.evaluator, source[0], &result));
    same_result(result, alone[0]);
    hma_result_free(result);
    hma_source_free(source[0]);
    hma_source_free(source[1]);
    close_setting(&s);
}

static void copy_file(const char *name, const char *folder) {
    char from[2048], to[2048], *data;
    size_t length;
    hma_output out;
    (void)snprintf(from, sizeof from, "%s/%s", place("post"), name);
    (void)snprintf(to, sizeof to, "%s/%s", folder, name);
    assert_ok(hma_file_load(from, SIZE_MAX, &data, &length));
    assert_ok(hma_output_open(&out, to));
    assert_ok(hma_output_write(&out, data, length));
    assert_ok(hma_output_commit(&out));
    hma_output_discard(&out);
    free(data);
}

/* Post, with a norm in the middle whose weights are the largest that there are. */
static void make_wild(const char *folder) {
    static const char name[] = "model.layers.3.input_layernorm.weight";
    hma_checkpoint *checkpoint;
    char path[2048];
    copy_file("config.json", folder);
    copy_file("model.safetensors", folder);
    assert_ok(hma_checkpoint_open(&checkpoint, folder));
    const hma_tensor *tensor = hma_checkpoint_find(checkpoint, name);
    assert_int_equal(tensor->dtype, HMA_BF16);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)tensor->offset, SEEK_SET), 0);
    for (size_t i = 0; i < tensor->elements; i++) {
        static const unsigned char largest[] = {0x7f, 0x7f};
        assert_int_equal(fwrite(largest, sizeof largest, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
    hma_checkpoint_close(checkpoint);
}

/* The others are not held up by it, and it is told of when it is asked itself. */
static void a_candidate_that_overflows_spoils_no_other(void **state) {
    (void)state;
    char folder[512], path[2048];
    setting s = open_setting(2, 5 << 20);
    hma_checkpoint *wild;
    hma_source *source[2];
    hma_result *result;
    make_wild(make_temporary_folder(folder));
    assert_ok(hma_checkpoint_open(&wild, folder));
    assert_ok(hma_source_merged(&source[0], s.pre, s.post, s.recipe[0]));
    assert_ok(hma_source_plain(&source[1], wild));
    assert_ok(hma_evaluator_bind(s.evaluator, source[0]));
    assert_ok(hma_replies_give(s.evaluator, (const hma_source *const *)source, 2));
    assert_false(hma_replies_are_there(s.evaluator));
    assert_ok(hma_evaluator_run(s.evaluator, source[0], &result));
    same_result(result, alone[0]);
    hma_result_free(result);
    assert_int_equal(hma_evaluator_run(s.evaluator, source[1], &result), HMA_NON_FINITE);
    hma_source_free(source[0]);
    hma_source_free(source[1]);
    hma_checkpoint_close(wild);
    close_setting(&s);
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void weights_in_memory_need_no_company(void **state) {
    (void)state;
    setting s = open_setting(2, 0);
    hma_source *source;
    assert_ok(hma_source_merged(&source, s.pre, s.post, s.recipe[0]));
    assert_ok(hma_evaluator_bind(s.evaluator, source));
    assert_int_equal(hma_replies_together(s.evaluator), 1);
    close_setting(&s);
    hma_source_free(source);
}

static void depths_that_mean_nothing_are_ignored(void **state) {
    (void)state;
    static const size_t depths[] = {0, 3, 6, 99};
    score_in_order(2, 0, orders[2], depths, 4);
    score_in_order(2, 0, orders[1], NULL, 0);
}

/* ---- runs ---- */

typedef struct stopper {
    hma_context *context;
    size_t after;
} stopper;

/* Interrupts while candidate number `after` is scored. */
static void stop_in_the_middle(void *user, const hma_progress *progress) {
    const stopper *s = user;
    if (progress->steps && progress->step >= s->after) {
        hma_context_cancel(s->context);
    }
}

static hma_run *begin_run(hma_context *context, const char *folder) {
    static char pre[1024], post[1024], suite[1024];
    hma_run *run = NULL;
    (void)snprintf(pre, sizeof pre, "%s", place("pre"));
    (void)snprintf(post, sizeof post, "%s", place("post"));
    (void)snprintf(suite, sizeof suite, "%s", place("suite.json"));
    hma_run_setup setup = {.pre = pre, .post = post, .suite = suite, .recipe = hma_recipe_spec_default(), .limit = ITEMS};
    setup.recipe.blocks = "3";
    assert_ok(hma_run_begin(&run, context, folder, &setup));
    return run;
}

static void interrupted_sweeps_end_with_the_same_scores_in_the_order_of_addition(void **state) {
    (void)state;
    char whole_folder[512], cut_folder[512];
    hma_context *context, *stopped;
    stopper stop = {.after = 5};
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 2}));
    assert_ok(hma_context_new(&stopped, &(hma_context_options){.threads = 1, .progress = stop_in_the_middle, .user = &stop}));
    stop.context = stopped;
    hma_run *whole = begin_run(context, make_temporary_folder(whole_folder));
    assert_ok(hma_run_add_levels(whole, "0,1"));
    assert_ok(hma_run_score(whole));

    hma_run *cut = begin_run(stopped, make_temporary_folder(cut_folder));
    assert_ok(hma_run_add_levels(cut, "0,1"));
    assert_fails(hma_run_score(cut), HMA_INTERRUPTED, "interrupted");
    hma_run_close(cut);
    cut = begin_run(context, cut_folder);
    assert_false(hma_run_candidate(cut, hma_run_candidate_count(cut) - 1)->scored);
    assert_true(hma_run_candidate(cut, 2)->scored);
    assert_ok(hma_run_score(cut));

    assert_int_equal(hma_run_candidate_count(whole), hma_run_candidate_count(cut));
    for (size_t i = 0; i < hma_run_candidate_count(whole); i++) {
        hma_result *a, *b;
        assert_string_equal(hma_run_candidate(whole, i)->id, hma_run_candidate(cut, i)->id);
        assert_ok(hma_run_result(whole, i, &a));
        assert_ok(hma_run_result(cut, i, &b));
        same_result(a, b);
        hma_result_free(a);
        hma_result_free(b);
    }
    hma_run_close(whole);
    hma_run_close(cut);
    hma_context_free(context);
    hma_context_free(stopped);
    assert_ok(hma_folder_remove(whole_folder));
    assert_ok(hma_folder_remove(cut_folder));
}

/* ---- replies are judged while others are being given ---- */

typedef struct judging_order {
    bool judged, between; /* something has been judged; replies were still given after that */
} judging_order;

static void note_order(void *user, const hma_progress *p) {
    judging_order *order = user;
    order->judged |= strcmp(p->what, "rewards") == 0;
    order->between |= order->judged && strcmp(p->what, "generating") == 0;
}

/* The demo's alignment measure alone: enough prompts for several batches of rewards, and no tasks that would take longer. */
static hma_suite *open_alignment(void) {
    char folder[512], path[600], text[4096];
    hma_suite *suite;
    const int length =
        snprintf(text, sizeof text,
                 "{\"name\":\"alignment\",\"tasks\":[],\"alignment\":{\"type\":\"reward_model\",\"model\":\"%s\","
                 "\"prompts\":{\"search\":\"%s\",\"test\":\"%s\"},\"temperature\":1.0,\"max_tokens\":64,"
                 "\"template\":\"chat\",\"reward_text\":\"chat\"},\"seed\":1}",
                 place("reward"), place("prompts/search.jsonl"), place("prompts/test.jsonl"));
    assert_in_range(length, 1, sizeof text - 1);
    (void)snprintf(path, sizeof path, "%s/suite.json", make_temporary_folder(folder));
    assert_ok(hma_file_store(path, text, (size_t)length));
    assert_ok(hma_suite_load(&suite, path));
    assert_ok(hma_folder_remove(folder));
    return suite;
}

/* With little memory the reward model is read layer by layer, and then only once. */
static void judging_replies_while_others_are_given_changes_no_bit(void **state) {
    (void)state;
    enum { RUNS = HMA_SANITIZED ? 1 : 2 };
    hma_result *results[2] = {NULL}, *again;
    static const uint64_t memory[2] = {0, 2 << 20};
    for (size_t i = 0; i < RUNS; i++) {
        setting s = {0};
        judging_order order = {0};
        hma_source *source;
        assert_ok(hma_context_new(
            &s.context, &(hma_context_options){.threads = 2, .memory = memory[i], .progress = note_order, .user = &order}));
        assert_ok(hma_checkpoint_open(&s.pre, place("pre")));
        s.suite = open_alignment();
        const hma_eval_options options = {.limit = PROMPTS};
        assert_ok(hma_evaluator_new(&s.evaluator, s.context, s.suite, place("pre"), &options));
        assert_ok(hma_source_plain(&source, s.pre));
        assert_ok(hma_evaluator_run(s.evaluator, source, &results[i]));
        assert_int_equal(order.between, i == 0);
        if (i == 0) { /* every guess is right, and every reward is known */
            assert_ok(hma_evaluator_run(s.evaluator, source, &again));
            same_result(results[i], again);
            hma_result_free(again);
        }
        hma_source_free(source);
        close_setting(&s);
    }
    if (results[1]) {
        same_result(results[0], results[1]);
    }
    hma_result_free(results[0]);
    hma_result_free(results[1]);
}

/* ---- what it will cost ---- */

static void operations_of_the_reward_model_are_counted(void **state) {
    (void)state;
    setting s = open_setting(2, 0);
    hma_result *result = score(&s, 0);
    const double asked = hma_model_count(s.evaluator->model).flops, judged = hma_judge_flops(s.evaluator->judge);
    assert_true(judged > 0);
    assert_near(result->cost.flops / (asked + judged), 1, 1e-12);
    hma_result_free(result);
    result = score(&s, 0); /* the same replies get their rewards from memory */
    assert_true(hma_judge_flops(s.evaluator->judge) == judged);
    assert_near(result->cost.flops / (hma_model_count(s.evaluator->model).flops - asked), 1, 1e-9);
    hma_result_free(result);
    close_setting(&s);
}

static void what_is_estimated_bounds_what_it_costs(void **state) {
    (void)state;
    hma_cost cost;
    hma_source *source;
    setting s = open_setting(2, 200 << 20);
    assert_ok(hma_source_merged(&source, s.pre, s.post, s.recipe[0]));
    assert_ok(hma_evaluator_estimate(s.evaluator, source, &cost));
    hma_result *result = score(&s, 0);
    same_result(alone[0], result);
    /* questions are counted, replies may be shorter than they may be */
    assert_true(cost.tokens >= result->cost.tokens);
    assert_true(cost.tokens - cost.new_tokens <= result->cost.tokens);
    assert_int_equal(cost.new_tokens, ITEMS * (16 + 48 + 64));
    assert_true(cost.flops >= result->cost.flops);
    assert_true(cost.judged_tokens >= (uint64_t)ITEMS * 64);
    assert_true(cost.rate > 0 && cost.seconds > 0 && cost.resident);
    assert_true(cost.memory > 4 * 1000000 && cost.memory < 200 << 20);
    assert_false(cost.replies_known);

    /* now replies are known: counts are about what was counted, and less than before */
    hma_cost later;
    assert_ok(hma_evaluator_estimate(s.evaluator, source, &later));
    assert_true(later.replies_known);
    assert_true(later.new_tokens < cost.new_tokens && later.flops < cost.flops && later.tokens < cost.tokens);
    assert_true(later.new_tokens >= result->cost.generated);
    assert_true(later.new_tokens <= result->cost.generated + 2 * ITEMS); /* a stop string's end counts as one more */
    hma_result_free(result);
    hma_source_free(source);
    close_setting(&s);
}

typedef struct teller {
    size_t told, steps;
    double last, largest_left;
    bool backwards, beyond;
} teller;

static void note_progress(void *user, const hma_progress *p) {
    teller *t = user;
    if (p->steps && isfinite(p->share)) {
        t->told++;
        t->steps = p->steps;
        t->backwards |= p->share < t->last;
        t->beyond |= p->share > 1 || p->seconds_left < 0;
        t->last = p->share;
        t->largest_left = fmax(t->largest_left, p->seconds_left);
    }
}

/* Whoever listens learns how far all candidates together are; a resumed run begins where it stopped. */
static void progress_tells_the_share_of_the_whole_run(void **state) {
    (void)state;
    char folder[512];
    hma_context *context;
    teller told = {0};
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 2, .progress = note_progress, .user = &told}));
    hma_run *run = begin_run(context, make_temporary_folder(folder));
    assert_ok(hma_run_add_grid(run, "0:1:0.5"));
    assert_ok(hma_run_score(run));
    assert_true(told.told > 3 && told.steps == 3);
    assert_true(told.last > 0.8);
    assert_false(told.backwards || told.beyond);
    hma_run_close(run);

    /* of five candidates three are there, and how long their replies were */
    told = (teller){0};
    run = begin_run(context, folder);
    assert_ok(hma_run_add_grid(run, "0:1:0.25"));
    hma_run_plan plan;
    assert_ok(hma_run_estimate(run, NULL, &plan));
    assert_false(plan.candidate.replies_known);
    assert_ok(hma_run_estimate(run, run, &plan));
    assert_true(plan.candidate.replies_known && plan.measured > 0);
    assert_ok(hma_run_score(run));
    assert_true(told.told > 1 && told.steps == 5);
    assert_false(told.backwards || told.beyond);
    hma_run_close(run);
    hma_context_free(context);
    assert_ok(hma_folder_remove(folder));
}

/* ---- the order ---- */

static void candidates_that_begin_alike_stand_together(void **state) {
    (void)state;
    static const char *const list[] = {"{\"blocks\":3,\"ratios\":[0.5,0.5,1]}",
                                       "{\"blocks\":3,\"ratios\":[0,0,1]}",
                                       "{\"blocks\":3,\"ratios\":[0.5,0.5,0]}",
                                       "{\"blocks\":3,\"ratios\":[0,0,0.5]}",
                                       "{\"blocks\":1,\"ratios\":[0]}",
                                       "{\"blocks\":3,\"ratios\":[0.5,1,0]}",
                                       "{\"blocks\":\"layers\",\"ratios\":[0.5,0.5,0.5,0.5,0.5,0]}"};
    enum { COUNT = sizeof list / sizeof *list };
    hma_checkpoint *post;
    hma_recipe *recipe[COUNT];
    hma_candidate candidate[COUNT] = {{0}};
    const hma_candidate *pointers[COUNT];
    size_t order[COUNT], depths[LAYERS + 1];
    hma_upcoming upcoming = {0};
    assert_ok(hma_checkpoint_open(&post, place("post")));
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(hma_recipe_parse(&recipe[i], list[i], strlen(list[i]), LAYERS, "recipe"));
        candidate[i] = (hma_candidate){.kind = HMA_CANDIDATE_MERGE, .origin = HMA_ORIGIN_GRID, .recipe = recipe[i]};
        pointers[i] = &candidate[i];
    }
    candidate[4].origin = HMA_ORIGIN_ENDPOINT;
    assert_ok(hma_upcoming_arrange(&upcoming, post, pointers, COUNT, order));
    static const size_t expected[COUNT] = {4, 3, 1, 2, 6, 0, 5};
    assert_memory_equal(order, expected, sizeof order);
    assert_int_equal(hma_upcoming_shared(&upcoming, &candidate[4], depths), 0); /* plain checkpoints share nothing */
    assert_int_equal(hma_upcoming_shared(&upcoming, &candidate[3], depths), 1);
    assert_int_equal(depths[0], 4);
    assert_int_equal(hma_upcoming_shared(&upcoming, &candidate[1], depths), 0);
    assert_int_equal(hma_upcoming_shared(&upcoming, &candidate[2], depths), 2);
    assert_int_equal(depths[0], 2);
    assert_int_equal(depths[1], 4);
    assert_int_equal(hma_upcoming_shared(&upcoming, &candidate[6], depths), 2);
    assert_int_equal(hma_upcoming_shared(&upcoming, &candidate[5], depths), 0);
    hma_upcoming_free(&upcoming);
    for (size_t i = 0; i < COUNT; i++) {
        hma_recipe_free(recipe[i]);
    }
    hma_checkpoint_close(post);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_and_number_of_threads_gives_the_bits_of_candidates_scored_alone),
        cmocka_unit_test(so_does_little_memory_that_forces_to_drop_and_to_stream),
        cmocka_unit_test(so_do_candidates_that_reply_together),
        cmocka_unit_test(candidates_of_another_type_reply_alone),
        cmocka_unit_test(a_candidate_that_overflows_spoils_no_other),
        cmocka_unit_test(weights_in_memory_need_no_company),
        cmocka_unit_test(depths_that_mean_nothing_are_ignored),
        cmocka_unit_test(interrupted_sweeps_end_with_the_same_scores_in_the_order_of_addition),
        cmocka_unit_test(judging_replies_while_others_are_given_changes_no_bit),
        cmocka_unit_test(operations_of_the_reward_model_are_counted),
        cmocka_unit_test(what_is_estimated_bounds_what_it_costs),
        cmocka_unit_test(progress_tells_the_share_of_the_whole_run),
        cmocka_unit_test(candidates_that_begin_alike_stand_together),
    };
    return cmocka_run_group_tests_name("sweeps share what candidates have in common", tests, score_alone, forget_alone);
}
