"""What files, batches and contested cards refuse, in words."""

from __future__ import annotations

from collections.abc import Mapping

from admin.arriving import NoVaultKey, TooManyArriving, TooSlow
from bot.texts import mark
from core.conversations.brought_files import FileIsNot, NothingNew, TooManyLooks
from core.conversations.restocking import CostNotYours
from core.errors import Refusal
from core.stock.contested_wishes import DecisionUnderWay, NothingContested
from core.stock.rules import BatchIsNot, LockedByOthers
from core.vault.uploads import FileTooLarge

STOCK: Mapping[type[Refusal], str] = {
    FileTooLarge: mark("This file is larger than {most_megabytes} MB: split it. Nothing was kept."),
    TooManyArriving: mark("Several files are arriving just now: try again in a minute. Nothing was kept."),
    TooSlow: mark("The file took too long on its way: try again, or split it. Nothing was kept."),
    NoVaultKey: mark("The vault has not said its key yet, so nothing can be sealed: try again in a minute."),
    TooManyLooks: mark("You have had {most} files looked at within a day: go on tomorrow."),
    NothingNew: mark("There is no new card in this file. Nothing was changed."),
    FileIsNot: mark("This file has moved on meanwhile: look at it again. Nothing was changed."),
    CostNotYours: mark("What consigned cards cost stands in your offers. Nothing was changed."),
    LockedByOthers: mark("The platform has locked this batch: ask there. Nothing was changed."),
    BatchIsNot: mark("The batch is not in a state for this any more: look at it again. Nothing was changed."),
    NothingContested: mark("Nothing of this batch waits for a decision any more."),
    DecisionUnderWay: mark("A decision about this batch is being carried out: wait for it."),
}
"""`{…}` stands for the refusal's parameters."""

STOCK_PARTS: Mapping[str, str] = {
    "reason": mark("A reason has 1 to 500 signs, and none that cannot be shown."),
    "column": mark("This names no column: give a name or a number."),
}
"""What `Invalid` calls the part that it refuses."""
