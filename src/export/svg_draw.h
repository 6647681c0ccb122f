/* The few SVG elements a plot is made of. Coordinates are pixels, written with one decimal; styles are written as they are. */
#ifndef HMA_EXPORT_SVG_DRAW_H
#define HMA_EXPORT_SVG_DRAW_H

#include <stdbool.h>

#include "base/buffer.h"

typedef enum hma_marker {
    HMA_MARKER_CIRCLE = 0,
    HMA_MARKER_DIAMOND,
    HMA_MARKER_SQUARE,
    HMA_MARKER_TRIANGLE,
    HMA_MARKER_WEDGE
} hma_marker;

/* `title` and `description` are for readers that do not see the picture. */
void hma_svg_begin(hma_buffer *out, double width, double height, const char *title, const char *description);
void hma_svg_end(hma_buffer *out);

/* ` name="12.3"` */
void hma_svg_number(hma_buffer *out, const char *name, double value);
void hma_svg_line(hma_buffer *out, double x0, double y0, double x1, double y1, const char *style);
void hma_svg_rectangle(hma_buffer *out, double left, double top, double right, double bottom, const char *style);
/* One line of at most `columns` characters. `anchor`: "start", "middle" or "end". */
void hma_svg_text(hma_buffer *out, double x, double y, double size, const char *anchor, const char *style, const char *text,
                  size_t columns);
/* All shapes look equally large. Hollow markers are filled with white. */
void hma_svg_marker(hma_buffer *out, hma_marker marker, double x, double y, double radius, const char *colour, bool filled);

/* A line through points: begin, then points, then end. Points that coincide on paper are written once. */
typedef struct hma_svg_path {
    hma_buffer *out;
    bool begun;
    double x, y; /* last point written */
} hma_svg_path;
hma_svg_path hma_svg_path_begin(hma_buffer *out);
void hma_svg_path_point(hma_svg_path *path, double x, double y);
void hma_svg_path_end(hma_svg_path *path, const char *style);

#endif
