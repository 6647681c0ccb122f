#include "common.h"

#include <stddef.h>

#include "progress.h"

/* With less no command does anything: it is a number without its letter. */
enum { MOST_THREADS = 4096, LEAST_MEMORY = 1 << 20 };

const cli_option cli_common_options[] = {
    {CLI_NUMBER, 'j', "threads", "N", .help = "threads to compute with; results do not depend on it",
     .offset = offsetof(cli_common, threads), .absent = "all processors", .least = 1, .most = MOST_THREADS},
    {CLI_SIZE, 0, "memory", "SIZE", .help = "memory that weights and activations may take together, such as 6G",
     .offset = offsetof(cli_common, memory), .absent = "three quarters of RAM", .least = LEAST_MEMORY},
    {CLI_FLAG, 'q', "quiet", .help = "say nothing but errors", .offset = offsetof(cli_common, quiet)},
    {CLI_COUNTER, 'v', "verbose", .help = "say what is being done; twice: with details",
     .offset = offsetof(cli_common, verbose)},
    {CLI_CHOICE, 0, "progress", "MODE", .help = "progress on stderr", .offset = offsetof(cli_common, progress),
     .choice = cli_progress_word},
    {CLI_TEXT, 0, "log", "FILE", .help = "append everything that is said to this file", .offset = offsetof(cli_common, log),
     .role = CLI_APPENDS},
};

const cli_option cli_json_options[] = {
    {CLI_FLAG, 0, "json", .help = "print JSON", .offset = offsetof(cli_common, json)},
};

/* Words of the library's enumerations, in its order. */

const char *cli_precision_word(size_t index) {
    static const char *const words[] = {[HMA_FP32] = "fp32", [HMA_BF16_COMPUTE] = "bf16"};
    return CLI_WORD_AT(words, index);
}

static const char *backend_word(size_t index) {
    static const char *const words[] = {[HMA_BACKEND_AUTO] = "auto",
                                        [HMA_BACKEND_OPENBLAS] = "openblas",
                                        [HMA_BACKEND_NAIVE] = "naive",
                                        [HMA_BACKEND_NATIVE] = "native"};
    return CLI_WORD_AT(words, index);
}

static const char *bos_word(size_t index) {
    static const char *const words[] = {[HMA_BOS_AUTO] = "auto", [HMA_BOS_YES] = "yes", [HMA_BOS_NO] = "no"};
    return CLI_WORD_AT(words, index);
}

static const char *prompts_word(size_t index) {
    static const char *const words[] = {[HMA_PROMPTS_TEST] = "test", [HMA_PROMPTS_SEARCH] = "search"};
    return CLI_WORD_AT(words, index);
}

static const char *items_word(size_t index) {
    static const char *const words[] = {[HMA_ITEMS_ALL] = "all", [HMA_ITEMS_TEST] = "test", [HMA_ITEMS_SEARCH] = "search"};
    return CLI_WORD_AT(words, index);
}

const cli_option cli_compute_options[] = {
    {CLI_CHOICE, 0, "precision", "TYPE", .help = "of the activations in matrix products; fp32 is the reference",
     .offset = offsetof(cli_compute, precision), .choice = cli_precision_word},
    {CLI_CHOICE, 0, "backend", "NAME", .help = "of the matrix products", .offset = offsetof(cli_compute, backend),
     .choice = backend_word},
    {CLI_CHOICE, 0, "bos", "WHEN", .help = "special tokens that the tokenizer adds to a text",
     .offset = offsetof(cli_compute, bos), .choice = bos_word},
};

hma_model_options cli_model_options(const cli_compute *compute) {
    return (hma_model_options){.precision = (hma_precision)compute->precision, .backend = (hma_backend)compute->backend};
}

const cli_option cli_items_options[] = {
    {CLI_CHOICE, 0, "prompts", "SET", .help = "which of the suite's prompts to answer", .offset = offsetof(cli_items, prompts),
     .choice = prompts_word},
    {CLI_CHOICE, 0, "items", "SET",
     .help = "which items, and prompts: all, or what hma search chooses ratios with, or what it reports on",
     .offset = offsetof(cli_items, items), .choice = items_word},
    {CLI_NUMBER, 0, "limit", "N", .help = "items of each task, and prompts, to score at most",
     .offset = offsetof(cli_items, limit), .absent = "the suite's own limits", .least = 1, .most = 1000000000},
};
