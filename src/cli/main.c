/* hma: finds the command, reads its options, runs it, and turns the outcome into a message and an exit code. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "common.h"
#include "outputs.h"
#include "process.h"
#include "progress.h"
#include "talk.h"

/* argv as a shell would take it back: what histories show. */
static char *join_command_line(int argc, char **argv) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return NULL;
    }
    (void)fputs("hma", out);
    for (int i = 1; i < argc; i++) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=+@%^";
        if (*argv[i] && strspn(argv[i], plain) == strlen(argv[i])) {
            (void)fprintf(out, " %s", argv[i]);
            continue;
        }
        (void)fputs(" '", out);
        for (const char *c = argv[i]; *c; c++) {
            (void)fputs(*c == '\'' ? "'\\''" : (const char[]){*c, 0}, out);
        }
        (void)fputc('\'', out);
    }
    return fclose(out) == 0 ? text : NULL;
}

/* What the run has cost, for -v and the log. */
static void tell_cost(const cli_command *command) {
    char line[128];
    (void)snprintf(line, sizeof line, "%s: %.1f s, at most %.0f MB of memory", command->spec.name, cli_process_seconds(),
                   (double)cli_process_peak_memory() / 1e6);
    cli_log_line(NULL, HMA_LOG_INFO, line);
}

/* A run of a command that has options in common with others: threads, memory, talk, progress, signals. */
static hma_status run_with_context(const cli_command *command, cli_session *session, const cli_common *common) {
    cli_talk_begin(common->quiet, common->verbose);
    cli_progress_begin((cli_progress_mode)common->progress, common->quiet);
    hma_status status = cli_check_outputs(&command->spec, common);
    if (status == HMA_OK && common->log) {
        status = cli_talk_log_to(common->log);
    }
    if (status != HMA_OK) {
        return status;
    }
    const hma_context_options options = {.threads = (unsigned)common->threads,
                                         .memory = common->memory,
                                         .log = cli_log_line,
                                         .progress = cli_progress_wanted() ? cli_progress_draw : NULL};
    status = hma_context_new(&session->context, &options);
    if (status != HMA_OK) {
        return status;
    }
    cli_process_cancels(session->context);
    status = command->run(session, session->parsed->values);
    cli_process_cancels(NULL);
    cli_progress_clear();
    tell_cost(command);
    hma_context_free(session->context);
    return status;
}

static hma_status run_command(const cli_command *command, const cli_parsed *parsed, char *command_line) {
    cli_session session = {.parsed = parsed, .command_line = command_line};
    if (!command_line) {
        return cli_error_memory();
    }
    return command->has_common ? run_with_context(command, &session, parsed->values) : command->run(&session, parsed->values);
}

/* The one line that says why. */
static void print_failure(hma_status status, const cli_command *command) {
    if (status == HMA_INTERRUPTED) {
        cli_say(command && command->resumes ? "interrupted: what was finished is saved: run the same command again to go on"
                                            : "interrupted: nothing was written: run the same command again");
        return;
    }
    cli_say(*cli_error_message() ? cli_error_message() : hma_error_message());
}

static int exit_code(hma_status status) {
    return status == HMA_INTERRUPTED && cli_process_signal() ? 128 + cli_process_signal() : hma_exit_code(status);
}

/* stdout and the log file can fail as late as now; an earlier failure stays the one that counts. */
static int finish(hma_status status, const cli_command *command) {
    bool quietly = false;
    if (status != HMA_OK) {
        print_failure(status, command);
    }
    const hma_status closed = cli_process_close_stdout(&quietly);
    if (status == HMA_OK && closed != HMA_OK) {
        status = closed;
        if (!quietly) {
            print_failure(status, command);
        }
    }
    const hma_status logged = cli_talk_end();
    if (status == HMA_OK && logged != HMA_OK) {
        status = logged;
        print_failure(status, command);
    }
    return exit_code(status);
}

/* "--help" and "--version" stand for the commands. */
static const char *command_name(const char *argument) {
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
        return "help";
    }
    return strcmp(argument, "--version") == 0 ? "version" : argument;
}

int main(int argc, char **argv) {
    hma_status status = cli_process_begin();
    if (status != HMA_OK) {
        return finish(status, NULL);
    }
    if (argc < 2) {
        cli_print_overview(stderr);
        return hma_exit_code(HMA_USAGE);
    }
    const cli_command *command = NULL;
    status = cli_find_command(&command, command_name(argv[1]));
    if (status != HMA_OK) {
        return finish(status, command);
    }
    cli_parsed parsed = {0};
    status = cli_parse(&parsed, &command->spec, argc - 2, argv + 2);
    if (status == HMA_OK && parsed.help) {
        cli_print_help(stdout, &command->spec);
    } else if (status == HMA_OK) {
        char *command_line = join_command_line(argc, argv);
        status = run_command(command, &parsed, command_line);
        free(command_line);
    }
    const int code = finish(status, command);
    cli_parsed_free(&parsed, &command->spec);
    cli_process_end(code);
}
