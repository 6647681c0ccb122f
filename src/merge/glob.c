#include "merge/glob.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* The next character of valid UTF-8, moving past it; bytes that are not UTF-8 count as characters of their own. */
static uint32_t next_character(const char **text) {
    uint32_t character;
    size_t length = hma_utf8_decode(*text, strlen(*text), &character);
    if (length == 0) {
        character = (unsigned char)**text;
        length = 1;
    }
    *text += length;
    return character;
}

/*
 * Reads a set, `*pattern` standing behind its '['; moves past the closing ']'. A ']' that comes first is a member.
 * @return false when the set is empty, unclosed or has a reversed range.
 */
static bool match_set(const char **pattern, uint32_t character, bool *matched) {
    const char *p = *pattern;
    const bool negated = *p == '!';
    bool inside = false;
    p += negated;
    for (bool first = true; first || *p != ']'; first = false) {
        if (!*p) {
            return false;
        }
        const uint32_t low = next_character(&p);
        uint32_t high = low;
        if (p[0] == '-' && p[1] && p[1] != ']') {
            p++;
            high = next_character(&p);
        }
        if (high < low) {
            return false;
        }
        inside = inside || (character >= low && character <= high);
    }
    *pattern = p + 1;
    *matched = inside != negated;
    return true;
}

bool hma_glob_is_valid(const char *pattern) {
    if (!*pattern || !hma_utf8_is_valid(pattern, strlen(pattern))) {
        return false;
    }
    while (*pattern) {
        bool matched;
        if (*pattern++ == '[' && !match_set(&pattern, 0, &matched)) {
            return false;
        }
    }
    return true;
}

/* Matches one character of the pattern that is not '*', moving past it. */
static bool match_one(const char **pattern, uint32_t character) {
    switch (**pattern) {
    case '?': ++*pattern; return true;
    case '[': {
        bool matched = false;
        ++*pattern;
        return match_set(pattern, character, &matched) && matched;
    }
    default: return next_character(pattern) == character;
    }
}

bool hma_glob_matches(const char *pattern, const char *name) {
    /* where to go on when a match fails: behind the last '*', with that '*' taking one character more */
    const char *star = NULL, *star_name = NULL;
    while (*name || *pattern == '*') {
        if (*pattern == '*') {
            star = ++pattern;
            star_name = name;
            continue;
        }
        const char *rest = name;
        const uint32_t character = next_character(&rest);
        if (*pattern && match_one(&pattern, character)) {
            name = rest;
            continue;
        }
        if (!star) {
            return false;
        }
        (void)next_character(&star_name);
        name = star_name;
        pattern = star;
    }
    return !*pattern;
}
