/* Large blocks that are given back come again, within a limit, and nothing of them is lost. */
#include "testing.h"

#include <stdint.h>

#include "base/blocks.h"
#include "base/rng.h"

enum { MIB = 1 << 20 };

static void a_block_of_that_size_comes_again(void **state) {
    (void)state;
    hma_blocks b = {0};
    char *first = hma_blocks_take(&b, 4 * MIB, 1);
    assert_non_null(first);
    hma_blocks_give(&b, first, UINT64_MAX);
    assert_int_equal(b.spare, 4 * MIB);
    char *smaller = hma_blocks_take(&b, MIB, 1), *same = hma_blocks_take(&b, 3 * MIB, 1);
    assert_ptr_not_equal(smaller, first); /* more than twice as large would be a waste */
    assert_ptr_equal(same, first);
    assert_int_equal(b.spare, 0);
    hma_blocks_give(&b, smaller, UINT64_MAX);
    hma_blocks_give(&b, same, UINT64_MAX);
    hma_blocks_give(&b, NULL, UINT64_MAX);
    assert_int_equal(b.spare, 5 * MIB);
    hma_blocks_clear(&b);
    assert_int_equal(b.spare, 0);
}

static void what_has_lain_by_for_longest_goes_first(void **state) {
    (void)state;
    hma_blocks b = {0};
    char *block[3];
    for (size_t i = 0; i < 3; i++) {
        block[i] = hma_blocks_take(&b, 2 * MIB, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        hma_blocks_give(&b, block[i], 5 * MIB);
    }
    assert_int_equal(b.spare, 4 * MIB);
    char *one = hma_blocks_take(&b, 2 * MIB, 1), *other = hma_blocks_take(&b, 2 * MIB, 1);
    assert_true((one == block[1] && other == block[2]) || (one == block[2] && other == block[1]));
    hma_blocks_give(&b, one, 0); /* no room at all */
    hma_blocks_give(&b, other, 0);
    assert_int_equal(b.spare, 0);
    hma_blocks_clear(&b);
}

static void sizes_that_overflow_are_refused(void **state) {
    (void)state;
    hma_blocks b = {0};
    assert_null(hma_blocks_take(&b, SIZE_MAX / 2, 4));
    hma_blocks_clear(&b);
}

/* Blocks in use never overlap: each keeps the mark that was written into it. */
static void any_order_of_taking_and_giving_is_safe(void **state) {
    (void)state;
    enum { LIVE = 12, TURNS = 2000 };
    hma_blocks b = {0};
    const hma_rng_key key = hma_rng_key_for(3, "blocks");
    struct {
        unsigned char *memory, mark;
        size_t bytes;
    } live[LIVE] = {0};
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        const size_t i = hma_rng_below(key, 2 * turn, LIVE);
        if (live[i].memory) {
            assert_int_equal(live[i].memory[0], live[i].mark);
            assert_int_equal(live[i].memory[live[i].bytes - 1], live[i].mark);
            hma_blocks_give(&b, live[i].memory, 8 * MIB);
            live[i].memory = NULL;
            assert_true(b.spare <= 8 * MIB);
        } else {
            live[i].bytes = MIB / 2 + hma_rng_below(key, 2 * turn + 1, 3 * MIB);
            live[i].mark = (unsigned char)turn;
            live[i].memory = hma_blocks_take(&b, live[i].bytes, 1);
            assert_non_null(live[i].memory);
            assert_int_equal((uintptr_t)live[i].memory % 64, 0);
            live[i].memory[0] = live[i].memory[live[i].bytes - 1] = live[i].mark;
        }
    }
    for (size_t i = 0; i < LIVE; i++) {
        hma_blocks_give(&b, live[i].memory, 8 * MIB);
    }
    hma_blocks_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_of_that_size_comes_again),
        cmocka_unit_test(what_has_lain_by_for_longest_goes_first),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(any_order_of_taking_and_giving_is_safe),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
