/* src/search/objective, distillation: the demo's pair, few texts. */
#include "demo_pair.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/json.h"
#include "eval/tasks/encode.h"
#include "search/distillation.h"
#include "search/objective.h"
#include "search/solver.h"

static const char texts[] =
    "{\"prompt\":\"Where is the fork?\\n\",\"response\":\"The fork is in the kitchen drawer, beside the knife.\"}\n"
    "\n"
    "{\"prompt\":\"Say hello\\n\",\"response\":\"Hello, and welcome to you all!\",\"ended\":true,\"reward\":1.5}\n"
    "{\"prompt\":\"What is water?\\n\",\"response\":\"Water is wet and we drink it every day.\",\"ended\":true}\n";

static hma_objective *make(size_t block_length, bool responses_only, const char *blocks) {
    hma_objective_options options = hma_objective_options_default();
    hma_objective *objective;
    options.block_length = block_length;
    options.responses_only = responses_only;
    options.recipe.blocks = blocks;
    assert_ok(hma_objective_new(&objective, demo.context, demo.pre, demo.post, texts, "texts", &options));
    return objective;
}

static double value_at(hma_objective *objective, const double *ratios, size_t count) {
    double value;
    assert_ok(hma_objective_evaluate(objective, ratios, count, &value, NULL));
    return value;
}

static void the_gradient_is_that_of_the_value(void **state) {
    (void)state;
    static const char *const blocks[] = {"3", "layers", "2,3"};
    for (size_t b = 0; b < 3; b++) {
        hma_objective *objective = make(0, b == 1, blocks[b]);
        const size_t count = hma_objective_blocks(objective);
        double at[6] = {0.3, 0.6, 0.5, 0.4, 0.7, 0.2}, gradient[6], value;
        assert_ok(hma_objective_evaluate(objective, at, count, &value, gradient));
        assert_true(value == value_at(objective, at, count));
        for (size_t k = 0; k < count; k++) {
            const double h = 0.01, middle = at[k];
            double side[4];
            for (size_t i = 0; i < 4; i++) {
                at[k] = middle + h * (double[]){-2, -1, 1, 2}[i];
                side[i] = value_at(objective, at, count);
            }
            at[k] = middle;
            assert_near(gradient[k], (8 * (side[2] - side[1]) - (side[3] - side[0])) / (12 * h),
                        2e-3 * fabs(gradient[k]) + 2e-5);
        }
        hma_objective_free(objective);
    }
}

/* Each text by itself, only the responses: what scoring says of the same merge. */
static void the_value_is_the_mean_log_likelihood(void **state) {
    (void)state;
    static const struct {
        const char *prompt, *response;
        bool ended;
    } pairs[] = {{"Where is the fork?\n", "The fork is in the kitchen drawer, beside the knife.", false},
                 {"Say hello\n", "Hello, and welcome to you all!", true},
                 {"What is water?\n", "Water is wet and we drink it every day.", true}};
    const double ratio = 0.5;
    hma_objective *objective = make(0, true, "1");
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe;
    hma_source *source;
    hma_model *model;
    hma_tokenizer *tokenizer;
    const int32_t *eos;
    double sum = 0;
    size_t tokens = 0;
    spec.layers = 6;
    spec.ratios = &ratio;
    spec.ratio_count = 1;
    spec.dtype = HMA_F32;
    assert_ok(hma_recipe_new(&recipe, &spec));
    assert_ok(hma_source_merged(&source, demo.pre, demo.post, recipe));
    assert_ok(hma_model_open(&model, demo.context, source, NULL));
    assert_ok(hma_tokenizer_open(&tokenizer, DEMO "/post"));
    assert_true(hma_model_eos(model, &eos) > 0);
    for (size_t i = 0; i < 3; i++) {
        hma_encoded_pair pair;
        int32_t ids[200];
        assert_ok(hma_encode_pair(tokenizer, HMA_BOS_AUTO, pairs[i].prompt, pairs[i].response, &pair));
        memcpy(ids, pair.ids, (pair.context_count + pair.continuation_count) * sizeof *ids);
        ids[pair.context_count + pair.continuation_count] = eos[0];
        hma_loglikelihood request = {.context = {ids, pair.context_count},
                                     .continuation = {ids + pair.context_count, pair.continuation_count + pairs[i].ended}};
        assert_ok(hma_model_loglikelihood(model, &request, 1));
        sum += request.logprob;
        tokens += request.continuation.count;
        hma_ids_free(pair.ids);
    }
    assert_int_equal(hma_objective_tokens(objective), tokens);
    assert_near(value_at(objective, &ratio, 1), sum / (double)tokens, 1e-12);
    hma_objective_free(objective);
    hma_tokenizer_free(tokenizer);
    hma_model_close(model);
    hma_source_free(source);
    hma_recipe_free(recipe);
}

