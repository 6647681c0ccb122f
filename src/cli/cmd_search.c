#include <math.h>

#include "cmd.h"
#include "common.h"
#include "comparison_options.h"
#include "hma/run_search.h"
#include "recipe_options.h"
#include "run_options.h"
#include "talk.h"

typedef struct search_values {
    cli_common common;
    cli_run_inputs inputs;
    int method;
    uint64_t search_seed, candidates, tokens, minutes, population, batch;
    double mean_ratio;
    bool race;
    cli_ratios means;
    const char *texts;
    uint64_t best, drawn, samples, block_length, starts;
    bool responses_only;
    int algorithm, parametrization;
    double epsilon, penalty, learning_rate;
    cli_comparisons comparisons;
    cli_recipe_settings settings; /* its method is --merge-method */
    cli_compute compute;
    uint64_t limit;
} search_values;

static const search_values defaults = {.method = HMA_SEARCH_SURROGATE,
                                       .search_seed = 1,
                                       .mean_ratio = NAN,
                                       .settings.blocks = "3",
                                       .epsilon = 0.2,
                                       .block_length = 512,
                                       .starts = 1};

static const char *method_word(size_t index) {
    return index < HMA_SEARCH_METHODS ? hma_search_method_name((hma_search_method)index) : NULL;
}

static const char *algorithm_word(size_t index) {
    static const char *const words[] = {"slsqp", "mma", "cobyla"};
    return CLI_WORD_AT(words, index);
}

static const char *parametrization_word(size_t index) {
    static const char *const words[] = {"polytope", "paper"};
    return CLI_WORD_AT(words, index);
}

static const cli_option options[] = {
    {CLI_NUMBER, 0, "limit", "N", .help = "items of each task, and prompts, to score at most, of either half",
     .offset = offsetof(search_values, limit), .absent = "the suite's own limits", .least = 1, .most = 1000000000},
};
static const cli_option how[] = {
    {CLI_CHOICE, 0, "method", "NAME", .help = "how ratios are proposed", .offset = offsetof(search_values, method),
     .choice = method_word},
    {CLI_RATIO, 0, "mean-ratio", "A", .help = "only ratios with this mean over the blocks", .absent = "any",
     .offset = offsetof(search_values, mean_ratio)},
    {CLI_FLAG, 0, "race", .help = "stop candidates early that have no chance of the front",
     .offset = offsetof(search_values, race)},
    {CLI_NUMBER, 0, "search-seed", "N", .help = "of the search's own random numbers",
     .offset = offsetof(search_values, search_seed), .most = UINT64_MAX},
    {CLI_NUMBER, 0, "population", "N", .help = "of nsga2", .absent = "4 for each block, at least 12",
     .offset = offsetof(search_values, population), .least = 4, .most = 10000},
    {CLI_NUMBER, 0, "batch", "N", .help = "proposals of the surrogate between two fits", .absent = "4",
     .offset = offsetof(search_values, batch), .least = 1, .most = 1000},
};
static const cli_option paper[] = {
    {CLI_RATIOS, 0, "mean", "A,B,..", .help = "mean ratios to find ratios for; the uniform merges are scored too",
     .absent = "0.1,0.2 .. 0.9", .offset = offsetof(search_values, means)},
    {CLI_TEXT, 0, "texts", "FILE", .help = "prompts and replies that are to be likely, JSONL",
     .absent = "post answers the search prompts, and the best replies are kept", .offset = offsetof(search_values, texts),
     .role = CLI_READS},
    {CLI_NUMBER, 0, "best", "N", .help = "replies of the highest reward that are drawn from",
     .absent = "5000, at most half of them all", .offset = offsetof(search_values, best), .least = 1, .most = 100000000},
    {CLI_NUMBER, 0, "drawn", "N", .help = "how many of these are drawn", .absent = "2000, at most two fifths of those",
     .offset = offsetof(search_values, drawn), .least = 1, .most = 100000000},
    {CLI_NUMBER, 0, "samples", "N", .help = "replies to each prompt", .absent = "the suite's",
     .offset = offsetof(search_values, samples), .least = 1, .most = 10000},
    {CLI_NUMBER, 0, "block-length", "N", .help = "tokens of the blocks that the texts are cut into; 0: each text by itself",
     .offset = offsetof(search_values, block_length), .most = 1000000},
    {CLI_FLAG, 0, "responses-only", .help = "only the replies' tokens count, not the prompts'",
     .offset = offsetof(search_values, responses_only)},
    {CLI_CHOICE, 0, "algorithm", "NAME", .help = "of the solver", .offset = offsetof(search_values, algorithm),
     .choice = algorithm_word},
    {CLI_NUMBER, 0, "starts", "N", .help = "of the solver, the uniform ratios first", .offset = offsetof(search_values, starts),
     .least = 1, .most = 1000},
    {CLI_CHOICE, 0, "parametrization", "NAME", .help = "paper: the authors' sigmoids with epsilon, and Adam",
     .offset = offsetof(search_values, parametrization), .choice = parametrization_word},
    {CLI_RATIO, 0, "epsilon", "E", .help = "of the paper's parametrization", .offset = offsetof(search_values, epsilon)},
    {CLI_RATIO, 0, "penalty", "P", .help = "of the paper's parametrization, on the distance of ratios from their mean",
     .offset = offsetof(search_values, penalty)},
    {CLI_RATIO, 0, "learning-rate", "R", .help = "of the paper's parametrization", .absent = "the paper's 2e-5",
     .offset = offsetof(search_values, learning_rate)},
};
static const cli_option merge_method[] = {
    {CLI_CHOICE, 0, "merge-method", "NAME", .help = "how two weights become one",
     .offset = offsetof(cli_recipe_settings, method), .choice = cli_method_word},
};
static const cli_option budget[] = {
    {CLI_NUMBER, 0, "candidates", "N", .help = "candidates to ask for, pre and post among them",
     .absent = "24 for each block, at least 36, when there is no other limit", .offset = offsetof(search_values, candidates),
     .least = 3, .most = 100000},
    {CLI_NUMBER, 0, "tokens", "N", .help = "tokens through the model while searching", .absent = "no limit",
     .offset = offsetof(search_values, tokens), .least = 1, .most = UINT64_MAX},
    {CLI_NUMBER, 0, "minutes", "N", .help = "of scoring while searching, as recorded in the run", .absent = "no limit",
     .offset = offsetof(search_values, minutes), .least = 1, .most = 1000000000},
};

