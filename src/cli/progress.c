#include "progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hma/text.h"
#include "options.h"
#include "process.h"

enum { BAR_WIDTH = 24, LINE_SIZE = 512, TERMINAL_WIDTH = 80 };

static cli_progress_mode mode = CLI_PROGRESS_NONE;
static bool bar_is_drawn;
static double last_draw, began;

/* Where the loop that is running now, and the outer loop around it, began: for rate and time left. */
static struct {
    char what[96];
    double started, first_done, last_done;
} inner;
static struct {
    double started, step_started;
    size_t first_step, step, steps;
} outer;

const char *cli_progress_word(size_t index) {
    static const char *const words[] = {
        [CLI_PROGRESS_AUTO] = "auto", [CLI_PROGRESS_BAR] = "bar", [CLI_PROGRESS_JSON] = "json", [CLI_PROGRESS_NONE] = "none"};
    return CLI_WORD_AT(words, index);
}

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool terminal_takes_a_bar(void) {
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    return (isatty(STDERR_FILENO) || getenv("HMA_TEST_TERMINAL")) && term && *term && strcmp(term, "dumb") != 0 &&
           !(no_color && *no_color);
}

void cli_progress_begin(cli_progress_mode wanted, bool quiet) {
    mode = wanted;
    if (mode == CLI_PROGRESS_AUTO) {
        mode = !quiet && terminal_takes_a_bar() ? CLI_PROGRESS_BAR : CLI_PROGRESS_NONE;
    }
    bar_is_drawn = false;
    last_draw = -1;
    inner.what[0] = 0;
    outer.steps = 0;
    began = seconds();
}

bool cli_progress_wanted(void) { return mode != CLI_PROGRESS_NONE; }

static void follow(const hma_progress *p, double now) {
    if (strncmp(inner.what, p->what, sizeof inner.what - 1) != 0 || p->done < inner.last_done) {
        (void)snprintf(inner.what, sizeof inner.what, "%s", p->what);
        inner.started = now;
        inner.first_done = p->done;
    }
    inner.last_done = p->done;
    if (outer.steps != p->steps) {
        outer.steps = p->steps;
        outer.first_step = outer.step = p->step;
        outer.started = outer.step_started = now;
    } else if (outer.step != p->step) {
        outer.step = p->step;
        outer.step_started = now;
    }
}

/* Units a second; NaN while there is nothing to go by. */
static double rate(const hma_progress *p, double now) {
    const double elapsed = now - inner.started;
    return elapsed > 0.2 && p->done > inner.first_done ? (p->done - inner.first_done) / elapsed : (double)NAN;
}

/* Of everything; where nobody has said what it costs, of the outer loop, as if its steps took the same time, else of the inner
 * one; NaN: not known. */
static double seconds_left(const hma_progress *p, double now) {
    if (isfinite(p->seconds_left)) {
        return now - began > 0.5 ? p->seconds_left : (double)NAN;
    }
    if (p->steps > 1) {
        if (p->step == outer.first_step) {
            return (double)NAN;
        }
        const double each = (outer.step_started - outer.started) / (double)(p->step - outer.first_step);
        return fmax(each * (double)(p->steps - p->step) - (now - outer.step_started), 0);
    }
    return p->total > 0 ? (p->total - p->done) / rate(p, now) : (double)NAN;
}

/* 950, 1.2k, 34M */
static void put_quantity(char *text, size_t size, double value) {
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t u = 0;
    while (value >= 1000 && u + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        u++;
    }
    (void)snprintf(text, size, "%.*f%s", value < 10 && u > 0 ? 1 : 0, value, units[u]);
}

/* 8 s, 3 min 20 s, 2 h 05 min */
static void put_duration(char *text, size_t size, double value) {
    const long s = lround(value);
    if (s < 60) {
        (void)snprintf(text, size, "%ld s", s);
    } else if (s < 3600) {
        (void)snprintf(text, size, "%ld min %02ld s", s / 60, s % 60);
    } else {
        (void)snprintf(text, size, "%ld h %02ld min", s / 3600, s / 60 % 60);
    }
}

