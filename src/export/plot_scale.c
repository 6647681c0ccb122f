#include "export/plot_scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LONGEST_PLAIN = 7, /* digits before the point, and after it, until labels become powers of ten */
    LONGEST_DECIMALS = 6
};

/* Room on both sides, as a share of the span. */
static const double margin = 0.06;
/* Values closer than this, relative to their size, count as equal: ticks between them could not be told apart. */
static const double equal_within = 1e-11;
/* Differences of anything larger may overflow. */
static const double largest = 1e300;

static double clamp(double value) { return fmax(-largest, fmin(largest, value)); }

/* The smallest of 1, 2, 5 times a power of ten that is not below `step`. */
static void choose_step(hma_scale *scale, double step) {
    static const int mantissas[] = {1, 2, 5};
    scale->exponent = (int)floor(log10(step));
    for (size_t i = 0; i < sizeof mantissas / sizeof *mantissas; i++) {
        scale->mantissa = mantissas[i];
        if (scale->mantissa * pow(10, scale->exponent) >= step * (1 - 1e-9)) {
            return;
        }
    }
    scale->mantissa = 1;
    scale->exponent++;
}

hma_scale hma_scale_make(double low, double high, int ticks, double from_pixel, double to_pixel) {
    low = clamp(low);
    high = clamp(high);
    const double size = fmax(fabs(low), fabs(high));
    if (high - low <= size * equal_within) {
        const double half = size > 0 ? size / 10 : 0.5;
        low -= half;
        high += half;
    }
    const double room = (high - low) * margin;
    hma_scale scale = {.low = low - room, .high = high + room, .from_pixel = from_pixel, .to_pixel = to_pixel};
    choose_step(&scale, (scale.high - scale.low) / ticks);
    const double step = scale.mantissa * pow(10, scale.exponent);
    scale.first_tick = (long long)ceil(scale.low / step - 1e-9);
    scale.last_tick = (long long)floor(scale.high / step + 1e-9);
    return scale;
}

double hma_scale_pixel(const hma_scale *scale, double value) {
    const double part = (clamp(value) - scale->low) / (scale->high - scale->low);
    return scale->from_pixel + part * (scale->to_pixel - scale->from_pixel);
}

double hma_scale_tick_value(const hma_scale *scale, long long tick) {
    return (double)(tick * scale->mantissa) * pow(10, scale->exponent);
}

/* digits * 10^exponent as d.ddde+X, without zeros at the end. */
static void put_power(hma_buffer *out, const char *digits, int exponent) {
    size_t count = strlen(digits);
    exponent += (int)count - 1;
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    hma_buffer_char(out, digits[0]);
    if (count > 1) {
        hma_buffer_char(out, '.');
        hma_buffer_add(out, digits + 1, count - 1);
    }
    hma_buffer_printf(out, "e%d", exponent);
}

/* digits * 10^exponent, exponent < 0, with that many decimals. */
static void put_decimals(hma_buffer *out, const char *digits, int exponent) {
    const int count = (int)strlen(digits), decimals = -exponent;
    if (count > decimals) {
        hma_buffer_add(out, digits, (size_t)(count - decimals));
        hma_buffer_char(out, '.');
        hma_buffer_text(out, digits + count - decimals);
    } else {
        hma_buffer_text(out, "0.");
        for (int i = count; i < decimals; i++) {
            hma_buffer_char(out, '0');
        }
        hma_buffer_text(out, digits);
    }
}

void hma_scale_tick_label(hma_buffer *out, const hma_scale *scale, long long tick) {
    char digits[32];
    const long long number = tick * scale->mantissa;
    if (number == 0) {
        hma_buffer_char(out, '0');
        return;
    }
    (void)snprintf(digits, sizeof digits, "%lld", number < 0 ? -number : number);
    hma_buffer_text(out, number < 0 ? "\xE2\x88\x92" : ""); /* a minus sign, not a hyphen */
    if (scale->exponent < -LONGEST_DECIMALS || (int)strlen(digits) + scale->exponent > LONGEST_PLAIN) {
        put_power(out, digits, scale->exponent);
    } else if (scale->exponent < 0) {
        put_decimals(out, digits, scale->exponent);
    } else {
        hma_buffer_text(out, digits);
        for (int i = 0; i < scale->exponent; i++) {
            hma_buffer_char(out, '0');
        }
    }
}
