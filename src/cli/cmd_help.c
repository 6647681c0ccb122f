#include "cmd.h"

typedef struct help_values {
    const char *command;
    bool completion;
} help_values;

static const help_values defaults = {0};

static const cli_option options[] = {
    {CLI_OPTIONAL_OPERAND, .name = "COMMAND", .help = "explain this command", .offset = offsetof(help_values, command)},
    {CLI_FLAG, .name = "completion", .help = "print a completion script for bash", .offset = offsetof(help_values, completion)},
};

static hma_status run(cli_session *session, const void *values) {
    (void)session;
    const help_values *v = values;
    if (v->completion) {
        const cli_spec *specs[64];
        size_t count = 0;
        for (; cli_commands[count]; count++) {
            specs[count] = &cli_commands[count]->spec;
        }
        specs[count] = NULL;
        cli_print_completion(stdout, specs);
        return HMA_OK;
    }
    if (!v->command) {
        cli_print_overview(stdout);
        return HMA_OK;
    }
    const cli_command *command;
    const hma_status status = cli_find_command(&command, v->command);
    if (status == HMA_OK) {
        cli_print_help(stdout, &command->spec);
    }
    return status;
}

const cli_command cli_cmd_help = {
    .spec = {"help", "explain the program or one command", NULL, {CLI_GROUP(NULL, options, 0)}, &defaults, sizeof defaults},
    .run = run,
};
