"""Run the test suites of httpx, and of what is built on it, against Borzoi: `python -m scripts.compat`.

Each suite is that of a published source distribution, and runs as it was published. Only the import alias is added.
"""
