"""What of a report's address is kept as a filter: days by their name where they have one, so that they move on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from admin.kept import LISTS, Kept, Shelf, mine, shelf
from admin.panel import request_time, words
from admin.reports.ranges import chosen
from core.parties.kept_filters import KEYS

WORD = re.compile(r"[a-z_]{1,20}")
FORMS = {
    "currency": re.compile(r"[A-Z]{3}"),
    "merchant": re.compile(r"[0-9]{1,18}"),
    "supplier": re.compile(r"[0-9]{1,18}"),
    "by": WORD,
    "channel": WORD,
    "terms": WORD,
}
NAMES = {page: name for name, (page, _) in LISTS.items()}


def report_cut(listed: str, given: Mapping[str, str]) -> dict[str, str]:
    """What an address asks a report for; days that cannot be shown count as not given."""
    days = chosen(given, request_time().astimezone(words().zone).date())
    found = dict(days.words) if "range" in given and not days.problem else {}
    found |= {name: given[name] for name, form in FORMS.items() if form.fullmatch(given.get(name, ""))}
    return {name: value for name, value in found.items() if name in KEYS[listed]}


def kept_of(endpoint: str) -> Sequence[Kept]:
    """The filters that somebody keeps of the report at this endpoint; inside `reading`."""
    return mine(NAMES[endpoint]) if endpoint in NAMES else ()


def shelf_of(endpoint: str, chips: Sequence[Kept], given: Mapping[str, str]) -> Shelf | None:
    """What stands above a report; None where its filters are not kept."""
    if endpoint not in NAMES:
        return None
    return shelf(NAMES[endpoint], report_cut(NAMES[endpoint], given), chips)
