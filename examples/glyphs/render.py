"""Renders the glyph images that the example model is trained and tested on.

Every sample is a function of (seed, split, index) alone, so that a data set
can be made again, extended, or rendered in any order with the same result.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CLASS_NAMES = list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
SIZE = 32
SEED = 20240229
SPLITS = {"train": 0, "calib": 1, "test": 2, "fresh": 3}

FONT_ROOT = Path("/usr/share/fonts/truetype")
FONT_FILES = [
    "dejavu/DejaVuSans.ttf",
    "dejavu/DejaVuSans-Bold.ttf",
    "dejavu/DejaVuSansMono.ttf",
    "dejavu/DejaVuSansMono-Bold.ttf",
    "dejavu/DejaVuSerif.ttf",
    "dejavu/DejaVuSerif-Bold.ttf",
    "liberation2/LiberationSans-Regular.ttf",
    "liberation2/LiberationSans-BoldItalic.ttf",
    "liberation2/LiberationMono-Regular.ttf",
    "liberation2/LiberationMono-Italic.ttf",
    "liberation2/LiberationSerif-Regular.ttf",
    "liberation2/LiberationSerif-Italic.ttf",
]

# The glyph is drawn on a larger canvas and reduced at the end, so that the
# warp does not leave jagged edges.
SUPERSAMPLE = 2
CANVAS = SIZE * SUPERSAMPLE

# One sample in thirty has hot and dead pixels, as from a failing sensor. As the
# glyphs have little contrast, these pixels' responses stretch a min-max
# activation range far beyond what the other samples need.
SPECKLE_SHARE = 1 / 30

_font_cache = {}


def _font(name, points):
    key = (name, points)
    if key not in _font_cache:
        _font_cache[key] = ImageFont.truetype(str(FONT_ROOT / name), points)
    return _font_cache[key]


def _draw_mask(character, rng):
    """The glyph as a grey mask, upright and roughly centred."""
    name = FONT_FILES[rng.integers(len(FONT_FILES))]
    font = _font(name, int(rng.integers(18, 27)) * SUPERSAMPLE)
    mask = Image.new("L", (CANVAS, CANVAS), 0)
    shift = rng.uniform(-2.5, 2.5, size=2) * SUPERSAMPLE
    centre = (CANVAS / 2 + shift[0], CANVAS / 2 + shift[1])
    ImageDraw.Draw(mask).text(centre, character, fill=255, font=font, anchor="mm")
    return mask


def _warp(mask, rng):
    """Rotation, shear and a bend, all as one mesh of 2x2 quadrilaterals."""
    angle = np.deg2rad(rng.normal(0, 9))
    shear = rng.normal(0, 0.10)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.array([[1.0, shear], [0.0, 1.0]])

    half = CANVAS // 2
    ticks = np.array([-half, 0, half], dtype=float)
    grid = np.stack(np.meshgrid(ticks, ticks, indexing="xy"), axis=-1)
    grid = grid @ turn.T + half
    grid += rng.normal(0, 1.5 * SUPERSAMPLE, size=grid.shape)

    mesh = []
    for row in range(2):
        for col in range(2):
            box = (col * half, row * half, (col + 1) * half, (row + 1) * half)
            # PIL wants the corners as north-west, south-west, south-east, north-east.
            corners = (grid[row, col], grid[row + 1, col],
                       grid[row + 1, col + 1], grid[row, col + 1])
            mesh.append((box, tuple(float(v) for p in corners for v in p)))
    return mask.transform((CANVAS, CANVAS), Image.MESH, mesh, Image.BILINEAR)


def _colour(mask, rng):
    """Glyph and background colours, uneven light and sensor noise; 0..1 RGB."""
    # The warm cast gives the three channels different means and deviations, so
    # that meta.json really needs one of each per channel.
    background = rng.uniform(0.30, 0.65) * np.array([1.10, 0.98, 0.80])
    background += rng.normal(0, 0.03, size=3)
    contrast = rng.uniform(0.06, 0.20) * rng.choice([-1.0, 1.0])
    ink = background + contrast * (1 + rng.normal(0, 0.25, size=3))

    alpha = np.asarray(mask, dtype=np.float64)[:, :, None] / 255
    image = background * (1 - alpha) + ink * alpha

    ramp = np.linspace(-1, 1, SIZE)
    tilt = rng.normal(0, 0.04, size=2)
    image *= (1 + tilt[0] * ramp[:, None] + tilt[1] * ramp[None, :])[:, :, None]
    image += rng.normal(0, rng.uniform(0.007, 0.04), size=image.shape)
    return image


def _speckle(image, rng):
    hit = rng.random((SIZE, SIZE)) < rng.uniform(0.02, 0.06)
    image[hit] = rng.integers(0, 2, size=(int(hit.sum()), 1))
    return image


def render_sample(split, index, seed=SEED):
    """One image (uint8 HWC, RGB) and its class number."""
    rng = np.random.default_rng([seed, SPLITS[split], index])
    label = index % len(CLASS_NAMES)
    mask = _warp(_draw_mask(CLASS_NAMES[label], rng), rng)
    mask = mask.resize((SIZE, SIZE), Image.BOX)
    image = _colour(mask, rng)
    if rng.random() < SPECKLE_SHARE:
        image = _speckle(image, rng)
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8), label


def render_set(split, count, seed=SEED):
    """`count` images (uint8 NHWC) and labels (int64), the classes in turn."""
    samples = [render_sample(split, i, seed) for i in range(count)]
    images = np.stack([image for image, _ in samples])
    labels = np.array([label for _, label in samples], dtype=np.int64)
    return images, labels
