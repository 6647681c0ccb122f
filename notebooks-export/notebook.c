#include "notebooks-export/notebook.h"

#include <string.h>

/* Depth of things in the document, in spaces. */
enum { CELL_KEY = 3, OUTPUT = 4, OUTPUT_KEY = 5, VIEW = 6 };

static void indent(hma_buffer *out, int depth) { hma_buffer_printf(out, "\n%*s", depth, ""); }

/* `"key": `, on a line of its own, after a comma unless it is the first of its object. */
static void put_key(hma_buffer *out, int depth, const char *key, bool first) {
    hma_buffer_text(out, first ? "" : ",");
    indent(out, depth);
    hma_buffer_printf(out, "\"%s\": ", key);
}

static void put_string(hma_buffer *out, const char *text) { hma_buffer_json_text(out, text, strlen(text)); }

/* Bytes of the first line with its end. What Python's str.splitlines() takes for an end of line, or Jupyter splits elsewhere.
 */
static size_t line_length(const char *text) {
    for (size_t i = 0; text[i]; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '\r' && text[i + 1] == '\n') {
            return i + 2;
        }
        if ((c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E)) {
            return i + 1;
        }
        if (strncmp(text + i, "\xC2\x85", 2) == 0) {
            return i + 2;
        }
        if (strncmp(text + i, "\xE2\x80\xA8", 3) == 0 || strncmp(text + i, "\xE2\x80\xA9", 3) == 0) {
            return i + 3;
        }
    }
    return strlen(text);
}

/* A text as a list of lines. */
static void put_lines(hma_buffer *out, int depth, const char *text) {
    if (!*text) {
        hma_buffer_text(out, "[]");
        return;
    }
    hma_buffer_char(out, '[');
    for (const char *comma = ""; *text; comma = ",") {
        const size_t length = line_length(text);
        hma_buffer_text(out, comma);
        indent(out, depth + 1);
        hma_buffer_json_text(out, text, length);
        text += length;
    }
    indent(out, depth);
    hma_buffer_char(out, ']');
}

static void begin_cell(hma_notebook *notebook) {
    hma_buffer_text(notebook->out, notebook->has_cells ? ",\n  {" : "\n  {");
    notebook->has_cells = true;
}

static void end_cell(hma_notebook *notebook, const char *source) {
    put_key(notebook->out, CELL_KEY, "source", false);
    put_lines(notebook->out, CELL_KEY, source);
    hma_buffer_text(notebook->out, "\n  }");
}

void hma_notebook_begin(hma_notebook *notebook, hma_buffer *out) {
    *notebook = (hma_notebook){.out = out};
    hma_buffer_text(out, "{\n \"cells\": [");
}

void hma_notebook_markdown(hma_notebook *notebook, const char *id, const char *text) {
    begin_cell(notebook);
    put_key(notebook->out, CELL_KEY, "cell_type", true);
    hma_buffer_text(notebook->out, "\"markdown\"");
    put_key(notebook->out, CELL_KEY, "id", false);
    put_string(notebook->out, id);
    put_key(notebook->out, CELL_KEY, "metadata", false);
    hma_buffer_text(notebook->out, "{}");
    end_cell(notebook, text);
}

static void put_output(hma_buffer *out, const hma_notebook_view *views, size_t view_count) {
    hma_buffer_char(out, '[');
    indent(out, OUTPUT);
    hma_buffer_char(out, '{');
    put_key(out, OUTPUT_KEY, "data", true);
    hma_buffer_char(out, '{');
    for (size_t i = 0; i < view_count; i++) {
        put_key(out, VIEW, views[i].type, i == 0);
        put_lines(out, VIEW, views[i].content);
    }
    indent(out, OUTPUT_KEY);
    hma_buffer_char(out, '}');
    put_key(out, OUTPUT_KEY, "metadata", false);
    hma_buffer_text(out, "{}");
    put_key(out, OUTPUT_KEY, "output_type", false);
    hma_buffer_text(out, "\"display_data\"");
    indent(out, OUTPUT);
    hma_buffer_char(out, '}');
    indent(out, CELL_KEY);
    hma_buffer_char(out, ']');
}

void hma_notebook_code(hma_notebook *notebook, const char *id, const char *tag, const char *source,
                       const hma_notebook_view *views, size_t view_count) {
    hma_buffer *out = notebook->out;
    begin_cell(notebook);
    put_key(out, CELL_KEY, "cell_type", true);
    hma_buffer_text(out, "\"code\"");
    put_key(out, CELL_KEY, "execution_count", false);
    hma_buffer_text(out, "null");
    put_key(out, CELL_KEY, "id", false);
    put_string(out, id);
    put_key(out, CELL_KEY, "metadata", false);
    if (tag) {
        hma_buffer_printf(out, "{\n    \"tags\": [\n     \"%s\"\n    ]\n   }", tag);
    } else {
        hma_buffer_text(out, "{}");
    }
    put_key(out, CELL_KEY, "outputs", false);
    if (view_count) {
        put_output(out, views, view_count);
    } else {
        hma_buffer_text(out, "[]");
    }
    end_cell(notebook, source);
}

void hma_notebook_end(hma_notebook *notebook) {
    hma_buffer_text(notebook->out, "\n ],\n"
                                   " \"metadata\": {\n"
                                   "  \"kernelspec\": {\n"
                                   "   \"display_name\": \"Python 3\",\n"
                                   "   \"language\": \"python\",\n"
                                   "   \"name\": \"python3\"\n"
                                   "  },\n"
                                   "  \"language_info\": {\n"
                                   "   \"name\": \"python\"\n"
                                   "  }\n"
                                   " },\n"
                                   " \"nbformat\": 4,\n"
                                   " \"nbformat_minor\": 5\n"
                                   "}\n");
}
