"""Write book/_static/live/digits.js, the digits of `gradlab.datasets.load_digits` for live figures.

Run from the repository root: python tools/digits.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gradlab.datasets import load_digits

SCRIPT = Path(__file__).resolve().parent.parent / "book" / "_static" / "live" / "digits.js"

LETTERS = np.array(
    list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), dtype="U1"
)

READER = """
(() => {
  "use strict";
  const value = Object.fromEntries([...letters].map((letter, k) => [letter, k]));
  const pixels = new Float64Array(64 * labels.length);
  for (let k = 0; k < pixels.length / 4; k++) {
    let number = [0, 1, 2].reduce((sum, j) => 64 * sum + value[packed[3 * k + j]], 0);
    for (let j = 3; j >= 0; j--) {
      pixels[4 * k + j] = (number % 17) / 16;
      number = Math.floor(number / 17);
    }
  }
  const classes = Uint8Array.from(labels, Number), trained = 1437;
  const rows = indices => {
    const x = new Float64Array(64 * indices.length);
    indices.forEach((from, to) => x.set(pixels.subarray(64 * from, 64 * from + 64), 64 * to));
    return [x, Uint8Array.from(indices, k => classes[k])];
  };
  const range = (low, high) => Array.from({ length: high - low }, (_, k) => low + k);

  // "chapter": the training digits, of which a fifth is held out, as in the chapter In practice.
  // "test": all training digits, and the test digits in the place of those held out.
  function split(name = "chapter") {
    const whole = name === "test" ? range(0, labels.length) : order;
    const first = name === "test" ? trained : order.length - 290;
    const [x, own] = rows(whole.slice(0, first)), [heldX, heldLabels] = rows(whole.slice(first));
    return { x, labels: own, heldX, heldLabels, classes: 10 };
  }
  window.gradlab.digits = { split };
})();
"""


def chapter_order(labels: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[int]:
    """Return the training digits as the chapter In practice orders them, the held-out ones last."""
    rng = np.random.default_rng(0)
    of_class = [rng.permutation(np.flatnonzero(labels == k)) for k in range(10)]
    parts = [indices[29:] for indices in of_class] + [indices[:29] for indices in of_class]
    return [int(index) for index in np.concatenate(parts)]


def script() -> str:
    """Return the digits as a script: a page from ``file://`` can read no other file."""
    digits = load_digits()
    pixels = np.concatenate([digits.x_train, digits.x_test]) * 16
    # Four pixels of 17 shades are less than 64^3: three letters.
    numbers = pixels.astype(np.int64).reshape(-1, 4) @ 17 ** np.arange(3, -1, -1)
    packed = "".join(LETTERS[numbers[:, None] // 64 ** np.arange(2, -1, -1) % 64].ravel())
    labels = "".join(map(str, np.concatenate([digits.y_train, digits.y_test])))
    order = ",".join(map(str, chapter_order(digits.y_train)))
    return (
        "// Made by python tools/digits.py from gradlab.datasets.load_digits: E. Alpaydin and\n"
        "// C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning\n"
        "// Repository, 1998 (CC BY 4.0).\n"
        "{\n"
        f'const letters = "{"".join(LETTERS)}";\nconst order = [{order}];\n'
        f'const labels = "{labels}";\nconst packed = "{packed}";'
        f"{READER}}}\n"
    )


if __name__ == "__main__":
    SCRIPT.write_text(script(), "utf-8")
    print(f"{SCRIPT.name}: {SCRIPT.stat().st_size} bytes")
