"""Feature maps are drawn to the pixel: where they are, how dark they are, and what stands above them."""

from __future__ import annotations

import io
import itertools
import sys

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from framedream.errors import SettingsError
from framedream.media import read_image
from framedream.reports.canvas import Canvas
from framedream.reports.feature_map_sheet import LayerMaps, draw_feature_maps, find_colormap
from framedream.reports.sheet import Sheet

LEFT, TOP = 14, 14 + 26 + 17
"""Where the first map begins."""


@pytest.fixture
def written(monkeypatch):
    """What is written on a page, where: text, left and right end, and the line it stands on."""
    words = []

    def write(self, text, left, baseline, size, color, *, bold=False):
        words.append((text, left, left + self.text_width(text, size, bold=bold), baseline))

    monkeypatch.setattr(Canvas, "write", write)
    return words


def layer(channels, shape=(10, 20), count=200, name="a_layer"):
    """Random activations, of which some channels are drawn."""
    values = np.random.default_rng(5).normal(0, 3, (*shape, count)).astype(np.float32)
    return LayerMaps(name, values, tuple(channels))


def columns_of(pixels):
    """Beginnings and ends of the maps of the first row."""
    dark = (pixels[TOP : TOP + 50] < 255).any((0, 2))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def test_each_cell_is_a_square_of_one_gray_from_black_to_white():
    maps = LayerMaps("a", np.linspace(-2, 7, 200, dtype=np.float32).reshape(10, 20, 1), (0,))
    drawn = draw_feature_maps([maps]).pixels[TOP : TOP + 160, LEFT : LEFT + 320]
    cells = drawn.reshape(10, 16, 20, 16, 3)
    assert (cells == cells[:, :1, :, :1]).all()
    grays = cells[:, 0, :, 0, 0].ravel()
    assert (grays[0], grays[-1]) == (0, 255)
    assert np.abs(grays - np.linspace(0, 255, 200)).max() < 2


def test_each_map_has_a_scale_of_its_own_which_stands_above_it(written):
    values = np.zeros((4, 4, 3), np.float32)
    values[0, 0] = [1234.5, 0.01234, 0]
    values[1, 1] = [-1, 0, 0]
    pixels = draw_feature_maps([LayerMaps("a", values, (0, 1, 2))]).pixels
    assert [text for text, *_ in written] == ["a", "4 × 4 × 3", "0", "−1 … 1234", "1", "0 … 0.0123", "2", "0"]
    brightest = [pixels[TOP : TOP + 320, LEFT + 330 * place :][:, :320].max() for place in range(3)]
    assert brightest == [255, 255, 0]


def test_four_channels_are_one_row():
    pixels = draw_feature_maps([layer([7, 3, 100, 0])]).pixels
    assert columns_of(pixels) == [(LEFT + 330 * place, LEFT + 330 * place + 320) for place in range(4)]
    assert pixels.shape == (TOP + 160 + 14, 2 * 14 + 4 * 330 - 10, 3)


@pytest.mark.parametrize(
    ("count", "asked", "columns"),
    [(1, None, 1), (5, None, 3), (16, None, 4), (17, None, 6), (128, None, 16), (5, 2, 2)],
)
def test_rows_are_as_full_as_each_other(count, asked, columns):
    assert len(columns_of(draw_feature_maps([layer(range(count))], asked).pixels)) == columns


def test_maps_stand_in_the_order_asked_for():
    maps = layer([5, 2])
    pixels = draw_feature_maps([maps]).pixels
    for place, channel in enumerate((5, 2)):
        left, (row, column) = LEFT + 330 * place, divmod(int(maps.activations[..., channel].argmax()), 20)
        assert pixels[TOP + 16 * row + 8, left + 16 * column + 8].tolist() == [255] * 3


