"""Networks of four families measured side by side, against figures computed from what they are known to answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from made_networks import CONTRACTS
from PIL import Image

from colorizer import Colorizer, Settings

FAMILIES = {"C2a": "ab", "C3": "hinted", "C4-dyn": "grey-rgb-to-ab", "C5b": "rgb"}


def test_four_families_stand_side_by_side(
    colorize: Command, tmp_path: Path, photographs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)
    (tmp_path / "photos").mkdir()
    for path in photographs[:3]:
        with Image.open(path) as image:
            image.convert("RGB").resize((96, 64), Image.Resampling.BOX).save(tmp_path / "photos" / f"{path.stem}.png")
    options, expected = [], {}
    for contract in (each for each in CONTRACTS if each.name in FAMILIES):
        assert contract.descriptor["family"] == FAMILIES[contract.name]
        model = contract.make(tmp_path / f"{contract.name}.onnx")
        model.with_suffix(".colorize.json").write_text(json.dumps(contract.descriptor))
        options += ["--model", str(model)]
        colorizer = Colorizer(Settings(model=str(model), engine="onnxruntime", precision="fp32", device="cpu"))
        found = []
        for path in (tmp_path / "photos").iterdir():
            true = np.asarray(Image.open(path))
            (seen,) = colorizer.view.of_pixels(true)
            painted = colorizer.render(true, contract.ab(seen.lightness[0, 0]).astype(np.float32))
            found.append(-10 * np.log10(np.mean((true / 255 - painted / 255.0) ** 2)))
        expected[contract.name] = float(np.mean(found))
    assert max(expected.values()) - min(expected.values()) > 0.3
    engine = ("--engine", "onnxruntime", "--precision", "fp32", "--device", "cpu", "--resamples", "20")
    done = colorize("evaluate", "photos", "--json", *options, *engine)
    assert done.returncode == 0, done.stderr
    columns = {each["name"]: each for each in json.loads(done.stdout)["candidates"]}
    for name, psnr in expected.items():
        assert columns[name]["figures"]["psnr"]["value"] == pytest.approx(psnr, abs=0.05)
