/* eval/transformer/batch: sequences become a forest of runs that computes shared prefixes once. */
#include "testing.h"

#include "base/rng.h"
#include "eval/transformer/batch.h"

static void every_sequence_can_be_read_back(const hma_ids *sequences, size_t count, size_t expected_rows) {
    hma_batch b;
    size_t leaf[64];
    assert_ok(hma_batch_forest(&b, sequences, count, leaf));
    assert_int_equal(b.rows, expected_rows);
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < sequences[i].count; p++) {
            const size_t row = hma_batch_row(&b, leaf[i], p);
            assert_int_equal(b.ids[row], sequences[i].ids[p]);
            assert_int_equal(b.positions[row], p);
        }
        /* the spans of the last run cover all positions up to its end, in order, without gaps */
        const hma_run_of_rows *run = &b.runs[leaf[i]];
        size_t position = 0;
        for (size_t s = 0; s < run->span_count; s++) {
            const hma_span *span = &b.spans[run->span_first + s];
            assert_int_equal(span->position, position);
            position += span->count;
        }
        assert_int_equal(position, sequences[i].count);
        assert_int_equal(run->position + run->count, sequences[i].count);
    }
    hma_batch_free(&b);
}

static void shared_tokens_get_one_row(void **state) {
    (void)state;
    static const int32_t a[] = {1, 2, 3, 4}, b[] = {1, 2, 5}, c[] = {1, 2, 3, 4}, d[] = {1, 2}, e[] = {7};
    const hma_ids sequences[] = {{a, 4}, {b, 3}, {c, 4}, {d, 2}, {e, 1}};
    every_sequence_can_be_read_back(sequences, 5, 6);
    every_sequence_can_be_read_back(sequences, 1, 4);
    every_sequence_can_be_read_back(sequences, 0, 0);
}

/* Rows of a forest = nodes of the trie of the sequences. */
static size_t trie_nodes(const hma_ids *sequences, size_t count) {
    size_t nodes = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 1; p <= sequences[i].count; p++) {
            bool first = true;
            for (size_t j = 0; j < i && first; j++) {
                first = hma_ids_common(&sequences[i], &sequences[j]) < p;
            }
            nodes += first;
        }
    }
    return nodes;
}

static void random_sequences_share_as_a_trie_does(void **state) {
    (void)state;
    const hma_rng_key key = hma_rng_key_for(1, "forest");
    uint64_t draw = 0;
    for (int round = 0; round < 200; round++) {
        static int32_t ids[64][20];
        hma_ids sequences[64];
        const size_t count = 1 + hma_rng_below(key, draw++, 63), alphabet = 1 + hma_rng_below(key, draw++, 3);
        for (size_t i = 0; i < count; i++) {
            sequences[i] = (hma_ids){ids[i], 1 + hma_rng_below(key, draw++, 19)};
            for (size_t p = 0; p < 20; p++) {
                ids[i][p] = (int32_t)hma_rng_below(key, draw++, alphabet);
            }
        }
        every_sequence_can_be_read_back(sequences, count, trie_nodes(sequences, count));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_tokens_get_one_row),
        cmocka_unit_test(random_sequences_share_as_a_trie_does),
    };
    return cmocka_run_group_tests_name("transformer: batch", tests, NULL, NULL);
}
