/* src/export: the HDF5 export, read back through libhdf5. */
#include "export_fixture.h"

#include <hdf5.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "export/hdf5_file.h"
#include "export/writers.h"

/* A finished file, open for reading. */
typedef struct reader {
    void *image;
    size_t length;
    hid_t file;
} reader;

static reader open_export(const hma_table *table) {
    reader r = {0};
    assert_ok(hma_write_hdf5(table, "test.h5", &r.image, &r.length));
    r.file = hma_h5_open_image(r.image, r.length);
    assert_true(r.file >= 0);
    return r;
}

static void close_export(reader *r) {
    assert_true(H5Fclose(r->file) >= 0);
    free(r->image);
}

static hid_t open_dataset(const reader *r, const char *path, size_t elements) {
    const hid_t dataset = H5Dopen2(r->file, path, H5P_DEFAULT);
    assert_true(dataset >= 0);
    const hid_t space = H5Dget_space(dataset);
    assert_int_equal(H5Sget_simple_extent_npoints(space), elements);
    (void)H5Sclose(space);
    return dataset;
}

static void read_doubles(const reader *r, const char *path, double *values, size_t count) {
    const hid_t dataset = open_dataset(r, path, count);
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    (void)H5Dclose(dataset);
}

static hid_t text_type(void) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, H5T_VARIABLE);
    (void)H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

/* One of the texts of a dataset. */
static void assert_text(const reader *r, const char *path, size_t count, size_t index, const char *expected) {
    char **texts = fixture_zeroed(count, sizeof *texts);
    const hid_t dataset = open_dataset(r, path, count), type = text_type(), space = H5Dget_space(dataset);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0);
    assert_string_equal(texts[index], expected);
    (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    (void)H5Dclose(dataset);
    free(texts);
}

static void assert_attribute(const reader *r, const char *object, const char *name, const char *expected) {
    char *text = NULL;
    const hid_t type = text_type(), attribute = H5Aopen_by_name(r->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    assert_true(H5Aread(attribute, type, &text) >= 0);
    assert_string_equal(text, expected);
    (void)H5free_memory(text);
    (void)H5Aclose(attribute);
    (void)H5Tclose(type);
}

static void assert_integer_attribute(const reader *r, const char *name, uint64_t expected) {
    uint64_t value = 0;
    const hid_t attribute = H5Aopen(r->file, name, H5P_DEFAULT);
    assert_true(attribute >= 0 && H5Aread(attribute, H5T_NATIVE_UINT64, &value) >= 0);
    assert_true(value == expected);
    (void)H5Aclose(attribute);
}

static bool exists(const reader *r, const char *path) { return H5Lexists(r->file, path, H5P_DEFAULT) > 0; }

/* ---- what is in it ---- */

static void the_layout_is_the_schema(void **state) {
    (void)state;
    static const char *const paths[] = {"/points/id",
                                        "/points/label",
                                        "/points/on_front",
                                        "/points/ratios",
                                        "/points/layer_ratios",
                                        "/points/mean_ratio",
                                        "/points/method",
                                        "/points/origin",
                                        "/points/recipe",
                                        "/axes/alignment/value",
                                        "/axes/alignment/stderr",
                                        "/axes/alignment/ci_low",
                                        "/axes/alignment/ci_high",
                                        "/axes/task_commonsense/value",
                                        "/front/points",
                                        "/front/membership_probability",
                                        "/front/hypervolume",
                                        "/front/hypervolume_ci_low",
                                        "/front/reference_point",
                                        "/items/commonsense/item_id",
                                        "/items/commonsense/score",
                                        "/items/translation/text",
                                        "/items/alignment/reward",
                                        "/paired/post/retention/mean",
                                        "/paired/post/retention/stderr",
                                        "/paired/post/retention/p",
                                        "/paired/pre/alignment/mean"};
    export_fixture *f = fixture_small();
    reader r = open_export(&f->table);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!exists(&r, paths[i])) {
            fail_msg("%s is missing", paths[i]);
        }
    }
    assert_false(exists(&r, "/items/commonsense/text"));
    assert_attribute(&r, "/", "schema", "hma-front");
    assert_attribute(&r, "/", "ratio_meaning", "weight of post");
    assert_attribute(&r, "/", "history", "hma sweep sft dpo");
    assert_attribute(&r, "/", "pre_sha256", "aa11");
    assert_attribute(&r, "/", "post_sha256", "bb22");
    assert_attribute(&r, "/", "suite_sha256", "cc33");
    assert_attribute(&r, "/", "precision", "fp32");
    assert_attribute(&r, "/axes/task_commonsense", "category", "commonsense");
    assert_attribute(&r, "/axes/task_commonsense", "long_name", "accuracy on commonsense");
    assert_integer_attribute(&r, "schema_version", 1);
    assert_integer_attribute(&r, "seed", 1);
    close_export(&r);
    fixture_free(f);
}

