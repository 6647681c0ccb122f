/* src/export, notebooks-export: every text format of a small table byte for byte, hostile names, extreme tables. */
#include "expected.h"
#include "export_fixture.h"

#include "base/json.h"
#include "export/writers.h"

typedef hma_status (*write_fn)(hma_buffer *out, const hma_table *table);

static hma_status write_notebook(hma_buffer *out, const hma_table *table) { return hma_write_notebook(out, table, "small.h5"); }

static const struct {
    const char *suffix;
    write_fn write;
} formats[] = {{"csv", hma_write_csv},
               {"json", hma_write_json},
               {"svg", hma_write_svg},
               {"html", hma_write_html},
               {"ipynb", write_notebook}};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Every format of a fixture, which is freed. */
static void write_all(hma_buffer out[FORMATS], export_fixture *fixture) {
    for (size_t i = 0; i < FORMATS; i++) {
        out[i] = (hma_buffer){0};
        assert_ok(formats[i].write(&out[i], &fixture->table));
    }
    fixture_free(fixture);
}

static void free_all(hma_buffer out[FORMATS]) {
    for (size_t i = 0; i < FORMATS; i++) {
        hma_buffer_free(&out[i]);
    }
}

static const char *content(hma_buffer out[FORMATS], const char *suffix) {
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(formats[i].suffix, suffix) == 0) {
            return hma_buffer_cstr(&out[i]);
        }
    }
    fail_msg("no format %s", suffix);
    return NULL;
}

static size_t count(const char *text, const char *word) {
    size_t found = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word)) {
        found++;
    }
    return found;
}

/* ---- stored bytes ---- */

static void a_small_table_is_written_as_stored(void **state) {
    (void)state;
    hma_buffer out[FORMATS];
    write_all(out, fixture_small());
    for (size_t i = 0; i < FORMATS; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "small.%s", formats[i].suffix);
        assert_expected(name, hma_buffer_cstr(&out[i]), out[i].length);
    }
    free_all(out);
}

/* ---- well-formed ---- */

/* Elements of an XML document are closed in order, attributes are quoted, nothing stands bare that may not. */
static void assert_well_formed(const char *xml) {
    enum { DEEPEST = 64 };
    const char *open[DEEPEST];
    size_t lengths[DEEPEST], depth = 0;
    for (const char *c = xml; *c; c++) {
        if (*c != '<') {
            assert_true(*c != '>' && (*c != '&' || strchr("algq#", c[1])));
            continue;
        }
        const bool closes = c[1] == '/';
        const char *name = c + 1 + closes;
        const size_t length = strcspn(name, " />\n");
        bool quoted = false;
        const char *end = name + length;
        for (; *end && (quoted || *end != '>'); end++) {
            quoted = quoted != (*end == '"');
            assert_true(*end != '<');
        }
        assert_true(*end == '>' && !quoted && length > 0);
        if (closes) {
            assert_true(depth > 0 && lengths[--depth] == length && strncmp(open[depth], name, length) == 0);
        } else if (end[-1] != '/') {
            assert_true(depth < DEEPEST);
            lengths[depth] = length;
            open[depth++] = name;
        }
        c = end;
    }
    assert_int_equal(depth, 0);
}

/* The SVG document inside a page. */
static void assert_page_well_formed(const char *html) {
    const char *from = strstr(html, "<svg"), *to = strstr(html, "</svg>");
    assert_true(from && to && from < to);
    char *svg = strndup(from, (size_t)(to - from) + strlen("</svg>"));
    assert_non_null(svg);
    assert_well_formed(svg);
    free(svg);
}

static void assert_documents_are_sound(hma_buffer out[FORMATS]) {
    assert_well_formed(content(out, "svg"));
    assert_page_well_formed(content(out, "html"));
    assert_ok(hma_json_check("json", content(out, "json"), strlen(content(out, "json"))));
    assert_ok(hma_json_check("ipynb", content(out, "ipynb"), strlen(content(out, "ipynb"))));
    assert_null(strstr(content(out, "svg"), "<script"));
    assert_null(strstr(content(out, "html"), "<script"));
    for (size_t i = 0; i < FORMATS; i++) {
        assert_int_equal(out[i].length, strlen(hma_buffer_cstr(&out[i])));
    }
}

