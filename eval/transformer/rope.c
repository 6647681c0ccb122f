#include "eval/transformer/rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"

typedef struct scaling {
    const cJSON *object; /* where the type's parameters stand; NULL: default */
    const char *type;
} scaling;

static hma_status get(const hma_rope_request *r, const cJSON *object, const char *key, bool required, double least,
                      double *out) {
    return hma_json_get_double(object, r->path, key, required, least, 1e12, out);
}

/* Frequencies without scaling: theta^(-2i/dims), with the reference's roundings to fp32. */
static void plain(const hma_rope *rope, double theta) {
    for (size_t i = 0; i < rope->dims / 2; i++) {
        const float exponent = (float)(2 * i) / (float)rope->dims;
        rope->frequency[i] = 1.0f / powf((float)theta, exponent);
    }
}

static hma_status apply_linear(const hma_rope_request *r, const scaling *s, hma_rope *rope) {
    double factor = 0;
    const hma_status status = get(r, s->object, "factor", true, 1e-6, &factor);
    for (size_t i = 0; status == HMA_OK && i < rope->dims / 2; i++) {
        rope->frequency[i] /= (float)factor;
    }
    return status;
}

/* Llama 3.1: long wavelengths are divided by the factor, short ones kept, those between blended. */
static hma_status apply_llama3(const hma_rope_request *r, const scaling *s, hma_rope *rope) {
    double factor = 0, low = 0, high = 0, original = 0;
    hma_status status = get(r, s->object, "factor", true, 1e-6, &factor);
    if (status == HMA_OK) {
        status = get(r, s->object, "low_freq_factor", true, 1e-6, &low);
    }
    if (status == HMA_OK) {
        status = get(r, s->object, "high_freq_factor", true, 1e-6, &high);
    }
    if (status == HMA_OK) {
        status = get(r, s->object, "original_max_position_embeddings", true, 1, &original);
    }
    if (status == HMA_OK && high <= low) {
        status = hma_error(
            HMA_BAD_DATA, "%s: \"high_freq_factor\" is not above \"low_freq_factor\" (expected it to be): correct it", r->path);
    }
    for (size_t i = 0; status == HMA_OK && i < rope->dims / 2; i++) {
        const float f = rope->frequency[i];
        const float wavelength = (float)(2 * M_PI) / f;
        if (wavelength > (float)(original / low)) {
            rope->frequency[i] = f / (float)factor;
        } else if (!(wavelength < (float)(original / high))) {
            const float smooth = ((float)original / wavelength - (float)low) / (float)(high - low);
            rope->frequency[i] = (1 - smooth) * f / (float)factor + smooth * f;
        }
    }
    return status;
}

static double yarn_mscale(double scale, double mscale) { return scale <= 1 ? 1.0 : 0.1 * mscale * log(scale) + 1.0; }

/* Dimension that makes `rotations` turns over the original context. */
static double yarn_dimension(double rotations, double dims, double theta, double original) {
    return dims * log(original / (rotations * 2 * M_PI)) / (2 * log(theta));
}

/* YaRN (Peng et al. 2023): interpolated below the slow boundary, kept above the fast one, a ramp between. */
static hma_status apply_yarn(const hma_rope_request *r, const scaling *s, double theta, hma_rope *rope) {
    double factor = 0, attention = NAN, mscale = 0, mscale_all = 0, original = (double)r->max_length, fast = 32, slow = 1;
    bool truncate = true;
    const struct {
        const char *key;
        bool required;
        double least;
        double *to;
    } keys[] = {{"factor", true, 1e-6, &factor},
                {"attention_factor", false, 0, &attention},
                {"mscale", false, 0, &mscale},
                {"mscale_all_dim", false, 0, &mscale_all},
                {"original_max_position_embeddings", false, 1, &original},
                {"beta_fast", false, 1e-6, &fast},
                {"beta_slow", false, 1e-6, &slow}};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < sizeof keys / sizeof *keys; i++) {
        status = get(r, s->object, keys[i].key, keys[i].required, keys[i].least, keys[i].to);
    }
    if (status == HMA_OK) {
        status = hma_json_get_bool(s->object, r->path, "truncate", false, &truncate);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (isnan(attention)) {
        attention = mscale > 0 && mscale_all > 0 ? yarn_mscale(factor, mscale) / yarn_mscale(factor, mscale_all)
                                                 : yarn_mscale(factor, 1);
    }
    rope->scale = (float)attention;
    const double dims = (double)rope->dims;
    double low = yarn_dimension(fast, dims, theta, original), high = yarn_dimension(slow, dims, theta, original);
    if (truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, dims - 1);
    if (low == high) {
        high += 0.001;
    }
    for (size_t i = 0; i < rope->dims / 2; i++) {
        const float ramp = fminf(fmaxf(((float)i - (float)low) / (float)(high - low), 0), 1);
        const float keep = 1 - ramp, f = rope->frequency[i];
        const float position = 1 / f;
        rope->frequency[i] = 1.0f / ((float)factor * position) * (1 - keep) + f * keep;
    }
    return HMA_OK;
}

