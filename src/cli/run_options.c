#include "run_options.h"

#include "front_print.h"

const cli_option cli_run_operands[2] = {
    {CLI_OPERAND, .name = "PRE", .help = "model folder before RLHF", .offset = offsetof(cli_run_inputs, pre),
     .role = CLI_READS},
    {CLI_OPERAND, .name = "POST", .help = "model folder after RLHF", .offset = offsetof(cli_run_inputs, post),
     .role = CLI_READS},
};
const cli_option cli_run_options[2] = {
    {CLI_TEXT, 0, "suite", "FILE", .help = "what is measured", .offset = offsetof(cli_run_inputs, suite), .required = true,
     .role = CLI_READS_SUITE},
    {CLI_TEXT, 0, "run", "DIR", .help = "folder of the run; made, or resumed; new or empty to begin in", .offset = offsetof(cli_run_inputs, run),
     .required = true, .role = CLI_RUN},
};

hma_status cli_run_setup(hma_run_setup *out, const cli_session *session, const cli_run_inputs *inputs,
                         const cli_recipe_settings *settings, const cli_compute *compute) {
    *out = (hma_run_setup){.pre = inputs->pre,
                           .post = inputs->post,
                           .base = settings->base,
                           .suite = inputs->suite,
                           .model = cli_model_options(compute),
                           .bos = (hma_bos)compute->bos,
                           .command_line = session->command_line};
    return cli_recipe_spec(&out->recipe, settings);
}

hma_status cli_run_check_memory(const cli_session *session, const hma_run *run, bool all) {
    size_t certain = 1;
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        const hma_candidate *c = hma_run_candidate(run, i);
        certain += c->origin == HMA_ORIGIN_ENDPOINT || c->kind != HMA_CANDIDATE_MERGE;
    }
    return hma_front_check(session->context, run, all ? hma_run_candidate_count(run) : certain);
}

hma_status cli_run_print(const cli_session *session, const hma_run *run, bool as_json) {
    hma_front *front;
    hma_status status = hma_front_compute(&front, session->context, run, NULL);
    if (status == HMA_OK) {
        status = cli_front_print(run, front, as_json);
        hma_front_free(front);
    }
    return status;
}
