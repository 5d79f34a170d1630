"""The sentences of the conversation: English sentences as message ids, other languages from .po files read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_gmt
from babel.messages.pofile import read_po
from babel.numbers import format_currency

from bot.manner import PLAIN, Manner
from core.money import EXPONENT, Money

FOLDER = Path(__file__).parent / "locale"
ENGLISH = "en"
FIRST = "zh-CN"  # the language of a name that is asked for in one it does not have
AMOUNT = re.compile(
    r"[¥￥$€£]|\d\s*(?:[元块]|CNY|RMB|USD)|(?:CNY|RMB|USDT?)\s*\d|[零一二两三四五六七八九十百千万](?:元|块钱)",
    re.IGNORECASE,
)
"""What looks like an amount in a merchant's own words."""


def mark(msgid: str) -> str:
    """Marks a sentence that is looked up later, so that the test of the catalogues sees it."""
    return msgid


@dataclass(frozen=True)
class Texts:
    """One language (`locale` as in BCP 47: zh-CN, en) and the zone of the store's clock."""

    locale: str
    zone: ZoneInfo
    sentences: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = PLAIN

    def say(self, msgid: str, /, **params: object) -> str:
        """The sentence for an English message id, as this chat says it; `{name}` in it is filled from `params`."""
        worded = self.manner.wording(msgid)
        sentence = self.sentences.get(worded, worded)
        return sentence.format_map(params) if params else sentence

    def row(self, label: str, value: str) -> str:
        """A line `label: value`, with the colon of the language."""
        return f"{label}：{value}" if self.locale.startswith("zh") else f"{label}: {value}"

    def money_row(self, label: str, amount: Money) -> list[str]:
        """The line of an amount; no line where the chat shows no prices."""
        return [self.row(label, self.money(amount))] if self.manner.shows_prices else []

    def price(self, amount: Money) -> str:
        """An amount beside a name; nothing where the chat shows no prices."""
        return self.money(amount) if self.manner.shows_prices else ""

    def of_the_shop(self, written: str) -> str:
        """A merchant's own text about goods; where the chat shows no prices, without its lines that name an amount."""
        if self.manner.shows_prices:
            return written
        return "\n".join(line for line in written.split("\n") if not AMOUNT.search(line)).strip()

    def beside(self, *parts: str) -> str:
        """`name · price · stock`, of what there is."""
        return " · ".join(part for part in parts if part)

    def goods(self, product: Mapping[str, str], variant: Mapping[str, str]) -> str:
        """A product beside its variant; the variant alone where that says the product's name already."""
        whole, part = self.name(product), self.name(variant)
        return part if part and whole in part else self.beside(whole, part)

    def name(self, names: Mapping[str, str]) -> str:
        """A name in this language, else in Chinese, else in any."""
        return names.get(self.locale) or names.get(FIRST) or next(iter(names.values()), "")

    def money(self, amount: Money) -> str:
        """An amount with its currency, as this language writes it: ¥25.00, CN¥25.00, 250 Stars."""
        number = Decimal(amount.decimal())
        if amount.currency == "XTR":
            return self.say("{count} Stars", count=f"{number:,}")
        if amount.currency == "USDT":
            return f"{number:,.{EXPONENT['USDT']}f}".rstrip("0").rstrip(".") + " USDT"
        return str(format_currency(number, amount.currency, locale=self._babel))

    def time(self, at: datetime, *, now: datetime) -> str:
        """A time in the store's zone; with its day when that is not today's."""
        here = at.astimezone(self.zone)
        zone = get_timezone_gmt(here, "long", self._babel)
        return self.say("{time} ({zone})", time=self.short_time(at, now=now), zone=zone)

    def short_time(self, at: datetime, *, now: datetime) -> str:
        """The same without the zone, where there is little room."""
        here = at.astimezone(self.zone)
        if here.date() == now.astimezone(self.zone).date():
            return str(format_time(here, "HH:mm", locale=self._babel))
        return str(format_datetime(here, self.say("MMM d, HH:mm"), tzinfo=self.zone, locale=self._babel))

    def moment(self, at: datetime) -> str:
        """A day and time in the store's zone, with the year."""
        return str(format_datetime(at, self.say("MMM d, y, HH:mm"), tzinfo=self.zone, locale=self._babel))

    def day(self, on: date) -> str:
        """A day with its year."""
        return str(format_date(on, "long", locale=self._babel))

    def territory(self, code: str) -> str | None:
        """The name of a country or region (ISO 3166), or None where there is none of that code."""
        return self._babel.territories.get(code)

    @property
    def _babel(self) -> Locale:
        return _locale(self.locale)


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    """babel's rules of a language; to find them it goes through the names of a thousand, more than half of a price."""
    return Locale.parse(name, sep="-")


class Phrasebook:
    """All languages there is a file for; built once, reads the files then and never again."""

    def __init__(self, *, zone: str, default: str, folder: Path = FOLDER) -> None:
        place = ZoneInfo(zone)
        self._default = default
        self._languages = {ENGLISH: Texts(ENGLISH, place)}
        for file in sorted(folder.glob("*.po")):
            locale = file.stem.replace("_", "-")
            self._languages[locale] = Texts(locale, place, read_sentences(file))

    def texts(self, locale: str) -> Texts:
        """The language asked for, else the store's default, else English."""
        return self._languages.get(locale) or self._languages.get(self._default) or self._languages[ENGLISH]

    @property
    def locales(self) -> list[str]:
        """The languages that may be chosen, the store's default first."""
        return sorted(self._languages, key=lambda locale: (locale != self._default, locale))


def read_sentences(file: Path) -> Mapping[str, str]:
    """The translated sentences of one .po file. Raises babel's `PoFileError` for a broken file."""
    return _sentences_written(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _sentences_written(file: Path, written: int) -> Mapping[str, str]:
    """The file as it was `written` (ns): each phrasebook of a process would parse it anew, 20 ms."""
    with file.open("rb") as stream:
        catalogue = read_po(stream, abort_invalid=True)
    return MappingProxyType({str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string})
