"""Images as pixel sequences, and MNIST that is what it should be."""

import numpy as np
import pytest

from irnn import data
from irnn.errors import InputError
from irnn.spec import make


@pytest.fixture
def images():
    return np.arange(3 * 8 * 8, dtype="float32").reshape(3, 8, 8)


def digits_of(**changes):
    return make("irnn", dataset="digits", **changes)


def test_pixels_come_row_by_row(images):
    pixels = data.sequences(images, digits_of())
    assert pixels.shape == (3, 64, 1)
    assert pixels.dtype == np.float32
    assert pixels[1, :, 0].tolist() == images[1].ravel().tolist()


@pytest.mark.parametrize("pooling", [1, 2, 4])
def test_pooling_averages_squares(images, pooling):
    pixels = data.sequences(images, digits_of(pooling=pooling))
    side = 8 // pooling
    assert pixels.shape == (3, side * side, 1)
    first_of_second_row = images[2, pooling : 2 * pooling, :pooling].mean()
    if side > 1:
        assert pixels[2, side, 0] == pytest.approx(first_of_second_row)


def test_permutation_is_one_order_for_all_images(images):
    plain, permuted, again, other = (
        data.sequences(images, digits_of(permutation=seed)) for seed in (None, 7, 7, 8)
    )
    order = [plain[0].ravel().tolist().index(value) for value in permuted[0].ravel()]
    assert sorted(order) == list(range(64))
    assert order != list(range(64))
    assert np.array_equal(permuted, plain[:, order])
    assert np.array_equal(permuted, again)
    assert not np.array_equal(permuted, other)


def test_orders_of_the_pixels(images):
    columns = data.sequences(images, digits_of(order="columns"))
    assert columns[1, :, 0].tolist() == images[1].T.ravel().tolist()
    backwards = data.sequences(images, digits_of(order="reversed"))
    assert backwards[1, :, 0].tolist() == images[1].ravel()[::-1].tolist()


def test_the_border_is_cut_off_before_pooling(images):
    pixels = data.sequences(images, digits_of(crop=2, pooling=2))
    assert pixels.shape == (3, digits_of(crop=2, pooling=2).steps, 1) == (3, 4, 1)
    assert pixels[0, 0, 0] == images[0, 2:4, 2:4].mean()


def test_blank_steps_follow_the_last_pixel(images):
    spec = digits_of(delay=5, order="reversed", permutation=3)
    pixels = data.sequences(images, spec)
    assert pixels.shape == (3, spec.steps, 1) == (3, 69, 1)
    assert not pixels[:, 64:].any()
    without = data.sequences(images, digits_of(order="reversed", permutation=3))
    assert np.array_equal(pixels[:, :64], without)


def test_held_out_images_are_the_last_of_the_training_set():
    whole, split = (data.load(digits_of(held_out=n)) for n in (0, 300))
    assert len(split.x_train) == digits_of(held_out=300).training_images == 1137
    assert np.array_equal(split.x_train, whole.x_train[:-300])
    assert np.array_equal(split.x_test, whole.x_train[-300:])
    assert np.array_equal(split.y_test, whole.y_train[-300:])
    few = data.load(digits_of(held_out=300, samples=100))
    assert len(few.x_train) == 100
    assert np.array_equal(few.x_test, split.x_test)


def test_subset_keeps_the_shares_of_the_classes():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    chosen = data.stratified(labels, 50, seed=3)
    assert np.bincount(labels[chosen]).tolist() == [30, 15, 5]
    assert len(set(chosen)) == 50
    assert np.array_equal(chosen, data.stratified(labels, 50, seed=3))
    assert not np.array_equal(chosen, data.stratified(labels, 50, seed=4))
    assert len(data.stratified(labels, 7, seed=0)) == 7


def test_digits():
    digits = data.load(make("irnn", dataset="digits", pooling=2, samples=100))
    assert digits.x_train.shape == (100, 16, 1)
    assert digits.x_test.shape == (360, 16, 1)
    assert np.bincount(digits.y_train).tolist() == [10] * 10
    assert digits.x_train.min() == 0
    assert 0.5 < digits.x_train.max() <= 1


@pytest.mark.parametrize(("pooling", "steps"), [(1, 784), (2, 196), (4, 49)])
def test_mnist(mnist, pooling, steps):
    spec = make("irnn", pooling=pooling, samples=200)
    samples = data.load(spec, mnist)
    assert samples.x_train.shape == (200, steps, 1)
    assert samples.x_test.shape == (10_000, steps, 1)
    assert samples.x_test.dtype == np.float32
    assert samples.x_test.min() == 0
    assert samples.x_test.max() <= 1
    assert spec.steps == steps


