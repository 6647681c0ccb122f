/* Model folders as folders: what belongs to one, what lies in them instead of a model, who would overwrite whom. */
#ifndef HMA_CHECKPOINT_FOLDER_H
#define HMA_CHECKPOINT_FOLDER_H

#include "hma/checkpoint.h"

#define HMA_CONFIG_FILE "config.json"
#define HMA_GENERATION_CONFIG_FILE "generation_config.json"
#define HMA_WEIGHTS_FILE "model.safetensors"
#define HMA_INDEX_FILE "model.safetensors.index.json"

/*
 * The files besides config and weights that make a folder complete: tokenizer, templates, generation config. NULL-terminated.
 * A merge copies those that its donor has.
 */
extern const char *const hma_folder_companions[];

/* Sets the error (HMA_BAD_DATA) for a folder without `name`, a file that every model has: says what is there instead. */
hma_status hma_folder_lacks(const char *folder, const char *name);

/*
 * Whether `path` is `folder` or lies inside it, symbolic links resolved. `path` need not exist: then the nearest parent that
 * does decides. False when `folder` does not exist.
 */
bool hma_folder_contains(const char *folder, const char *path);

/*
 * Whether writing or replacing `folder` would touch what the checkpoint reads: it is the checkpoint's folder, lies inside it,
 * contains it, or holds one of the files that the folder's symbolic links lead to.
 */
bool hma_checkpoint_reads_from(const hma_checkpoint *checkpoint, const char *folder);

/* HMA_IO when one of the checkpoint's shards has changed since it was opened, or another file has taken its place. */
hma_status hma_checkpoint_unchanged(const hma_checkpoint *checkpoint);

/* Names of the folder's entries that match a glob, sorted: nothing may depend on the order of a listing. */
hma_status hma_folder_list(char ***names, size_t *count, const char *folder, const char *glob);
void hma_names_free(char **names, size_t count);

#endif
