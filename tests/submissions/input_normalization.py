"""What students hand in for the exercise ``input-normalization``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

STANDARDIZE = "input_normalization.standardize"
PCA = "input_normalization.pca"
ZCA = "input_normalization.zca"
CURVATURE = "input_normalization.curvature"

# ---- right


def standardize_loops(train, x):
    rows, features = len(train), len(train[0])
    centered = [[0.0] * features for _ in x]
    standardized = [[0.0] * features for _ in x]
    for j in range(features):
        mean = sum(float(row[j]) for row in train) / rows
        var = sum((float(row[j]) - mean) ** 2 for row in train) / rows
        for i in range(len(x)):
            centered[i][j] = float(x[i][j]) - mean
            standardized[i][j] = centered[i][j] / var**0.5 if var > 0 else centered[i][j]
    return centered, standardized


def standardize_moments(train, x):
    train, x = np.asarray(train, float), np.asarray(x, float)
    mean = np.average(train, axis=0)
    std = np.sqrt(np.maximum(np.einsum("ij,ij->j", train, train) / len(train) - mean**2, 0))
    std[std == 0] = 1
    return [x - mean, x / std - mean / std]


def standardize_divide_where(train, x):
    mu, sigma = np.mean(train, 0), np.std(train, 0)
    centered = x - mu
    standardized = centered.copy()
    np.divide(centered, sigma, out=standardized, where=sigma > 0)
    return centered, standardized


def pca_svd(train, x, eps):
    mean = train.mean(axis=0)
    _, singular, axes = np.linalg.svd(train - mean, full_matrices=True)
    return (x - mean) @ axes.T / np.sqrt(singular**2 / len(train) + eps)


def pca_axis_by_axis(train, x, eps):
    mean = np.mean(train, axis=0)
    values, vectors = np.linalg.eigh(np.cov(train, rowvar=False, bias=True))
    columns = []
    for k in reversed(range(len(values))):
        columns.append(
            [float(-vectors[:, k] @ (row - mean)) / (values[k] + eps) ** 0.5 for row in x]
        )
    return [list(row) for row in zip(*columns)]


def pca_regularized_covariance(train, x, eps):
    centered = train - train.mean(axis=0)
    c = np.einsum("ij,ik->jk", centered, centered) / len(train) + eps * np.eye(train.shape[1])
    values, vectors = np.linalg.eigh(-c)
    return ((x - train.mean(axis=0)) @ vectors) * (-values) ** -0.5


def zca_svd(train, x, eps):
    mean = train.mean(axis=0)
    _, singular, axes = np.linalg.svd(train - mean)
    variances = np.zeros(train.shape[1])
    variances[: len(singular)] = singular**2 / len(train)
    return (x - mean) @ axes.T @ np.diag((variances + eps) ** -0.5) @ axes


def zca_sum_of_axes(train, x, eps):
    mean = train.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(train.T, ddof=0))
    matrix = sum(np.outer(v, v) / np.sqrt(lam + eps) for lam, v in zip(values, vectors.T))
    return [[float(a) for a in (row - mean) @ matrix] for row in x]


def zca_newton(train, x, eps):
    """The inverse root of the regularized covariance by Denman and Beavers' iteration."""
    c = np.cov(train, rowvar=False, bias=True) + eps * np.eye(train.shape[1])
    root, inverse = c, np.eye(len(c))
    for _ in range(30):
        root, inverse = ((root + np.linalg.inv(inverse)) / 2, (inverse + np.linalg.inv(root)) / 2)
    return (x - train.mean(axis=0)) @ inverse


def curvature_svd(x, floor):
    singular = np.linalg.svd(np.hstack([np.ones((len(x), 1)), x]), compute_uv=False)
    values = [float(s) ** 2 / len(x) for s in singular]
    return [values[0], values[0] / min(v for v in values if v > floor)]


def curvature_blocks(x, floor):
    mean, features = x.mean(axis=0), x.shape[1]
    hessian = np.ones((features + 1, features + 1))
    hessian[:-1, :-1] = (x - mean).T @ (x - mean) / len(x) + np.outer(mean, mean)
    hessian[:-1, -1] = hessian[-1, :-1] = mean
    values = sorted(np.linalg.eigh(hessian)[0], reverse=True)
    steep = [v for v in values if v > floor]
    return steep[0], steep[0] / steep[-1]


def standardize_on_copies(train, x):
    centered, scale = np.array(x, float), np.linalg.norm(train - train.mean(0), axis=0)
    centered -= train.mean(0)
    scale = scale / np.sqrt(len(train))
    scale[scale == 0] += 1
    return np.stack([centered, centered @ np.diag(1 / scale)])


def standardize_by_columns(train, x):
    pairs = []
    for seen, column in zip(train.T, x.T, strict=True):
        mean, std = np.mean(seen), np.std(seen)
        pairs.append((column - mean, (column - mean) / std if std else column - mean))
    return tuple(np.column_stack(parts) for parts in zip(*pairs))


def pca_argsort(train, x, eps):
    centered = np.subtract(train, train.mean(axis=0, keepdims=True))
    values, vectors = np.linalg.eigh(np.cov(centered, rowvar=False, ddof=0))
    order = np.argsort(-values)
    scaled = vectors[:, order] * (values[order] + eps) ** -0.5
    return np.einsum("ij,jk->ik", x - train.mean(axis=0), scaled)