/* ---- hostile names ---- */

static const char hostile[] =
    "=cmd|'/c calc'!A1,\"x\"\r\n<script>alert(1)</script>]]>&amp; $x$ *b* \xC3\xA9\xE2\x80\xA8\x1B[2J\xFF";

static export_fixture *fixture_hostile(void) {
    export_fixture *f = fixture_small();
    fixture_label(f, 3, hostile);
    fixture_label(f, 2, hostile);
    free(f->table.title);
    f->table.title = fixture_text(hostile);
    f->table.command_line = hostile;
    f->table.pre = hostile;
    free(f->front.verdict);
    f->front.verdict = fixture_text(hostile);
    for (size_t i = 0; i < f->front.axis_count; i++) {
        char name[300];
        free(f->front.axes[i].long_name);
        f->front.axes[i].long_name = fixture_text(hostile);
        if (f->front.axes[i].kind == HMA_AXIS_ALIGNMENT || f->front.axes[i].kind == HMA_AXIS_RETENTION) {
            continue; /* whose names are fixed */
        }
        free(f->front.axes[i].name);
        (void)snprintf(name, sizeof name, "task_%zu %s", i, hostile);
        f->front.axes[i].name = fixture_text(name);
    }
    free(f->table.tasks[2].name);
    f->table.tasks[2].name = fixture_text(hostile);
    free(f->table.tasks[2].text[0]);
    f->table.tasks[2].text[0] = NULL;
    free(f->table.tasks[2].text[9]);
    f->table.tasks[2].text[9] = fixture_text(hostile);
    return f;
}

static void hostile_names_stay_text(void **state) {
    (void)state;
    hma_buffer out[FORMATS];
    write_all(out, fixture_hostile());
    assert_documents_are_sound(out);
    const char *csv = content(out, "csv");
    assert_non_null(strstr(csv, ",\"'=cmd|'/c calc'!A1,\"\"x\"\"\r\n<script"));
    assert_null(strstr(csv, ",=cmd"));
    assert_null(strstr(content(out, "html"), "alert(1)</script>"));
    assert_null(strchr(content(out, "html"), 0x1B));
    assert_null(strchr(content(out, "ipynb"), 0x1B));
    free_all(out);
}

static void cells_that_look_like_formulas_become_text(void **state) {
    (void)state;
    static const char *const labels[] = {"=1", "+1", "-1", "@x", "\tx"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        export_fixture *f = fixture_small();
        hma_buffer out = {0};
        char expected[64];
        fixture_label(f, 1, labels[i]);
        assert_ok(hma_write_csv(&out, &f->table));
        (void)snprintf(expected, sizeof expected, "0000000000000001,'%s,grid", labels[i]);
        assert_non_null(strstr(hma_buffer_cstr(&out), expected));
        hma_buffer_free(&out);
        fixture_free(f);
    }
}

/* ---- extreme tables ---- */

/* Points that all have the same values. */
static export_fixture *fixture_flat(size_t points, double alignment, double retention) {
    export_fixture *f = fixture_new(points, 1, 2, 2);
    double *values = fixture_zeroed(points, sizeof *values);
    f->front.post = points ? points - 1 : 0;
    for (size_t i = 0; i < points; i++) {
        const double ratio = points > 1 ? (double)i / (double)(points - 1) : 0.5;
        fixture_ratios(f, i, &ratio);
        values[i] = alignment;
    }
    fixture_axis(f, 0, HMA_AXIS_ALIGNMENT, "alignment", "reward", "", values, 0.1);
    for (size_t i = 0; i < points; i++) {
        values[i] = retention;
    }
    fixture_axis(f, 1, HMA_AXIS_RETENTION, "retention", "mean", "", values, 0.1);
    free(values);
    return f;
}

