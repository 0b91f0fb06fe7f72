"""The example notebook, run as a person runs it: in a kernel of its own, from its own folder."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

NOTEBOOK = Path(__file__).parents[1] / "samples" / "laboratory.ipynb"

CELLS = sum(cell["cell_type"] == "code" for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"])

RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=400, kernel_name="python3", resources={"metadata": {"path": sys.argv[3]}}).execute()
nbformat.write(notebook, sys.argv[2])
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> list[dict]:
    """Its cells of code, run, without what they gave when it was written."""
    folder = tmp_path_factory.mktemp("notebook")
    done = folder / "done.ipynb"
    # Its matplotlib and Jupyter keep what they keep in places of their own.
    environment = os.environ | {"MPLBACKEND": "agg", "IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder)}
    found = json.loads(NOTEBOOK.read_text("utf-8"))
    for cell in found["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    (folder / "bare.ipynb").write_text(json.dumps(found), "utf-8")
    words = [sys.executable, "-c", RUN, str(folder / "bare.ipynb"), str(done), str(NOTEBOOK.parent)]
    result = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return [cell for cell in json.loads(done.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def pictures(cell: dict) -> list[np.ndarray]:
    found = [output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})]
    return [cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR) for png in found]


# A test for each cell, although all have run before the first: files of many tests are begun early.
@pytest.mark.parametrize("number", range(CELLS))
def test_each_of_its_cells_runs_and_says_nothing_on_stderr(cells, number):
    assert len(cells) == CELLS
    assert not [output for output in cells[number]["outputs"] if output.get("name") == "stderr"]
    assert cells[number]["execution_count"] == number + 1


def test_it_shows_pictures_that_are_not_empty(cells):
    shown = [picture for cell in cells for picture in pictures(cell)]
    assert len(shown) >= 6
    for picture in shown:
        assert min(picture.shape[:2]) > 100
        assert picture.std() > 20


def test_the_notebook_as_it_lies_there_shows_its_pictures_and_is_small():
    stored = json.loads(NOTEBOOK.read_text("utf-8"))
    shown = [cell for cell in stored["cells"] if cell["cell_type"] == "code" and pictures(cell)]
    assert len(shown) >= 6
    assert NOTEBOOK.stat().st_size < 2_500_000
