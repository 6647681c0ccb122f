#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "hma/model.h"
#include "hma/version.h"
#include "json_out.h"

typedef struct version_values {
    bool json;
} version_values;

static const version_values defaults = {0};

static const cli_option options[] = {
    {CLI_FLAG, .name = "json", .help = "print JSON", .offset = offsetof(version_values, json)},
};

/* The lines "key: value" of the build information as members. */
static void put_build_info(cli_json *json) {
    const char *line = hma_build_info();
    while (*line) {
        const size_t length = strcspn(line, "\n"), key_length = strcspn(line, ":");
        char key[64], value[512];
        (void)snprintf(key, sizeof key, "%.*s", (int)key_length, line);
        (void)snprintf(value, sizeof value, "%.*s", (int)(length - key_length - 2), line + key_length + 2);
        cli_json_text(json, key, value);
        line += length + (line[length] == '\n');
    }
}

/* What models compute with on this processor: "avx512" */
static const char *kernels_of(hma_precision precision) {
    const char *name;
    return hma_model_kernels(&name, &(hma_model_options){.precision = precision}) == HMA_OK ? name : "none";
}

static hma_status run(cli_session *session, const void *values) {
    (void)session;
    const version_values *v = values;
    if (v->json) {
        cli_json json = cli_json_begin(stdout);
        cli_json_text(&json, "version", hma_version());
        put_build_info(&json);
        cli_json_text(&json, "kernels_fp32", kernels_of(HMA_FP32));
        cli_json_text(&json, "kernels_bf16", kernels_of(HMA_BF16_COMPUTE));
        cli_json_end(&json);
    } else {
        (void)printf("hma %s\n%skernels: %s for fp32, %s for bf16\n", hma_version(), hma_build_info(), kernels_of(HMA_FP32),
                     kernels_of(HMA_BF16_COMPUTE));
    }
    return HMA_OK;
}

const cli_command cli_cmd_version = {
    .spec = {"version",
             "version, build, libraries and processor features",
             NULL,
             {CLI_GROUP(NULL, options, 0)},
             &defaults,
             sizeof defaults},
    .run = run,
};
