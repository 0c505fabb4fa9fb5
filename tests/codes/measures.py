"""The measures of the scoreboard that are more than a row or a code: their targets, and what shows them, or why they are open."""

from __future__ import annotations

from .index import Code

MEASURES: dict[str, Code] = {
    "redirects and secrets": Code("2,640 cells, 0 leaks", ("codes/test_r1.py",)),
    "bombs": Code("4 codings by 6 ways of reading, less than 12 MiB of memory", ("codes/test_d.py::TestD1",)),
    "floods": Code("less than 8 MiB, less than 1 s", ("wire/test_http2_floods.py", 46, 47, 48)),
    "linear time": Code("t(4n)/t(n) of parsers", ("wire/test_http1_fuzz.py::test_time_is_linear", "values/test_url_parser.py")),
    "cancellation": Code("at every await: 0 leaks, and the pool serves on", ("exchange/test_cancellation.py", 57)),
    "torture": Code("the n-th call of the system fails, for every n: 0 leaks", ("faults/test_torture.py",)),
    "interrupts": Code("at the n-th call of any function, for every n", ("exchange/test_interrupts.py", 63)),
    "forks, loops, threads": Code("all", ("exchange/test_fork.py", "exchange/test_loops.py", 60, 61, 62)),
    "TLS refused": Code("the whole matrix, 0 bytes of the request sent", ("codes/test_v.py::TestV1",)),
    "canaries": Code("0 in logs, reprs, exceptions and pickles", ("codes/test_d.py::TestD5", "client/test_secrets.py")),
    "fuzzed input": Code(
        "no other exception in 10^7 inputs",
        waits="the property tests of the suite draw some thousands (`make fuzz`: a hundred times that); no coverage-guided target",
    ),
    "mix-up": Code(
        "0 in 10^6 hostile sequences",
        waits="tests/exchange/test_retry.py has some thousands; a long form is to be made of it",
    ),
    "restarts": Code("99.99 % of 10^5 requests, no POST twice", waits="the same"),
    "soak": Code("memory, descriptors and threads level off", waits="no target runs for a duration yet"),
    "flakes": Code("0 in 100 repeats of the suite", waits="not counted"),
}  # fmt: skip