static void any_number_of_equal_points_can_be_written(void **state) {
    (void)state;
    for (size_t points = 0; points <= 3; points++) {
        hma_buffer out[FORMATS];
        export_fixture *f = fixture_flat(points, 0.7, 0.3);
        if (points) {
            fixture_on_front(f, 0, 1);
        }
        write_all(out, f);
        assert_documents_are_sound(out);
        assert_int_equal(count(content(out, "json"), "\"on_front\":"), points);
        assert_int_equal(count(content(out, "csv"), "\r\n"), points + 1);
        free_all(out);
    }
}

static void scores_that_are_not_finite_are_shown_as_such(void **state) {
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        hma_buffer out[FORMATS];
        export_fixture *f = fixture_flat(3, 0.5, 0.5);
        f->front.axes[0].point[1] = (hma_estimate){values[i], NAN, NAN, NAN};
        f->front.points[1].excluded = true;
        f->table.points[1].failure = "logits are not finite";
        write_all(out, f);
        assert_documents_are_sound(out);
        assert_non_null(strstr(content(out, "json"), "\"alignment\":{\"value\":null,"));
        assert_non_null(strstr(content(out, "json"), "\"failure\":\"logits are not finite\""));
        assert_non_null(strstr(content(out, "csv"), ",logits are not finite,"));
        assert_non_null(strstr(content(out, "svg"), "Not shown: 1 with a score that is not finite."));
        assert_null(strstr(content(out, "svg"), "nan"));
        assert_null(strstr(content(out, "svg"), "inf"));
        assert_non_null(strstr(content(out, "html"), "not finite"));
        free_all(out);
    }
}

/* What a suite does not measure is NaN at every point. */
static void one_measure_alone_is_drawn_over_the_ratio(void **state) {
    (void)state;
    static const struct {
        double alignment, retention;
        const char *axis;
    } cases[] = {{NAN, 0.5, "Retention, more is better"}, {0.5, NAN, "Alignment, more is better"}, {NAN, NAN, "Mean ratio"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        export_fixture *f = fixture_flat(3, cases[i].alignment, cases[i].retention);
        hma_buffer out[FORMATS];
        fixture_on_front(f, 1, 1);
        write_all(out, f);
        assert_documents_are_sound(out);
        assert_non_null(strstr(content(out, "svg"), "Mean ratio (weight of post)"));
        assert_non_null(strstr(content(out, "svg"), cases[i].axis));
        assert_null(strstr(content(out, "svg"), ">front</text>"));
        free_all(out);
    }
}

static void huge_runs_give_a_picture_of_bounded_size(void **state) {
    (void)state;
    enum { POINTS = 100000 };
    export_fixture *f = fixture_new(POINTS, 1, 1, 2);
    double *values = fixture_zeroed(POINTS, sizeof *values);
    hma_buffer svg = {0}, html = {0};
    f->front.post = POINTS - 1;
    f->front.recommended = POINTS / 2;
    for (size_t i = 0; i < POINTS; i++) {
        const double ratio = (double)i / (POINTS - 1);
        fixture_ratios(f, i, &ratio);
        values[i] = ratio;
    }
    fixture_axis(f, 0, HMA_AXIS_ALIGNMENT, "alignment", "reward", "", values, 0.001);
    for (size_t i = 0; i < POINTS; i++) {
        values[i] = 1 - values[i];
        fixture_on_front(f, i, 0.5);
    }
    fixture_axis(f, 1, HMA_AXIS_RETENTION, "retention", "mean", "", values, 0.001);
    assert_ok(hma_write_svg(&svg, &f->table));
    assert_ok(hma_write_html(&html, &f->table));
    assert_true(svg.length < 2000000);
    assert_true(html.length < svg.length + 200000);
    assert_non_null(strstr(hma_buffer_cstr(&svg), "100000 points, thinned."));
    assert_non_null(strstr(hma_buffer_cstr(&html), "99800 further points are not listed."));
    hma_buffer_free(&svg);
    hma_buffer_free(&html);
    free(values);
    fixture_free(f);
}

/* ---- what the formats promise ---- */

static void json_numbers_read_back_exactly(void **state) {
    (void)state;
    export_fixture *f = fixture_flat(2, 0.1 + 0.2, 1.0 / 3);
    hma_buffer out = {0};
    cJSON *tree;
    f->table.seed = "18446744073709551615";
    assert_ok(hma_write_json(&out, &f->table));
    assert_ok(hma_json_parse(&tree, "front", hma_buffer_cstr(&out), out.length));
    const cJSON *point = cJSON_GetArrayItem(hma_json_get(tree, "points"), 0);
    assert_true(hma_json_get(hma_json_get(point, "alignment"), "value")->valuedouble == 0.1 + 0.2);
    assert_true(hma_json_get(hma_json_get(point, "retention"), "value")->valuedouble == 1.0 / 3);
    assert_string_equal(hma_json_get(tree, "seed")->valuestring, "18446744073709551615");
    cJSON_Delete(tree);
    hma_buffer_free(&out);
    fixture_free(f);
}

static void notebooks_refuse_names_that_python_cannot_open(void **state) {
    (void)state;
    export_fixture *f = fixture_flat(2, 1, 1);
    hma_buffer out = {0};
    assert_fails(hma_write_notebook(&out, &f->table, "\xFF.h5"), HMA_USAGE, "not UTF-8");
    hma_buffer_free(&out);
    fixture_free(f);
}

/* ---- samples for other readers ---- */

static void keep(const char *folder, const char *stem, const char *suffix, const void *bytes, size_t length) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s.%s", folder, stem, suffix);
    assert_ok(hma_file_store(path, bytes, length));
}

