#include "search/upcoming.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/memory.h"
#include "merge/profile.h"

typedef struct hma_upcoming_one {
    const hma_recipe *recipe; /* says which merge it is; is not looked into */
    size_t common;            /* leading layers in common with the next one */
} one;

void hma_upcoming_free(hma_upcoming *upcoming) {
    free(upcoming->list);
    *upcoming = (hma_upcoming){0};
}

/* Plain checkpoints share nothing with merges: these read both. */
typedef struct placed {
    bool plain;
    size_t place;
    hma_profile profile;
} placed;

static int compare(const void *left, const void *right) {
    const placed *a = left, *b = right;
    if (a->plain != b->plain) {
        return a->plain ? -1 : 1;
    }
    const int order = a->plain ? 0 : hma_profile_compare(&a->profile, &b->profile);
    return order ? order : a->place < b->place ? -1 : a->place > b->place;
}

static hma_status make_profiles(placed *places, const hma_checkpoint *post, const hma_candidate *const *candidates,
                                size_t count) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        places[i].place = i;
        places[i].plain = candidates[i]->kind != HMA_CANDIDATE_MERGE || candidates[i]->origin == HMA_ORIGIN_ENDPOINT;
        status = places[i].plain ? HMA_OK : hma_profile_make(&places[i].profile, candidates[i]->recipe, post);
    }
    return status;
}

hma_status hma_upcoming_arrange(hma_upcoming *upcoming, const hma_checkpoint *post, const hma_candidate *const *candidates,
                                size_t count, size_t *order) {
    placed *places = HMA_NEW(placed, count);
    one *list = HMA_NEW(one, count);
    hma_status status = places && list ? make_profiles(places, post, candidates, count) : HMA_FAILURE;
    if (status == HMA_OK) {
        qsort(places, count, sizeof *places, compare);
        for (size_t i = 0; i < count; i++) {
            const bool alone = places[i].plain || i + 1 == count || places[i + 1].plain;
            order[i] = places[i].place;
            list[i].recipe = candidates[order[i]]->recipe;
            list[i].common = alone ? 0 : hma_profile_common(&places[i].profile, &places[i + 1].profile);
        }
        free(upcoming->list);
        *upcoming = (hma_upcoming){list, count};
        list = NULL;
    }
    for (size_t i = 0; places && i < count; i++) {
        hma_profile_free(&places[i].profile);
    }
    free(places);
    free(list);
    return status;
}

/* Its place; the end of the list when it is not there. */
static size_t find(const hma_upcoming *upcoming, const hma_candidate *candidate) {
    size_t at = 0;
    while (at < upcoming->count && (!candidate->recipe || upcoming->list[at].recipe != candidate->recipe)) {
        at++;
    }
    return at;
}

size_t hma_upcoming_shared(const hma_upcoming *upcoming, const hma_candidate *candidate, size_t *depths) {
    size_t at = find(upcoming, candidate), count = 0, common = SIZE_MAX;
    /* falling as one looks further ahead; put down from the deepest on, then turned round */
    for (; at < upcoming->count && common > 0; at++) {
        if (upcoming->list[at].common < common) {
            common = upcoming->list[at].common;
            depths[count] = common;
            count += common > 0;
        }
    }
    for (size_t i = 0; i < count / 2; i++) {
        const size_t swapped = depths[i];
        depths[i] = depths[count - 1 - i];
        depths[count - 1 - i] = swapped;
    }
    return count;
}

size_t hma_upcoming_after(const hma_upcoming *upcoming, const hma_candidate *candidate, const hma_recipe **recipes,
                          size_t most) {
    size_t at = find(upcoming, candidate), count = 0;
    for (at += at < upcoming->count; at < upcoming->count && count < most; at++) {
        recipes[count++] = upcoming->list[at].recipe; /* plain checkpoints come before all merges */
    }
    return count;
}

size_t hma_upcoming_common(const hma_upcoming *upcoming, size_t left) {
    return left < upcoming->count ? upcoming->list[upcoming->count - left - 1].common : 0;
}

double hma_upcoming_passes(const hma_upcoming *upcoming, size_t layers) {
    double passes = 0;
    for (size_t i = 0; i < upcoming->count; i++) {
        passes += 1 - (i ? (double)upcoming->list[i - 1].common / (double)layers : 0);
    }
    return passes;
}
