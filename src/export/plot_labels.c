#include "export/plot_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"

hma_status hma_obstacles_add(hma_obstacles *obstacles, hma_box box, double weight) {
    if (hma_grow(&obstacles->items, &obstacles->capacity, obstacles->count + 1, sizeof *obstacles->items)) {
        return hma_error_memory("labels");
    }
    obstacles->items[obstacles->count++] = (struct hma_obstacle){box, weight};
    return HMA_OK;
}

hma_status hma_obstacles_add_line(hma_obstacles *obstacles, double x0, double y0, double x1, double y1, double weight) {
    static const double step = 6;
    const double length = hypot(x1 - x0, y1 - y0);
    const int pieces = (int)fmin(500, ceil(length / step));
    hma_status status = HMA_OK;
    for (int i = 0; i <= pieces && status == HMA_OK; i++) {
        const double part = pieces ? (double)i / pieces : 0, x = x0 + part * (x1 - x0), y = y0 + part * (y1 - y0);
        status = hma_obstacles_add(obstacles, (hma_box){x - step / 2, y - step / 2, x + step / 2, y + step / 2}, weight);
    }
    return status;
}

void hma_obstacles_free(hma_obstacles *obstacles) {
    free(obstacles->items);
    *obstacles = (hma_obstacles){0};
}

static double overlap(const hma_box *a, const hma_box *b) {
    const double width = fmin(a->right, b->right) - fmax(a->left, b->left);
    const double height = fmin(a->bottom, b->bottom) - fmax(a->top, b->top);
    return width > 0 && height > 0 ? width * height : 0;
}

static double covered(const hma_obstacles *obstacles, const hma_box *box) {
    double sum = 0;
    for (size_t i = 0; i < obstacles->count; i++) {
        sum += overlap(&obstacles->items[i].box, box) * obstacles->items[i].weight;
    }
    return sum;
}

/* The box of a label whose near side lies `distance` from the point in direction (dx, dy), each -1, 0 or 1. */
static hma_box box_towards(double x, double y, int dx, int dy, double distance, double width, double height) {
    const double reach = dx && dy ? distance * 0.75 : distance;
    const double left = dx > 0 ? x + reach : dx < 0 ? x - reach - width : x - width / 2;
    const double top = dy > 0 ? y + reach : dy < 0 ? y - reach - height : y - height / 2;
    return (hma_box){left, top, left + width, top + height};
}

static bool inside(const hma_box *area, const hma_box *box) {
    return box->left >= area->left && box->right <= area->right && box->top >= area->top && box->bottom <= area->bottom;
}

bool hma_label_place(const hma_obstacles *obstacles, hma_box area, double x, double y, double radius, double width,
                     double height, hma_box *place) {
    /* in the order of preference: right, above right, below right, above, below, left, .. */
    static const int directions[][2] = {{1, 0}, {1, -1}, {1, 1}, {0, -1}, {0, 1}, {-1, 0}, {-1, -1}, {-1, 1}};
    static const double gaps[] = {3, 8, 14, 22, 32};
    double best = INFINITY;
    *place = box_towards(x, y, 1, 0, radius, width, height);
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        for (size_t d = 0; d < sizeof directions / sizeof *directions; d++) {
            const hma_box box = box_towards(x, y, directions[d][0], directions[d][1], radius + gaps[g], width, height);
            const double cost = inside(&area, &box) ? covered(obstacles, &box) : INFINITY;
            if (cost < best) {
                best = cost;
                *place = box;
            }
            if (cost == 0) { /* ordered by preference: the first free place is the best */
                return true;
            }
        }
    }
    return false;
}

/* Advance widths of the printable ASCII characters in Helvetica, in thousandths of the size. */
static const short widths[] = {278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
                               556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
                               611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
                               667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
                               222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};

double hma_text_width(const char *text, double size) {
    static const double wider_faces = 1.12; /* DejaVu and Verdana run wider than Helvetica and Arial */
    const size_t length = strlen(text);
    double sum = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c = 0xFFFD;
        const size_t n = hma_utf8_decode(text + i, length - i, &c);
        sum += n == 1 && c >= 0x20 && c < 0x7F ? widths[c - 0x20] : c >= 0x1100 ? 1000 : 650;
        i += n ? n : 1;
    }
    return sum / 1000 * size * wider_faces;
}
