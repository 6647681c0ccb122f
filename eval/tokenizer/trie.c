#include "eval/tokenizer/trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"

/* The children of a node lie side by side, ordered by byte. */
typedef struct node {
    uint32_t first_child;
    uint16_t child_count;
    unsigned char byte;
    int32_t value;
} node;

struct hma_trie {
    node *nodes;
    size_t count, capacity;
    uint32_t top[256]; /* child of the root for each byte, 0 when there is none */
};

/* By bytes; equal keys keep their order because qsort gets their places as well. */
typedef struct sort_key {
    hma_trie_key key;
    size_t place;
} sort_key;

static int compare(const void *a, const void *b) {
    const sort_key *x = a, *y = b;
    const size_t n = x->key.length < y->key.length ? x->key.length : y->key.length;
    const int order = memcmp(x->key.text, y->key.text, n);
    if (order != 0) {
        return order;
    }
    if (x->key.length != y->key.length) {
        return x->key.length < y->key.length ? -1 : 1;
    }
    return x->place < y->place ? -1 : x->place > y->place;
}

static hma_status sort(hma_trie_key *keys, size_t count) {
    sort_key *list = HMA_NEW(sort_key, count);
    if (!list) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (sort_key){keys[i], i};
    }
    qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++) {
        keys[i] = list[i].key;
    }
    free(list);
    return HMA_OK;
}

/* A node whose children are still to be made: the keys [low, high) share its first `depth` bytes. */
typedef struct todo {
    uint32_t node;
    size_t low, high, depth;
} todo;

typedef struct todo_list {
    todo *items;
    size_t count, capacity;
} todo_list;

static hma_status add_child(hma_trie *trie, todo_list *list, todo child, unsigned char byte) {
    if (trie->count >= UINT32_MAX || hma_grow(&trie->nodes, &trie->capacity, trie->count + 1, sizeof *trie->nodes) ||
        hma_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        return hma_error_memory("vocabulary");
    }
    child.node = (uint32_t)trie->count;
    trie->nodes[trie->count++] = (node){.byte = byte, .value = -1};
    list->items[list->count++] = child;
    return HMA_OK;
}

/* Gives a node its value and its children; the children are then to be done. */
static hma_status expand(hma_trie *trie, const hma_trie_key *keys, todo parent, todo_list *list) {
    size_t low = parent.low;
    if (low < parent.high && keys[low].length == parent.depth) {
        trie->nodes[parent.node].value = keys[low].value; /* the first of equal keys */
        while (low < parent.high && keys[low].length == parent.depth) {
            low++;
        }
    }
    trie->nodes[parent.node].first_child = (uint32_t)trie->count;
    hma_status status = HMA_OK;
    while (status == HMA_OK && low < parent.high) {
        const char byte = keys[low].text[parent.depth];
        size_t high = low + 1;
        while (high < parent.high && keys[high].text[parent.depth] == byte) {
            high++;
        }
        status = add_child(trie, list, (todo){0, low, high, parent.depth + 1}, (unsigned char)byte);
        if (status == HMA_OK) {
            trie->nodes[parent.node].child_count++;
        }
        low = high;
    }
    return status;
}

hma_status hma_trie_new(hma_trie **out, hma_trie_key *keys, size_t count) {
    todo_list list = {0};
    hma_trie *trie = HMA_NEW(hma_trie, 1);
    hma_status status = trie ? sort(keys, count) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = add_child(trie, &list, (todo){0, 0, count, 0}, 0);
    }
    for (size_t i = 0; status == HMA_OK && i < list.count; i++) {
        status = expand(trie, keys, list.items[i], &list);
    }
    free(list.items);
    if (status != HMA_OK) {
        hma_trie_free(trie);
        return status;
    }
    const node *root = &trie->nodes[HMA_TRIE_ROOT];
    for (uint32_t i = 0; i < root->child_count; i++) {
        trie->top[trie->nodes[root->first_child + i].byte] = root->first_child + i;
    }
    *out = trie;
    return HMA_OK;
}

void hma_trie_free(hma_trie *trie) {
    if (trie) {
        free(trie->nodes);
        free(trie);
    }
}

bool hma_trie_follow(const hma_trie *trie, uint32_t *at, char byte) {
    const unsigned char wanted = (unsigned char)byte;
    if (*at == HMA_TRIE_ROOT) {
        *at = trie->top[wanted];
        return *at != 0;
    }
    const node *parent = &trie->nodes[*at];
    uint32_t low = parent->first_child, high = low + parent->child_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (trie->nodes[middle].byte == wanted) {
            *at = middle;
            return true;
        }
        if (trie->nodes[middle].byte < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

int32_t hma_trie_value(const hma_trie *trie, uint32_t at) { return trie->nodes[at].value; }

size_t hma_trie_longest(const hma_trie *trie, const char *text, size_t length, int32_t *value) {
    size_t longest = 0;
    uint32_t at = HMA_TRIE_ROOT;
    for (size_t i = 0; trie && i < length && hma_trie_follow(trie, &at, text[i]); i++) {
        if (trie->nodes[at].value >= 0) {
            longest = i + 1;
            *value = trie->nodes[at].value;
        }
    }
    return longest;
}