static const char details[] =
    "Looks for ratios on the suite's search items and search prompts, then scores the front that it\n"
    "found, and pre and post, on the test items and test prompts: the front is made of those. A task\n"
    "or prompts with one file only are divided in two. The same line resumes; a larger budget goes on\n"
    "from where a smaller one ended.";

/* ---- what goes together ---- */

#define METHOD(method) (1u << HMA_SEARCH_##method)

/* Options of `how` that not all methods look at; those of `paper` are all of hma. */
static const struct {
    const char *option;
    unsigned methods;
} of_methods[] = {
    {"population", METHOD(NSGA2)}, {"batch", METHOD(SURROGATE)}, {"mean-ratio", METHOD(NSGA2) | METHOD(SURROGATE)}};

/* What the solver of the polytope and the authors' own look at; and whose texts they are. */
static const char *const of_polytope[] = {"algorithm", "starts"};
static const char *const of_authors[] = {"epsilon", "penalty", "learning-rate"};
static const char *const of_own_texts[] = {"best", "drawn", "samples"};

static hma_status check_method(const cli_parsed *parsed, int method, const char *option, unsigned methods) {
    char names[64] = "";
    size_t used = 0;
    if (!cli_given(parsed, option) || methods & 1u << method) {
        return HMA_OK;
    }
    for (size_t i = 0; i < HMA_SEARCH_METHODS; i++) {
        if (methods & 1u << i) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? " and " : "", method_word(i));
        }
    }
    return cli_error(HMA_USAGE, "--%s: has no effect with --method %s (it belongs to %s): leave it out, or change --method",
                     option, method_word((size_t)method), names);
}

/* Refuses the options that were given although `chosen` makes them mean nothing. */
static hma_status refuse(const cli_parsed *parsed, const char *const *list, size_t count, const char *chosen,
                         const char *instead) {
    for (size_t i = 0; i < count; i++) {
        if (cli_given(parsed, list[i])) {
            return cli_error(HMA_USAGE, "--%s: has no effect with --%s (it belongs to %s): leave it out", list[i], chosen,
                             instead);
        }
    }
    return HMA_OK;
}

#define REFUSE(parsed, list, chosen, instead) refuse(parsed, list, sizeof(list) / sizeof *(list), chosen, instead)

/* An option without an effect is a mistake. */
static hma_status check_values(const cli_parsed *parsed, const search_values *v) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < sizeof of_methods / sizeof *of_methods && status == HMA_OK; i++) {
        status = check_method(parsed, v->method, of_methods[i].option, of_methods[i].methods);
    }
    for (size_t i = 0; i < sizeof paper / sizeof *paper && status == HMA_OK; i++) {
        status = check_method(parsed, v->method, paper[i].name, METHOD(HMA));
    }
    if (status == HMA_OK) {
        status = v->parametrization == 1
                     ? REFUSE(parsed, of_polytope, "parametrization paper", "--parametrization polytope")
                     : REFUSE(parsed, of_authors, "parametrization polytope", "--method hma --parametrization paper");
    }
    if (status == HMA_OK && v->texts) {
        status = REFUSE(parsed, of_own_texts, "texts", "replies that post gives");
    }
    return status == HMA_OK ? cli_recipe_check_base(&v->settings) : status;
}

