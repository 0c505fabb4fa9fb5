"""What the contract itself does: contexts for TLS as they come into use."""

from __future__ import annotations

import ssl
import sys

import truststore

from borzoi._backends.base import TLSOptions, show_cuts

HIDING = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", ssl.Options(0))
"""The option by which a cut connection passes for one that ended: OpenSSL 3 has it."""


def _hiding() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options |= HIDING | ssl.OP_NO_TICKET
    return context


def test_a_context_that_hides_cuts_shows_them() -> None:
    """The one option is taken from a context, and the others stay; doing so twice changes nothing more."""
    context = _hiding()
    before = context.options

    show_cuts(context)
    show_cuts(context)

    assert context.options == before & ~HIDING
    assert context.options & ssl.OP_NO_TICKET


def test_a_context_of_truststore_shows_cuts() -> None:
    """A context of truststore, which holds one of the system's, is treated alike."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options |= HIDING

    show_cuts(context)

    assert not context.options & HIDING


def test_a_stand_in_for_a_context_is_left_alone() -> None:
    """What has no options, as tests may give it, is taken as it is."""
    show_cuts(None)  # type: ignore[arg-type]

    assert TLSOptions(None, "a.test").context is None  # type: ignore[arg-type]


def test_a_context_in_use_hides_cuts_only_where_a_program_can_have_said_so() -> None:
    """Before CPython 3.11.4 the option is there by default, and cleared; from then on a program has set it."""
    options = TLSOptions(_hiding(), "a.test")

    assert options.context.options & HIDING == (0 if sys.version_info < (3, 11, 4) else HIDING)
