/*
 * The parts of the picture of the front, shared by the svg_*.c files: svg.c says where things are and in which order they
 * are drawn, svg_frame.c draws axes, legend and notes, svg_marks.c lines and points, svg_labels.c the names of points.
 */
#ifndef HMA_EXPORT_SVG_PLOT_H
#define HMA_EXPORT_SVG_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "export/plot_labels.h"
#include "export/plot_scale.h"
#include "export/svg_draw.h"
#include "export/table.h"

enum { HMA_PLOT_WIDTH = 800, HMA_PLOT_HEIGHT = 560, HMA_PLOT_RING = 10 };

/* Okabe and Ito's palette, made for colour-blind readers; text on white wants darker ones. */
#define HMA_PLOT_INK "#222222"
#define HMA_PLOT_UNIFORM "#0072b2"
#define HMA_PLOT_UNIFORM_TEXT "#004a75"
#define HMA_PLOT_BLOCKS "#d55e00"
#define HMA_PLOT_BLOCKS_TEXT "#8f3f00"
#define HMA_PLOT_EXTRA "#666666"
#define HMA_PLOT_EXTRA_TEXT "#4a4a4a"
#define HMA_PLOT_FRONT "#009e73"
#define HMA_PLOT_RECOMMENDED "#b0488a"
#define HMA_PLOT_RECOMMENDED_TEXT "#7d2a60"

typedef struct hma_plot {
    hma_buffer *out;
    const hma_table *table;
    const hma_front *front;
    const hma_axis *x_axis, *y_axis; /* where NULL, the mean ratio is drawn: the suite measures one axis only, or none */
    bool has_front;                  /* both axes are measured, and there are points on the front */
    size_t *shown;                   /* points with two finite coordinates */
    size_t shown_count;
    bool crowded; /* more points than can be told apart */
    hma_scale x, y;
    hma_box area; /* inside the axes */
    hma_obstacles obstacles;
    unsigned char *cells; /* crowded: patches of a few pixels that have a marker */
} hma_plot;

/* A point's coordinate with its interval; the mean ratio where `axis` is NULL. */
hma_estimate hma_plot_estimate(const hma_axis *axis, const hma_table *table, size_t point);
/* In pixels. */
double hma_plot_x(const hma_plot *p, size_t point);
double hma_plot_y(const hma_plot *p, size_t point);
bool hma_plot_shows(const hma_plot *p, size_t point);
/* Pre, post or recommended. */
bool hma_plot_is_key(const hma_plot *p, size_t point);
bool hma_plot_is_filled(const hma_plot *p, size_t point);
bool hma_plot_has_bars(const hma_plot *p, size_t point);
hma_marker hma_plot_marker(const hma_plot *p, size_t point);
const char *hma_plot_colour(const hma_plot *p, size_t point);
double hma_plot_radius(const hma_plot *p, size_t point);

/* svg_frame.c */
void hma_plot_draw_axes(hma_plot *p);
void hma_plot_draw_legend(hma_plot *p, double y);
void hma_plot_draw_notes(hma_plot *p);
/* Room that the tick labels of a vertical axis need. */
double hma_plot_widest_tick(hma_plot *p, const hma_scale *scale);

/* svg_marks.c: all but the bars also become obstacles for labels. */
hma_status hma_plot_draw_front(hma_plot *p);
hma_status hma_plot_draw_uniform_curve(hma_plot *p);
void hma_plot_draw_bars(hma_plot *p);
hma_status hma_plot_draw_points(hma_plot *p);
void hma_plot_draw_ring(hma_buffer *out, double x, double y, double radius);
/* Bytes of hma_plot.cells. */
size_t hma_plot_cell_count(void);

/* svg_labels.c */
hma_status hma_plot_draw_labels(hma_plot *p);

#endif
