#include "cmd.h"
#include "common.h"
#include "hma/export.h"
#include "point.h"
#include "talk.h"

typedef struct export_values {
    cli_common common;
    const char *run, *mergekit, *point;
    cli_texts to;
} export_values;

static const export_values defaults = {0};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "RUN", .help = "the folder of a run", .offset = offsetof(export_values, run), .role = CLI_RUN},
};
static const cli_option options[] = {
    {CLI_TEXTS, 0, "to", "FILE",
     .help =
         "what to write, by suffix: .h5 .csv .json .svg .html .ipynb (with the .h5 of that name, which it reads); may be given"
         " several times",
     .offset = offsetof(export_values, to), .role = CLI_WRITES},
    {CLI_TEXT, 0, "mergekit", "FILE.yml", .help = "a mergekit configuration that makes the point of --point", .absent = "none",
     .offset = offsetof(export_values, mergekit), .role = CLI_WRITES},
    {CLI_TEXT, 0, "point", "ID", .help = "id, label, recommended, knee, best-retention or best-reward",
     .offset = offsetof(export_values, point), .absent = "recommended"},
};

static hma_status write_all(const export_values *v, const hma_run *run, const hma_front *front) {
    size_t point = 0;
    hma_status status = v->mergekit ? cli_point_find(&point, run, front, v->point ? v->point : "recommended") : HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < v->to.count; i++) {
        status = hma_export(run, front, v->to.item[i]);
    }
    return status == HMA_OK && v->mergekit ? hma_export_mergekit(run, front, point, v->mergekit) : status;
}

/* Before the first file is written. */
static hma_status check_suffixes(const export_values *v) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < v->to.count; i++) {
        status = hma_export_check(v->to.item[i]);
    }
    return status;
}

static hma_status run(cli_session *session, const void *values) {
    const export_values *v = values;
    if (v->to.count == 0 && !v->mergekit) {
        return cli_error(HMA_USAGE, "--to, --mergekit: none is given (expected at least one file): see 'hma help export'");
    }
    if (v->point && !v->mergekit) {
        return cli_error(HMA_USAGE, "--point: is given without --mergekit (the other formats hold all points): leave it out");
    }
    hma_run *opened = NULL;
    hma_front *front = NULL;
    hma_status status = check_suffixes(v);
    if (status != HMA_OK) {
        return status;
    }
    status = cli_run_front(&opened, &front, session->context, v->run);
    if (status == HMA_OK) {
        status = write_all(v, opened, front);
    }
    hma_front_free(front);
    hma_run_close(opened);
    return status;
}

const cli_command cli_cmd_export = {
    .spec = {"export",
             "write a run's front as HDF5, CSV, JSON, SVG, HTML, notebook or mergekit configuration",
             NULL,
             {CLI_GROUP("Arguments", operands, 0), CLI_GROUP(NULL, options, 0), CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
