"""The script of the case study, on small files in the format of CIFAR-10."""

import hashlib
import io
import json
import re
import runpy
import sys
import tarfile

import numpy as np
import pytest
from support import ROOT, module_at

from gradlab import datasets

SIZES = 60, 30, 40
case_study = module_at(ROOT / "tools" / "case_study.py")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder with an archive of few photographs, each of one color that says its class."""
    pytest.importorskip("pooch", reason="pooch is not installed: pip install gradlab[data]")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
            records = b"".join(bytes([k % 10] + [20 * (k % 10)] * 3072) for k in range(40))
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = len(records)
            archive.addfile(info, io.BytesIO(records))
    (tmp_path / "cifar-10").mkdir()
    (tmp_path / "cifar-10" / "cifar-10-binary.tar.gz").write_bytes(content.getvalue())
    known = {"cifar-10-binary.tar.gz": hashlib.md5(content.getvalue()).hexdigest()}
    monkeypatch.setattr(datasets, "_CIFAR10", datasets._CIFAR10._replace(md5=known))
    return tmp_path


def test_it_goes_through_the_list(photos, capsys):
    data = datasets.load_cifar10(photos)
    names = case_study.run(data, epochs=1, sizes=SIZES)
    said = capsys.readouterr().out
    assert "(60, 3072)" in said
    assert list(names["accuracy"]) == list(names["STAGES"])
    assert {len(values) for values in names["accuracy"].values()} == {5}
    for stage in names["STAGES"]:
        assert stage in said
    assert set(names["transferred"]) == {(0, False), (2, False), (2, True), (4, False), (4, True)}
    # What is frozen stays as it was.
    network = names["on_a_base"](0, 0.03, 4, True)
    base = names["bases"][0]
    np.testing.assert_array_equal(network.layers[0].weight, base.layers[0].weight)
    assert not np.array_equal(
        names["on_a_base"](0, 0.03, 4, False).layers[0].weight, base.layers[0].weight
    )


def test_what_is_kept_of_all_selections_is_what_the_cells_compute():
    pytest.importorskip("mlxtend")
    names, text = case_study.setup(), case_study.RUNS.read_text("utf-8")
    runs = json.loads(re.search(r"runs: ({.*}),\n}", text, re.DOTALL)[1])
    assert json.loads(re.search(r"items: (.*),", text)[1]) == list(names["STAGES"])[1:]
    assert len(runs) == 64
    for key in ("011000", "100111"):
        rate, kept = runs[key]
        assert rate in names["RATES"]
        parts = case_study.selected(names, [digit == "1" for digit in key])
        found = case_study.accuracies(names, 0, rate, parts)
        # In float32 another machine's last digits lead to somewhat other networks.
        np.testing.assert_allclose(found, kept[0], atol=40)


def test_the_command(photos, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["case_study.py", "cifar10", "--cache", str(photos)])
    # As published: these photographs are too few.
    with pytest.raises(ValueError, match=r"must have 2400 examples .* got 200 and 40"):
        runpy.run_path(str(ROOT / "tools" / "case_study.py"), run_name="__main__")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["birds"], "invalid choice: 'birds'"),
        (["cifar10", "--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["mnist-5000", "--cache", "."], "has no cache"),
    ],
)
def test_what_it_refuses(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, "argv", ["case_study.py", *arguments])
    with pytest.raises(SystemExit):
        case_study.main()
    assert message in capsys.readouterr().err
