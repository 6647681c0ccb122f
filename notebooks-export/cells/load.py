# Needs h5py and matplotlib: pip install h5py matplotlib
from html import escape

import h5py
import matplotlib.pyplot as plt
import numpy as np

data = h5py.File(path, "r")
if data.attrs["schema"] != "hma-front" or data.attrs["schema_version"] != 1:
    raise ValueError(f"{path}: not a front written by hma, or of another version")


def texts(name):
    return data[name].asstr()[()]


ids, labels = texts("points/id"), texts("points/label")
on_front = data["points/on_front"][()].astype(bool)
uniform = data["points/uniform"][()].astype(bool)
mean_ratio = data["points/mean_ratio"][()]
axes = {name: group for name, group in data["axes"].items() if isinstance(group, h5py.Group)}
# what a suite does not measure has no values
measured = [name for name in ("alignment", "retention") if np.isfinite(axes[name]["value"][()]).any()]


def point(reference):
    """The number of the point with an id; None when there is none."""
    return next((i for i, one in enumerate(ids) if one == reference), None)


pre = point(data["paired/pre"].attrs.get("reference"))
post = point(data["paired/post"].attrs.get("reference"))
recommended = point(data["front"].attrs.get("recommended"))


class Table:
    """Rows of cells, shown as HTML in a notebook and as text elsewhere."""

    def __init__(self, header, rows):
        self.header, self.rows = header, [[self.text(cell) for cell in row] for row in rows]

    @staticmethod
    def text(cell):
        return f"{cell:.3f}" if isinstance(cell, float) else str(cell)

    def _repr_html_(self):
        def line(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        return "<table>" + line(self.header, "th") + "".join(line(row, "td") for row in self.rows) + "</table>"

    def __repr__(self):
        return "\n".join("\t".join(row) for row in [self.header, *self.rows])
