/* The weights from the inside; for weights.c, weights_pack.c and weights_ahead.c. */
#ifndef HMA_EVAL_TRANSFORMER_WEIGHTS_PARTS_H
#define HMA_EVAL_TRANSFORMER_WEIGHTS_PARTS_H

#include "base/pool.h"
#include "eval/transformer/screen.h"
#include "eval/transformer/weights_plan.h"

/* Rows of a matrix that one piece of work reads, merges and packs: enough for long reads, few enough to share out. */
enum { HMA_PACK_ROWS = 2 * HMA_PANEL };

/* Whoever packs: the pool's threads together, or one thread that works ahead. */
typedef struct hma_packer {
    const hma_architecture *a;
    const hma_kernels *kernels;
    hma_pool *pool;  /* NULL: the calling thread alone */
    float **scratch; /* [threads]: rows as they are read, before packing */
    size_t scratch_count, scratch_floats;
} hma_packer;

typedef struct hma_ahead hma_ahead;

/* The values that a part of the model was made of: equal keys, equal bits. */
typedef struct hma_part_key {
    char digest[65];
} hma_part_key;

/*
 * Memory for packed layers and for the head, and what is in it. Models that go through their layers in step share it: a layer
 * that several have in common is made once for all of them.
 */
typedef struct hma_weight_buffers {
    size_t users;
    bool resident;
    size_t layer_bytes; /* of one packed layer */
    size_t slots;       /* layers when resident, else 2: one in use, one under way */
    hma_layer *layers;  /* [slots] */
    char **memory;      /* [slots] */
    hma_part_key *held; /* [slots]: what is in it; "": nothing */
    size_t in_use;      /* slot that was handed out last */
    hma_ahead *ahead;   /* NULL until a layer is expected */
    void *head;         /* NULL until read */
    hma_part_key head_held;
    size_t head_first, head_count; /* its rows that are there */
} hma_weight_buffers;

/* Rows of the embedding that were read so far. Models whose embeddings are the same share them. */
typedef struct hma_embedding_rows {
    size_t users;
    float **row; /* [vocabulary], NULL where it was not needed yet */
    bool checked;
} hma_embedding_rows;

struct hma_weights {
    hma_context *context;
    const hma_source *source;
    const hma_architecture *a;
    hma_kernels *kernels;
    hma_weights_plan plan;
    hma_part_key *layer_key; /* [layers] of the source in hand */
    hma_part_key *trunk_key; /* [layers + 1]: of everything before layer l, embedding included */
    hma_part_key head_key, norm_key;
    uint64_t reserved; /* of the context's memory */
    hma_weight_buffers *buffers;
    hma_embedding_rows *embedding;
    hma_packer packer;
    float *positions, *final_norm, *head_bias; /* NULL until read */
    hma_screen *screen;                        /* NULL until it is asked for */
    hma_part_key screen_held;                  /* the head that it was made of */
    uint64_t screen_bytes;                     /* .. and claimed of the context's memory */
    double seconds;
};

/* ---- weights_buffers.c ---- */

/* For `slots` layers; memory is taken when something is put into it. */
hma_status hma_weight_buffers_new(hma_weight_buffers **out, size_t slots, size_t layer_bytes, bool resident);
/* Gives up a share in them; may be NULL. The last user's frees them. */
void hma_weight_buffers_leave(hma_weight_buffers *buffers);

hma_status hma_embedding_rows_new(hma_embedding_rows **out, size_t vocabulary);
void hma_embedding_rows_leave(hma_embedding_rows *rows, size_t vocabulary);

/* ---- weights_pack.c ---- */

hma_status hma_packer_new(hma_packer *out, const hma_architecture *a, const hma_kernels *kernels, hma_pool *pool,
                          size_t widest);
void hma_packer_free(hma_packer *packer);

/* Bytes of a packed layer, and of a packed matrix with its bias. */
size_t hma_layer_bytes(const hma_gemm *gemm, const hma_layer_plan *plan);
size_t hma_matrix_bytes(const hma_gemm *gemm, const hma_matrix_plan *plan);
size_t hma_vector_bytes(uint64_t count);
/* Most columns of a layer's matrices. */
size_t hma_layer_widest(const hma_layer_plan *plan);

/* A matrix on its way into memory. */
typedef struct hma_packing {
    const hma_kernels *kernels;
    const hma_source *source;
    const hma_matrix_plan *plan;
    void *packed;
    size_t first, count; /* rows of the matrix to pack; they become rows 0 .. of what is packed */
    float *columns;      /* transposed: the whole tensor, [columns, tensor rows] */
    size_t stride;       /* transposed: its row length */
} hma_packing;

/* A layer on its way into memory, cut into pieces that any number of threads may take. */
enum { HMA_LAYER_MATRICES = 4 };
typedef struct hma_layer_load {
    hma_packing matrices[HMA_LAYER_MATRICES];
    size_t pieces;
} hma_layer_load;

/*
 * Lays a layer out in `memory`, hma_layer_bytes() of it, and reads all but its matrices; these are there when every piece
 * 0 .. pieces-1 has been made, with `scratch` of the packer's size. hma_load_end() in any case.
 */
hma_status hma_load_begin(hma_layer_load *load, hma_packer *packer, const hma_source *source, const hma_layer_plan *plan,
                          char *memory, hma_layer *out);
hma_status hma_load_piece(const hma_layer_load *load, size_t piece, float *scratch);
void hma_load_end(hma_layer_load *load);
/* All of that at once. */
hma_status hma_load_layer(hma_packer *packer, const hma_source *source, const hma_layer_plan *plan, char *memory,
                          hma_layer *out);
/* Rows first .. first+count-1 of a matrix, packed as rows 0 .. of what is packed. */
hma_status hma_pack_matrix(hma_packer *packer, const hma_source *source, const hma_matrix_plan *plan, size_t first,
                           size_t count, void *packed);
hma_status hma_read_bias(const hma_source *source, const hma_matrix_plan *plan, float *out);
/* A norm's vectors into memory taken from *at. */
hma_status hma_load_norm(const hma_source *source, const hma_norm_plan *plan, char **at, hma_norm *out);
hma_status hma_read_tensor(hma_packer *packer, const hma_source *source, const hma_tensor *tensor, float *out);

/* ---- weights_keys.c ---- */

/* Fills the keys from source and plan. */
hma_status hma_weights_make_keys(hma_weights *weights);

/* ---- weights_ahead.c: one thread that loads the layer that is needed next ---- */

hma_status hma_ahead_new(hma_ahead **out, const hma_architecture *a, const hma_kernels *kernels, size_t widest);
void hma_ahead_free(hma_ahead *ahead);
/* Begins. What is handed over must stay until hma_ahead_wait(). */
void hma_ahead_begin(hma_ahead *ahead, const hma_source *source, const hma_layer_plan *plan, char *memory, hma_layer *out);
/* Waits for what was begun, with a hand from the helper's threads, and returns how it went, with its message; HMA_OK when
 * nothing was. */
hma_status hma_ahead_wait(hma_ahead *ahead, const hma_packer *helper);
/* The same without an error, and without help: false when it failed. */
bool hma_ahead_settle(hma_ahead *ahead);

#endif
