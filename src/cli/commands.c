#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "hma/text.h"
#include "talk.h"

const cli_command *const cli_commands[] = {
    &cli_cmd_inspect, &cli_cmd_diff,  &cli_cmd_merge,  &cli_cmd_score,  &cli_cmd_eval,    &cli_cmd_sensitivity, &cli_cmd_sweep,
    &cli_cmd_search,  &cli_cmd_front, &cli_cmd_export, &cli_cmd_verify, &cli_cmd_version, &cli_cmd_help,        NULL};

hma_status cli_find_command(const cli_command **out, const char *name) {
    const char *names[sizeof cli_commands / sizeof *cli_commands];
    size_t count = 0;
    for (; cli_commands[count]; count++) {
        names[count] = cli_commands[count]->spec.name;
        if (strcmp(names[count], name) == 0) {
            *out = cli_commands[count];
            return HMA_OK;
        }
    }
    names[count] = NULL;
    const char *near = hma_nearest(name, names);
    return near ? cli_error(HMA_USAGE, "%s: unknown command (did you mean %s?): see 'hma help'", name, near)
                : cli_error(HMA_USAGE, "%s: unknown command (expected one of hma's commands): see 'hma help'", name);
}

void cli_print_overview(FILE *out) {
    (void)fputs(
        "hma merges a language model before RLHF (pre) with the model after it (post), block by block, scores the merges\n"
        "on alignment and on what RLHF made the model forget, and shows which of them are worth shipping.\n"
        "\n"
        "Usage: hma COMMAND [ARGUMENT].. [OPTION]..\n"
        "\n"
        "Commands:\n",
        out);
    for (const cli_command *const *c = cli_commands; *c; c++) {
        (void)fprintf(out, "  %-13s%s\n", (*c)->spec.name, (*c)->spec.summary);
    }
    (void)fputs("\n"
                "'hma help COMMAND' explains a command and its options. A ratio is the weight of post: 0 is pre, 1 is post.\n"
                "\n"
                "Exit codes: 0 ok, 1 failure, 2 usage, 3 bad input data, 4 I/O or disk full, 5 inputs incompatible,\n"
                "6 non-finite values, 130/143 interrupted.\n",
                out);
}
