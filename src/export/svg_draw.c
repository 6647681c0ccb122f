#include "export/svg_draw.h"

#include <math.h>

#include "export/markup.h"
#include "export/text.h"

static void put(hma_buffer *out, double value) { hma_markup_fixed(out, value, 1); }

void hma_svg_begin(hma_buffer *out, double width, double height, const char *title, const char *description) {
    hma_buffer_text(out, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    hma_buffer_printf(out, " width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\"", (int)width, (int)height, (int)width,
                      (int)height);
    hma_buffer_text(out,
                    " role=\"img\" font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\">\n<title>");
    hma_markup_text(out, title);
    hma_buffer_text(out, "</title>\n<desc>");
    hma_markup_text(out, description);
    hma_buffer_text(out, "</desc>\n");
    hma_svg_rectangle(out, 0, 0, width, height, "fill=\"#ffffff\"");
}

void hma_svg_end(hma_buffer *out) { hma_buffer_text(out, "</svg>\n"); }

void hma_svg_number(hma_buffer *out, const char *name, double value) {
    hma_buffer_printf(out, " %s=\"", name);
    put(out, value);
    hma_buffer_char(out, '"');
}

void hma_svg_line(hma_buffer *out, double x0, double y0, double x1, double y1, const char *style) {
    hma_buffer_text(out, "<line");
    hma_svg_number(out, "x1", x0);
    hma_svg_number(out, "y1", y0);
    hma_svg_number(out, "x2", x1);
    hma_svg_number(out, "y2", y1);
    hma_buffer_printf(out, " %s/>\n", style);
}

void hma_svg_rectangle(hma_buffer *out, double left, double top, double right, double bottom, const char *style) {
    hma_buffer_text(out, "<rect");
    hma_svg_number(out, "x", left);
    hma_svg_number(out, "y", top);
    hma_svg_number(out, "width", right - left);
    hma_svg_number(out, "height", bottom - top);
    hma_buffer_printf(out, " %s/>\n", style);
}

void hma_svg_text(hma_buffer *out, double x, double y, double size, const char *anchor, const char *style, const char *text,
                  size_t columns) {
    hma_buffer_text(out, "<text");
    hma_svg_number(out, "x", x);
    hma_svg_number(out, "y", y);
    hma_svg_number(out, "font-size", size);
    hma_buffer_printf(out, " text-anchor=\"%s\" %s>", anchor, style);
    hma_buffer line = {0};
    hma_put_line(&line, text, columns);
    hma_markup_text(out, hma_buffer_cstr(&line));
    hma_buffer_text(out, "</text>\n");
    hma_end_part(out, &line);
}

void hma_svg_marker(hma_buffer *out, hma_marker marker, double x, double y, double radius, const char *colour, bool filled) {
    /* corners around the centre, in radii */
    static const double corners[][4][2] = {[HMA_MARKER_DIAMOND] = {{0, -1.25}, {1.25, 0}, {0, 1.25}, {-1.25, 0}},
                                           [HMA_MARKER_SQUARE] = {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}},
                                           [HMA_MARKER_TRIANGLE] = {{0, -1.2}, {1.15, 0.8}, {-1.15, 0.8}, {0, -1.2}},
                                           [HMA_MARKER_WEDGE] = {{0, 1.2}, {1.15, -0.8}, {-1.15, -0.8}, {0, 1.2}}};
    if (marker == HMA_MARKER_CIRCLE) {
        hma_buffer_text(out, "<circle");
        hma_svg_number(out, "cx", x);
        hma_svg_number(out, "cy", y);
        hma_svg_number(out, "r", radius);
    } else {
        hma_buffer_text(out, "<polygon points=\"");
        for (int i = 0; i < 4; i++) {
            hma_buffer_text(out, i ? " " : "");
            put(out, x + corners[marker][i][0] * radius);
            hma_buffer_char(out, ',');
            put(out, y + corners[marker][i][1] * radius);
        }
        hma_buffer_char(out, '"');
    }
    hma_buffer_printf(out, " fill=\"%s\" stroke=\"%s\" stroke-width=\"1.5\"/>", filled ? colour : "#ffffff", colour);
}

hma_svg_path hma_svg_path_begin(hma_buffer *out) {
    hma_buffer_text(out, "<polyline points=\"");
    return (hma_svg_path){.out = out};
}

void hma_svg_path_point(hma_svg_path *path, double x, double y) {
    if (path->begun && fabs(x - path->x) < 0.05 && fabs(y - path->y) < 0.05) {
        return;
    }
    hma_buffer_text(path->out, path->begun ? " " : "");
    put(path->out, x);
    hma_buffer_char(path->out, ',');
    put(path->out, y);
    path->begun = true;
    path->x = x;
    path->y = y;
}

void hma_svg_path_end(hma_svg_path *path, const char *style) { hma_buffer_printf(path->out, "\" %s/>\n", style); }
