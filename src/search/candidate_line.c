/* One line of a candidates file becomes a recipe. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "search/candidates.h"

/* What is copied of an object: of a line all but the label, of the run's recipe all that the line does not say. */
typedef struct source {
    const char *name, *json;
    size_t length;
    const hma_run *run;
    const cJSON *line; /* NULL when the source is the line itself */
} source;

static bool wanted(const source *s, const char *key) {
    if (!s->line) {
        return strcmp(key, "label") != 0;
    }
    const bool ratios = strcmp(key, "ratios") == 0;
    const bool blocks = strcmp(key, "blocks") == 0;
    /* settings of the run's method mean nothing to another */
    const bool of_method = strcmp(key, "density") == 0 || strcmp(key, "lambda") == 0 || strcmp(key, "base") == 0;
    if (of_method && hma_json_get(s->line, "method")) {
        return false;
    }
    return !ratios && !(blocks && s->run->default_blocks == 0) && !hma_json_get(s->line, key);
}

/* Appends "key":value; the value byte for byte, because a number that went through a tree and back may be another one. */
static hma_status copy_member(hma_buffer *out, const source *s, hma_json_scan *scan) {
    const bool copy = wanted(s, hma_buffer_cstr(&scan->text));
    const size_t before = out->length;
    hma_buffer_char(out, out->length > 1 ? ',' : ' ');
    hma_buffer_json_text(out, hma_buffer_cstr(&scan->text), scan->text.length);
    hma_json_event event;
    hma_status status = hma_json_next(scan, &event);
    const size_t start = scan->start;
    if (status == HMA_OK) {
        status = hma_json_skip(scan, event);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (!copy || event == HMA_JSON_NULL || out->failed) { /* null is as good as absent */
        out->length = out->failed ? out->length : before;
        return HMA_OK;
    }
    hma_buffer_char(out, ':');
    hma_buffer_add(out, s->json + start, scan->at - start);
    return HMA_OK;
}

static hma_status copy_members(hma_buffer *out, const source *s) {
    hma_json_scan scan;
    hma_json_event event;
    hma_json_scan_begin(&scan, s->name, s->json, s->length);
    hma_status status = hma_json_next(&scan, &event);
    while (status == HMA_OK) {
        status = hma_json_next(&scan, &event);
        if (status != HMA_OK || event != HMA_JSON_KEY) {
            break; /* the end of the object: it was checked before */
        }
        status = copy_member(out, s, &scan);
    }
    hma_json_scan_free(&scan);
    return status;
}

static hma_status complete(hma_buffer *out, const hma_run *run, const cJSON *tree, const char *line, size_t length,
                           const char *name) {
    const source own = {name, line, length, run, NULL};
    const source defaults = {run->folder, run->defaults, strlen(run->defaults), run, tree};
    hma_buffer_char(out, '{');
    hma_status status = copy_members(out, &own);
    if (status == HMA_OK) {
        status = copy_members(out, &defaults);
    }
    hma_buffer_char(out, '}');
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}

static hma_status copy_label(char **out, const cJSON *tree, const char *name) {
    const char *label = NULL;
    const hma_status status = hma_json_get_text(tree, name, "label", false, &label);
    if (status != HMA_OK || !label) {
        return status;
    }
    *out = hma_copy_text(label);
    return *out ? HMA_OK : HMA_FAILURE;
}

hma_status hma_candidate_parse(hma_recipe **recipe, char **label, const hma_run *run, const char *line, size_t length,
                               const char *name) {
    cJSON *tree;
    hma_status status = hma_json_parse_line(&tree, name, line, length);
    if (status != HMA_OK) {
        return status;
    }
    hma_buffer json = {0};
    char *own_label = NULL;
    if (!cJSON_IsObject(tree)) {
        status = hma_error(HMA_BAD_DATA,
                           "%s: is not an object (expected a recipe such as {\"ratios\":[0.4,0.7,1]}): correct it", name);
    }
    if (status == HMA_OK) {
        status = copy_label(&own_label, tree, name);
    }
    if (status == HMA_OK) {
        status = complete(&json, run, tree, line, length, name);
    }
    if (status == HMA_OK) {
        status = hma_recipe_parse(recipe, hma_buffer_cstr(&json), json.length, run->layers, name);
    }
    if (status == HMA_OK) {
        *label = own_label;
        own_label = NULL;
    }
    free(own_label);
    hma_buffer_free(&json);
    cJSON_Delete(tree);
    return status;
}