/* transformers 5 keeps everything in "rope_parameters", for some families once for each layer type. */
static hma_status new_style(const hma_rope_request *r, const cJSON *parameters, double *theta, double *partial, scaling *s) {
    if (!cJSON_IsObject(parameters)) {
        return hma_error(HMA_BAD_DATA, "%s: \"rope_parameters\" is not usable (expected an object): correct it", r->path);
    }
    if (r->layer_type) {
        const cJSON *nested = hma_json_get(parameters, r->layer_type);
        if (!nested) {
            return hma_error(HMA_BAD_DATA,
                             "%s: \"rope_parameters\" has no \"%s\" (expected one object for each layer type): add it", r->path,
                             r->layer_type);
        }
        parameters = nested;
    }
    hma_status status = get(r, parameters, "rope_theta", false, 1e-6, theta);
    if (status == HMA_OK) {
        status = get(r, parameters, "partial_rotary_factor", false, 1e-6, partial);
    }
    if (status == HMA_OK) {
        status = hma_json_get_text(parameters, r->path, "rope_type", false, &s->type);
    }
    s->object = parameters;
    return status;
}

static hma_status old_style(const hma_rope_request *r, double *theta, double *partial, scaling *s) {
    hma_status status = get(r, r->config, r->theta_key, false, 1e-6, theta);
    if (status == HMA_OK && r->partial_key) {
        status = get(r, r->config, r->partial_key, false, 1e-6, partial);
    }
    const cJSON *object = r->scaled ? hma_json_get(r->config, "rope_scaling") : NULL;
    if (status != HMA_OK || !object) {
        return status;
    }
    if (!cJSON_IsObject(object)) {
        return hma_error(HMA_BAD_DATA, "%s: \"rope_scaling\" is not usable (expected an object or null): correct it", r->path);
    }
    s->object = object;
    status = hma_json_get_text(object, r->path, "type", false, &s->type); /* the older name of the key */
    return status == HMA_OK ? hma_json_get_text(object, r->path, "rope_type", false, &s->type) : status;
}

hma_status hma_rope_read(hma_rope *out, const hma_rope_request *r) {
    double theta = r->default_theta, partial = r->default_partial;
    scaling s = {NULL, "default"};
    const cJSON *parameters = hma_json_get(r->config, "rope_parameters");
    hma_status status = parameters ? new_style(r, parameters, &theta, &partial, &s) : old_style(r, &theta, &partial, &s);
    if (status != HMA_OK) {
        return status;
    }
    hma_rope rope = {.dims = (size_t)((double)r->head_dim * partial), .scale = 1};
    if (partial > 1 || rope.dims == 0 || rope.dims % 2 != 0) {
        return hma_error(HMA_BAD_DATA, "%s: %zu of %zu dimensions of a head would turn (expected an even number, at least 2): "
                         "correct head_dim or the rotary share", r->path, rope.dims, r->head_dim);
    }
    rope.frequency = HMA_NEW(float, rope.dims / 2);
    if (!rope.frequency) {
        return HMA_FAILURE;
    }
    plain(&rope, theta);
    if (strcmp(s.type, "linear") == 0) {
        status = apply_linear(r, &s, &rope);
    } else if (strcmp(s.type, "llama3") == 0) {
        status = apply_llama3(r, &s, &rope);
    } else if (strcmp(s.type, "yarn") == 0) {
        status = apply_yarn(r, &s, theta, &rope);
    } else if (strcmp(s.type, "default") != 0 && strcmp(s.type, "dynamic") != 0) {
        /* dynamic scaling acts beyond max_position_embeddings only, where nothing is scored */
        status = hma_error(HMA_BAD_DATA,
                           "%s: rope type \"%s\" is not supported (expected default, linear, dynamic, llama3 or yarn): "
                           "this model cannot be scored",
                           r->path, s.type);
    }
    if (status != HMA_OK) {
        free(rope.frequency);
        return status;
    }
    *out = rope;
    return HMA_OK;
}

void hma_rope_table(const hma_rope *rope, size_t positions, float *cosine, float *sine) {
    const size_t half = rope->dims / 2;
    for (size_t p = 0; p < positions; p++) {
        for (size_t i = 0; i < half; i++) {
            const float angle = (float)p * rope->frequency[i];
            cosine[p * half + i] = cosf(angle) * rope->scale;
            sine[p * half + i] = sinf(angle) * rope->scale;
        }
    }
}