def test_the_adding_problem_asks_for_the_sum_of_the_marked():
    spec = make("lstm", dataset="adding", length=30, samples=500)
    samples = data.load(spec)
    assert samples.x_train.shape == (500, spec.steps, spec.features) == (500, 30, 2)
    assert samples.x_test.shape == (10_000, 30, 2)
    numbers, marks = samples.x_test[..., 0], samples.x_test[..., 1]
    assert set(np.unique(marks)) == {0, 1}
    assert (marks.sum(axis=1) == 2).all()
    np.testing.assert_allclose(samples.y_test, (numbers * marks).sum(axis=1), rtol=1e-6)
    assert np.square(samples.y_test - 1).mean() == pytest.approx(1 / 6, abs=0.005)
    few = data.load(make("lstm", dataset="adding", length=30, samples=100, held_out=50))
    assert np.array_equal(few.x_test, data.adding(30, 50, 2)[0])
    assert not np.array_equal(few.x_test, samples.x_test[:50])


def test_what_a_seed_draws_never_changes():
    """Or a recorded run goes on with other data than it began with."""
    permuted = digits_of(pooling=2, permutation=7)
    order = [3, 10, 6, 8, 1, 14, 0, 7, 4, 13, 15, 2, 12, 5, 9, 11]
    assert data.pixel_order(permuted).tolist() == order
    labels = np.repeat([0, 1], [12, 8])
    assert data.stratified(labels, 5, seed=3).tolist() == [0, 2, 8, 17, 18]
    chosen = data.training_samples(labels, digits_of(samples=10, seed=3, batch_size=10))
    assert chosen.tolist() == data.stratified(labels, 10, seed=3).tolist()
    adding = data.load(make("lstm", dataset="adding", length=3, samples=10, batch_size=10))
    assert adding.x_train[0, :, 0] == pytest.approx(data.adding(3, 10, 0)[0][0, :, 0])
    assert adding.x_test[0, :, 0] == pytest.approx(data.adding(3, 10_000, 1)[0][0, :, 0])
    numbers, sums = data.adding(3, 2, 0)
    assert numbers[1, :, 0] == pytest.approx([0.23681051, 0.18136477, 0.80127442])
    assert numbers[1, :, 1].tolist() == [1, 1, 0]
    assert sums[1] == pytest.approx(0.41817528)


def test_mnist_comes_from_the_environment(mnist, monkeypatch):
    monkeypatch.setenv("MNIST_NPZ", str(mnist))
    assert data.load_images("mnist").y_train[:3].tolist() == [5, 0, 4]


def write(path, **changes):
    shapes = {"x_train": (60000, 28, 28), "y_train": (60000,)}
    shapes |= {"x_test": (10000, 28, 28), "y_test": (10000,)}
    arrays = {name: np.zeros(shape, "uint8") for name, shape in shapes.items()} | changes
    np.savez_compressed(path, **{name: a for name, a in arrays.items() if a is not None})
    return path


def test_mnist_that_is_not_mnist(tmp_path):
    with pytest.raises(InputError, match=r"zeros.npz: x_train is not MNIST's .*MNIST_NPZ"):
        data.load_images("mnist", write(tmp_path / "zeros.npz"))


def test_mnist_without_an_array(tmp_path):
    with pytest.raises(InputError, match="lacks an array"):
        data.load_images("mnist", write(tmp_path / "less.npz", y_test=None))


def test_mnist_truncated(tmp_path):
    path = write(tmp_path / "whole.npz", x_train=np.random.default_rng(0).bytes(5000))
    whole = path.read_bytes()
    broken = tmp_path / "broken.npz"
    for content in (whole[:3000], whole[:2000] + b"x" * 50 + whole[2050:], b"", whole[:10]):
        broken.write_bytes(content)
        with pytest.raises(InputError, match=r"broken.npz"):
            data.load_images("mnist", broken)


def test_mnist_of_another_kind(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"array.npy cannot be read"):
        data.load_images("mnist", tmp_path / "array.npy")
    with pytest.raises(InputError, match=r"x_train is not MNIST's"):
        data.load_images("mnist", write(tmp_path / "flat.npz", x_train=np.zeros(5)))


def test_mnist_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"there is no file .*nowhere.npz; set MNIST_NPZ"):
        data.load_images("mnist", tmp_path / "nowhere.npz")


def test_unknown_dataset():
    with pytest.raises(InputError, match="unknown dataset 'minst'; did you mean mnist"):
        data.load_images("minst")
