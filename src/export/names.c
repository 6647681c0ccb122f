#include "export/names.h"

#include <stdio.h>
#include <string.h>

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
static bool is_plain(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }

/* Every run of other bytes becomes one underscore; leaves room for a serial number. */
static void make_plain(const char *text, char name[HMA_NAME_SIZE]) {
    enum { LONGEST = HMA_NAME_SIZE - 16 };
    size_t n = 0;
    if (!is_letter(*text)) {
        name[n++] = 'x';
        name[n++] = '_';
    }
    for (; *text && n < LONGEST; text++) {
        if (is_plain(*text)) {
            name[n++] = *text;
        } else if (n == 0 || name[n - 1] != '_') {
            name[n++] = '_';
        }
    }
    name[n] = 0;
}

static hma_status take(hma_name_set *names, const char *name, bool *added) {
    char lower[HMA_NAME_SIZE];
    size_t n = 0;
    for (; name[n]; n++) {
        lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] - 'A' + 'a') : name[n];
    }
    return hma_text_set_add(&names->taken, lower, n, added);
}

hma_status hma_name_set_make(hma_name_set *names, const char *text, char name[HMA_NAME_SIZE]) {
    char plain[HMA_NAME_SIZE];
    make_plain(text, plain);
    (void)snprintf(name, HMA_NAME_SIZE, "%s", plain);
    bool added;
    hma_status status = take(names, name, &added);
    for (unsigned serial = 2; status == HMA_OK && !added; serial++) {
        (void)snprintf(name, HMA_NAME_SIZE, "%s_%u", plain, serial);
        status = take(names, name, &added);
    }
    return status;
}

void hma_name_set_free(hma_name_set *names) { hma_text_set_free(&names->taken); }