static void texts_are_joined_and_cut(void **state) {
    (void)state;
    hma_objective *alone = make(0, false, "1"), *replies = make(0, true, "1"), *blocks = make(16, false, "1");
    const size_t tokens = hma_objective_tokens(alone) + 3; /* nothing stands before the first token of a text */
    assert_true(hma_objective_tokens(replies) < hma_objective_tokens(alone));
    assert_int_equal(hma_objective_passages(blocks), tokens / 16);
    assert_int_equal(hma_objective_tokens(blocks), tokens / 16 * 15);
    assert_int_equal(hma_objective_cost(blocks), tokens / 16 * 15);
    hma_objective_free(alone);
    hma_objective_free(replies);
    hma_objective_free(blocks);
}

static void linear_maps_are_counted(void **state) {
    (void)state;
    hma_objective *objective = make(0, false, "0,2");
    size_t maps[2];
    hma_objective_linear_maps(objective, maps);
    assert_int_equal(maps[0], 14);
    assert_int_equal(maps[1], 28);
    hma_objective_free(objective);
}

static hma_status make_of(hma_objective **out, const char *lines, const hma_objective_options *options) {
    return hma_objective_new(out, demo.context, demo.pre, demo.post, lines, "t", options);
}

static void what_cannot_be_computed_is_refused(void **state) {
    (void)state;
    hma_objective_options options = hma_objective_options_default();
    hma_objective *objective;
    double value, ratios[2] = {0.5, 0.5};
    assert_fails(make_of(&objective, "{\"prompt\":\"a\",\"response\":\"b\"}\n{\"prompt\":1}", &options), HMA_BAD_DATA,
                 "t:2: ");
    assert_fails(make_of(&objective, "{\"prompt\":\"a\",\"answer\":\"b\"}", &options), HMA_BAD_DATA, "answer");
    assert_fails(make_of(&objective, "{\"prompt\":\"a\",\"response\":\"b\"}", &options), HMA_USAGE, "no token");
    options.model.precision = HMA_BF16_COMPUTE;
    assert_fails(make_of(&objective, texts, &options), HMA_USAGE, "fp32");
    objective = make(0, false, "3");
    assert_fails(hma_objective_evaluate(objective, ratios, 2, &value, NULL), HMA_USAGE, "2 given for 3");
    hma_objective_free(objective);
}

/* ---- D_theta ---- */

static void post_makes_its_own_texts(void **state) {
    (void)state;
    const hma_eval_options evaluation = {.limit = 12};
    const hma_distillation_options options = {.best = 6, .drawn = 4}, other_seed = {.best = 6, .drawn = 4, .seed = 99};
    char *text, *again, *other;
    assert_ok(hma_distillation_build(&text, demo.context, demo.suite, demo.pre, demo.post, &evaluation, &options));
    assert_ok(hma_distillation_build(&again, demo.context, demo.suite, demo.pre, demo.post, &evaluation, &options));
    assert_ok(hma_distillation_build(&other, demo.context, demo.suite, demo.pre, demo.post, &evaluation, &other_seed));
    assert_string_equal(text, again);
    assert_string_not_equal(text, other);
    size_t lines = 0;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        cJSON *line;
        assert_ok(hma_json_parse(&line, "line", at, strcspn(at, "\n")));
        assert_true(strstr(hma_json_get(line, "prompt")->valuestring, "user") != NULL); /* the chat template is there */
        assert_true(cJSON_IsNumber(hma_json_get(line, "reward")));
        cJSON_Delete(line);
        lines++;
    }
    assert_int_equal(lines, 4);
    hma_text_free(text);
    hma_text_free(again);
    hma_text_free(other);
}

