"""With the real COD-AB imported, the planted point is found too, and no other point is told to lie elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import dtm
from tests.pipeline.test_samples import found, planted

pytestmark = pytest.mark.real


def test_every_planted_fault_is_found_and_nothing_unplanted_is(real_data: Path, samples: Path, tmp_path: Path) -> None:
    polygons = real_data / "boundaries/irq/irq_admbnda_adm2_cso_20190603.geojson"
    assert (
        dtm("boundaries", "import", polygons, "--country", "IRQ", "--edition", "cod-2019", "--home", tmp_path).code == 0
    )
    assert dtm("run", "--inbox", samples, "--home", tmp_path).code == 6
    assert found(tmp_path) == planted(samples, "quarantine", with_boundaries=True)
    told = {f for f in found(tmp_path, "--findings") if f[3] != "delivery_held"}
    assert told == planted(samples, "finding", with_boundaries=True)
