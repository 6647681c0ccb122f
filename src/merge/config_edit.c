#include "merge/config_edit.h"

#include <string.h>

#include "base/json_scan.h"

static const char *torch_name(hma_dtype dtype) {
    return dtype == HMA_F32 ? "float32" : dtype == HMA_F16 ? "float16" : "bfloat16";
}

static bool is(const hma_json_scan *scan, const char *text) { return strcmp(hma_buffer_cstr(&scan->text), text) == 0; }

hma_status hma_config_with_dtype(hma_buffer *out, const char *name, const char *text, size_t length, hma_dtype dtype) {
    hma_json_scan scan;
    hma_json_event event;
    hma_status status;
    size_t copied = 0;
    bool in_text_config = false, at_dtype = false;
    hma_json_scan_begin(&scan, name, text, length);
    do {
        status = hma_json_next(&scan, &event);
        if (status != HMA_OK) {
            break;
        }
        if (event == HMA_JSON_STRING && at_dtype && !is(&scan, torch_name(dtype))) {
            hma_buffer_add(out, text + copied, scan.start - copied);
            hma_buffer_printf(out, "\"%s\"", torch_name(dtype));
            copied = scan.at;
        }
        if (event == HMA_JSON_KEY && scan.depth == 1) {
            in_text_config = is(&scan, "text_config");
        }
        at_dtype = event == HMA_JSON_KEY && (scan.depth == 1 || (scan.depth == 2 && in_text_config)) &&
                   (is(&scan, "torch_dtype") || is(&scan, "dtype"));
    } while (event != HMA_JSON_END);
    hma_json_scan_free(&scan);
    hma_buffer_add(out, text + copied, length - copied);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