/* The kept rewards are the best ones: a draw of all of the best six is these six. */
static void the_best_rewarded_replies_are_kept(void **state) {
    (void)state;
    const hma_eval_options evaluation = {.limit = 12};
    char *all, *best;
    double rewards[12], least = INFINITY;
    size_t count = 0, above = 0;
    assert_ok(hma_distillation_build(&all, demo.context, demo.suite, demo.pre, demo.post, &evaluation,
                                     &(hma_distillation_options){.best = 12, .drawn = 12}));
    assert_ok(hma_distillation_build(&best, demo.context, demo.suite, demo.pre, demo.post, &evaluation,
                                     &(hma_distillation_options){.best = 5, .drawn = 5}));
    for (const char *at = all; (at = strstr(at, "\"reward\":")) != NULL; at++) {
        rewards[count++] = strtod(at + 9, NULL);
    }
    assert_int_equal(count, 12);
    for (const char *at = best; (at = strstr(at, "\"reward\":")) != NULL; at++) {
        least = fmin(least, strtod(at + 9, NULL));
    }
    for (size_t i = 0; i < 12; i++) {
        above += rewards[i] > least;
    }
    assert_int_equal(above, 4);
    hma_text_free(all);
    hma_text_free(best);
}

/* The prompts of a text, without the replies. */
static char *prompts_of(const char *text) {
    char *prompts = calloc(strlen(text) + 1, 1);
    assert_non_null(prompts);
    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        const char *end = strstr(at, "\",\"response\"");
        assert_non_null(end);
        (void)strncat(prompts, at, (size_t)(end - at) + 1);
    }
    return prompts;
}

/* One file of prompts is divided: whatever the seed of the replies, those kept for reporting are not asked. */
static void a_seed_asks_no_other_prompts(void **state) {
    (void)state;
    static const char form[] =
        "{\"name\":\"one\",\"tasks\":[{\"name\":\"c\",\"category\":\"c\",\"type\":\"multiple_choice\","
        "\"file\":\"%s/tasks/commonsense.jsonl\",\"metric\":\"acc\"}],\"alignment\":{\"type\":\"reward_model\","
        "\"model\":\"%s/reward\",\"prompts\":{\"test\":\"%s/prompts/test.jsonl\"},\"limit\":30,\"max_tokens\":8,"
        "\"template\":\"chat\",\"reward_text\":\"chat\"}}";
    char folder[512], path[600], *text[2], *prompts[2], *place = realpath(DEMO, NULL);
    hma_suite *suite;
    assert_non_null(place);
    make_temporary_folder(folder);
    (void)snprintf(path, sizeof path, "%s/suite.json", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, form, place, place, place) > 0);
    assert_int_equal(fclose(file), 0);
    assert_ok(hma_suite_load(&suite, path));
    for (size_t i = 0; i < 2; i++) {
        const hma_distillation_options options = {.best = 1000, .drawn = 1000, .seed = i ? 77 : 0};
        assert_ok(hma_distillation_build(&text[i], demo.context, suite, demo.pre, demo.post, NULL, &options));
        prompts[i] = prompts_of(text[i]);
    }
    assert_string_equal(prompts[0], prompts[1]);
    assert_string_not_equal(text[0], text[1]);
    for (size_t i = 0; i < 2; i++) {
        free(prompts[i]);
        hma_text_free(text[i]);
    }
    free(place);
    hma_suite_free(suite);
    assert_ok(hma_folder_remove(folder));
}

static void files_are_checked_line_by_line(void **state) {
    (void)state;
    char folder[512], path[600], *text;
    make_temporary_folder(folder);
    (void)snprintf(path, sizeof path, "%s/t.jsonl", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(texts, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_ok(hma_distillation_load(&text, path));
    assert_non_null(strstr(text, "\"ended\":true,\"reward\":1.5}\n"));
    hma_text_free(text);
    file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs("{\"prompt\":\"x\"}\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_fails(hma_distillation_load(&text, path), HMA_BAD_DATA, "t.jsonl:5");
    assert_ok(hma_folder_remove(folder));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_the_value),  cmocka_unit_test(the_value_is_the_mean_log_likelihood),
        cmocka_unit_test(texts_are_joined_and_cut),           cmocka_unit_test(linear_maps_are_counted),
        cmocka_unit_test(what_cannot_be_computed_is_refused), cmocka_unit_test(post_makes_its_own_texts),
        cmocka_unit_test(the_best_rewarded_replies_are_kept), cmocka_unit_test(files_are_checked_line_by_line),
        cmocka_unit_test(a_seed_asks_no_other_prompts),
    };
    return cmocka_run_group_tests_name("objective", tests, make_demo, remove_demo);
}
