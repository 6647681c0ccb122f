#include "cmd.h"
#include "common.h"
#include "front_print.h"
#include "hma/text.h"

typedef struct front_values {
    cli_common common;
    const char *run;
    uint64_t seed, resamples;
    bool compare;
} front_values;

static const front_values defaults = {.resamples = 10000};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "RUN", .help = "the folder of a run", .offset = offsetof(front_values, run), .role = CLI_RUN},
};
static const cli_option options[] = {
    {CLI_NUMBER, 0, "seed", "N", .help = "of the bootstrap", .offset = offsetof(front_values, seed), .absent = "the suite's",
     .most = (uint64_t)1 << 53},
    {CLI_NUMBER, 0, "resamples", "N", .help = "of the bootstrap", .offset = offsetof(front_values, resamples), .least = 100,
     .most = 1000000},
    {CLI_FLAG, 0, "compare",
     .help = "also hold merges of several ratios against uniform ones of the same mean; JSON always does",
     .offset = offsetof(front_values, compare)},
};

/* What the user gave; the seed of the bootstrap is the suite's unless one was named. */
static hma_front_options options_of(const hma_run *run, const cli_parsed *parsed, const front_values *v) {
    hma_front_options chosen = {.resamples = (size_t)v->resamples, .seed = v->seed};
    const char *recorded = hma_run_fact(run, "seed");
    if (!cli_given(parsed, "seed") && recorded) {
        (void)hma_parse_u64(&chosen.seed, recorded);
    }
    return chosen;
}

static hma_status run(cli_session *session, const void *values) {
    const front_values *v = values;
    hma_run *opened;
    hma_front *front;
    hma_status status = hma_run_open(&opened, v->run);
    if (status != HMA_OK) {
        return status;
    }
    const hma_front_options chosen = options_of(opened, session->parsed, v);
    status = hma_front_compute(&front, session->context, opened, &chosen);
    if (status == HMA_OK) {
        status = cli_front_print(opened, front, v->common.json);
        if (status == HMA_OK && v->compare && !v->common.json) { /* JSON has all differences anyway */
            status = cli_front_print_comparison(front);
        }
        hma_front_free(front);
    }
    hma_run_close(opened);
    return status;
}

const cli_command cli_cmd_front = {
    .spec = {"front",
             "the table of a run: points, who is on the front, what to ship",
             NULL,
             {CLI_GROUP("Arguments", operands, 0), CLI_GROUP(NULL, options, 0), CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
