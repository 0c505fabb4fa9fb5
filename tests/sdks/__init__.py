"""SDKs that are built on httpx or httpx2, each run twice: on the library it was written for, and on Borzoi.

`python -m scripts.compat --only sdks` installs them and runs the modules `with_*.py`, which the ordinary suite does not
collect. A module holds calls of one SDK. `child.py` makes them in a process of its own, against the server in
`server.py`; `comparison.py` has it run both ways and compares what the server recorded and what the caller saw.
"""