static void tell(const hma_search_report *r) {
    char text[512];
    (void)snprintf(
        text, sizeof text,
        "search: %zu candidates (%zu stopped early), %.4g million tokens, %.1f minutes, ended by %s; %zu on the front "
        "of the search items, hypervolume %.4f of the rectangle between pre and post",
        r->candidates, r->dropped, r->tokens / 1e6, r->seconds / 60, r->ended_by, r->front, r->hypervolume);
    cli_say(text);
    if (r->predictions > 0) {
        (void)snprintf(
            text, sizeof text,
            "search: the surfaces miss by %.3g in alignment and %.3g in retention when a point is left out, and missed "
            "by %.3g and %.3g the %zu points that they proposed",
            r->left_out_error[0], r->left_out_error[1], r->prediction_error[0], r->prediction_error[1], r->predictions);
        cli_say(text);
    }
}

static hma_search_options options_of(const search_values *v) {
    return (hma_search_options){.method = (hma_search_method)v->method,
                                .seed = v->search_seed,
                                .mean_ratio = v->mean_ratio,
                                .candidates = (size_t)v->candidates,
                                .tokens = v->tokens,
                                .minutes = (double)v->minutes,
                                .population = (size_t)v->population,
                                .batch = (size_t)v->batch,
                                .race = v->race,
                                .means = v->means.item,
                                .mean_count = v->means.count,
                                .texts = v->texts,
                                .texts_best = (size_t)v->best,
                                .texts_drawn = (size_t)v->drawn,
                                .texts_samples = (size_t)v->samples,
                                .block_length = v->block_length ? (size_t)v->block_length : SIZE_MAX,
                                .responses_only = v->responses_only,
                                .algorithm = algorithm_word((size_t)v->algorithm),
                                .starts = (size_t)v->starts,
                                .paper = v->parametrization == 1,
                                .epsilon = v->epsilon,
                                .learning_rate = v->learning_rate,
                                .penalty = v->penalty};
}

static hma_status search_and_print(cli_session *session, const search_values *v, const hma_search_options *chosen,
                                   hma_run *run) {
    hma_search_report report;
    const hma_status status = hma_run_search(run, chosen, &report);
    if (status != HMA_OK) {
        return status;
    }
    if (!v->common.quiet) {
        tell(&report);
    }
    return cli_run_print(session, run, v->common.json);
}

static hma_status run(cli_session *session, const void *values) {
    const search_values *v = values;
    hma_run_setup setup;
    hma_run *opened = NULL;
    hma_status status = check_values(session->parsed, v);
    if (status != HMA_OK) {
        return status;
    }
    status = cli_run_setup(&setup, session, &v->inputs, &v->settings, &v->compute);
    setup.items = HMA_ITEMS_TEST;
    setup.limit = (size_t)v->limit;
    if (status == HMA_OK) {
        status = hma_run_begin(&opened, session->context, v->inputs.run, &setup);
    }
    if (status != HMA_OK) {
        return status;
    }
    const hma_search_options chosen = options_of(v);
    status = hma_run_search_check(opened, &chosen);
    if (status == HMA_OK) {
        status = cli_comparisons_add(opened, &v->comparisons);
    }
    if (status == HMA_OK) {
        status = cli_run_check_memory(session, opened, false);
    }
    if (status != HMA_OK) {
        hma_run_abandon(opened);
        return status;
    }
    status = search_and_print(session, v, &chosen, opened);
    hma_run_close(opened);
    return status;
}

const cli_command cli_cmd_search = {
    .spec = {"search",
             "find ratios on search items, and score the best of them on test items",
             details,
             {CLI_RUN_OPERANDS_GROUP(offsetof(search_values, inputs)),
              CLI_RUN_GROUP(offsetof(search_values, inputs)),
              CLI_GROUP(NULL, options, 0),
              CLI_GROUP("Search", how, 0),
              CLI_GROUP("Method hma", paper, 0),
              CLI_GROUP("Budget (what is used up first ends the search)", budget, 0),
              CLI_COMPARISON_GROUP(offsetof(search_values, comparisons)),
              /* --method has another meaning here */
              {"Merging", cli_recipe_settings_options, CLI_RECIPE_METHOD, offsetof(search_values, settings)},
              CLI_GROUP("Merging", merge_method, offsetof(search_values, settings)),
              {"Merging", cli_recipe_settings_options + CLI_RECIPE_METHOD + 1,
               sizeof cli_recipe_settings_options / sizeof *cli_recipe_settings_options - CLI_RECIPE_METHOD - 1,
               offsetof(search_values, settings)},
              CLI_BASE_GROUP(offsetof(search_values, settings)),
              CLI_COMPUTE_GROUP(offsetof(search_values, compute)),
              CLI_JSON_GROUP,
              CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
    .resumes = true,
};
