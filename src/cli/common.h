/*
 * Options that several commands share, as groups for their tables.
 */
#ifndef HMA_CLI_COMMON_H
#define HMA_CLI_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include "hma/eval.h"
#include "hma/model.h"
#include "hma/requests.h"
#include "options.h"

/* The first member of the struct of every command that has a context. */
typedef struct cli_common {
    uint64_t threads, memory; /* 0: the library's defaults */
    bool quiet;
    unsigned verbose;
    int progress; /* cli_progress_mode */
    const char *log;
    bool json;
} cli_common;

extern const cli_option cli_common_options[6];
#define CLI_COMMON_GROUP CLI_GROUP("Common options", cli_common_options, 0)

/* For reporting commands. */
extern const cli_option cli_json_options[1];
#define CLI_JSON_GROUP CLI_GROUP("Output", cli_json_options, 0)

/* How a model computes. */
typedef struct cli_compute {
    int precision; /* hma_precision */
    int backend;   /* hma_backend */
    int bos;       /* hma_bos */
} cli_compute;
extern const cli_option cli_compute_options[3];
#define CLI_COMPUTE_GROUP(base) CLI_GROUP("Scoring", cli_compute_options, base)
hma_model_options cli_model_options(const cli_compute *compute);
const char *cli_precision_word(size_t index);

/* What of a suite is scored. */
typedef struct cli_items {
    int prompts; /* hma_prompt_split */
    int items;   /* hma_item_split */
    uint64_t limit;
} cli_items;
extern const cli_option cli_items_options[3];
#define CLI_ITEMS_GROUP(base) CLI_GROUP("Items", cli_items_options, base)

#endif