def test_a_map_with_more_cells_than_pixels_is_averaged():
    values = np.indices((640, 640)).sum(0)[..., None] % 2
    pixels = draw_feature_maps([LayerMaps("a", values.astype(np.float32), (0,))]).pixels
    assert (np.abs(pixels[TOP : TOP + 320, LEFT : LEFT + 320].astype(int) - 127) <= 1).all()


def test_layers_stand_below_each_other_each_under_its_name_and_shape(written):
    draw_feature_maps([layer(range(4), name="first"), layer(range(4), (5, 10), 32, name="second")])
    heads = {text: base for text, left, _, base in written if left == LEFT and not text.isdecimal()}
    assert list(heads) == ["first", "second"]
    assert heads["second"] - heads["first"] > 160
    assert "5 × 10 × 32" in [text for text, _, _, base in written if base == heads["second"]]


@pytest.mark.parametrize("shape", [(10, 20), (40, 6), (3, 60)])
@pytest.mark.parametrize("size", [1.0, 1e-4, 1e9])
def test_no_words_overlap_or_leave_the_sheet(written, shape, size):
    maps = layer(range(100, 120), shape)
    long = LayerMaps("convnext_tiny_stage_2_block_4_identity", maps.activations * np.float32(size), maps.channels)
    pixels = draw_feature_maps([long]).pixels
    for base in {base for *_, base in written}:
        ends = sorted((left, right) for _, left, right, line in written if line == base)
        assert ends[0][0] > 0
        assert ends[-1][1] <= pixels.shape[1]
        assert all(before[1] + 4 <= after[0] for before, after in itertools.pairwise(ends))


def test_letters_are_written_where_they_are_said_to_be():
    page = Canvas(120, 40)
    page.write("$51$", 20, 30, 16, "#000000", bold=True)
    pixels = page.pixels()
    assert pixels.shape == (40, 120, 3)
    rows, columns = np.nonzero(pixels.min(-1) < 128)
    assert 20 <= columns.min() < 24
    assert abs(columns.max() - 20 - page.text_width("$51$", 16, bold=True)) < 4
    assert rows.min() > 12
    assert 28 <= rows.max() < 34


def test_colors_are_matplotlibs():
    maps = layer([3])
    pixels = draw_feature_maps([maps], colormap="viridis").pixels[TOP : TOP + 160, LEFT : LEFT + 320]
    for end, place in ((0.0, maps.activations[..., 3].argmin()), (1.0, maps.activations[..., 3].argmax())):
        row, column = divmod(int(place), 20)
        expected = np.array(colormaps["viridis"](end, bytes=True))[:3]
        assert np.array_equal(pixels[16 * row + 8, 16 * column + 8], expected)


def test_colors_that_do_not_exist_are_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="colormap: 'virdis' does not exist; did you mean 'viridis'"):
        find_colormap("virdis")


def test_all_channels_of_a_deep_layer_are_a_sheet_of_sixteen_columns(written):
    pixels = draw_feature_maps([layer(range(512), (13, 20), 512)]).pixels
    assert {text for text, *_ in written} >= {str(channel) for channel in range(512)}
    assert 2000 < pixels.shape[1] < 3000
    assert pixels.shape[0] < 4500


def test_a_sheet_too_high_to_look_at_is_refused():
    with pytest.raises(
        SettingsError, match=r"200 maps in rows of 1 .* with --top or --channels, or more in a row with"
    ):
        draw_feature_maps([layer(range(200))], columns=1)
    draw_feature_maps([layer([1, 2])], max_height=231)


def test_no_window_is_needed_to_draw(monkeypatch):
    """Whatever imports pyplot now fails."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    draw_feature_maps([layer([1])])


def test_a_sheet_is_saved_and_shows_itself(tmp_path):
    sheet = Sheet(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    sheet.save(tmp_path / "sheet.png")
    assert np.array_equal(read_image(tmp_path / "sheet.png"), sheet.pixels)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(sheet._repr_png_()))), sheet.pixels)
    assert repr(sheet) == "Sheet(30x20)"
