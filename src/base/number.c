#include "base/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* A host program may have set a locale with a decimal comma; numbers in files and on command lines never have one. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static double read_double(const char *text, char **end) {
    (void)pthread_once(&c_locale_once, make_c_locale);
    return c_locale ? strtod_l(text, end, c_locale) : strtod(text, end);
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

bool hma_parse_u64(uint64_t *out, const char *text) {
    uint64_t value = 0;
    if (!digit(*text)) {
        return false;
    }
    for (; *text; text++) {
        if (!digit(*text) || !hma_mul_u64(&value, value, 10) || !hma_add_u64(&value, value, (uint64_t)(*text - '0'))) {
            return false;
        }
    }
    *out = value;
    return true;
}

bool hma_parse_double(double *out, const char *text) {
    if (strspn(text, "+-0123456789.eE") != strlen(text) || !*text) {
        return false;
    }
    char *end;
    const double value = read_double(text, &end);
    if (*end || end == text || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

bool hma_parse_size(uint64_t *out, const char *text) {
    const size_t digits = strspn(text, "0123456789");
    char number[24];
    if (digits == 0 || digits >= sizeof number) {
        return false;
    }
    memcpy(number, text, digits);
    number[digits] = 0;
    uint64_t value;
    if (!hma_parse_u64(&value, number)) {
        return false;
    }
    const char *suffix = text + digits;
    static const char units[] = "KMGT";
    if (*suffix) {
        const char *unit = strchr(units, *suffix >= 'a' ? *suffix - 'a' + 'A' : *suffix);
        if (!unit || (suffix[1] && strcmp(suffix + 1, "B") != 0 && strcmp(suffix + 1, "iB") != 0)) {
            return false;
        }
        for (const char *u = units; u <= unit; u++) {
            if (!hma_mul_u64(&value, value, 1024)) {
                return false;
            }
        }
    }
    *out = value;
    return true;
}

const char *hma_double_text(double value, char text[HMA_DOUBLE_TEXT]) {
    if (!isfinite(value)) {
        (void)snprintf(text, HMA_DOUBLE_TEXT, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return text;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, HMA_DOUBLE_TEXT, "%.*g", digits, value);
        char *point = strchr(text, ','); /* a host's locale */
        if (point) {
            *point = '.';
        }
        if (read_double(text, NULL) == value) {
            break;
        }
    }
    return text;
}
