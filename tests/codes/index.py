"""Which tests stand for which code, and which codes wait for a feature.

A test is a file, or `file::name` where `name` is a class or a function in it; a number is a row of the table of faults.
`python -m scripts.scoreboard --list` prints this.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """What a code asks for, and what shows that it holds."""

    asks: str
    tests: tuple[str | int, ...] = ()
    waits: str = ""
    """What it waits for, where it cannot hold yet."""


CODES: dict[str, Code] = {
    "R1": Code(
        "no secret follows a redirect to another origin, or comes back",
        ("codes/test_r1.py", "codes/test_ways.py::TestRedirects", "codes/test_ways_http2.py::TestR1", "client/test_redirects.py::test_secrets_stay_with_their_origin", 29),
    ),
    "R2": Code("credentials do not go from https to http", ("codes/test_r.py::TestR2",)),
    "R3": Code("bodies and what describes them", ("codes/test_r.py::TestR3", "client/test_redirects.py", 30)),
    "R4": Code("redirects are bounded", ("codes/test_r.py::TestR4", 28)),
    "R5": Code("guards", ("codes/test_r.py::TestR5", "codes/test_ways_http2.py::TestR5", "policy/test_guards.py", "exchange/test_guards.py")),
    "R6": Code("netrc", ("codes/test_r.py::TestR6", "policy/test_auth.py")),
    "R7": Code("what authentication remembers", ("codes/test_r.py::TestR7", "codes/test_p.py::TestChallengesOfProxies", "policy/test_digest.py", 36)),
    "R8": Code("no Referer is made up", ("codes/test_r.py::TestR8",)),
    "R9": Code("one request leaves nothing to the next", ("codes/test_r.py::TestR9",)),
    "P1": Code("credentials of a proxy reach it alone", ("codes/test_p.py::TestP1", "codes/test_ways.py::TestProxies", "exchange/test_proxy_hostile.py")),
    "P2": Code("TLS of the proxy and of the origin", ("exchange/test_proxy_hostile.py", "exchange/test_proxy_kinds.py", "exchange/test_sessions.py")),
    "P3": Code("NO_PROXY", ("policy/test_routing.py::test_no_proxy",)),
    "P4": Code("CONNECT", ("codes/test_p.py::TestP4", "wire/test_connect.py", "exchange/test_proxy.py", 54)),
    "P5": Code("HTTP_PROXY under CGI", ("policy/test_routing.py::test_environment",)),
    "P6": Code("who shares a connection", ("codes/test_p.py::TestP6", "exchange/test_pool.py", "exchange/test_tls.py")),
    "V1": Code("who is refused, before a byte is sent", ("codes/test_v.py::TestV1", "codes/test_ways_http2.py::TestV1", "exchange/test_tls.py::test_refused")),
    "V2": Code("settings that change take effect", ("client/test_tls.py", "exchange/test_pins.py", "exchange/test_sessions.py")),
    "V3": Code("only the authorities that were given", ("codes/test_v.py::TestV3", "client/test_tls.py")),
    "V4": Code("a cut without close_notify", (5, 51)),
    "V5": Code("nothing from before the handshake", ("codes/test_v.py::TestV5", "exchange/test_connection.py", 52)),
    "V6": Code("the name is always checked", ("codes/test_v.py::TestV1", "exchange/test_tls.py::test_the_name_for_tls", "exchange/test_pins.py", "policy/test_tls.py")),
    "I1": Code("nothing breaks out of its place", ("codes/test_i.py::TestI1", "codes/test_ways.py::TestInputs", "codes/test_ways_http2.py::TestI1", 33, 34, 35)),
    "I2": Code("the framing of requests", ("codes/test_i.py::TestI2", "wire/test_http1_send.py")),
    "I3": Code("what must not be guessed", ("codes/test_i.py::TestI3",)),
    "M1": Code("the framing of responses", ("codes/test_ways_http2.py::TestM1", "wire/test_llhttp_corpus.py", 15, 16, 17, 18, 19, 20, 21)),
    "M2": Code(
        "however bytes are cut",
        ("codes/test_m.py::TestM2", "wire/test_http1_receive.py", "wire/test_http2_receive.py"),
    ),
    "M3": Code("bytes that nobody asked for", ("codes/test_m.py::TestM3", 22, 23)),
    "M4": Code("interim responses", ("codes/test_m.py::TestM4", 12, 13)),
    "M5": Code("limits of heads, trailers and chunks", ("wire/test_http1_receive.py::test_a_limit", 10, 11, 14)),
    "M6": Code("digits", ("codes/test_m.py::TestM6", "codes/test_ways.py::TestPauses", "messages/test_sse.py")),
    "M7": Code("nothing is used again after an error", (6, 7, 8, 55, 56, 57)),
    "D1": Code("bombs", ("codes/test_d.py::TestD1", "codes/test_ways_http2.py::TestD1", "messages/test_decoders.py", 25, 26, 27)),
    "D2": Code(
        "time is linear",
        (
            "codes/test_d.py::TestD2",
            "wire/test_http1_fuzz.py::test_time_is_linear",
            "wire/test_http2_fuzz.py::test_time_is_linear",
            "values/test_url_parser.py::TestTime",
            "values/test_http_state.py::TestBounds",
            "messages/test_charset.py::test_hostile_content_types_are_read_in_linear_time",
            "messages/test_chunking.py::test_one_huge_line_takes_linear_time",
        ),
    ),
    "D3": Code("stores are bounded", ("codes/test_d.py::TestD3", "policy/test_pooling.py", "policy/test_digest.py", "backends/test_resolver.py", "exchange/test_sessions.py", "values/test_http_state.py::TestBounds", 31)),
    "D4": Code("hostile WebSocket servers", ("wire/test_websocket.py", "wire/test_websocket_frames.py", 65)),
    "D5": Code("no secret is shown", ("codes/test_d.py::TestD5", "codes/test_ways.py::TestSecrets", "codes/test_ways.py::TestLogs", "codes/test_ways_http2.py::TestD5", "client/test_secrets.py", "testing/test_cassette_secrets.py")),
    "D6": Code("floods", ("wire/test_http2_floods.py", 46, 47, 48)),
    "D7": Code("lengths that nobody believes", ("codes/test_d.py::TestD7",)),
    "K1": Code("http-state", ("values/test_http_state.py",)),
    "K2": Code("public suffixes", ("codes/test_k.py::TestK2", "values/test_public_suffix.py", 32)),
    "K3": Code("Secure, and prefixes", ("values/test_http_state.py::TestSecurity", 32)),
    "K4": Code("host-only", ("values/test_http_state.py::TestDomains", "values/test_cookies.py")),
    "K5": Code("no pickle", ("codes/test_k.py::TestK5", "structure/test_structure.py::test_nothing_is_unpickled_or_evaluated",)),
    "K6": Code("whose the cookies of a request are", ("codes/test_k.py::TestK6",)),
    "U1": Code("WHATWG URL", ("values/test_whatwg_url.py", "values/test_setters_corpus.py", "values/test_url.py")),
    "U2": Code("IDNA", ("values/test_idna_corpus.py", "values/test_host.py", 38)),
    "U3": Code("addresses and ports", ("values/test_host.py", "values/test_url_parser.py", "codes/test_m.py::TestM6", "codes/test_r.py::TestR5")),
    "H1": Code("HSTS", waits="0 checks: there is no HSTS store, none was tried; one beside the cookies is needed"),
    "C1": Code("cache", waits="0 checks: there is no cache, none was tried; one by RFC 9111 and the 370 cache-tests are needed"),
    "G1": Code("hostile documents", ("openapi/test_wrong_documents.py",)),
    "G2": Code("names of files", ("openapi/test_wrong_documents.py",)),
    "G3": Code("references", ("codes/test_g.py::TestG3", "openapi/test_wrong_documents.py")),
    "G4": Code("what generated clients send", ("openapi/test_wire.py", "openapi/test_pages.py")),
    "S1": Code("dependencies", ("codes/test_s.py::TestS1", "structure/test_workflows.py")),
    "S2": Code("files", ("codes/test_s.py::TestS2", "messages/test_saving.py")),
}  # fmt: skip
