"""The date of a cookie's Expires attribute, as RFC 6265bis section 5.1.1 reads it: far more than what RFC 9110 allows.

In: the text of the attribute. Out: seconds since 1970 in UTC, or None for what holds no date.
"""

from __future__ import annotations

import re

# The grammar of section 5.1.1. A token may go on after its digits, but not with a digit.
_tokens = re.compile(r"[^\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+").findall
_time = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])").match
_day = re.compile(r"([0-9]{1,2})(?![0-9])").match
_year = re.compile(r"([0-9]{2,4})(?![0-9])").match

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_cookie_date(text: str) -> int | None:
    """Return the seconds since 1970 in UTC of the date in a text, or None where there is none.

    parse_cookie_date("Wed, 09 Jun 2021 10:18:14 GMT")  # 1623233894
    """
    found: dict[str, tuple[int, ...]] = {}
    for token in _tokens(text):
        _take(token, found)
    if len(found) < 4:
        return None

    (year,), (month,), (day,), (hour, minute, second) = (found[part] for part in ("year", "month", "day", "time"))
    year = _full_year(year)
    if year < 1601 or hour > 23 or minute > 59 or second > 59 or not 1 <= day <= _days_in(year, month):
        return None
    return _days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second


def _take(token: str, found: dict[str, tuple[int, ...]]) -> None:
    # Each token is taken for the first of these that it can be and that has not been found yet.
    for part, match in (("time", _time), ("day", _day)):
        if part not in found and (digits := match(token)):
            found[part] = tuple(int(group) for group in digits.groups())
            return

    month = _MONTHS.get(token[:3].lower())
    if month and "month" not in found:
        found["month"] = (month,)
    elif "year" not in found and (digits := _year(token)):
        found["year"] = (int(digits[1]),)


def _full_year(year: int) -> int:
    if 70 <= year <= 99:
        return year + 1900
    return year + 2000 if year <= 69 else year


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _DAYS[month - 1]


def _days_since_1970(year: int, month: int, day: int) -> int:
    # Years begin with March here, so that the leap day is the last of its year.
    years = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return years * 365 + years // 4 - years // 100 + years // 400 + day_of_year - 719468
