#include "eval/transformer/architecture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "checkpoint/config.h"
#include "eval/transformer/families.h"

/* Above this, sizes in config.json are refused before anything is allocated for them. */
enum { MAX_LAYERS = 4096, MAX_SIZE = 1 << 24 };

const char *hma_tensor_name(char name[HMA_TENSOR_NAME_SIZE], const hma_architecture *a, const char *pattern, size_t layer) {
    int n = snprintf(name, HMA_TENSOR_NAME_SIZE, "%s", a->prefix);
    const char *hole = strstr(pattern, "%zu");
    if (hole) {
        (void)snprintf(name + n, HMA_TENSOR_NAME_SIZE - (size_t)n, "%.*s%zu%s", (int)(hole - pattern), pattern, layer,
                       hole + 3);
    } else {
        (void)snprintf(name + n, HMA_TENSOR_NAME_SIZE - (size_t)n, "%s", pattern);
    }
    return name;
}

void hma_architecture_clear(hma_architecture *a) {
    for (size_t i = 0; i < HMA_ROPE_KINDS; i++) {
        free(a->rope[i].frequency);
    }
    free(a->layer_rope);
    free(a->layer_window);
    *a = (hma_architecture){0};
}

static hma_status read_class(hma_architecture *a, const hma_family *f, const hma_config *root) {
    const cJSON *first = cJSON_GetArrayItem(hma_json_get(root->object, "architectures"), 0);
    const char *name = cJSON_IsString(first) ? first->valuestring : f->causal_classes[0];
    (void)snprintf(a->class_name, sizeof a->class_name, "%s", name);
    a->reward_head = strcmp(name, f->reward_class) == 0;
    for (const char *const *c = f->causal_classes; !a->reward_head && *c; c++) {
        if (strcmp(*c, name) == 0) {
            return HMA_OK;
        }
    }
    return a->reward_head ? HMA_OK
                          : hma_error(HMA_BAD_DATA,
                                      "%s: architecture \"%s\" is not supported (expected %s or %s for model_type %s): this "
                                      "model cannot be scored",
                                      root->path, name, f->causal_classes[0], f->reward_class, f->model_type);
}

/* transformers: num_labels, else the length of id2label, else 2. */
static hma_status read_labels(const hma_config *root) {
    size_t labels = 2;
    const cJSON *names = hma_json_get(root->object, "id2label");
    if (names) {
        labels = (size_t)cJSON_GetArraySize(names);
    }
    const hma_status status = hma_json_get_size(root->object, root->path, "num_labels", false, 1, MAX_SIZE, &labels);
    if (status == HMA_OK && labels != 1) {
        return hma_error(HMA_BAD_DATA,
                         "%s: classification head has %zu labels (expected 1, a reward): use a reward model with one output",
                         root->path, labels);
    }
    return status;
}

static hma_status read_sizes(hma_architecture *a, const hma_family *f, const hma_config *c) {
    const struct {
        const hma_size_key *key;
        size_t most;
        size_t *to;
    } sizes[] = {{&f->hidden, MAX_SIZE, &a->hidden},       {&f->layers, MAX_LAYERS, &a->layers},
                 {&f->heads, 65536, &a->heads},            {&f->intermediate, MAX_SIZE, &a->intermediate},
                 {&f->max_length, MAX_SIZE, &a->max_length}, {&f->vocabulary, MAX_SIZE, &a->vocabulary}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        *sizes[i].to = sizes[i].key->assumed;
        const hma_status status =
            hma_json_get_size(c->object, c->path, sizes[i].key->key, sizes[i].key->assumed == 0, 1, sizes[i].most, sizes[i].to);
        if (status != HMA_OK) {
            return status;
        }
    }
    if (a->intermediate == SIZE_MAX) {
        a->intermediate = 4 * a->hidden; /* GPT-2's n_inner */
    }
    if (a->heads > a->hidden) {
        return hma_error(HMA_BAD_DATA,
                         "%s: %zu attention heads for hidden size %zu (expected no more heads than that): correct it", c->path,
                         a->heads, a->hidden);
    }
    return HMA_OK;
}

