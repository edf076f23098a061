"""Whatever a server does, in whatever order: the right file arrives, or an error says why, and nothing else."""

from __future__ import annotations

import hashlib
import random
import tempfile
from pathlib import Path

import weights_server as web
from hypothesis import given, settings
from hypothesis import strategies as st
from weights_server import serving

from colorizer.errors import WeightsError
from colorizer.networks.catalog import FileSpec, Mirror, ModelSpec
from colorizer.networks.download.fetch import download_model
from colorizer.networks.download.transfer import Policy
from colorizer.networks.store import Store

WEIGHTS = random.Random(7).randbytes(60_000)
AT_ONCE = Policy(timeout=5.0, retries=3, backoff=0.0)


class Silence:
    """Shows nothing; see `colorizer.networks.download.transfer.Listener`."""

    def message(self, text: str) -> None:
        pass

    def begin(self, name: str, total: int, done: int) -> None:
        pass

    def advance(self, count: int) -> None:
        pass

    def end(self) -> None:
        pass


NAMED = "serve ignore_range wrong_range lying_range changed_range page chunked_page lfs_pointer wrong_bytes too_much"
NAMED_TOO = "compressed compressed_and_cut"

BEHAVIOURS = st.one_of(
    st.integers(0, len(WEIGHTS)).map(lambda count: ("cut", count)),
    st.integers(0, len(WEIGHTS)).map(lambda count: ("cut_unannounced", count)),
    st.sampled_from([408, 429, 500, 503, 416, 404, 403]).map(lambda code: ("status", code)),
    st.sampled_from(f"{NAMED} {NAMED_TOO}".split()).map(lambda name: (name, None)),
)


def behaviour(chosen: tuple[str, int | None]) -> web.Behaviour:
    name, number = chosen
    made = getattr(web, name)
    found: web.Behaviour = made if number is None else made(number)
    return found


def model(url: str) -> ModelSpec:
    size, sha256 = len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest()
    mirrors = (Mirror(f"{url}one/tested.caffemodel"), Mirror(f"{url}two/tested.caffemodel"))
    files = (
        FileSpec("tested.prototxt", "prototxt", 1, "0" * 64, packaged=True),
        FileSpec("tested.caffemodel", "caffemodel", size, sha256, mirrors),
    )
    return ModelSpec("tested", "to test with", "", "none", "stretch", 8, files)


@settings(max_examples=60, deadline=None)
@given(schedule=st.lists(BEHAVIOURS, max_size=6), then=BEHAVIOURS, etag=st.sampled_from(['"strong"', 'W/"weak"', ""]))
def test_any_schedule_ends_in_the_right_file_or_an_error(
    schedule: list[tuple[str, int | None]], then: tuple[str, int | None], etag: str
) -> None:
    with tempfile.TemporaryDirectory() as folder, serving({"tested.caffemodel": WEIGHTS}) as server:
        server.etags["tested.caffemodel"] = etag
        server.script = [behaviour(chosen) for chosen in schedule]
        server.then = behaviour(then)
        store = Store(Path(folder), (Path(folder),))
        target = Path(folder) / "tested.caffemodel"
        try:
            download_model(model(server.url), store, Silence(), policy=AT_ONCE)
        except WeightsError:
            assert not target.exists()
        else:
            assert target.read_bytes() == WEIGHTS
            assert not target.with_name("tested.caffemodel.part").exists()
        # a patient server must not be able to keep us for ever
        assert len(server.requests) < 200
        server.script.clear()
        server.then = web.serve
        download_model(model(server.url), store, Silence(), policy=AT_ONCE)
        assert target.read_bytes() == WEIGHTS
