/* Exports while memory runs out: an error that says so, or the same bytes as ever; never other bytes. */
#include "export_fixture.h"

#include "export/writers.h"
#include "failing_malloc.h"

/* The bytes of one format, freed with free(). */
typedef hma_status (*make_fn)(const export_fixture *fixture, char **bytes, size_t *length);

static hma_status make_text(const export_fixture *f, char **bytes, size_t *length,
                            hma_status (*write)(hma_buffer *, const hma_table *)) {
    hma_buffer out = {0};
    const hma_status status = write(&out, &f->table);
    if (status != HMA_OK) {
        hma_buffer_free(&out);
        return status;
    }
    *length = out.length;
    *bytes = out.data;
    return HMA_OK;
}

static hma_status make_csv(const export_fixture *f, char **bytes, size_t *length) {
    return make_text(f, bytes, length, hma_write_csv);
}

static hma_status make_json(const export_fixture *f, char **bytes, size_t *length) {
    return make_text(f, bytes, length, hma_write_json);
}

static hma_status make_svg(const export_fixture *f, char **bytes, size_t *length) {
    return make_text(f, bytes, length, hma_write_svg);
}

static hma_status make_html(const export_fixture *f, char **bytes, size_t *length) {
    return make_text(f, bytes, length, hma_write_html);
}

static hma_status write_notebook(hma_buffer *out, const hma_table *table) { return hma_write_notebook(out, table, "small.h5"); }

static hma_status make_notebook(const export_fixture *f, char **bytes, size_t *length) {
    return make_text(f, bytes, length, write_notebook);
}

static hma_status make_hdf5(const export_fixture *f, char **bytes, size_t *length) {
    void *image;
    const hma_status status = hma_write_hdf5(&f->table, "small.h5", &image, length);
    if (status == HMA_OK) {
        *bytes = image;
    }
    return status;
}

/* Lets every allocation fail in turn; returns how many there are. Frees the fixture. */
static size_t fail_each_allocation(make_fn make, export_fixture *f) {
    char *expected, *bytes;
    size_t expected_length, length, number = 1;
    assert_ok(make(f, &expected, &expected_length));
    for (bool failed = true; failed; number++) {
        fail_allocation(number);
        const hma_status status = make(f, &bytes, &length);
        failed = allocation_has_failed();
        fail_allocation(0);
        if (status == HMA_OK) {
            assert_int_equal(length, expected_length);
            assert_memory_equal(bytes, expected, length);
            free(bytes);
        } else {
            assert_true(failed);
            assert_int_equal(status, HMA_FAILURE);
            assert_non_null(strstr(hma_error_message(), "memory"));
        }
    }
    free(expected);
    fixture_free(f);
    return number;
}

static void text_formats_survive(void **state) {
    (void)state;
    static const make_fn makes[] = {make_csv, make_json, make_svg, make_html, make_notebook};
    for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
        assert_true(fail_each_allocation(makes[i], fixture_small()) > 5);
    }
}

static void hdf5_survives(void **state) {
    (void)state;
    const double values[] = {1, 2};
    export_fixture *f = fixture_new(2, 1, 1, 1); /* one of everything: HDF5 takes its time */
    f->front.post = 1;
    fixture_axis(f, 0, HMA_AXIS_ALIGNMENT, "alignment", "reward", "", values, 0.1);
    fixture_tasks(f, 1);
    fixture_task(f, 0, "alignment", "reward", 2, 1);
    assert_true(fail_each_allocation(make_hdf5, f) > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_formats_survive), cmocka_unit_test(hdf5_survives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
