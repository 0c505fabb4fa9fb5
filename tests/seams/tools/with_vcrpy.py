"""vcrpy: it patches `handle_request` and `handle_async_request` on the classes of httpcore's pools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import vcr

from tests.seams.tools.serving import WORLDS, serving


@pytest.mark.parametrize("world", WORLDS)
def test_a_cassette_is_recorded_and_played(world: str, tmp_path: Path) -> None:
    """What the server said is said again without it, to a client that has sent requests before."""
    cassette = str(tmp_path / "cassette.yaml")

    async def body(client: Any) -> None:
        assert (await client.get("/before")).text == "served /before"
        for _ in range(2):
            with vcr.use_cassette(cassette) as tape:
                assert (await client.get("/taped")).text == "served /taped"
            assert len(tape) == 1
        assert tape.play_count == 1
        assert (await client.get("/after")).text == "served /after"

    with serving() as served:
        served.run(world, body)
    assert served.paths == [b"/before", b"/taped", b"/after"]
