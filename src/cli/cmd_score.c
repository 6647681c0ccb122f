#include <string.h>

#include "cmd.h"
#include "common.h"
#include "files.h"
#include "hma/model.h"
#include "hma/requests.h"
#include "hma/tokenizer.h"
#include "source.h"
#include "talk.h"

typedef struct score_values {
    cli_common common;
    cli_scored scored;
    cli_compute compute;
    const char *requests, *output;
} score_values;

static const score_values defaults = {0};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "MODEL", .help = "model folder; with --post the model before RLHF",
     .offset = offsetof(score_values, scored.model), .role = CLI_READS},
};
static const cli_option options[] = {
    {CLI_TEXT, 0, "requests", "FILE", .help = "questions, one JSON object a line; - is standard input",
     .offset = offsetof(score_values, requests), .required = true, .role = CLI_READS},
    {CLI_TEXT, 0, "output", "FILE", .help = "answers, in the same order", .offset = offsetof(score_values, output),
     .required = true, .role = CLI_WRITES},
};

/* A folder without config.json may still tokenize. */
static bool is_tokenizer_only(const score_values *v) {
    return !v->scored.post && !cli_has_file(v->scored.model, "config.json") &&
           (cli_has_file(v->scored.model, "tokenizer.json") || cli_has_file(v->scored.model, "tokenizer.model"));
}

static hma_status open_tokenizer(hma_tokenizer **out, const char *folder) {
    if (!cli_has_file(folder, "tokenizer.json") && !cli_has_file(folder, "tokenizer.model")) {
        *out = NULL; /* requests may all be in ids */
        return HMA_OK;
    }
    return hma_tokenizer_open(out, folder);
}

static hma_status answer(cli_session *session, const score_values *v, const cli_source *source) {
    hma_tokenizer *tokenizer = NULL;
    hma_model *model = NULL;
    const hma_model_options options_of_model = cli_model_options(&v->compute);
    hma_status status = open_tokenizer(&tokenizer, cli_source_tokenizer(source, &v->scored));
    if (status == HMA_OK && source->source) {
        status = hma_model_open(&model, session->context, source->source, &options_of_model);
    }
    if (status == HMA_OK) {
        status = hma_requests_answer(session->context, model, tokenizer, (hma_bos)v->compute.bos, v->requests, v->output);
    }
    hma_model_close(model);
    hma_tokenizer_free(tokenizer);
    return status;
}

static hma_status run(cli_session *session, const void *values) {
    const score_values *v = values;
    cli_source source = {0};
    if (strcmp(v->output, "-") == 0) {
        return cli_error(HMA_USAGE, "--output: '-' cannot be used (expected a file, which appears when all is answered): "
                                    "name one");
    }
    hma_status status = is_tokenizer_only(v) ? cli_source_refuse_merging(session->parsed)
                                             : cli_source_open(&source, session->parsed, &v->scored);
    if (status == HMA_OK) {
        status = answer(session, v, &source);
    }
    cli_source_close(&source);
    return status;
}

const cli_command cli_cmd_score = {
    .spec = {"score",
             "answer raw requests: log-likelihoods, generations, rewards, logits, tokens",
             "Request types are loglikelihood, generate, reward, logits, tokenize and detokenize;\n"
             "the README shows a line of each.\n"
             "A folder that holds only a tokenizer answers tokenize and detokenize.",
             {CLI_GROUP("Arguments", operands, 0), CLI_GROUP(NULL, options, 0),
              CLI_GROUP(NULL, cli_post_options, offsetof(score_values, scored)),
              CLI_RECIPE_RATIOS_GROUP(offsetof(score_values, scored.ratios)),
              CLI_RECIPE_SETTINGS_GROUP(offsetof(score_values, scored.settings)),
              CLI_BASE_GROUP(offsetof(score_values, scored.settings)), CLI_COMPUTE_GROUP(offsetof(score_values, compute)),
              CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