static hma_status read_activation(hma_architecture *a, const hma_family *f, const hma_config *c) {
    static const struct {
        const char *name;
        hma_activation activation;
    } known[] = {{"silu", HMA_ACT_SILU},          {"swish", HMA_ACT_SILU},    {"gelu", HMA_ACT_GELU},
                 {"gelu_python", HMA_ACT_GELU},   {"relu", HMA_ACT_RELU},     {"gelu_new", HMA_ACT_GELU_TANH},
                 {"gelu_fast", HMA_ACT_GELU_TANH}, {"gelu_pytorch_tanh", HMA_ACT_GELU_TANH}};
    const char *name = f->activation;
    const hma_status status = hma_json_get_text(c->object, c->path, f->activation_key, false, &name);
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0) {
            a->activation = known[i].activation;
            return HMA_OK;
        }
    }
    return hma_error(HMA_BAD_DATA,
                     "%s: \"%s\": activation \"%s\" is not supported (expected silu, gelu, gelu_new, gelu_pytorch_tanh or "
                     "relu): this model cannot be scored",
                     c->path, f->activation_key, name);
}

static hma_status check_heads(const hma_architecture *a, const hma_config *c) {
    if (a->kv_heads == 0 || a->kv_heads > a->heads || a->heads % a->kv_heads != 0) {
        return hma_error(HMA_BAD_DATA,
                         "%s: %zu attention heads cannot share %zu key/value heads (expected a divisor): correct it", c->path,
                         a->heads, a->kv_heads);
    }
    if (a->head_dim == 0 || a->head_dim > 4096) {
        return hma_error(HMA_BAD_DATA, "%s: head size %zu is not usable (expected 1 to 4096): correct it", c->path,
                         a->head_dim);
    }
    return HMA_OK;
}

/* Weight formats whose tensors do not mean what their names say. */
static hma_status refuse_quantised(const hma_config *root) {
    if (hma_json_get(root->object, "quantization_config")) {
        return hma_error(HMA_BAD_DATA,
                         "%s: the weights are quantised (expected F32, F16 or BF16 tensors): use the unquantised model",
                         root->path);
    }
    return HMA_OK;
}

static hma_status find_prefix(hma_architecture *a, const hma_family *f, const hma_checkpoint *checkpoint) {
    char name[HMA_TENSOR_NAME_SIZE];
    for (const char *const *p = f->prefixes; *p; p++) {
        a->prefix = *p;
        if (hma_checkpoint_find(checkpoint, hma_tensor_name(name, a, f->names->embedding, 0))) {
            return HMA_OK;
        }
    }
    a->prefix = f->prefixes[0];
    return hma_error(HMA_BAD_DATA,
                     "%s: tensor \"%s\" is missing (expected the token embedding of a %s model): is the download complete?",
                     hma_checkpoint_folder(checkpoint), hma_tensor_name(name, a, f->names->embedding, 0), f->model_type);
}

hma_status hma_architecture_read(hma_architecture *out, const hma_checkpoint *checkpoint) {
    *out = (hma_architecture){.embed_scale = 1, .attention_scale = 1, .prefix = ""};
    hma_architecture *a = out;
    const char *path = hma_checkpoint_config_path(checkpoint);
    const hma_config root = {hma_checkpoint_config(checkpoint), path}, c = {hma_checkpoint_text_config(checkpoint), path};
    const char *model_type = "";
    hma_status status = hma_json_get_text(c.object, path, "model_type", true, &model_type);
    if (status != HMA_OK) {
        return status;
    }
    (void)snprintf(a->model_type, sizeof a->model_type, "%s", model_type);
    const hma_family *f = hma_family_find(model_type);
    if (!f) {
        return hma_error(HMA_BAD_DATA,
                         "%s: model_type \"%s\" is not supported (expected one of %s): this model cannot be scored", path,
                         model_type, hma_family_list());
    }
    a->names = f->names;
    double epsilon = f->epsilon;
    if ((status = read_class(a, f, &root)) != HMA_OK || (status = refuse_quantised(&root)) != HMA_OK ||
        (a->reward_head && (status = read_labels(&root)) != HMA_OK) || (status = read_sizes(a, f, &c)) != HMA_OK ||
        (status = read_activation(a, f, &c)) != HMA_OK ||
        (status = hma_json_get_double(c.object, path, f->epsilon_key, false, 0, 1, &epsilon)) != HMA_OK) {
        return status;
    }
    a->norm_epsilon = (float)epsilon;
    a->tied_head = hma_checkpoint_tied_head(checkpoint);
    a->layer_rope = HMA_NEW(unsigned char, a->layers);
    a->layer_window = HMA_NEW(size_t, a->layers);
    if (!a->layer_rope || !a->layer_window) {
        return HMA_FAILURE;
    }
    if ((status = f->read(a, &c)) != HMA_OK || (status = check_heads(a, &c)) != HMA_OK) {
        return status;
    }
    if (a->reward_head) {
        a->final_softcap = 0; /* logits are capped, rewards are not */
    }
    return find_prefix(a, f, checkpoint);
}
