"""Probes: gradients are Keras', what is recorded is read back whole or refused in one line."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from irnn import data, forward, probes
from irnn.__main__ import main
from irnn.chapters import long_dependency as chapter
from irnn.checkpoint import WEIGHTS, shapes
from irnn.errors import InputError
from irnn.spec import make
from irnn.store import METRICS, Store

SPECS = [
    make("irnn", "2015", units=8),
    make("irnn", "today", units=8),
    make("lstm", "2015", units=8),
    make("lstm", "today", units=8),
    make("lstm", "2015", units=8, gates="today"),
]


DIGITS = make("lstm", dataset="digits", units=4)
SITTING = {"first_epoch": 1, "backend": "jax", "device": "CPU", "date": "2015-07-12T00:00:00"}
ORIGIN = {"date": "2015-07-12T00:00:00", "device": "CPU"}
LINE = {"kind": "answers", "settings": {"images": 9}, "origin": ORIGIN} | {
    "values": {"pixels": [4, 8], "accuracy": [0.1, 0.9]}
}


def random_weights(spec, seed=3):
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0, 0.4, shape).astype("float32")
        for name, shape in zip(WEIGHTS, shapes(spec), strict=True)
    }


def keras_gradients(spec, weights, sequences, labels):
    """Return JAX's gradients by Keras' cells with respect to the states after each step.

    Zeros are added to every state; the gradient with respect to them is the state's. And the
    gradients of the mean with respect to the weights.
    """
    import jax
    from keras.layers import LSTMCell, SimpleRNNCell

    from irnn.recurrent.activations import gate, relu

    if spec.model == "irnn":
        cell = SimpleRNNCell(spec.units, activation=relu(spec.relu_derivative_at_0))
    else:
        cell = LSTMCell(spec.units, recurrent_activation=gate(spec.gates or spec.semantics))
    cell.build((None, 1))

    def loss(zeros, weights):
        *inner, dense, dense_bias = weights
        state = [np.zeros((len(sequences), spec.units), "float32") for _ in zeros[0]]
        for x, added in zip(sequences.T[:, :, None], zeros, strict=True):
            (_, state), _ = cell.stateless_call(inner, cell.non_trainable_variables, x, state)
            state = [part + zero for part, zero in zip(state, added, strict=True)]
        scores = jax.nn.log_softmax(state[0] @ dense + dense_bias)
        return -scores[np.arange(len(labels)), labels].sum()

    count, steps = {"irnn": 1, "lstm": 2}[spec.model], sequences.shape[1]
    zeros = np.zeros((steps, count, len(sequences), spec.units), "float32")
    states, by_weight = jax.grad(loss, argnums=(0, 1))(zeros, [weights[name] for name in WEIGHTS])
    return np.array(states), [np.array(each) / len(labels) for each in by_weight]


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.model}-{s.semantics}-{s.gates}")
def test_gradients_are_those_of_keras(spec):
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("JAX differentiates Keras' cells")
    weights = random_weights(spec)
    weights["bias"][:] = 0
    sequences = np.random.default_rng(1).random((5, 12), dtype="float32")
    sequences[:, :4] = 0  # there an IRNN is exactly at the corner of its ReLU
    labels = np.array([3, 1, 4, 1, 5])
    found = [
        [each[name] for name in ("h", "c") if name in each]
        for each in probes.gradients(spec, weights, sequences, labels)
    ]
    by_state, by_weight = keras_gradients(spec, weights, sequences, labels)
    assert np.abs(by_state[::-1][7]).max() > 0  # of the first step with ink
    by_name = probes.weight_gradients(spec, weights, sequences, labels)
    for ours, right in (
        *zip(found, by_state[::-1], strict=True),
        *zip([by_name[name] for name in WEIGHTS], by_weight, strict=True),
    ):
        assert np.allclose(ours, right, rtol=1e-4, atol=1e-4 * np.abs(right).max())


def test_reach_and_sizes_are_those_of_the_gradients(monkeypatch):
    monkeypatch.setattr(probes, "BATCH", 2)
    spec, rng = SPECS[2], np.random.default_rng(1)
    of = spec, random_weights(spec), rng.random((5, 12), dtype="float32"), np.array([3, 1, 4, 1, 5])
    states = [np.hstack([each["h"], each["c"]]) for each in probes.gradients(*of)]
    norms = [np.linalg.norm(state, axis=1).mean() for state in states]
    assert probes.reach(*of)["norm"] == pytest.approx(norms)
    found = np.abs(probes.weight_gradients(*of)["recurrent_kernel"])
    quantiles = probes.sizes(*of)["quantiles"]
    assert len(quantiles) == 101
    assert quantiles[::50] == pytest.approx([found.min(), np.median(found), found.max()])


def test_the_last_question_is_asked_after_the_last_pixel():
    spec, rng = SPECS[0], np.random.default_rng(1)
    labels = np.array([3, 1])
    found = probes.answers(spec, random_weights(spec), rng.random((2, 7), dtype="float32"), labels)
    assert found["pixels"] == [3, 7]


@pytest.mark.parametrize(("end", "begin"), [("first", 0), ("middle", 24), ("last", 48)])
def test_a_classifier_sees_its_pixels_alone(monkeypatch, end, begin):
    monkeypatch.setattr(probes, "SEEDS", 0)
    settings = {"dataset": "digits", "pooling": 1, "images": 40, "end": end, "pixels": 16}
    labels = np.arange(40) % 2
    seen = []
    for pixel in {begin - 1, begin, begin + 15, begin + 16} & {*range(64)}:  # tells the label
        images = np.zeros((40, 64), "float32")
        images[:, pixel] = labels
        images = images.reshape(40, 8, 8)
        found = probes.classifiers(data.Data(images, labels, images, labels), settings)
        seen += [pixel] if found["linear"] == [1.0] else []
    assert sorted(seen) == [begin, begin + 15]


@pytest.fixture
def recorded(store):
    """A store with a run of one epoch on `digits`, and its final weights."""
    store.append(DIGITS, {"sitting": SITTING}, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    store.save(store.weights_path(DIGITS), random_weights(DIGITS))
    return store


@pytest.fixture
def probe(recorded, tmp_path, monkeypatch, capsys):
    """Run the command on the run; return its code and what it said."""
    monkeypatch.setattr(probes, "SHARES", (1 / 4, 1))
    monkeypatch.setattr(probes, "SEEDS", 1)
    options = ["--runs-dir", recorded.root, "--dataset", "digits", "--output", tmp_path / "probes"]

    def run(*arguments, name=DIGITS.name):
        words = ["probe", *arguments, *options, "--run", name]
        return main([str(word) for word in words]), capsys.readouterr().err

    return run


def test_the_command_computes_what_is_missing_and_only_that(probe, tmp_path):
    code, said = probe()
    assert code == 0
    assert "reach: 0 of 2 recorded, 2 to compute" in said
    assert f"reach 2/2: {DIGITS}, epoch 1" in said
    folder = tmp_path / "probes"
    files = {path: path.read_bytes() for path in folder.glob("*.jsonl")}
    assert sorted(path.stem for path in files) == sorted(probes.VALUES)
    before, after = probes.read("reach", folder)
    assert (before.spec, before.epoch, after.epoch) == (DIGITS, 0, 1)
    assert len(before.values["norm"]) == len(after.values["norm"]) == 64
    assert before.values != after.values
    code, said = probe()
    assert (code, said.count("0 to compute")) == (0, len(probes.VALUES))
    assert files == {path: path.read_bytes() for path in folder.glob("*.jsonl")}
    assert not list(folder.glob("*.tmp"))


def test_a_probe_says_where_it_is_from(probe, tmp_path):
    probe("answers")
    (found,) = probes.read("answers", tmp_path / "probes")
    assert found.origin.keys() >= {"date", "commit", "device", "numpy"}
    assert found.command == "python -m irnn probe answers"


@pytest.mark.parametrize(("held_out", "images"), [(0, 360), (100, 100)])
def test_a_probe_says_how_many_images_it_is_of(store, monkeypatch, held_out, images):
    spec = make("lstm", dataset="digits", units=4, held_out=held_out)
    store.append(spec, {"sitting": SITTING}, {"epoch": 1} | dict.fromkeys(METRICS, 0.5))
    store.save(store.weights_path(spec), random_weights(spec))
    (planned,) = probes.planned("answers", [spec], store, "digits")
    assert planned.settings == {"images": images}
    monkeypatch.setattr(probes, "answers", lambda spec, weights, x, labels: {"n": [len(x)]})
    assert probes.compute(planned, store, data.load_images("digits")) == {"n": [images]}


def test_probed_images_are_spread_over_all(recorded, monkeypatch):
    monkeypatch.setitem(probes.IMAGES_OF, "answers", 90)
    (planned,) = probes.planned("answers", [DIGITS], recorded, "digits")
    monkeypatch.setattr(probes, "answers", lambda *given: {"labels": given[3].tolist()})
    images = data.load_images("digits")
    labels = images.y_test[::4].tolist()
    assert probes.compute(planned, recorded, images) == {"labels": labels}


def test_only_initial_weights_need_keras(recorded, command, tmp_path):
    options = ["--runs-dir", recorded.root, "--run", DIGITS.name, "--output", tmp_path]
    assert command("probe", "answers", *options, KERAS_BACKEND="jaxx").returncode == 0
    done = command("probe", "answers", "reach", *options, KERAS_BACKEND="jaxx")
    assert done.returncode == 2
    assert done.stderr.startswith("irnn: Keras does not start on jaxx (")
    assert "set KERAS_BACKEND to tensorflow or jax" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_last_answer_is_the_networks(probe, tmp_path):
    probe("answers")
    (found,) = probes.read("answers", tmp_path / "probes")
    images = data.load(DIGITS)
    right = forward.answers(DIGITS, random_weights(DIGITS), images.x_test[:, :, 0])
    assert found.values["pixels"] == [*range(4, 65, 4)]
    accuracy = (right.argmax(axis=1) == images.y_test).mean()
    assert found.values["accuracy"][-1] == pytest.approx(accuracy, rel=1e-4)


def test_all_pixels_tell_a_digit_and_the_first_fewer(probe, tmp_path):
    probe("classifiers")
    found = {
        (p.settings["end"], p.settings["pixels"]): p.values
        for p in probes.read("classifiers", tmp_path / "probes")
    }
    assert found.keys() == {(end, n) for end in ("last", "first", "middle") for n in (16, 64)}
    assert found["last", 64] == found["first", 64] == found["middle", 64]
    assert found["middle", 16]["linear"][0] > found["first", 16]["linear"][0]
    assert found["last", 64]["linear"][0] > 0.85
    assert found["first", 16]["linear"][0] < 0.7


def test_what_is_stopped_is_not_recorded(probe, tmp_path, monkeypatch):
    """scikit-learn takes Ctrl-C for the end of a training."""
    from sklearn.neural_network import MLPClassifier

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPClassifier, "_backprop", stop)
    code, said = probe("classifiers")
    assert code == 130
    assert "stopped" in said
    assert not list((tmp_path / "probes").glob("*.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reech"], "unknown probe 'reech'; did you mean reach?"),
        (["--dataset", "minst"], "unknown dataset 'minst'; did you mean mnist?"),
        (["--run", "digits-lstm"], "unknown run 'digits-lstm'; valid: digits-lstm-"),
    ],
)
def test_bad_input_gets_one_line(recorded, capsys, arguments, message):
    assert main(["probe", *arguments, "--runs-dir", str(recorded.root)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"irnn: {message}")
    assert said.count("\n") == 1


def test_what_cannot_be_probed(recorded, store):
    other = make("irnn", dataset="digits")
    with pytest.raises(InputError, match="is not recorded in"):
        probes.planned("reach", [other], store, "digits")
    adding = make("irnn", dataset="adding", length=10)
    with pytest.raises(InputError, match="reads no images"):
        probes.planned("reach", [adding], store, "digits")
    with pytest.raises(InputError, match=r"epoch is 7; .* epochs 0 and 1 are kept"):
        probes.weights_after(DIGITS, 7, store)
    recorded.append(DIGITS, {"epoch": 2} | dict.fromkeys(METRICS, 0.5))
    with pytest.raises(InputError, match=r"epoch is 1; .* epochs 0 and 2 are kept"):
        probes.weights_after(DIGITS, 1, recorded)


def test_weights_that_are_not_finite_are_refused(recorded):
    weights = random_weights(DIGITS)
    weights["bias"][0] = np.inf
    recorded.save(recorded.weights_path(DIGITS), weights)
    with pytest.raises(InputError, match="weights that are not finite"):
        probes.weights_after(DIGITS, 1, recorded)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("oops", "it is not JSON"),
        ({}, "it has not the fields of a probe"),
        (LINE | {"more": 1}, "it has not the fields of a probe"),
        (LINE | {"spec": {"dataset": "mnist"}}, "it has not the fields of a probe"),
        (LINE | {"kind": "reach"}, "it is no probe of answers"),
        (LINE | {"values": {"norm": [1]}}, "its values are not pixels, accuracy"),
        (LINE | {"values": {"pixels": [4], "accuracy": [float("nan")]}}, "accuracy is not a list"),
        (LINE | {"values": {"pixels": [], "accuracy": []}}, "pixels is not a list of numbers"),
        (LINE | {"origin": {}}, "it does not say its date"),
    ],
)
def test_damage_is_named(tmp_path, line, message):
    lines = [json.dumps(LINE), line if isinstance(line, str) else json.dumps(line)]
    (tmp_path / "answers.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=rf"line 2 of 2 is damaged \({message}") as error:
        probes.read("answers", tmp_path)
    assert str(error.value).endswith("compute it again with: python -m irnn probe answers")


def test_a_damaged_file_stays_as_it_is(probe, tmp_path):
    file = tmp_path / "probes" / "reach.jsonl"
    file.parent.mkdir()
    file.write_text("oops\n")
    code, said = probe("reach")
    assert (code, file.read_text()) == (2, "oops\n")
    assert "line 1 of 1 is damaged" in said


def test_absence_names_the_command(tmp_path):
    with pytest.raises(
        InputError, match=r"is missing; compute it with: python -m irnn probe reach"
    ):
        probes.read("reach", tmp_path)
    (tmp_path / "reach.jsonl").touch()
    with pytest.raises(InputError, match="has no measurements; compute it with"):
        probes.read("reach", tmp_path)


def test_a_folder_that_cannot_be_written(probe, tmp_path):
    (tmp_path / "probes").write_text("in the way")
    code, said = probe("answers")
    assert code == 2
    assert "cannot be written (File exists); name another folder with --output" in said


# --- the published ones -----------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("kind", ["reach", "answers", "classifiers"])
def test_figures_of_the_published_probes(kind, language):
    picture = getattr(chapter, kind)(probes.read(kind), language)
    assert picture.svg().startswith("<svg")
    assert picture.svg(wide=False).startswith("<svg")
    assert bool(re.search("[ぁ-んァ-ヶ一-龠]", picture.alt)) == (language == "ja")
    behind = picture.html()
    assert f"book/probes/{kind}.jsonl" in behind
    assert picture.csv().count("\n") > 10


@pytest.mark.parametrize("kind", probes.VALUES)
def test_published_probes_are_those_that_the_command_computes(kind):
    found = [replace(probe, values=None, origin=None) for probe in probes.read(kind)]
    planned = probes.planned(kind, chapter.probed(), Store(), "mnist")
    assert [probe for probe in planned if probe not in found] == []


def test_probes_that_a_figure_lacks_are_named():
    lacking = [p for p in probes.read("answers") if p.spec != chapter.probed()[0]]
    with pytest.raises(InputError, match="compute it with: python -m irnn probe answers"):
        chapter.answers(lacking, "en")


def test_the_proses_numbers():
    kinds = ("reach", "answers", "classifiers")
    found = chapter.numbers_of_probes(*map(probes.read, kinds), "en")
    assert found["pooled_steps"] == 196
    assert found["linear_last_196"] == found["linear_first_196"]
    assert float(found["linear_last_1"].rstrip("%")) < 15
    assert found["irnn_tuned_untrained_28"] == found["irnn_shared_untrained_28"]


def test_halfway_is_also_told_after_as_many_epochs_as_the_lstm_has():
    reach, answers, classifiers = map(probes.read, ("reach", "answers", "classifiers"))
    trained = chapter.PROBED["irnn", "tuned"], chapter.PROBED["lstm", "tuned"]
    epoch = max(p.epoch for p in answers if p.spec in trained[1])
    early = [p for p in answers if p.spec not in trained[0] or p.epoch <= epoch]
    found = chapter.numbers_of_probes(reach, answers, classifiers, "en")
    then = chapter.numbers_of_probes(reach, early, classifiers, "en")
    assert found["irnn_tuned_halfway_as_long"] == then["irnn_tuned_halfway"]
    late = [p for p in answers if p.spec not in trained[0] or p.epoch > epoch]
    lacking = chapter.numbers_of_probes(reach, late, classifiers, "en")
    assert lacking["irnn_tuned_halfway_as_long"] == "–"
