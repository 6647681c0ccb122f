/* Where a label can stand without covering anything. */
#ifndef HMA_EXPORT_PLOT_LABELS_H
#define HMA_EXPORT_PLOT_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/error.h"

typedef struct hma_box {
    double left, top, right, bottom;
} hma_box;

/* What labels keep clear of. Heavier things are kept clear of more. */
typedef struct hma_obstacles {
    struct hma_obstacle {
        hma_box box;
        double weight;
    } * items;
    size_t count, capacity;
} hma_obstacles;

hma_status hma_obstacles_add(hma_obstacles *obstacles, hma_box box, double weight);
/* A line from one point to another, as a row of small boxes. */
hma_status hma_obstacles_add_line(hma_obstacles *obstacles, double x0, double y0, double x1, double y1, double weight);
void hma_obstacles_free(hma_obstacles *obstacles);

/*
 * The best place for a label of width x height near (x, y), inside `area`, at least `radius` away from the point. True when it
 * covers nothing there; *place is the least bad place otherwise. Does not add it to the obstacles.
 */
bool hma_label_place(const hma_obstacles *obstacles, hma_box area, double x, double y, double radius, double width,
                     double height, hma_box *place);

/* Width of a text in pixels in a common sans-serif face, on the wide side. */
double hma_text_width(const char *text, double size);

#endif
