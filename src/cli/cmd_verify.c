#include "cmd.h"
#include "common.h"
#include "files.h"
#include "hma/merge.h"
#include "hma/run.h"
#include "hma/text.h"
#include "json_out.h"

typedef struct verify_values {
    cli_common common;
    const char *folder;
} verify_values;

static const verify_values defaults = {0};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "RUN|DIR", .help = "the folder of a run, or a model folder",
     .offset = offsetof(verify_values, folder), .role = CLI_RUN},
};

static void put_run(cli_json *json, const hma_verified *run) {
    cli_json_count(json, "candidates", run->candidates);
    cli_json_count(json, "scored", run->scored);
    cli_json_count(json, "failed", run->failed);
    cli_json_count(json, "waiting", run->waiting);
    cli_json_count(json, "searched", run->searched);
    cli_json_count(json, "dropped", run->dropped);
    cli_json_count(json, "answers", run->answers);
    cli_json_count(json, "without_digest", run->without_digest);
}

static hma_status run(cli_session *session, const void *values) {
    const verify_values *v = values;
    const bool is_run = cli_has_file(v->folder, "journal.sqlite");
    char *report;
    hma_verified numbers;
    const hma_status status = is_run ? hma_run_verify_counted(v->folder, &numbers, &report)
                                     : hma_checkpoint_verify(session->context, v->folder, &report);
    if (status != HMA_OK) {
        return status;
    }
    if (v->common.json) {
        cli_json json = cli_json_begin(stdout);
        cli_json_text(&json, "folder", v->folder);
        cli_json_text(&json, "kind", is_run ? "run" : "checkpoint");
        cli_json_bool(&json, "ok", true);
        if (is_run) {
            put_run(&json, &numbers);
        }
        cli_json_text(&json, "report", report);
        cli_json_end(&json);
    } else {
        (void)fputs(report, stdout);
    }
    hma_text_free(report);
    return HMA_OK;
}

const cli_command cli_cmd_verify = {
    .spec = {"verify",
             "check a run's journal, or a model folder against its manifest",
             NULL,
             {CLI_GROUP("Arguments", operands, 0), CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