static void values_read_back_bit_for_bit(void **state) {
    (void)state;
    export_fixture *f = fixture_small();
    reader r = open_export(&f->table);
    double values[36], expected[18] = {0, 0, 0, 0.3, 0.3, 0.3, 0.6, 0.6, 0.6, 0.4, 0.7, 1, 0.9, 0.2, 0.7, 1, 1, 1};
    read_doubles(&r, "/points/ratios", values, 18);
    assert_memory_equal(values, expected, sizeof expected);
    read_doubles(&r, "/points/layer_ratios", values, 36);
    assert_memory_equal(values, f->table.layer_ratios, sizeof values);
    read_doubles(&r, "/axes/alignment/value", values, 6);
    assert_true(values[0] == 0.71 && values[3] == 3.62 && isnan(values[4]));
    read_doubles(&r, "/paired/post/retention/mean", values, 6);
    assert_true(values[3] == 0.881 - 0.466);
    read_doubles(&r, "/front/hypervolume", values, 1);
    assert_true(values[0] == 1.28);
    read_doubles(&r, "/points/block_start", values, 3);
    assert_true(values[0] == 0 && values[1] == 2 && values[2] == 4);
    assert_text(&r, "/points/label", 6, 3, "0.4,0.7,1");
    assert_text(&r, "/front/points", 4, 1, "0000000000000003");
    assert_text(&r, "/items/translation/text", 18, 5, "translation 1/2");
    assert_text(&r, "/items/alignment/text", 24, 23, "alignment 5/1");
    close_export(&r);
    fixture_free(f);
}

static void columns_have_named_dimensions_filters_and_no_times(void **state) {
    (void)state;
    export_fixture *f = fixture_small();
    reader r = open_export(&f->table);
    const hid_t dataset = open_dataset(&r, "/points/ratios", 18), creation = H5Dget_create_plist(dataset);
    H5O_info_t info;
    assert_true(H5Aexists(dataset, "DIMENSION_LIST") > 0);
    assert_int_equal(H5Pget_layout(creation), H5D_CHUNKED);
    assert_int_equal(H5Pget_nfilters(creation), 3); /* shuffle, gzip, fletcher32 */
    assert_true(H5Oget_info(dataset, &info) >= 0);
    assert_true(info.mtime == 0 && info.ctime == 0);
    (void)H5Pclose(creation);
    (void)H5Dclose(dataset);
    assert_int_equal(((const unsigned char *)r.image)[8], 0); /* superblock 0: the earliest format */
    close_export(&r);
    fixture_free(f);
}

static void the_same_table_gives_the_same_bytes(void **state) {
    (void)state;
    export_fixture *f = fixture_small();
    void *first, *second;
    size_t first_length, second_length;
    assert_ok(hma_write_hdf5(&f->table, "one.h5", &first, &first_length));
    void *stir = malloc(1 << 20); /* other memory, other addresses */
    assert_non_null(stir);
    memset(stir, 0x5A, 1 << 20);
    assert_ok(hma_write_hdf5(&f->table, "two.h5", &second, &second_length));
    assert_int_equal(first_length, second_length);
    assert_memory_equal(first, second, first_length);
    free(stir);
    free(first);
    free(second);
    fixture_free(f);
}

/* ---- hostile tables ---- */

static void hostile_names_become_plain_and_are_kept_as_text(void **state) {
    (void)state;
    export_fixture *f = fixture_small();
    free(f->table.tasks[1].name);
    free(f->table.tasks[2].name);
    f->table.tasks[1].name = fixture_text("a/b\"<&>\n]]>");
    f->table.tasks[2].name = fixture_text("A_B_"); /* equal to the one above but for case */
    free(f->front.axes[3].name);
    f->front.axes[3].name = fixture_text("point"); /* the name of a scale */
    fixture_label(f, 3, "=\xC3\xA9\n\xFF");
    reader r = open_export(&f->table);
    assert_attribute(&r, "/items/a_b_", "long_name", "a/b\"<&>\n]]>");
    assert_attribute(&r, "/items/A_B__2", "long_name", "A_B_");
    assert_attribute(&r, "/axes/point_2", "name", "point");
    assert_true(exists(&r, "/paired/post/point_2/mean"));
    assert_text(&r, "/points/label", 6, 3, "=\xC3\xA9\n\xEF\xBF\xBD");
    close_export(&r);
    fixture_free(f);
}

static void a_long_history_is_kept_whole(void **state) {
    (void)state;
    enum { LENGTH = 300000 };
    export_fixture *f = fixture_small();
    char *history = fixture_zeroed(LENGTH + 1, 1);
    memset(history, 'h', LENGTH);
    f->table.command_line = history;
    reader r = open_export(&f->table);
    assert_attribute(&r, "/", "history", history);
    close_export(&r);
    free(history);
    fixture_free(f);
}

