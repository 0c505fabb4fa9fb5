"""The tests that stand for the advisories of this field, by their codes: `index.py` says which test is for which code."""
