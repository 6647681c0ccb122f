/* A whole merge, from opening the two folders to the finished one: what the fault tests let fail. */
#ifndef HMA_TESTS_MERGE_RUNS_H
#define HMA_TESTS_MERGE_RUNS_H

#include "merge_models.h"

#include "checkpoint/folder.h"

static inline hma_status merge_folders_by(const char *recipe_json, const char *pre_folder, const char *post_folder,
                                          const char *out, bool force) {
    const hma_context_options options = {.threads = 2};
    const hma_merge_options merge_options = {.force = force, .command_line = "hma merge"};
    hma_context *context = NULL;
    hma_checkpoint *pre = NULL, *post = NULL;
    hma_recipe *recipe = NULL;
    hma_source *source = NULL;
    hma_status status = hma_context_new(&context, &options);
    if (status == HMA_OK) {
        status = hma_checkpoint_open(&pre, pre_folder);
    }
    if (status == HMA_OK) {
        status = hma_checkpoint_open(&post, post_folder);
    }
    if (status == HMA_OK) {
        status = hma_recipe_parse(&recipe, recipe_json, strlen(recipe_json), 2, "recipe");
    }
    if (status == HMA_OK) {
        status = hma_source_merged_from(&source, pre, post, pre, recipe);
    }
    if (status == HMA_OK) {
        status = hma_merge_write(context, source, out, &merge_options, NULL);
    }
    hma_source_free(source);
    hma_recipe_free(recipe);
    hma_checkpoint_close(pre);
    hma_checkpoint_close(post);
    hma_context_free(context);
    return status;
}

static inline hma_status merge_folders(const char *pre_folder, const char *post_folder, const char *out, bool force) {
    return merge_folders_by("{\"ratios\":[0.25,0.75],\"tensors\":{\"model.norm.weight\":0}}", pre_folder, post_folder, out,
                            force);
}

/* Everything in a folder, hidden entries included. */
static inline size_t entry_count(const char *folder) {
    char **names;
    size_t count;
    assert_ok(hma_folder_list(&names, &count, folder, "*"));
    hma_names_free(names, count);
    return count - 2; /* without "." and ".." */
}

static inline void assert_complete(const char *out) {
    hma_context *context;
    char *report;
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_checkpoint_verify(context, out, &report));
    assert_non_null(strstr(report, "as they were written"));
    hma_text_free(report);
    hma_context_free(context);
}

#endif