static void empty_tables_can_be_written(void **state) {
    (void)state;
    export_fixture *f = fixture_new(0, 1, 1, 0);
    reader r = open_export(&f->table);
    assert_true(exists(&r, "/points/id") && exists(&r, "/front/points"));
    close_export(&r);
    fixture_free(f);
    f = fixture_small();
    f->front.front_count = 0;
    f->front.recommended = f->front.knee = f->front.pre = f->front.post = SIZE_MAX;
    hma_table_task_free(&f->table.tasks[0], f->front.point_count);
    fixture_task(f, 0, "nothing", "acc", 0, 1);
    r = open_export(&f->table);
    assert_true(exists(&r, "/items/nothing/score") && exists(&r, "/items/nothing/text"));
    close_export(&r);
    fixture_free(f);
}

static void more_columns_than_a_scale_can_list_are_refused(void **state) {
    (void)state;
    enum { AXES = 401 }; /* five paired columns each */
    export_fixture *f = fixture_new(2, 1, 1, AXES);
    const double values[] = {1, 2};
    void *image;
    size_t length;
    f->front.post = 1;
    for (size_t i = 0; i < AXES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "task_%zu", i);
        fixture_axis(f, i, HMA_AXIS_TASK, name, name, "c", values, 0.1);
    }
    assert_fails(hma_write_hdf5(&f->table, "test.h5", &image, &length), HMA_FAILURE, "test.h5: too many columns");
    fixture_free(f);
}

/* ---- damage, full disk ---- */

static void a_damaged_image_does_not_pass(void **state) {
    (void)state;
    hma_h5 h5;
    void *image;
    size_t length;
    const double values[] = {1.5, 2.5, 3.5};
    hma_h5_begin(&h5, "test.h5");
    hma_h5_dimension n = hma_h5_numbered(&h5, h5.file, (hma_h5_column){.name = "n"}, 0, 3);
    hma_h5_doubles(&h5, h5.file, (hma_h5_column){.name = "value"}, (hma_h5_shape){1, {&n}}, values);
    hma_h5_close(&h5, &n.scale);
    assert_ok(hma_h5_image(&h5, &image, &length));
    assert_ok(hma_h5_verify(&h5, image, length));
    h5.records[1].digest[0] = h5.records[1].digest[0] == '0' ? '1' : '0';
    assert_fails(hma_h5_verify(&h5, image, length), HMA_FAILURE, "/value reads back differently");
    h5.status = HMA_OK;
    memset((char *)image + length / 2, 0xA5, length - length / 2);
    assert_true(hma_h5_verify(&h5, image, length) != HMA_OK);
    hma_h5_end(&h5);
    free(image);
}

static void failures_inside_the_library_are_one_line(void **state) {
    (void)state;
    hma_h5 h5;
    hma_h5_begin(&h5, "test.h5");
    hid_t group = hma_h5_group(&h5, h5.file, "twice");
    hma_h5_close(&h5, &group);
    group = hma_h5_group(&h5, h5.file, "twice");
    assert_int_equal(h5.status, HMA_FAILURE);
    assert_non_null(strstr(hma_error_message(), "test.h5: HDF5 cannot make a group (name already exists)"));
    hma_h5_note_text(&h5, group, "a", "b"); /* does nothing any more */
    hma_h5_end(&h5);
}

/* A file system of 64 KiB, as root only. */
static void a_full_disk_is_an_ordinary_error(void **state) {
    (void)state;
    char folder[512], path[600];
    make_temporary_folder(folder);
    (void)snprintf(path, sizeof path, "%s/front.h5", folder);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=64k") != 0) {
        (void)rmdir(folder);
        skip();
    }
    export_fixture *f = fixture_small();
    void *image;
    size_t length;
    assert_ok(hma_write_hdf5(&f->table, path, &image, &length));
    assert_true(length > 65536);
    assert_ok(hma_file_store(path, "old", 3));
    assert_fails(hma_file_store(path, image, length), HMA_IO, "No space left on device");
    char *content;
    size_t content_length;
    assert_ok(hma_file_load(path, 100, &content, &content_length));
    assert_string_equal(content, "old");
    free(content);
    free(image);
    fixture_free(f);
    assert_int_equal(umount(folder), 0);
    (void)rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_the_schema),
        cmocka_unit_test(values_read_back_bit_for_bit),
        cmocka_unit_test(columns_have_named_dimensions_filters_and_no_times),
        cmocka_unit_test(the_same_table_gives_the_same_bytes),
        cmocka_unit_test(hostile_names_become_plain_and_are_kept_as_text),
        cmocka_unit_test(a_long_history_is_kept_whole),
        cmocka_unit_test(empty_tables_can_be_written),
        cmocka_unit_test(more_columns_than_a_scale_can_list_are_refused),
        cmocka_unit_test(a_damaged_image_does_not_pass),
        cmocka_unit_test(failures_inside_the_library_are_one_line),
        cmocka_unit_test(a_full_disk_is_an_ordinary_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
