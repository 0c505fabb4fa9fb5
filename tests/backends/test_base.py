"""What the contract itself does: contexts for TLS as they come into use."""

from __future__ import annotations

import ssl
import sys

import truststore

from borzoi._backends.base import TLSOptions, show_cuts, showing_cuts

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


def test_where_cuts_are_hidden_every_context_in_use_shows_them() -> None:
    """What is done before CPython 3.11.4 clears the option, and sets all that is to be set."""
    context, options = _hiding(), TLSOptions.__new__(TLSOptions)

    showing_cuts(TLSOptions.__init__)(options, context, "a.test", None)

    assert (options.context, options.server_hostname, options.session) == (context, "a.test", None)
    assert not context.options & HIDING


def test_where_cuts_are_not_hidden_by_default_the_program_may_hide_them() -> None:
    """From CPython 3.11.4 on the option is there only where a program has set it, and stays."""
    options = TLSOptions(_hiding(), "a.test")

    assert options.context.options & HIDING == (0 if sys.version_info < (3, 11, 4) else HIDING)