static void keep_all(const char *folder, const char *stem, export_fixture *fixture) {
    void *image;
    size_t length;
    char data_file[64];
    hma_buffer notebook = {0};
    (void)snprintf(data_file, sizeof data_file, "%s.h5", stem);
    assert_ok(hma_write_hdf5(&fixture->table, data_file, &image, &length));
    keep(folder, stem, "h5", image, length);
    assert_ok(hma_write_notebook(&notebook, &fixture->table, data_file));
    keep(folder, stem, "ipynb", hma_buffer_cstr(&notebook), notebook.length);
    hma_buffer_free(&notebook);
    free(image);
    hma_buffer out[FORMATS];
    write_all(out, fixture);
    for (size_t i = 0; i < FORMATS; i++) {
        if (formats[i].write != write_notebook) {
            keep(folder, stem, formats[i].suffix, hma_buffer_cstr(&out[i]), out[i].length);
        }
    }
    free_all(out);
}

/* HMA_EXPORT_SAMPLES=FOLDER: leaves files there for tests/export/check.py. */
static void samples_are_left_for_other_readers(void **state) {
    (void)state;
    const char *folder = getenv("HMA_EXPORT_SAMPLES");
    if (!folder) {
        skip();
        return;
    }
    keep_all(folder, "small", fixture_small());
    keep_all(folder, "hostile", fixture_hostile());
    keep_all(folder, "equal", fixture_flat(3, 0.5, 0.5));
    keep_all(folder, "one", fixture_flat(1, 0.5, 0.5));
    keep_all(folder, "none", fixture_flat(0, 0.5, 0.5));
    keep_all(folder, "no-alignment", fixture_flat(3, NAN, 0.5));
    keep_all(folder, "no-retention", fixture_flat(3, 0.5, NAN));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_table_is_written_as_stored),
        cmocka_unit_test(hostile_names_stay_text),
        cmocka_unit_test(cells_that_look_like_formulas_become_text),
        cmocka_unit_test(any_number_of_equal_points_can_be_written),
        cmocka_unit_test(scores_that_are_not_finite_are_shown_as_such),
        cmocka_unit_test(one_measure_alone_is_drawn_over_the_ratio),
        cmocka_unit_test(huge_runs_give_a_picture_of_bounded_size),
        cmocka_unit_test(json_numbers_read_back_exactly),
        cmocka_unit_test(notebooks_refuse_names_that_python_cannot_open),
        cmocka_unit_test(samples_are_left_for_other_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
