/*
 * A whole checkpoint folder. An input is text: "@NAME BYTES" begins a file, its content follows on the next lines; for weights
 * the content is the header's JSON, and BYTES of data follow it. Accepted: every element of every tensor can be read, and the
 * digest is the same for one thread and for three.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/folder.h"
#include "fuzz.h"
#include "hma/checkpoint.h"

static const char *const names[] = {"config.json", "generation_config.json", "model.safetensors.index.json",
                                    "model.safetensors", "a.safetensors", "b.safetensors"};
enum { NAMES = sizeof names / sizeof *names, FIRST_WEIGHTS = 3, MOST_DATA = 4096 };

static void write_weights(const char *name, const char *header, size_t length, unsigned data) {
    hma_buffer bytes = {0};
    const uint64_t n = length;
    hma_buffer_add(&bytes, &n, sizeof n);
    hma_buffer_add(&bytes, header, length);
    for (unsigned i = 0; i < data % (MOST_DATA + 1); i++) {
        hma_buffer_char(&bytes, (char)i);
    }
    fuzz_check(!bytes.failed, "little memory is enough");
    fuzz_write(name, bytes.data, bytes.length);
    hma_buffer_free(&bytes);
}

/* Writes one section, "NAME BYTES\nCONTENT"; others than the known files are left out. */
static void write_section(const char *section, size_t length) {
    const char *line_end = memchr(section, '\n', length);
    if (!line_end) {
        return;
    }
    const char *content = line_end + 1;
    const size_t content_length = length - (size_t)(content - section);
    for (size_t i = 0; i < NAMES; i++) {
        const size_t n = strlen(names[i]);
        if (length <= n || memcmp(section, names[i], n) != 0 || (section[n] != ' ' && section[n] != '\n')) {
            continue;
        }
        unsigned data = 0;
        char number[16] = "";
        if (section[n] == ' ') {
            (void)snprintf(number, sizeof number, "%.*s", (int)(line_end - section - (ptrdiff_t)n - 1), section + n + 1);
        }
        (void)sscanf(number, "%u", &data);
        if (i < FIRST_WEIGHTS) {
            fuzz_write(names[i], content, content_length);
        } else {
            write_weights(names[i], content, content_length, data);
        }
    }
}

static void write_folder(const char *text, size_t size) {
    for (size_t i = 0; i < NAMES; i++) {
        fuzz_remove(names[i]);
    }
    for (size_t at = 0; at < size;) {
        const char *next = at + 1 < size ? memchr(text + at + 1, '@', size - at - 1) : NULL;
        const size_t end = next ? (size_t)(next - text) : size;
        if (text[at] == '@') {
            write_section(text + at + 1, end - at - 1);
        }
        at = end;
    }
}

static void check_reads(const hma_checkpoint *c) {
    char data[MOST_DATA];
    for (size_t i = 0; i < hma_checkpoint_tensor_count(c); i++) {
        const hma_tensor *t = hma_checkpoint_tensor(c, i);
        fuzz_check(t->bytes <= sizeof data, "a tensor is no larger than its file");
        fuzz_check(hma_checkpoint_read(c, t, 0, t->elements, data) == HMA_OK, "every element can be read");
    }
}

static void check_digest(unsigned threads, char digest[65]) {
    static hma_context *contexts[4];
    const hma_context_options options = {.threads = threads};
    hma_checkpoint *c;
    fuzz_check(contexts[threads] || hma_context_new(&contexts[threads], &options) == HMA_OK, "threads can be started");
    fuzz_check(hma_checkpoint_open(&c, fuzz_folder()) == HMA_OK, "what was opened once opens again");
    fuzz_check(hma_checkpoint_digest(contexts[threads], c, digest) == HMA_OK, "a checkpoint has a digest");
    hma_checkpoint_close(c);
}

static void run(const uint8_t *data, size_t size) {
    write_folder((const char *)data, size);
    hma_checkpoint *c;
    if (!fuzz_succeeded(hma_checkpoint_open(&c, fuzz_folder()))) {
        return;
    }
    check_reads(c);
    hma_checkpoint_close(c);
    char one[65], three[65];
    check_digest(1, one);
    check_digest(3, three);
    fuzz_check(strcmp(one, three) == 0, "the digest does not depend on threads");
}

static const char *const words[] = {"@config.json\n{}", "@model.safetensors 4\n", "@a.safetensors 8\n", "@b.safetensors 0\n",
                                    "@model.safetensors.index.json\n", "{\"weight_map\":{\"x\":\"a.safetensors\"}}",
                                    "\"x\":\"b.safetensors\",",
                                    "\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},", "@", "\n",
                                    FUZZ_JSON_WORDS, "\"", "../", NULL};

const fuzz_target the_target = {.name = "folder", .run = run, .words = words};
