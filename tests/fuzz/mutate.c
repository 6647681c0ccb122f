#include "mutate.h"

#include <string.h>

#include "base/checked.h"

typedef struct mutation {
    uint8_t *data;
    size_t size, capacity;
    hma_rng_key key;
    uint64_t drawn; /* random numbers so far */
    fuzz_input other;
    const char *const *words;
    size_t word_count;
} mutation;

static size_t below(mutation *m, size_t n) { return n ? (size_t)hma_rng_below(m->key, m->drawn++, n) : 0; }

/* Replaces data[at, at + removed) by a piece; cut to what there is room for. */
static void replace(mutation *m, size_t at, size_t removed, const void *piece, size_t length) {
    length = hma_min_size(length, m->capacity - (m->size - removed));
    memmove(m->data + at + length, m->data + at + removed, m->size - at - removed);
    if (length) {
        memcpy(m->data + at, piece, length);
    }
    m->size = m->size - removed + length;
}

static void flip_bit(mutation *m) {
    if (m->size) {
        m->data[below(m, m->size)] ^= (uint8_t)(1u << below(m, 8));
    }
}

static void set_byte(mutation *m) {
    static const uint8_t telling[] = {0, 1, ' ', '"', '\\', '{', '}', '[', ']', ',', ':', '0', '9', '-', 'e', 0x7f, 0x80, 0xff,
                                      '\n', '/'};
    if (m->size) {
        m->data[below(m, m->size)] = below(m, 2) ? telling[below(m, sizeof telling)] : (uint8_t)below(m, 256);
    }
}

static void remove_range(mutation *m) {
    const size_t at = below(m, m->size), length = 1 + below(m, below(m, 4) ? 8 : m->size);
    if (m->size) {
        replace(m, at, hma_min_size(length, m->size - at), NULL, 0);
    }
}

static void repeat_range(mutation *m) {
    uint8_t copy[256];
    const size_t at = below(m, m->size), length = hma_min_size(1 + below(m, sizeof copy), m->size - at);
    memcpy(copy, m->data + at, length);
    const size_t times = below(m, 8) ? 1 : 1 + below(m, 64);
    for (size_t i = 0; i < times; i++) {
        replace(m, at, 0, copy, length);
    }
}

static void insert_word(mutation *m) {
    if (m->word_count) {
        const char *word = m->words[below(m, m->word_count)];
        replace(m, below(m, m->size + 1), 0, word, strlen(word));
    }
}

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* A decimal number somewhere after a random place becomes one that is often handled wrongly. */
static void replace_number(mutation *m) {
    static const char *const numbers[] = {"0", "1", "-1", "2", "7", "8", "9", "64", "255", "256", "65535", "65536",
                                          "2147483647", "2147483648", "4294967295", "4294967296", "9007199254740993",
                                          "281474976710655", "281474976710656", "9223372036854775807", "9223372036854775808",
                                          "18446744073709551615", "18446744073709551616", "1e3", "1.5", "1e400", "01",
                                          "99999999999999999999999999"};
    size_t at = below(m, m->size);
    while (at < m->size && !is_digit(m->data[at])) {
        at++;
    }
    size_t end = at;
    while (end < m->size && is_digit(m->data[end])) {
        end++;
    }
    if (end > at) {
        const char *number = numbers[below(m, sizeof numbers / sizeof *numbers)];
        replace(m, at, end - at, number, strlen(number));
    }
}

static void splice(mutation *m) {
    if (m->other.size) {
        const size_t from = below(m, m->other.size), length = 1 + below(m, hma_min_size(512, m->other.size - from));
        const size_t at = below(m, m->size + 1), removed = below(m, 2) ? hma_min_size(length, m->size - at) : 0;
        replace(m, at, removed, m->other.data + from, length);
    }
}

static void cut_off(mutation *m) { m->size = below(m, m->size + 1); }

size_t fuzz_mutate(uint8_t *data, size_t size, size_t capacity, hma_rng_key key, fuzz_input other, const char *const *words) {
    /* the rarer ones once, the more telling ones more often */
    static void (*const kinds[])(mutation *) = {flip_bit,    set_byte,       set_byte,       remove_range, remove_range,
                                                repeat_range, insert_word, insert_word,    insert_word,    replace_number,
                                                replace_number, replace_number, splice,      splice,         cut_off};
    mutation m = {.data = data, .size = size, .capacity = capacity, .key = key, .other = other, .words = words};
    while (words && words[m.word_count]) {
        m.word_count++;
    }
    const size_t times = 1 + below(&m, 1 + below(&m, 8));
    for (size_t i = 0; i < times; i++) {
        kinds[below(&m, sizeof kinds / sizeof *kinds)](&m);
    }
    return m.size;
}
