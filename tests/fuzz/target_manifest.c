/* hma-recipe.json of a folder that is checked. Accepted: what it names lies in the folder and has the SHA-256 it gives. */
#include <string.h>

#include "fuzz.h"
#include "hma/merge.h"

static const char weights[] = "\x58\0\0\0\0\0\0\0"
                              "{\"model.layers.0.mlp.up_proj.weight\":"
                              "{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}  "
                              "\0\0\0\0";

static hma_context *context;

static void run(const uint8_t *data, size_t size) {
    if (!context) {
        const hma_context_options options = {.threads = 1};
        fuzz_check(hma_context_new(&context, &options) == HMA_OK, "there is a context");
        fuzz_write("config.json", "{\"num_hidden_layers\":1}", 23);
        fuzz_write("model.safetensors", weights, sizeof weights - 1);
    }
    char *report;
    fuzz_write("hma-recipe.json", data, size);
    const hma_status status = hma_checkpoint_verify(context, fuzz_folder(), &report);
    if (status == HMA_IO) {
        return; /* it names a file that is not there */
    }
    if (fuzz_succeeded(status)) {
        fuzz_check(strstr(report, "as they were written"), "the report speaks of the manifest");
        hma_text_free(report);
    }
}

static const char *const words[] = {
    FUZZ_JSON_WORDS, "\"files\":[", "{\"name\":\"config.json\",", "\"name\":\"model.safetensors\",",
    "\"name\":\"..\"",
    "\"name\":\"/dev/zero\"", "\"name\":\"a/b\"", "\"name\":\"\"", "\"sha256\":\"",
    "\"sha256\":\"6af97d4489bba0fd6cc885d2a62c19c3f600533ca825a2e76506f21ec67e9f5e\"", "null", "0", "\\u0000", NULL};

const fuzz_target the_target = {.name = "manifest", .run = run, .words = words};
