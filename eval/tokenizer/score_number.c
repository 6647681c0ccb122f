#include "eval/tokenizer/score_number.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/number.h"

enum { LARGEST_POWER = 308, FAR = 100000 };

static double power_of_ten(int exponent) {
    char text[16];
    double power = 1;
    (void)snprintf(text, sizeof text, "1e%d", exponent);
    (void)hma_parse_double(&power, text);
    return power;
}

static double scaled(double value, int exponent) {
    while (exponent < -LARGEST_POWER && value > 0) {
        value /= power_of_ten(LARGEST_POWER);
        exponent += LARGEST_POWER;
    }
    if (value == 0) {
        return 0;
    }
    if (exponent > LARGEST_POWER) {
        return INFINITY;
    }
    return exponent < 0 ? value / power_of_ten(-exponent) : value * power_of_ten(exponent);
}

bool hma_score_parse(double *out, const char *text) {
    const bool negative = *text == '-';
    uint64_t digits = 0;
    int exponent = 0, written = 0;
    bool full = false, fraction = false;
    const char *at = text + negative;
    for (; *at == '.' || (*at >= '0' && *at <= '9'); at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        const uint64_t digit = (uint64_t)(*at - '0');
        full = full || digits > (UINT64_MAX - digit) / 10; /* further digits are dropped */
        if (!full) {
            digits = digits * 10 + digit;
            exponent -= fraction;
        } else if (!fraction && exponent < FAR) {
            exponent++;
        }
    }
    if (*at == 'e' || *at == 'E') {
        const bool down = at[1] == '-';
        for (at += 1 + (at[1] == '-' || at[1] == '+'); *at >= '0' && *at <= '9'; at++) {
            written = written < FAR ? written * 10 + (*at - '0') : FAR;
        }
        exponent += down ? -written : written;
    }
    const double value = scaled((double)digits, exponent);
    *out = negative ? -value : value;
    return isfinite(value);
}
