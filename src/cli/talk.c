#include "talk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hma/text.h"
#include "progress.h"

enum { LINE_SIZE = 4096 };

static char error_text[LINE_SIZE];
static bool is_quiet;
static int shown_level = HMA_LOG_WARNING;
static FILE *log_file;
static const char *log_path;
static int log_failure; /* errno of the first write that failed */

hma_status cli_error(hma_status status, const char *format, ...) {
    char text[LINE_SIZE]; /* arguments may point into the last message */
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    hma_text_one_line(text);
    memcpy(error_text, text, sizeof text);
    return status;
}

hma_status cli_error_io(const char *path, const char *what, int error_number) {
    const char *hint = error_number == ENOSPC ? "free some space and run the same command again" : "check path and permissions";
    return cli_error(HMA_IO, "%s: cannot %s (%s): %s", path, what, strerror(error_number), hint);
}

hma_status cli_error_memory(void) { return cli_error(HMA_FAILURE, "allocation: out of memory: free some memory"); }

const char *cli_error_message(void) { return error_text; }

void cli_talk_begin(bool quiet, unsigned verbose) {
    is_quiet = quiet;
    shown_level = verbose >= 2 ? HMA_LOG_DEBUG : verbose == 1 ? HMA_LOG_INFO : HMA_LOG_WARNING;
}

hma_status cli_talk_log_to(const char *path) {
    log_file = fopen(path, "ae");
    if (!log_file) {
        return cli_error_io(path, "open the log", errno);
    }
    log_path = path;
    return HMA_OK;
}

hma_status cli_talk_end(void) {
    if (!log_file) {
        return HMA_OK;
    }
    if (fclose(log_file) != 0 && !log_failure) {
        log_failure = errno;
    }
    log_file = NULL;
    return log_failure ? cli_error_io(log_path, "write the log", log_failure) : HMA_OK;
}

static void to_log_file(const char *kind, const char *line) {
    if (log_file) {
        char when[32] = "";
        const time_t now = time(NULL);
        struct tm parts;
        if (gmtime_r(&now, &parts)) {
            (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
        }
        (void)fprintf(log_file, "%s %s %s\n", when, kind, line);
        if (fflush(log_file) != 0 && !log_failure) {
            log_failure = errno;
        }
    }
}

static void to_stderr(const char *kind, const char *line) {
    cli_progress_clear();
    (void)fprintf(stderr, "hma: %s%s\n", kind, line);
}

void cli_say(const char *text) {
    to_stderr("", text);
    to_log_file("error", text);
}

void cli_log_line(void *user, hma_log_level level, const char *line) {
    (void)user;
    static const char *const kinds[] = {[HMA_LOG_WARNING] = "warning", [HMA_LOG_INFO] = "info", [HMA_LOG_DEBUG] = "debug"};
    char text[LINE_SIZE];
    (void)snprintf(text, sizeof text, "%s", line);
    hma_text_one_line(text);
    if (!is_quiet && (int)level <= shown_level) {
        to_stderr(level == HMA_LOG_WARNING ? "warning: " : "", text);
    }
    to_log_file(kinds[level], text);
}

void cli_warn(const char *format, ...) {
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_log_line(NULL, HMA_LOG_WARNING, text);
}
