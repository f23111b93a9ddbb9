"""Ten digits of our own in MNIST's format, for where MNIST cannot be had.

Each is drawn here from strokes of a pen, as MNIST's digits were made from scans: fitted into
a square of 20 pixels, then placed so that the centre of mass of its ink is the centre of an
image of 28 (LeCun et al., http://yann.lecun.com/exdb/mnist/).
"""

import numpy as np

SIDE = 28
BOX = 20  # pixels; the longer side of the ink
PEN = 1.15  # radius of the pen in pixels

# The strokes of each digit: the points "x,y" that the pen passes, y downwards, in any unit. A
# stroke is smooth; a corner is where one ends and the next begins.
STROKES = {
    0: ["56,9 38,2 18,16 6,46 9,80 28,98 54,84 68,50 62,16 46,3 34,6"],
    1: ["42,0 38,30 33,66 25,100"],
    2: ["8,24 20,6 42,1 58,14 56,36 38,62 18,84 6,96", "6,96 26,89 46,93 74,91"],
    3: ["8,14 26,1 50,4 58,20 48,36 26,45", "26,45 52,47 66,64 58,86 34,99 4,92"],
    4: ["20,0 14,24 4,52", "4,52 30,55 70,48", "58,8 54,40 48,70 44,102"],
    5: ["74,2 50,6 24,7", "24,7 20,26 15,45", "15,45 38,37 60,50 61,76 40,96 18,99 2,91"],
    6: ["56,0 36,16 16,44 7,74 18,96 42,98 58,82 54,62 34,56 14,68 8,80"],
    7: ["2,12 30,12 66,5", "66,5 54,32 38,64 28,100"],
    8: ["60,16 42,1 20,8 18,28 38,46 56,66 54,90 32,101 10,90 12,68 34,48 58,28 62,12"],
    9: ["60,18 42,3 20,10 8,30 20,46 42,40 58,22 62,10", "62,10 58,40 52,70 48,102"],
}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images (10, 28, 28) of float32 in [0, 1], 1 for ink, and labels (10,) of uint8."""
    images = np.stack([image(strokes) for strokes in STROKES.values()])
    return images, np.array(list(STROKES), dtype="uint8")


def image(strokes: list[str]) -> np.ndarray:
    """Return an image (28, 28) of strokes, fitted and placed as MNIST's digits are.

    Its float32 values are multiples of 1/255, as MNIST's are.
    """
    path = np.concatenate([_smooth(_points(stroke)) for stroke in strokes])
    path -= path.min(axis=0)
    path *= (BOX - 2 * PEN - 1) / path.max()
    path += (SIDE - path.max(axis=0)) / 2
    y, x = np.indices((SIDE, SIDE))
    ink = _ink(path)
    centre = np.array([(x * ink).sum(), (y * ink).sum()]) / ink.sum()
    ink = _ink(path + (SIDE - 1) / 2 - centre)
    return (np.round(255 * ink) / 255).astype("float32")


def _points(stroke: str) -> np.ndarray:
    return np.array([point.split(",") for point in stroke.split()], dtype=float)


def _ink(path: np.ndarray) -> np.ndarray:
    """Return how far a pen that passes the points (n, 2) covers each pixel."""
    y, x = np.indices((SIDE, SIDE))
    pixels = np.stack([x, y], axis=-1)[:, :, None]
    distance = np.linalg.norm(pixels - path, axis=-1).min(axis=-1)
    return np.clip(PEN + 0.5 - distance, 0, 1)


def _smooth(points: np.ndarray, between: int = 40) -> np.ndarray:
    """Return points (n, 2) of a smooth curve through points: Catmull and Rom's spline."""
    p = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, between)[:, None]
    return np.concatenate(
        [
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
            for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
        ]
    )
