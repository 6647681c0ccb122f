/* eval/transformer/batch: sequences become a forest of runs that computes shared prefixes once. */
#include "testing.h"

#include "base/rng.h"
#include "eval/transformer/batch.h"
#include "eval/transformer/row_pool.h"

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

/* Rows are taken and given back at random: nobody ever gets rows that another one holds, and nothing is lost. */
static void rows_of_a_store_belong_to_one_at_a_time(void **state) {
    (void)state;
    enum { ROWS = 1000, HOLDERS = 40 };
    static unsigned char taken[ROWS + 16];
    size_t first[HOLDERS] = {0}, rows[HOLDERS] = {0}, refused = 0;
    hma_row_pool pool;
    const hma_rng_key key = hma_rng_key_for(2, "rows");
    assert_ok(hma_row_pool_new(&pool, ROWS));
    for (uint64_t draw = 0; draw < 4000; draw += 2) {
        const size_t h = (size_t)hma_rng_below(key, draw, HOLDERS);
        if (rows[h]) {
            hma_row_pool_give(&pool, first[h], rows[h]);
            memset(taken + first[h], 0, rows[h]);
            rows[h] = 0;
            continue;
        }
        const size_t want = 1 + (size_t)hma_rng_below(key, draw + 1, 90);
        if (!hma_row_pool_take(&pool, want, &first[h])) {
            refused++;
            continue;
        }
        rows[h] = want;
        assert_int_equal(first[h] % 16, 0);
        assert_true(first[h] + want <= ROWS + 8);
        for (size_t r = 0; r < want; r++) {
            assert_false(taken[first[h] + r]);
            taken[first[h] + r] = 1;
        }
    }
    assert_true(refused > 0);
    for (size_t h = 0; h < HOLDERS; h++) {
        if (rows[h]) {
            hma_row_pool_give(&pool, first[h], rows[h]);
        }
    }
    size_t all;
    assert_true(hma_row_pool_take(&pool, ROWS, &all));
    assert_int_equal(all, 0);
    assert_false(hma_row_pool_take(&pool, 1, &all));
    hma_row_pool_free(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_tokens_get_one_row),
        cmocka_unit_test(random_sequences_share_as_a_trie_does),
        cmocka_unit_test(rows_of_a_store_belong_to_one_at_a_time),
    };
    return cmocka_run_group_tests_name("transformer: batch", tests, NULL, NULL);
}
