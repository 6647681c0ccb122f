/*
 * Commands. Each cmd_*.c defines one; commands.c lists them in the order of `hma help`.
 */
#ifndef HMA_CLI_COMMAND_H
#define HMA_CLI_COMMAND_H

#include <stdbool.h>

#include "hma/context.h"
#include "hma/error.h"
#include "options.h"

typedef struct cli_session {
    const cli_parsed *parsed;
    hma_context *context;     /* NULL for commands without cli_common */
    const char *command_line; /* as a shell would take it, for histories */
} cli_session;

typedef struct cli_command {
    cli_spec spec;
    /* Prints its data on stdout. `values` is the command's own struct. */
    hma_status (*run)(cli_session *session, const void *values);
    bool has_common; /* the struct begins with a cli_common */
    bool resumes;    /* run again after an interruption it goes on where it stopped */
} cli_command;

/* NULL-terminated. */
extern const cli_command *const cli_commands[];

/* HMA_USAGE, with the nearest name, when there is no such command. */
hma_status cli_find_command(const cli_command **out, const char *name);
/* `hma help`: what the program is, commands, exit codes. */
void cli_print_overview(FILE *out);

#endif
