/* Candidates on a grid: uniform ratios in steps, and all combinations of levels over the blocks. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "hma/text.h"
#include "search/candidates.h"

/* ---- a grid ---- */

/* A plain decimal such as "0.25", as an integer and the number of digits behind the point, so that steps add up exactly. */
typedef struct decimal {
    uint64_t digits;
    unsigned places;
} decimal;

enum { MOST_DIGITS = 15 };

static bool parse_decimal(decimal *out, const char *text, size_t length) {
    size_t digits = 0;
    bool point = false;
    *out = (decimal){0};
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.' && !point) {
            point = true;
        } else if (isdigit((unsigned char)text[i]) && digits < MOST_DIGITS) {
            out->digits = out->digits * 10 + (uint64_t)(text[i] - '0');
            out->places += point;
            digits++;
        } else {
            return false;
        }
    }
    return digits > 0;
}

static uint64_t power_of_ten(unsigned exponent) {
    uint64_t power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

/* from, to and step in units of 10^-places. */
struct grid {
    uint64_t from, to, step;
    unsigned places;
    const char *range;
};

static bool parse_range(struct grid *grid, const char *range, double most) {
    decimal part[3];
    const char *at = range;
    grid->range = range;
    grid->places = 0;
    for (size_t i = 0; i < 3; i++) {
        const size_t length = strcspn(at, ":");
        if (!parse_decimal(&part[i], at, length) || at[length] != (i < 2 ? ':' : 0)) {
            return false;
        }
        grid->places = part[i].places > grid->places ? part[i].places : grid->places;
        at += length + 1;
    }
    uint64_t *const target[3] = {&grid->from, &grid->to, &grid->step};
    for (size_t i = 0; i < 3; i++) {
        if (__builtin_mul_overflow(part[i].digits, power_of_ten(grid->places - part[i].places), target[i])) {
            return false;
        }
    }
    /* `most` is 1 or 2: exact, and with 15 digits so is the product */
    return grid->step > 0 && grid->from <= grid->to && (double)grid->to <= most * (double)power_of_ten(grid->places);
}

static hma_status add_grid(hma_run *run, const void *what) {
    const struct grid *grid = what;
    const uint64_t one = power_of_ten(grid->places);
    hma_status status = HMA_OK;
    for (uint64_t at = grid->from; at <= grid->to && status == HMA_OK; at += grid->step) {
        char line[64];
        const int length = grid->places > 0
                               ? snprintf(line, sizeof line, "{\"ratio\":%llu.%0*llu}", (unsigned long long)(at / one),
                                          (int)grid->places, (unsigned long long)(at % one))
                               : snprintf(line, sizeof line, "{\"ratio\":%llu}", (unsigned long long)at);
        status = hma_candidates_add_line(run, line, (size_t)length, grid->range, HMA_ORIGIN_GRID);
    }
    return status;
}

static hma_status check_range(struct grid *grid, const char *what, const char *range, double most) {
    if (!parse_range(grid, range, most)) {
        return hma_error(
            HMA_USAGE,
            "%s \"%.60s\": is not usable (expected FROM:TO:STEP in decimals, 0 <= FROM <= TO <= %g, STEP above 0, such as "
            "0:1:0.1): correct it",
            what, range, most);
    }
    return (grid->to - grid->from) / grid->step >= HMA_MOST_CANDIDATES
               ? hma_error(HMA_USAGE, "%s \"%.60s\": has more than %d points: use a larger step", what, range,
                           HMA_MOST_CANDIDATES)
               : HMA_OK;
}

hma_status hma_run_add_grid(hma_run *run, const char *range) {
    struct grid grid;
    const hma_status status = check_range(&grid, "grid", range, hma_method_most_ratio(run->default_method));
    return status == HMA_OK ? hma_candidates_add_together(run, add_grid, &grid) : status;
}

/* ---- mixtures ---- */

static hma_status add_mixtures(hma_run *run, const void *what) {
    const struct grid *grid = what;
    const uint64_t one = power_of_ten(grid->places);
    hma_status status = HMA_OK;
    for (uint64_t at = grid->from; at <= grid->to && status == HMA_OK; at += grid->step) {
        char number[32];
        double ratio;
        (void)snprintf(number, sizeof number, "0.%0*llu", (int)grid->places, (unsigned long long)at);
        if (at > 0 && at < one && hma_parse_double(&ratio, number)) { /* the ends are pre and post */
            status = hma_candidates_add_source(run, &(hma_run_source){.kind = HMA_CANDIDATE_MIXTURE, .ratio = ratio}, NULL);
        }
    }
    return status;
}

hma_status hma_run_add_mixtures(hma_run *run, const char *range) {
    struct grid grid;
    const hma_status status = check_range(&grid, "mixture", range, 1);
    return status == HMA_OK ? hma_candidates_add_together(run, add_mixtures, &grid) : status;
}

/* ---- levels ---- */

struct levels {
    double *level;
    size_t count, capacity;
    size_t blocks;
    const char *text;
    double most;
};

static hma_status parse_levels(struct levels *levels, const char *text) {
    const char *at = text;
    do {
        char number[HMA_DOUBLE_TEXT];
        const size_t length = strcspn(at, ",");
        double level;
        (void)snprintf(number, sizeof number, "%.*s", length < sizeof number ? (int)length : 0, at);
        if (!hma_parse_double(&level, number) || !(level >= 0 && level <= levels->most)) {
            return hma_error(
                HMA_USAGE,
                "levels \"%.60s\": \"%.*s\" is not usable (expected ratios from 0 to %g such as 0,0.5,1): correct it", text,
                (int)(length < 40 ? length : 40), at, levels->most);
        }
        if (hma_grow(&levels->level, &levels->capacity, levels->count + 1, sizeof *levels->level) != 0) {
            return HMA_FAILURE;
        }
        levels->level[levels->count++] = level;
        at += length;
    } while (*at++);
    return HMA_OK;
}

static hma_status check_combinations(const struct levels *levels) {
    size_t combinations = 1;
    for (size_t k = 0; k < levels->blocks && combinations <= HMA_MOST_CANDIDATES; k++) {
        combinations *= levels->count; /* both below HMA_MOST_CANDIDATES squared */
    }
    return combinations <= HMA_MOST_CANDIDATES
               ? HMA_OK
               : hma_error(HMA_USAGE,
                           "levels \"%.60s\": give more than %d combinations over %zu blocks: use fewer levels or blocks",
                           levels->text, HMA_MOST_CANDIDATES, levels->blocks);
}

static void write_combination(hma_buffer *line, const struct levels *levels, const size_t *chosen) {
    hma_buffer_clear(line);
    hma_buffer_text(line, "{\"ratios\":[");
    for (size_t k = 0; k < levels->blocks; k++) {
        hma_buffer_text(line, k ? "," : "");
        hma_buffer_json_double(line, levels->level[chosen[k]]);
    }
    hma_buffer_text(line, "]}");
}

/* The next combination, the last block's level first, so that the lower blocks vary slowest. False behind the last one. */
static bool next_combination(const struct levels *levels, size_t *chosen) {
    for (size_t k = levels->blocks; k-- > 0;) {
        if (++chosen[k] < levels->count) {
            return true;
        }
        chosen[k] = 0;
    }
    return false;
}

static hma_status add_levels(hma_run *run, const void *what) {
    const struct levels *levels = what;
    hma_buffer line = {0};
    size_t *chosen = HMA_NEW(size_t, levels->blocks);
    hma_status status = chosen ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        do {
            write_combination(&line, levels, chosen);
            status = hma_buffer_ok(&line);
            if (status == HMA_OK) {
                status = hma_candidates_add_line(run, hma_buffer_cstr(&line), line.length, levels->text, HMA_ORIGIN_GRID);
            }
        } while (status == HMA_OK && next_combination(levels, chosen));
    }
    free(chosen);
    hma_buffer_free(&line);
    return status;
}

hma_status hma_run_add_levels(hma_run *run, const char *text) {
    struct levels levels = {.blocks = run->default_blocks ? run->default_blocks : 1,
                            .text = text,
                            .most = hma_method_most_ratio(run->default_method)};
    hma_status status = parse_levels(&levels, text);
    if (status == HMA_OK) {
        status = check_combinations(&levels);
    }
    if (status == HMA_OK) {
        status = hma_candidates_add_together(run, add_levels, &levels);
    }
    free(levels.level);
    return status;
}