/* Of everything, where that is known, else of the loop that is running. */
static double fraction(const hma_progress *p) {
    const double f = isfinite(p->share) ? p->share : p->total > 0 ? p->done / p->total : 0;
    return f < 0 ? 0 : f > 1 ? 1 : f;
}

HMA_PRINTF(2, 3) static void append(char line[LINE_SIZE], const char *format, ...) {
    const size_t used = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line + used, LINE_SIZE - used, format, arguments);
    va_end(arguments);
}

static void put_bar(char line[LINE_SIZE], const hma_progress *p, double now) {
    char text[32];
    if (p->steps > 0) {
        append(line, "[%zu/%zu] ", p->step + 1, p->steps);
    }
    append(line, "%s", p->what);
    if (p->total > 0) {
        char bar[BAR_WIDTH + 1];
        const size_t full = (size_t)(fraction(p) * BAR_WIDTH);
        memset(bar, '#', full);
        memset(bar + full, '-', BAR_WIDTH - full);
        bar[BAR_WIDTH] = 0;
        append(line, " [%s] %3.0f %%", bar, floor(fraction(p) * 100));
    }
    hma_text_one_line(line); /* names of tasks */
    const double speed = rate(p, now), left = seconds_left(p, now);
    if (isfinite(speed)) {
        put_quantity(text, sizeof text, speed);
        append(line, "  %s %s/s", text, p->unit);
    }
    if (isfinite(left)) {
        put_duration(text, sizeof text, left);
        append(line, "  %s left", text);
    }
}

static size_t terminal_width(void) {
    struct winsize window;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : TERMINAL_WIDTH;
}

static void draw_bar(const hma_progress *p, double now) {
    char line[LINE_SIZE] = "";
    put_bar(line, p, now);
    size_t width = terminal_width() - 1; /* the last column stays free: some terminals wrap there */
    if (width < strlen(line)) {
        while (width > 0 && ((unsigned char)line[width] & 0xC0) == 0x80) {
            width--; /* no half of a UTF-8 character */
        }
        line[width] = 0;
    }
    (void)fprintf(stderr, "\r%s\033[K", line);
    (void)fflush(stderr);
    bar_is_drawn = true;
}

static void put_json_number(const char *key, double value) {
    char text[HMA_DOUBLE_TEXT];
    (void)fprintf(stderr, ",\"%s\":%s", key, isfinite(value) ? hma_double_text(value, text) : "null");
}

static void draw_json(const hma_progress *p, double now) {
    char *what = hma_json_quote(p->what), *unit = hma_json_quote(p->unit);
    if (what && unit) {
        (void)fprintf(stderr, "{\"what\":%s,\"unit\":%s", what, unit);
        put_json_number("done", p->done);
        put_json_number("total", p->total > 0 ? p->total : (double)NAN);
        if (p->steps > 0) {
            (void)fprintf(stderr, ",\"step\":%zu,\"steps\":%zu", p->step + 1, p->steps);
        }
        put_json_number("share", p->share);
        put_json_number("rate", rate(p, now));
        put_json_number("seconds_left", seconds_left(p, now));
        put_json_number("peak_memory", (double)cli_process_peak_memory());
        (void)fputs("}\n", stderr);
    }
    hma_text_free(what);
    hma_text_free(unit);
}

void cli_progress_draw(void *user, const hma_progress *progress) {
    (void)user;
    if (mode == CLI_PROGRESS_NONE) {
        return;
    }
    const double now = seconds();
    follow(progress, now);
    if (last_draw >= 0 && now - last_draw < 0.1) {
        return;
    }
    last_draw = now;
    if (mode == CLI_PROGRESS_BAR) {
        draw_bar(progress, now);
    } else {
        draw_json(progress, now);
    }
}

void cli_progress_clear(void) {
    if (bar_is_drawn) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        bar_is_drawn = false;
    }
}
