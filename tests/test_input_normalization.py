import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from support import array_errors, assert_agrees

from gradlab.datasets import load_digits
from gradlab.input_normalization import (
    _hessian_kernel,
    curvature,
    fit_center,
    fit_pca_whitening,
    fit_standardize,
    fit_zca_whitening,
)

FITS = [fit_center, fit_standardize, fit_pca_whitening, fit_zca_whitening]
WHITENINGS = [fit_pca_whitening, fit_zca_whitening]
DTYPES = [np.float64, np.float32]


def make_data(seed, rows=40, features=5, dtype=np.float64):
    """Correlated features with means and scales of their own."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(features, features)) + np.eye(features)
    scale = np.exp(rng.uniform(-2, 2, features))
    x = scale * (rng.normal(size=(rows, features)) @ mixing + rng.uniform(-3, 3, features))
    return x.astype(dtype)


def covariance(x, ddof=0):
    return np.cov(x, rowvar=False, ddof=ddof)


# ---- centering and standardizing


@pytest.mark.equation("in-mean")
@pytest.mark.equation("in-center")
@pytest.mark.equation("in-deviation")
@pytest.mark.equation("in-standardize")
@pytest.mark.parametrize("ddof", [0, 1])
def test_standardization_is_the_definition(ddof):
    train, test = make_data(0, 7, 3), make_data(1, 4, 3)
    centered, fitted = fit_center(train), fit_standardize(train, ddof)
    for j in range(3):
        mean = sum(train[:, j]) / 7
        deviation = (sum((train[:, j] - mean) ** 2) / (7 - ddof)) ** 0.5
        np.testing.assert_allclose(centered.mean[j], mean)
        np.testing.assert_allclose(centered.transform(test)[:, j], test[:, j] - mean)
        np.testing.assert_allclose(fitted.scale[j], deviation)
        np.testing.assert_allclose(fitted.transform(test)[:, j], (test[:, j] - mean) / deviation)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 6))
def test_training_set_comes_out_with_mean_0_and_deviation_1(seed, rows, features):
    x = make_data(seed, rows, features)
    out = fit_standardize(x).transform(x)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(out.std(axis=0), 1, rtol=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 6), st.booleans())
def test_standardization_agrees_with_scikit_learn(seed, rows, features, constant):
    train, test = make_data(seed, rows, features), make_data(seed + 1, 5, features)
    if constant:
        train[:, 0] = 0.1
    expected = StandardScaler().fit(train)
    fitted = fit_standardize(train)
    assert_agrees(fitted.transform(test), expected.transform(test), rtol=1e-9)
    assert_agrees(fitted.inverse_transform(test), expected.inverse_transform(test), rtol=1e-9)


def test_centering_lets_the_updates_of_one_unit_differ_in_sign():
    # Deck L "Normalization": the gradient for w_j is x_j times one number.
    x = np.random.default_rng(0).uniform(0.1, 1.0, (50, 30))
    sensitivity = 0.7
    assert len(np.unique(np.sign(sensitivity * x))) == 1
    centered = fit_center(x).transform(x)
    assert all(len(np.unique(np.sign(sensitivity * row))) == 2 for row in centered)


def test_statistics_are_those_of_the_training_set():
    train, test = make_data(2), make_data(3)
    for fit in FITS:
        fitted = fit(train)
        whole = fitted.transform(test)
        for i in range(3):
            np.testing.assert_allclose(fitted.transform(test[i : i + 1])[0], whole[i], atol=1e-12)
        assert np.abs(whole.mean(axis=0)).max() > 0.1
        before = fitted.transform(train)
        train[:] += 1
        np.testing.assert_allclose(fitted.transform(train - 1), before, atol=1e-9)
        train[:] -= 1


@pytest.mark.parametrize("value", [0.1, 0.0, -1e8, 1e200, 1e-200])
def test_constant_feature_is_centered_and_not_scaled(value):
    x = make_data(4, 1001, 3)
    x[:, 1] = value
    for fit in FITS:
        fitted = fit(x) if fit in (fit_center, fit_standardize) else fit(x, eps=0.0)
        out = fitted.transform(x)
        assert np.isfinite(out).all()
        if fit is not fit_pca_whitening:
            np.testing.assert_allclose(out[:, 1], 0, atol=abs(value) * 1e-15)
        np.testing.assert_allclose(fitted.inverse_transform(out), x, rtol=1e-9, atol=1e-9)
    assert fit_standardize(x).scale[1] == 1


def test_feature_that_is_constant_but_for_rounding_counts_as_constant():
    x = 1e-20 * make_data(18, 40, 4)
    x[:, 1] = np.where(np.arange(40) % 2, 0.3, 0.1 + 0.2)
    assert np.ptp(x[:, 1]) > 0
    assert fit_standardize(x).scale[1] == StandardScaler().fit(x).scale_[1] == 1
    for fit in WHITENINGS:
        fitted = fit(x, eps=0.0)
        assert (fitted.deviations > 0).sum() == 3
        assert fitted.deviations[0] < 1e-18


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_huge_and_tiny_values_keep_their_spread(size):
    x = make_data(5)
    for fit in (fit_standardize, lambda x: fit_pca_whitening(x, eps=0.0)):
        plain, fitted = fit(x), fit(x * size)
        np.testing.assert_allclose(fitted.transform(x * size), plain.transform(x), atol=1e-9)
        np.testing.assert_allclose(
            fitted.inverse_transform(fitted.transform(x * size)), x * size, rtol=1e-9
        )


def test_large_offset_keeps_its_digits():
    x = np.random.default_rng(0).normal(size=(500, 3))
    np.testing.assert_allclose(
        fit_standardize(x + 1e8).transform(x + 1e8), fit_standardize(x).transform(x), atol=1e-6
    )


def test_long_float32_columns_are_summed_in_float64():
    x = np.full((200_000, 1), 0.1, np.float32)
    fitted = fit_standardize(x)
    assert fitted.mean[0] == np.float64(np.float32(0.1))
    assert fitted.scale[0] == 1


# ---- whitening


@pytest.mark.equation("in-covariance")
@pytest.mark.equation("in-pca")
@pytest.mark.equation("in-zca")
@pytest.mark.parametrize("eps", [0.0, 0.3])
@pytest.mark.parametrize("ddof", [0, 1])
def test_whitening_is_the_definition(eps, ddof):
    train, test = make_data(6), make_data(7, 6)
    variances, axes = np.linalg.eigh(covariance(train, ddof))
    inverse_root = axes @ np.diag((variances + eps) ** -0.5) @ axes.T
    zca = fit_zca_whitening(train, eps, ddof)
    np.testing.assert_allclose(
        zca.transform(test), (test - train.mean(axis=0)) @ inverse_root, rtol=1e-7
    )
    pca = fit_pca_whitening(train, eps, ddof)
    np.testing.assert_allclose(pca.deviations**2, variances[::-1], rtol=1e-7)
    columns = axes[:, ::-1] * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(5)])[::-1]
    expected = (test - train.mean(axis=0)) @ columns * (variances[::-1] + eps) ** -0.5
    np.testing.assert_allclose(pca.transform(test), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("fit", WHITENINGS)
@given(seed=st.integers(0, 2**32 - 1), features=st.integers(1, 6))
def test_training_set_comes_out_white(fit, seed, features):
    x = make_data(seed, 30, features)
    out = fit(x, eps=0.0).transform(x)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(np.atleast_2d(covariance(out)), np.eye(features), atol=1e-7)


def test_eps_shrinks_the_variances_as_the_docstring_says():
    x, eps = make_data(8), 0.5
    fitted = fit_pca_whitening(x, eps)
    variances = fitted.deviations**2
    np.testing.assert_allclose(
        covariance(fitted.transform(x)), np.diag(variances / (variances + eps)), atol=1e-9
    )


def test_pca_agrees_with_scikit_learn():
    train, test = make_data(9), make_data(10, 8)
    expected = PCA(whiten=True).fit(train)
    fitted = fit_pca_whitening(train, eps=0.0, ddof=1)
    signs = np.sign((fitted.components * expected.components_).sum(axis=1))
    np.testing.assert_allclose(
        fitted.components, signs[:, np.newaxis] * expected.components_, atol=1e-9
    )
    np.testing.assert_allclose(fitted.deviations**2, expected.explained_variance_)
    np.testing.assert_allclose(fitted.transform(test), signs * expected.transform(test), rtol=1e-8)


def test_largest_entry_of_each_direction_is_positive():
    components = fit_pca_whitening(make_data(11)).components
    assert all(row[np.abs(row).argmax()] > 0 for row in components)


def test_zca_is_symmetric_positive_and_moves_the_data_least():
    x = make_data(12)
    zca, pca = fit_zca_whitening(x, eps=0.0), fit_pca_whitening(x, eps=0.0)
    np.testing.assert_allclose(zca.matrix, zca.matrix.T, atol=1e-12)
    assert np.linalg.eigvalsh(zca.matrix).min() > 0
    centered = x - x.mean(axis=0)
    moved = ((zca.transform(x) - centered) ** 2).sum()
    rng = np.random.default_rng(0)
    for _ in range(20):
        rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
        assert ((pca.transform(x) @ rotation - centered) ** 2).sum() > moved


@pytest.mark.parametrize("fit", WHITENINGS)
@pytest.mark.parametrize("eps", [0.0, 1e-3])
@pytest.mark.parametrize("rows", [4, 40])
def test_rank_deficient_data(fit, eps, rows):
    # A constant feature, a repeated one, and with 4 rows fewer examples than features.
    x = make_data(13, rows, 6)
    x[:, 2] = 5.0
    x[:, 4] = 2 * x[:, 1] - x[:, 0]
    rank = np.linalg.matrix_rank(x - x.mean(axis=0))
    fitted = fit(x, eps=eps)
    assert (fitted.deviations > 0).sum() == rank == min(rows - 1, 4)
    out = fitted.transform(x)
    assert np.linalg.matrix_rank(out, tol=1e-6) == rank
    np.testing.assert_allclose(fitted.inverse_transform(out), x, atol=1e-8)
    if eps == 0:
        eigenvalues = np.linalg.eigvalsh(covariance(out))
        np.testing.assert_allclose(eigenvalues, [0] * (6 - rank) + [1] * rank, atol=1e-8)
        # A new point off the training set's plane comes back as its projection on it.
        back = fitted.inverse_transform(fitted.transform(x[:1] + np.eye(6)[2]))
        np.testing.assert_allclose(back, x[:1], atol=1e-8)


def test_digits_with_their_constant_pixels():
    digits = load_digits()
    assert (np.ptp(digits.x_train, axis=0) == 0).any()
    for fit in FITS:
        fitted = fit(digits.x_train)
        out = fitted.transform(digits.x_test)
        assert np.isfinite(out).all()
        np.testing.assert_allclose(fitted.inverse_transform(out), digits.x_test, atol=1e-9)


def test_ill_conditioned_data_keep_the_digits_that_the_covariance_loses():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)) * [1.0, 1e-10]
    out = fit_pca_whitening(x, eps=0.0).transform(x)
    np.testing.assert_allclose(covariance(out), np.eye(2), atol=1e-5)


# ---- curvature


@pytest.mark.equation("in-hessian")
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 6))
def test_curvature_is_that_of_the_hessian(seed, rows, features):
    x = make_data(seed, rows, features)
    # As the chapter has it: from covariance and mean, in blocks.
    mean = x.mean(axis=0)
    block = (x - mean).T @ (x - mean) / rows + np.outer(mean, mean)
    hessian = np.block([[block, mean[:, np.newaxis]], [mean, np.ones(1)]])
    out = np.full(hessian.shape, np.nan)
    _hessian_kernel(x, out)
    np.testing.assert_allclose(out, hessian, rtol=1e-9, atol=1e-12 * np.abs(hessian).max())
    values = np.linalg.eigvalsh(hessian)
    floor = 1e-9 * values[-1]
    largest, condition = curvature(x, floor)
    assert largest == pytest.approx(values[-1])
    kept = values[values > floor]
    if kept[0] > 10 * floor and (kept.size == values.size or values[-kept.size - 1] < floor / 10):
        assert condition == pytest.approx(values[-1] / kept[0], rel=1e-4)


@pytest.mark.equation("in-hessian")
def test_curvature_is_the_second_difference_of_the_loss():
    x, y = make_data(30, 8, 3), np.arange(8.0)
    largest, _ = curvature(x)
    axis = np.linalg.svd(np.column_stack([x, np.ones(8)]))[2][0]

    def loss(parameters):
        return ((x @ parameters[:3] + parameters[3] - y) ** 2).mean() / 2

    # Of a quadratic it is exact for any step.
    second = loss(axis) - 2 * loss(0 * axis) + loss(-axis)
    assert second == pytest.approx(largest)


def test_curvature_of_digits_before_and_after():
    digits = load_digits().x_train
    largest, condition = curvature(digits)
    centered = curvature(fit_center(digits).transform(digits))
    standardized = curvature(fit_standardize(digits).transform(digits))
    assert largest > 1 + (digits.mean(axis=0) ** 2).sum()
    assert centered[0] == pytest.approx(1, abs=1e-9)
    assert condition > 10 * centered[1] > 0
    assert standardized[0] > 1
    white = fit_zca_whitening(digits, eps=0.0).transform(digits)
    np.testing.assert_allclose(curvature(white), [1, 1])


def test_floor_leaves_out_level_directions():
    x = np.zeros((4, 3))
    x[:, 0] = [1.0, -1.0, 1.0, -1.0]
    x[:, 1] = [0.1, 0.1, -0.1, -0.1]
    np.testing.assert_allclose(curvature(x), (1, 100))
    assert curvature(x, floor=0.02) == (1.0, 1.0)
    assert curvature(x.astype(np.float32), 0.02) == curvature(x.tolist(), 0.02) == (1.0, 1.0)
    with pytest.raises(
        ValueError, match=r"^floor must be below the largest eigenvalue, 1, got 1.5"
    ):
        curvature(x, floor=1.5)
    assert curvature([[1e150]])[0] == pytest.approx(1e300)


# ---- conventions of the package


@pytest.mark.parametrize("fit", FITS)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(8, 20), features=st.integers(1, 5))
def test_inverse_undoes_the_transform(fit, seed, rows, features):
    x, test = make_data(seed, rows, features), make_data(seed + 1, 4, features)
    fitted = fit(x)
    scale = np.abs(test).max() + np.abs(x).max()
    np.testing.assert_allclose(
        fitted.inverse_transform(fitted.transform(test)), test, atol=1e-8 * scale
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fit", FITS)
def test_dtype_is_kept(fit, dtype):
    x = make_data(14, dtype=dtype)
    fitted = fit(x)
    assert fitted.mean.dtype == np.float64
    assert fitted.transform(x).dtype == dtype
    assert fitted.inverse_transform(x).dtype == dtype
    precise = fit(x.astype(np.float64)).transform(x.astype(np.float64))
    np.testing.assert_allclose(fitted.transform(x), precise, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fit", FITS)
def test_integers_lists_and_other_memory_layouts_give_the_same(fit):
    x = np.random.default_rng(0).integers(-9, 9, (8, 3))
    expected = fit(x.astype(float)).transform(x.astype(float))
    wide = np.zeros((16, 6))
    wide[::2, ::2] = x
    for other in (x, x.tolist(), np.asfortranarray(x), wide[::2, ::2], x.astype(">f8")):
        out = fit(other).transform(other)
        assert out.dtype == np.float64
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("fit", FITS)
def test_inputs_are_left_alone(fit):
    x = make_data(15)
    x[:, 1] = 3.0
    copy = x.copy()
    fitted = fit(x)
    fitted.inverse_transform(fitted.transform(x))
    np.testing.assert_array_equal(x, copy)


def test_one_example_has_a_mean_and_nothing_else():
    np.testing.assert_array_equal(fit_center([[3.0, 4.0]]).transform([[5.0, 5.0]]), [[2.0, 1.0]])


def test_not_a_number_stays_in_its_example():
    x = make_data(16)
    for fit in FITS:
        test = x[:3].copy()
        test[1, 2] = np.nan
        out = fit(x).transform(test)
        assert np.isnan(out[1]).any()
        assert np.isfinite(out[[0, 2]]).all()


# ---- bad input

X = make_data(17, 6, 3)
BAD = X.copy()
BAD[2, 1] = np.inf


def bad_fits():
    for fit in FITS:
        yield from ((fit, *error) for error in array_errors("x", X))
        yield fit, "x", X[:0], ValueError
        yield fit, "x", BAD, ValueError
        yield fit, "x", np.where(np.isinf(BAD), np.nan, BAD), ValueError
        yield fit, "x", X.astype(np.float16), TypeError
        yield fit, "x", [[1.0], [1.0, 2.0]], ValueError
        if fit is not fit_center:
            yield fit, "x", X[:1], ValueError
            yield from ((fit, "ddof", bad, ValueError) for bad in (-1, 2))
            yield from ((fit, "ddof", bad, TypeError) for bad in (1.0, "1", None, True))
    yield from ((curvature, *error) for error in array_errors("x", X))
    yield from ((curvature, "x", bad, ValueError) for bad in (X[:0], BAD, 1e151 * np.abs(X)))
    yield from ((curvature, "floor", bad, ValueError) for bad in (-1, np.nan, np.inf, 1e9))
    yield from ((curvature, "floor", bad, TypeError) for bad in ("1", None, True))
    for fit in WHITENINGS:
        yield from ((fit, "eps", bad, ValueError) for bad in (-1e-9, np.nan, np.inf))
        yield from ((fit, "eps", bad, TypeError) for bad in ("1", None, 1j, True))


@pytest.mark.parametrize(("fit", "name", "bad", "error"), list(bad_fits()))
def test_bad_training_set_is_refused_by_name(fit, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        fit(**({"x": X} | {name: bad}))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_bad_rows_are_refused_by_name(fit, method):
    call = getattr(fit(X), method)
    for _, bad, error in [*array_errors("x", X), ("x", X[:, :2], ValueError)]:
        with pytest.raises(error, match=r"^x must"):
            call(bad)
    with pytest.raises(ValueError, match=r"^x must have 3 feature"):
        call(np.ones((2, 4)))
    with pytest.raises(AttributeError):
        fit(X).mean = 0
