"""Tracebacks of what is wrong with a test end where it sent the request: the frames below say nothing of the test."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any

import pytest

_OWN = os.path.dirname(os.path.dirname(__file__)) + os.sep


def hide_own_frames(call: pytest.CallInfo[Any], config: pytest.Config) -> None:
    """Take the frames of this package out of an error of `borzoi.testing`, unless all are asked for."""
    errors: Any = sys.modules.get(f"{__package__}.errors")
    found = call.excinfo
    if errors is None or found is None or config.getoption("fulltrace"):
        return
    told = (errors.UnmatchedRequest, errors.LateRequest, errors.UndecidedMock)
    if isinstance(found.value, told):
        _unlink(found.tb)


def _unlink(trace: TracebackType | None) -> None:
    # pytest goes from one raw entry to the next, so it is there that they are left out.
    while trace is not None:
        following = trace.tb_next
        while following is not None and following.tb_frame.f_code.co_filename.startswith(_OWN):
            following = following.tb_next
        trace.tb_next = following
        trace = following
