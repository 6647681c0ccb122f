/* The commands, one in each cmd_*.c. */
#ifndef HMA_CLI_CMD_H
#define HMA_CLI_CMD_H

#include "command.h"

extern const cli_command cli_cmd_diff;
extern const cli_command cli_cmd_eval;
extern const cli_command cli_cmd_export;
extern const cli_command cli_cmd_front;
extern const cli_command cli_cmd_help;
extern const cli_command cli_cmd_inspect;
extern const cli_command cli_cmd_merge;
extern const cli_command cli_cmd_score;
extern const cli_command cli_cmd_search;
extern const cli_command cli_cmd_sensitivity;
extern const cli_command cli_cmd_sweep;
extern const cli_command cli_cmd_verify;
extern const cli_command cli_cmd_version;

#endif
