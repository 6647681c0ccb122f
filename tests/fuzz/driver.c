/*
 * Runs a target over a corpus and over deterministic mutations of it:
 *
 *     fuzz_NAME [--mutations N] [--seed S] [--only I] [FILE or FOLDER ..]
 *
 * The same arguments run the same inputs. When the target breaks a promise or crashes, the number of the input is printed;
 * --only I runs just that one, e.g. in a debugger, and leaves it as ./fuzz-input.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "checkpoint/folder.h"
#include "mutate.h"

typedef struct corpus {
    fuzz_input *items;
    size_t count, capacity;
} corpus;

/* Which input is running, for the message of a crash. */
static volatile size_t current;
static bool finished;

static void say_where(void) {
    char line[128];
    const int n = snprintf(line, sizeof line, "fuzz: %s: at input %zu (run again with --only %zu)\n", the_target.name, current,
                           current);
    if (n > 0) {
        (void)!write(STDERR_FILENO, line, (size_t)n);
    }
}

static void on_signal(int number) {
    say_where();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* Sanitizers end a program on their own way; the ones that are linked offer this. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
static void on_death(void) {
    if (!finished) {
        say_where();
    }
}

/* Small inputs need little memory: whoever asks for a lot gets none, and fuzz_succeeded() takes that for a broken promise. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1:max_allocation_size_mb=64"; }

static void limit_memory(void) {
    const struct rlimit limit = {512u << 20, 512u << 20};
    if (!__sanitizer_set_death_callback) { /* sanitizers map terabytes */
        (void)setrlimit(RLIMIT_AS, &limit);
    }
}

static _Noreturn void usage(const char *what) {
    (void)fprintf(stderr, "fuzz: %s\nusage: [--mutations N] [--seed S] [--only I] [FILE or FOLDER ..]\n", what);
    exit(2);
}

static void add_input(corpus *c, const void *bytes, size_t length) {
    uint8_t *copy = malloc(length ? length : 1);
    if (!copy || hma_grow(&c->items, &c->capacity, c->count + 1, sizeof *c->items)) {
        usage("out of memory");
    }
    if (length) {
        memcpy(copy, bytes, length);
    }
    c->items[c->count++] = (fuzz_input){copy, length};
}

/* Larger files are left out: a corpus may point at a folder that has other things as well. */
static void add_file(corpus *c, const char *path) {
    char *text;
    size_t length;
    if (hma_file_load(path, FUZZ_MAX_INPUT, &text, &length) == HMA_OK) {
        add_input(c, text, length);
        free(text);
    }
}

static void add_path(corpus *c, const char *path) {
    if (!hma_path_is_folder(path)) {
        add_file(c, path);
        return;
    }
    char **names;
    size_t count;
    if (hma_folder_list(&names, &count, path, "[!.]*") != HMA_OK) {
        usage(hma_error_message());
    }
    for (size_t i = 0; i < count; i++) {
        char *file = hma_path_join(path, names[i]);
        if (file) {
            add_file(c, file);
        }
        free(file);
    }
    hma_names_free(names, count);
}

static void add_seeds(corpus *c) {
    hma_buffer seed = {0};
    for (size_t i = 0; the_target.seed && the_target.seed(&seed, i); i++) {
        add_input(c, seed.data, seed.length);
        hma_buffer_clear(&seed);
    }
    hma_buffer_free(&seed);
}

/* Input number `index`: the corpus first, then mutations of it. From memory of its exact size, so that a read past it shows. */
static void run_input(const corpus *c, size_t index, uint64_t seed, bool keep) {
    uint8_t *data = malloc(FUZZ_MAX_INPUT);
    size_t size;
    if (!data) {
        usage("out of memory");
    }
    if (index < c->count) {
        size = c->items[index].size;
        memcpy(data, c->items[index].data, size);
    } else {
        const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(seed, the_target.name), index);
        const fuzz_input from = c->items[hma_rng_below(key, UINT64_MAX, c->count)];
        const fuzz_input other = c->items[hma_rng_below(key, UINT64_MAX - 1, c->count)];
        memcpy(data, from.data, from.size);
        size = fuzz_mutate(data, from.size, FUZZ_MAX_INPUT, key, other, the_target.words);
        /* one in eight stays as broken as it is */
        if (the_target.repair && hma_rng_below(key, UINT64_MAX - 2, 8)) {
            size = the_target.repair(data, size, FUZZ_MAX_INPUT);
        }
    }
    if (keep) {
        FILE *file = fopen("fuzz-input", "wb");
        if (file) {
            (void)fwrite(data, 1, size, file);
            (void)fclose(file);
        }
    }
    uint8_t *exact = realloc(data, size ? size : 1);
    current = index;
    the_target.run(exact ? exact : data, size);
    free(exact ? exact : data);
}

int main(int argc, char **argv) {
    uint64_t mutations = 1000, seed = 1, only = UINT64_MAX;
    corpus c = {0};
    for (int i = 1; i < argc; i++) {
        uint64_t *number = strcmp(argv[i], "--mutations") == 0 ? &mutations
                           : strcmp(argv[i], "--seed") == 0    ? &seed
                           : strcmp(argv[i], "--only") == 0    ? &only
                                                               : NULL;
        if (!number) {
            add_path(&c, argv[i]);
        } else if (i + 1 >= argc || !hma_parse_u64(number, argv[++i])) {
            usage("a number is missing");
        }
    }
    add_seeds(&c);
    if (c.count == 0) {
        usage("no corpus");
    }
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGSEGV, on_signal);
    (void)signal(SIGBUS, on_signal);
    (void)signal(SIGFPE, on_signal);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(on_death);
    }
    limit_memory();
    const size_t end = c.count + (size_t)mutations;
    for (size_t i = only != UINT64_MAX ? (size_t)only : 0; i < (only != UINT64_MAX ? (size_t)only + 1 : end); i++) {
        run_input(&c, i, seed, only != UINT64_MAX);
    }
    finished = true;
    (void)printf("%s: %zu inputs and %llu mutations, %zu accepted, %zu refused\n", the_target.name, c.count,
                 (unsigned long long)mutations, fuzz_accepted, fuzz_refused);
    for (size_t i = 0; i < c.count; i++) {
        free((void *)(uintptr_t)c.items[i].data);
    }
    free(c.items);
    return 0;
}
