#include "point.h"

#include <stdio.h>
#include <string.h>

#include "json_out.h"
#include "talk.h"

hma_status cli_point_find(size_t *point, const hma_run *run, const hma_front *front, const char *name) {
    size_t candidate;
    hma_status status = hma_front_find_named(front, name, point);
    if (status != HMA_USAGE) { /* a name, with a point or without one */
        return status;
    }
    status = hma_run_find(run, name, &candidate);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < front->point_count; i++) {
        if (front->points[i].candidate == candidate) {
            *point = i;
            return HMA_OK;
        }
    }
    return cli_error(HMA_USAGE, "--point: %s has not been scored yet (expected a point of the front): finish the run", name);
}

hma_status cli_run_front(hma_run **run, hma_front **front, hma_context *context, const char *folder) {
    *run = NULL;
    *front = NULL;
    const hma_status status = hma_run_open(run, folder);
    return status == HMA_OK ? hma_front_compute(front, context, *run, NULL) : status;
}

static void put_axis(cli_json *json, const char *key, const hma_estimate *e) {
    cli_json_object(json, key);
    cli_json_number(json, "value", e->value);
    cli_json_number(json, "stderr", e->standard_error);
    cli_json_object_end(json);
}

char *cli_point_scores(const hma_front *front, size_t point, const char *run_folder) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return NULL;
    }
    cli_json json = cli_json_begin(out);
    cli_json_text(&json, "run", run_folder);
    cli_json_text(&json, "point", front->points[point].label);
    for (size_t a = 0; a < front->axis_count; a++) {
        put_axis(&json, front->axes[a].name, &front->axes[a].point[point]);
    }
    cli_json_end(&json);
    return fclose(out) == 0 ? text : NULL;
}