def pca_gram(train, x, eps):
    mean = np.average(train, axis=0)
    u, s, _ = np.linalg.svd((train - mean).T @ (train - mean) / len(train), hermitian=True)
    return np.linalg.solve(np.diag(np.sqrt(s + eps)), u.T @ (x - mean).T).T


def zca_loops(train, x, eps):
    rows, features = train.shape
    mean = [sum(train[i, j] for i in range(rows)) / rows for j in range(features)]
    c = np.zeros((features, features))
    for j in range(features):
        for k in range(features):
            c[j, k] = sum((r[j] - mean[j]) * (r[k] - mean[k]) for r in train) / rows
    values, v = np.linalg.eigh(c)
    out = np.zeros(x.shape)
    for i, j in np.ndindex(*x.shape):
        for k in range(features):
            along = sum((x[i, m] - mean[m]) * v[m, k] for m in range(features))
            out[i, j] += along / np.sqrt(values[k] + eps) * v[j, k]
    return out


def zca_of_the_root(train, x, eps):
    c = np.cov(train.T, bias=True) + eps * np.identity(train.shape[1])
    values, v = np.linalg.eigh(c)
    root = v @ np.diag(np.sqrt(values)) @ v.T
    return np.linalg.solve(root, (x - train.mean(0)).T).T


def curvature_loops(x, floor):
    rows = [[*map(float, row), 1.0] for row in x]
    size = range(len(rows[0]))
    h = [[sum(r[j] * r[k] for r in rows) / len(rows) for k in size] for j in size]
    values = np.linalg.eigvalsh(np.array(h))
    above = [v for v in values if v > floor]
    return np.array([max(values), max(values) / min(above)])


def curvature_differences(x, floor):
    # The loss is a quadratic, so that differences of its gradient are exact.
    def gradient(theta):
        error = x @ theta[:-1] + theta[-1]
        return np.append(x.T @ error, error.sum()) / len(x)

    h = np.array([gradient(row) for row in np.eye(x.shape[1] + 1)])
    values = np.sort(np.linalg.eigvalsh((h + h.T) / 2))[::-1]
    return float(values[0]), float(values[0] / values[np.searchsorted(-values, -floor) - 1])


OTHER_FORMS = [
    (STANDARDIZE, standardize_loops),
    (STANDARDIZE, standardize_moments),
    (STANDARDIZE, standardize_divide_where),
    (PCA, pca_svd),
    (PCA, pca_axis_by_axis),
    (PCA, pca_regularized_covariance),
    (ZCA, zca_svd),
    (ZCA, zca_sum_of_axes),
    (ZCA, zca_newton),
    (CURVATURE, curvature_svd),
    (CURVATURE, curvature_blocks),
    (STANDARDIZE, standardize_on_copies),
    (STANDARDIZE, standardize_by_columns),
    (PCA, pca_argsort),
    (PCA, pca_gram),
    (ZCA, zca_loops),
    (ZCA, zca_of_the_root),
    (CURVATURE, curvature_loops),
    (CURVATURE, curvature_differences),
]


# ---- wrong, as students write it and not as the checker does


def s_standardize_keras(train, x):
    mu, sigma = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-7)
    return x - mu, (x - mu) / sigma


def s_standardize_in_place(train, x):
    mu, sigma = train.mean(axis=0), train.std(axis=0)
    sigma[sigma == 0] = 1
    x -= mu
    return x, x / sigma


def s_pca_epsilon_outside(train, x, eps):
    mean = train.mean(axis=0)
    _, singular, vt = np.linalg.svd(train - mean)
    return (x - mean) @ vt.T / (singular / np.sqrt(len(train)) + eps)


def s_zca_epsilon_everywhere(train, x, eps):
    mean = train.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(train, rowvar=False, ddof=0) + eps)
    return (x - mean) @ (vectors @ np.diag(1 / np.sqrt(values)) @ vectors.T)


def s_zca_no_root(train, x, eps):
    mean = train.mean(axis=0)
    c = np.cov(train, rowvar=False, ddof=0) + eps * np.eye(train.shape[1])
    return (x - mean) @ np.linalg.inv(c)


def s_zca_without_flat_directions(train, x, eps):
    mean = train.mean(axis=0)
    _, singular, vt = np.linalg.svd(train - mean, full_matrices=False)
    return (x - mean) @ vt.T / np.sqrt(singular**2 / len(train) + eps) @ vt


def s_curvature_of_inputs(x, floor):
    z = np.hstack([x, np.ones((len(x), 1))])
    singular = np.linalg.svd(z, compute_uv=False)
    singular = singular[singular > floor]
    return singular[0], singular[0] / singular[-1]


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (STANDARDIZE, s_standardize_keras, "a tiny number that stands in for the deviation 0", 2.5),
    (STANDARDIZE, s_standardize_in_place, "", 2.75),
    (PCA, s_pca_epsilon_outside, "epsilon outside the root", 0.25),
    # Where the training set has no extent it divides by rounding errors, which no variant repeats.
    (ZCA, s_zca_epsilon_everywhere, "", 0.25),
    (ZCA, s_zca_no_root, "a division by the variances instead of the deviations", 0.25),
    (ZCA, s_zca_without_flat_directions, "", 1.25),
    (CURVATURE, s_curvature_of_inputs, "singular values of the inputs instead of eigenvalues", 0.0),
]
