#!/usr/bin/env python3
"""Reads exports the way their users do.

    check.py FILE..        by suffix: .h5 .ipynb .svg .html .json .csv .yml

HDF5 files are opened with h5py, netCDF4 and both engines of xarray, group by group; notebooks are validated, saved again, and
run; files of one name in several formats must agree. Ends with 1 and one line per complaint.
"""

import csv
import io
import json
import math
import pathlib
import sys
import warnings
import xml.etree.ElementTree
from html.parser import HTMLParser

import h5py
import nbclient
import nbformat
import netCDF4
import numpy as np
import xarray
import yaml

SHA256 = ("pre_sha256", "post_sha256", "suite_sha256")
ROOT = ("schema", "schema_version", "title", "history", "hma_version", "ratio_meaning", "seed", "precision", *SHA256)
POINTS = ("id", "label", "on_front", "ratios", "layer_ratios", "mean_ratio", "method", "origin")
AXIS = {"value", "stderr", "ci_low", "ci_high"}
AXIS_NOTES = {"long_name", "units", "higher_is_better", "category"}
PAIRED = {"mean", "stderr", "p"}


def groups_of(group):
    yield group
    for child in group.values():
        if isinstance(child, h5py.Group):
            yield from groups_of(child)


def datasets_of(group):
    return {name: child for name, child in group.items() if isinstance(child, h5py.Dataset)}


def subgroups_of(group):
    return {name: child for name, child in group.items() if isinstance(child, h5py.Group)}


# ---- HDF5 ----


def check_schema(file):
    for name in ROOT:
        assert name in file.attrs, f"the root has no attribute {name}"
    assert file.attrs["schema"] == "hma-front" and file.attrs["schema_version"] == 1
    assert file.attrs["ratio_meaning"] == "weight of post"
    points = file["points"]
    count = len(points["id"])
    for name in POINTS:
        assert points[name].shape[0] == count, f"/points/{name} has another length than /points/id"
    assert points["on_front"].dtype == bool and points["ratios"].ndim == points["layer_ratios"].ndim == 2
    for name, axis in subgroups_of(file["axes"]).items():
        assert AXIS <= set(axis), f"/axes/{name} lacks columns"
        assert AXIS_NOTES <= set(axis.attrs), f"/axes/{name} lacks attributes"
        for reference in ("pre", "post"):
            assert PAIRED <= set(file["paired"][reference][name]), f"/paired/{reference}/{name} lacks columns"
    front = file["front"]
    ids = list(points["id"].asstr()[()])
    on_front = [one for one, flag in zip(ids, points["on_front"][()]) if flag]
    assert sorted(front["points"].asstr()[()]) == sorted(on_front), "/front/points and /points/on_front disagree"
    assert front["membership_probability"].shape == (count,) and front["reference_point"].shape == (2,)
    for name in ("hypervolume", "hypervolume_ci_low", "hypervolume_ci_high"):
        assert front[name].shape == ()
    for task in subgroups_of(file["items"]).values():
        assert task["score"].shape == (count, len(task["item_id"]))
        assert "text" not in task or task["text"].shape[:2] == task["score"].shape


def check_netcdf(path, file):
    """Every dataset is a variable with named dimensions."""
    with netCDF4.Dataset(path) as other:
        for group in groups_of(file):
            twin = other if group.name == "/" else other[group.name]
            for name, dataset in datasets_of(group).items():
                assert name in twin.variables, f"netCDF4 does not see {dataset.name}"
                variable = twin.variables[name]
                assert len(variable.dimensions) == dataset.ndim
                assert not any(dimension.startswith("phony") for dimension in variable.dimensions), dataset.name
                if dataset.dtype.kind == "f":
                    np.testing.assert_array_equal(np.ma.filled(variable[...], np.nan), dataset[()])


def check_xarray(path, file):
    for engine in ("h5netcdf", "netcdf4"):
        for group in groups_of(file):
            with xarray.open_dataset(path, engine=engine, group=group.name) as data:
                data.load()
                for name, dataset in datasets_of(group).items():
                    assert name in data.variables, f"xarray ({engine}) does not see {dataset.name}"
                    if dataset.dtype.kind == "f":
                        np.testing.assert_array_equal(data[name].values, dataset[()])


