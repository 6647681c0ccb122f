/*
 * Fuzz targets. A target is one file that defines `the_target`; linked with driver.c it is an ordinary test, linked with
 * libfuzzer.c it is what clang's -fsanitize=fuzzer drives. See README.md.
 */
#ifndef HMA_TESTS_FUZZ_H
#define HMA_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "hma/error.h"

/* Longest input. What a small input must not do, allocate without bounds or run for long, is then easy to see. */
enum { FUZZ_MAX_INPUT = 1 << 16 };

typedef struct fuzz_target {
    const char *name;
    /* Takes one input, whatever it is; ends the program through fuzz_check() when a promise is broken. */
    void (*run)(const uint8_t *data, size_t size);
    /* Makes a mutated input plausible again (lengths, checksums) in place and returns its new size. May be NULL. */
    size_t (*repair)(uint8_t *data, size_t size, size_t capacity);
    /* Pieces that random bytes would not find, NULL-terminated. May be NULL. */
    const char *const *words;
    /* Inputs made in code: appends the index-th to the empty buffer, false when there are no more. May be NULL. */
    bool (*seed)(hma_buffer *out, size_t index);
} fuzz_target;

extern const fuzz_target the_target;

/* What words of JSON begin with. */
#define FUZZ_JSON_WORDS "{", "}", "[", "]", ",", ":"

/* A promise about the code under test. */
#define fuzz_check(condition, what)                                                                                            \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            fuzz_fail(__FILE__, __LINE__, what);                                                                               \
        }                                                                                                                      \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/*
 * True when the call succeeded. Otherwise it must have failed as bad data, not for lack of memory (the driver allows little),
 * with one printable line of UTF-8.
 */
bool fuzz_succeeded(hma_status status);
/* How often it was true and how often not: a target whose inputs all fail looks at nothing. */
extern size_t fuzz_accepted, fuzz_refused;

/* A folder for this process, removed at the end; NAME in it with this content. */
const char *fuzz_folder(void);
void fuzz_write(const char *name, const void *bytes, size_t length);
void fuzz_remove(const char *name);

#endif
