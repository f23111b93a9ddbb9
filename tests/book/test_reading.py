"""What the pages compute in the browser is what Keras computes, run here under Node."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from irnn import data, export, forward
from irnn.chapters.irnn_vs_lstm import NETWORKS
from irnn.checkpoint import recorded_weights
from irnn.show.reader import enlarged
from irnn.store import Store
from tests.browser import lacking
from tests.test_forward import keras_states_in_float64

SCRIPTS = Path(__file__).parents[2] / "book" / "_static"
EVERY = 28  # pixels: a row of an image
DRAWN = [  # a seven, a one and a zero, as drawn on a field of 64 x 64 points
    [[[10, 8], [50, 8], [28, 60]]],
    [[[30, 4], [30, 60]]],
    [[[32, 6], [14, 20], [14, 44], [32, 58], [50, 44], [50, 20], [32, 6]]],
    [[[10, 8], [50, 8], [28, 60]], [[20, 34], [46, 34]]],
    [[[5, 5]]],
]


def node(script, **values):
    """Return what a module prints as JSON; `values` are constants of it."""
    if not shutil.which("node"):
        lacking("needs Node.js to run what the pages compute")
    constants = "".join(f"const {name} = {json.dumps(v)};\n" for name, v in values.items())
    done = subprocess.run(
        ["node", "--input-type=module", "-"],
        input=constants + script,
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def drawn(drawings):
    images = node(
        f"""import {{ render }} from "{SCRIPTS}/drawing.js";
        console.log(JSON.stringify(drawings.map((strokes) => [...render(strokes)])));""",
        drawings=drawings,
    )
    return np.array(images, "float32").reshape(-1, 28, 28)


@pytest.fixture(scope="module")
def images():
    """45 digits of scikit-learn and 5 drawn ones, (50, 784)."""
    digits = enlarged(data.load_images("digits").x_test[:45])
    return np.concatenate([digits, drawn(DRAWN)]).reshape(50, 784)


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda spec: spec.model)
def read(request, images, tmp_path_factory):
    """A network's spec, and what the browser computes: arrays (n, T / 28, ...) by name."""
    folder = tmp_path_factory.mktemp("networks")
    file = export.export(request.param, Store(), folder)
    images.astype("<f4").tofile(folder / "images")
    names = node(
        f"""import {{ readFileSync, writeFileSync }} from "node:fs";
        import {{ parse, read }} from "{SCRIPTS}/network.js";
        const bytes = (path) => new Uint8Array(readFileSync(path)).buffer;
        const network = parse(bytes(file));
        const pixels = new Float32Array(bytes(`${{folder}}/images`));
        const found = {{}};
        for (let n = 0; n < pixels.length; n += 784) {{
          const states = read(network, pixels.subarray(n, n + 784));
          for (const [name, values] of Object.entries(states)) {{
            const width = values.length / 784;
            for (let t = every; t <= 784; t += every)
              (found[name] ??= []).push(...values.subarray((t - 1) * width, t * width));
          }}
        }}
        for (const [name, values] of Object.entries(found))
          writeFileSync(`${{folder}}/${{name}}`, new Float32Array(values));
        console.log(JSON.stringify(Object.keys(found)));""",
        file=str(file),
        folder=str(folder),
        every=EVERY,
    )
    arrays = {name: np.fromfile(folder / name, "<f4") for name in names}
    return request.param, {name: a.reshape(50, 784 // EVERY, -1) for name, a in arrays.items()}


def relative_error(found, expected):
    """Return the largest difference of a row, as a share of the row's largest value."""
    scale = np.abs(expected).max(axis=-1)
    return (np.abs(found - expected).max(axis=-1) / np.where(scale, scale, 1)).max()


def test_states_and_probabilities_are_those_of_keras(read, images):
    spec, found = read
    weights = recorded_weights(spec, Store())
    h, c, answers = keras_states_in_float64(spec, weights, images)
    assert relative_error(found["h"], h[:, EVERY - 1 :: EVERY]) < 1e-6
    assert relative_error(found["probabilities"][:, -1], answers) < 1e-6
    assert len(set(answers.argmax(axis=1))) > 3
    if spec.model == "lstm":
        assert relative_error(found["c"][:, -1], c) < 1e-6


def test_gates_and_answers_at_every_row_are_those_of_numpy(read, images):
    spec, found = read
    weights = {
        key: array.astype("float64") for key, array in recorded_weights(spec, Store()).items()
    }
    states = list(forward.states(spec, weights, images.astype("float64")))[EVERY - 1 :: EVERY]
    shown = {"irnn": {"h"}, "lstm": {"h", "c", "i", "f", "o"}}[spec.model]
    assert found.keys() == shown | {"probabilities"}
    for row, state in enumerate(states):
        for name in shown:
            assert relative_error(found[name][:, row], state[name]) < 1e-6
        answers = forward.probabilities(weights, state["h"])
        assert relative_error(found["probabilities"][:, row], answers) < 1e-6


def test_a_drawing_is_scaled_and_centred_as_mnist_is():
    middle = np.arange(28)
    for image in drawn(DRAWN):
        rows, columns = image.any(axis=1), image.any(axis=0)
        assert max(rows.sum(), columns.sum()) == 20 or rows.sum() < 5  # the last is a dot
        for axis in (0, 1):
            mass = image.sum(axis=axis)
            assert abs((mass * middle).sum() / mass.sum() - 14) <= 0.5 + 1e-3


def test_mnist_is_scaled_and_centred_so(mnist):
    images = data.load_images("mnist", mnist).x_test[:500]
    mass = images.sum(axis=(1, 2))
    for axis in (1, 2):
        centres = (images.sum(axis=axis) * np.arange(28)).sum(axis=1) / mass
        assert np.abs(centres - 14).max() <= 0.5 + 1e-2
    sides = [max(np.ptp(np.flatnonzero(image.any(axis=a))) + 1 for a in (0, 1)) for image in images]
    assert set(sides) == {20}


def test_size_and_place_of_a_drawing_do_not_matter():
    small = [
        [[x // 4 + 40, y // 4 + 5] for x, y in stroke] for stroke in [[[8, 8], [48, 8], [28, 60]]]
    ]
    large, small = drawn([[[[8, 8], [48, 8], [28, 60]]], small])
    assert np.abs(large - small).max() < 1e-5


def test_a_drawing_goes_into_an_address_and_comes_back():
    texts = ["AA", "A_-9.zz00", "", ".", "A", "AA.", "AAA", "A!", "AA..AA", 4002 * "A"]
    decoded = node(
        f"""import {{ decode, encode }} from "{SCRIPTS}/drawing.js";
        const back = drawings.map((drawing) => decode(encode(drawing)));
        console.log(JSON.stringify([back, texts.map(decode)]));""",
        drawings=DRAWN,
        texts=texts,
    )
    assert decoded[0] == DRAWN
    assert decoded[1][:2] == [[[[0, 0]]], [[[0, 63], [62, 61]], [[51, 51], [52, 52]]]]
    assert decoded[1][2:] == [None] * 8


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-4], lambda b: b[:4], lambda b: b"<!DOCTYPE html>" * 9]
)
def test_a_damaged_file_of_weights_is_an_error(tmp_path, damage):
    file = export.export(NETWORKS[0], Store(), tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    raised = node(
        f"""import {{ readFileSync }} from "node:fs";
        import {{ parse }} from "{SCRIPTS}/network.js";
        let raised = false;
        try {{ parse(new Uint8Array(readFileSync(file)).buffer); }} catch {{ raised = true; }}
        console.log(raised);""",
        file=str(file),
    )
    assert raised is True