def check_hdf5(path):
    with h5py.File(path) as file:
        check_schema(file)
        check_netcdf(path, file)
        check_xarray(path, file)


# ---- notebooks ----


def check_notebook(path):
    text = path.read_bytes().decode("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    again = io.StringIO()
    nbformat.write(notebook, again)
    assert again.getvalue() == text, "Jupyter would change the file on saving it"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].metadata.tags == ["parameters"]
    shown = [output.data for cell in code for output in cell.outputs]
    assert any("image/svg+xml" in data for data in shown) and any("text/html" in data for data in shown)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()


# ---- text ----


def check_svg(path):
    root = xml.etree.ElementTree.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    width, height = float(root.get("width")), float(root.get("height"))
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert -1 <= float(text.get("x")) <= width and -1 <= float(text.get("y")) <= height, "a text lies outside the picture"


class Page(HTMLParser):
    """Elements must be closed in order."""

    void = {"meta", "img", "rect", "line", "circle", "polygon", "polyline"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.void or self.open.pop() == tag, f"<{tag}> is closed out of order"


def check_html(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert not page.open and {"svg", "dl", "h1"} <= page.seen and "script" not in page.seen


def check_json(path):
    front = json.loads(path.read_text(encoding="utf-8"))
    assert front["ratio_meaning"] == "weight of post"
    for point in front["points"]:
        for name in ("id", "label", "origin", "ratios", "mean_ratio", "tasks", "on_front", "membership"):
            assert name in point, f"a point has no {name}"
    assert {"front", "hypervolume", "recommended", "verdict"} <= set(front)
    assert {"value", "low", "high"} <= set(front["hypervolume"])


def check_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert len({len(row) for row in rows}) == 1 and len(set(rows[0])) == len(rows[0])
    assert not any(cell[:1] in "=@" and cell for row in rows for cell in row)


def check_yaml(path):
    configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert configuration["merge_method"] == "linear"
    ends = [part["sources"][0]["layer_range"] for part in configuration["slices"]]
    assert ends[0][0] == 0 and all(a[1] == b[0] for a, b in zip(ends, ends[1:]))
    for part in configuration["slices"]:
        pre, post = (source["parameters"]["weight"] for source in part["sources"])
        pairs = [(pre, post)] if isinstance(pre, (int, float)) else [(a["value"], b["value"]) for a, b in zip(pre, post)]
        assert all(math.isclose(a + b, 1) for a, b in pairs)


# ---- formats among each other ----


def number(text):
    return float(text) if text not in ("", None) else math.nan


def check_agreement(stem):
    """HDF5, JSON and CSV of one table hold the same numbers."""
    paths = [stem.with_suffix(suffix) for suffix in (".h5", ".json", ".csv")]
    if not all(path.exists() for path in paths):
        return
    front = json.loads(paths[1].read_text(encoding="utf-8"))
    with h5py.File(paths[0]) as file, paths[2].open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
        assert list(file["points/id"].asstr()[()]) == [point["id"] for point in front["points"]] == [row["id"] for row in rows]
        for name in ("alignment", "retention"):
            if name in file["axes"]:
                values = file["axes"][name]["value"][()]
                finite = [value if math.isfinite(value) else math.nan for value in values]
                np.testing.assert_array_equal(finite, [number(row[name]) for row in rows])
                np.testing.assert_array_equal(finite, [number(point[name]["value"]) for point in front["points"]])


CHECKS = {".h5": check_hdf5, ".ipynb": check_notebook, ".svg": check_svg, ".html": check_html, ".json": check_json,
          ".csv": check_csv, ".yml": check_yaml}


def main(names):
    paths = [pathlib.Path(name).resolve() for name in names]
    stems = sorted({path.with_suffix("") for path in paths})
    complaints = 0
    jobs = [(path, CHECKS[path.suffix]) for path in paths] + [(stem, check_agreement) for stem in stems]
    for path, check in jobs:
        try:
            check(path)
        except Exception as error:  # every file is looked at, whatever is wrong with another one
            complaints += 1
            print(f"{path}: {check.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"{len(paths)} files, {complaints} complaints")
    return 1 if complaints or not paths else 0


if __name__ == "__main__":
    warnings.simplefilter("error", category=UserWarning)
    sys.exit(main(sys.argv[1:]))
