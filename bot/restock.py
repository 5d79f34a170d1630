"""Staff and suppliers in a private chat: bound by a code, they bring cards as lines or as a file.

Whoever is not bound, and wherever it is switched off, gets the answers that words get which mean nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import browse, home
from bot.intents import Act, Intent
from bot.restock_reasons import FILE_REASONS, ROW_REASONS
from bot.screens import Screen, ScreenKind
from bot.staff_words import FileNotFetched, SignsChanged
from bot.talk import Talk, home_option
from bot.texts import Texts
from core.conversations.binding import read_code
from core.conversations.restocking import Brought, Goods, ask_restock, find_asked
from core.conversations.staff import (
    StaffChat,
    UnknownStaffCode,
    bind_staff_chat,
    is_open,
    leave_staff_chat,
    staff_chat,
)
from core.parties.rules import PartyKind
from core.secret import Secret
from core.vault.uploads import FileTooLarge

MOST_MEGABYTES = 20
"""Of a file by a chat: more than that no bot of Telegram's own servers is given."""

MOST_ROWS = "20,000"


def standing(talk: Talk) -> StaffChat | None:
    """Who of the staff speaks here, and may bring stock at this moment; None for everybody else."""
    if talk.shop.vault_public is None:
        return None
    seal_key, address = talk.shop.order_keys.seal, talk.incoming.address
    return staff_chat(conversation_id=talk.conversation_id, address=address, seal_key=seal_key)


def wants_file(talk: Talk, act: Act) -> bool:
    """Whether the file of this message is to be fetched: from staff, for goods that are named, and not twice."""
    file = talk.incoming.file
    if file is None or act.intent is not Intent.RESTOCK or not act.text("code") or _is_too_large(file.size):
        return False
    return standing(talk) is not None and _asked_before(talk) is None


def restock(talk: Talk, act: Act) -> Screen:
    """补货 A1, with lines below it or beneath a file."""
    chat = standing(talk)
    public = talk.shop.vault_public() if chat is not None and talk.shop.vault_public else None
    if chat is None or public is None:
        return browse.unknown(talk, act)
    if not act.text("code"):
        return draw_how(talk.texts, chat.kind, chat.names)
    goods = _asked_before(talk)
    if goods is None:
        brought = _brought(talk)
        if brought is None:
            return draw_how(talk.texts, chat.kind, chat.names)
        goods = ask_restock(
            chat=chat,
            code=act.text("code"),
            unit_cost=act.text("cost"),
            brought=brought,
            submission_id=talk.message,
            vault_public=public,
            seal_key=talk.shop.order_keys.seal,
            now=talk.now,
        )
    return draw_received(talk.texts, goods)


def staff(talk: Talk, act: Act) -> Screen:
    """员工 CODE: bound from now on; 员工 退出: not any more."""
    chat = standing(talk)
    if act.number("leave"):
        if chat is None:
            return browse.unknown(talk, act)
        leave_staff_chat(chat=chat, now=talk.now)
        return draw_left(talk.texts)
    is_taken = talk.shop.vault_public is not None and is_open(conversation_id=talk.conversation_id)
    if not is_taken or read_code(act.text("code")) is None:
        return browse.unknown(talk, act)
    bind_staff_chat(
        actor=talk.actor,
        conversation_id=talk.conversation_id,
        address=talk.incoming.address,
        code=act.text("code"),
        seal_key=talk.shop.order_keys.seal,
        now=talk.now,
    )
    chat = standing(talk)
    if chat is None:
        raise UnknownStaffCode
    return draw_bound(talk.texts, chat.kind, chat.names)


def support(talk: Talk, act: Act) -> Screen:
    """Help; for staff with how stock is brought, which is all there is to say about a file without words."""
    chat = standing(talk)
    if chat is None:
        return home.support(talk, act)
    if talk.incoming.file is not None:
        return draw_how(talk.texts, chat.kind, chat.names)
    return draw_help_for_staff(talk.texts, chat.kind, chat.names)


def draw_how(texts: Texts, kind: PartyKind, names: Mapping[str, str]) -> Screen:
    """How stock is brought."""
    return Screen(ScreenKind.TEXT, "\n".join(how(texts, kind, names)), (home_option(texts),))


def draw_bound(texts: Texts, kind: PartyKind, names: Mapping[str, str]) -> Screen:
    """The code was right."""
    lines = [texts.say("This chat is yours for bringing stock now"), *how(texts, kind, names)]
    return Screen(ScreenKind.TEXT, "\n".join(lines), (home_option(texts),))


def draw_left(texts: Texts) -> Screen:
    """No stock by this chat any more."""
    text = texts.say("Done: no stock can be brought by this chat any more.")
    return Screen(ScreenKind.TEXT, text, (home_option(texts),))


def draw_help_for_staff(texts: Texts, kind: PartyKind, names: Mapping[str, str]) -> Screen:
    """Help as everybody gets it, and below it how stock is brought."""
    screen = home.draw_help(texts)
    return Screen(screen.kind, "\n".join([screen.text, "", *how(texts, kind, names)]), screen.options)


def how(texts: Texts, kind: PartyKind, names: Mapping[str, str]) -> list[str]:
    """The words of staff, and what becomes of their message."""
    lines = [
        texts.say("Bringing stock for “{party}”", party=texts.name(names)),
        texts.row(texts.say("restock A1"), texts.say("the cards stand below it, one a line")),
        texts.say(
            "Or a file (CSV, TSV, TXT or XLSX, up to {megabytes} MB and {rows} rows) with the caption “restock A1”.",
            megabytes=MOST_MEGABYTES,
            rows=MOST_ROWS,
        ),
    ]
    if kind is PartyKind.MERCHANT and texts.manner.shows_prices:
        lines.append(texts.row(texts.say("restock A1 cost 3.20"), texts.say("what one card has cost you")))
    lines.append(texts.say("Your message is deleted from the chat as soon as the cards are sealed."))
    lines.append(texts.row(texts.say("staff leave"), texts.say("ends it in this chat")))
    return lines


def draw_received(texts: Texts, goods: Goods) -> Screen:
    """收到，正在导入."""
    lines = [
        texts.say("Received, importing now"),
        texts.beside(goods.code, texts.name(goods.names)),
        texts.say("The result follows here in a moment."),
    ]
    deleted = texts.say("Your message held cards, so it has been deleted here.")
    by_hand = texts.say("Your message could not be deleted from here: please delete it yourself, it holds cards.")
    text, otherwise = "\n".join([*lines, deleted]), "\n".join([*lines, by_hand])
    return Screen(ScreenKind.TEXT, text, (home_option(texts),), uncleared=otherwise)


def draw_restocked(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """A1：新增 N，重复 N，拒绝 N, and why the first rows were refused; never a value."""
    counts = {name: int(body[name]) for name in ("added", "duplicates", "refused")}
    title = texts.say("{sku}: {added} added, {duplicates} duplicates, {refused} refused", sku=body["sku"], **counts)
    lines = [title]
    if counts["added"]:
        pool = texts.say("They are in your own stock and sold on consignment.")
        lines.append(pool if body["consigned"] else texts.say("They are in your stock and on sale."))
    for place, reason, shape in body["rows"]:
        why = texts.say(ROW_REASONS[reason]) if reason in ROW_REASONS else reason
        lines.append(texts.beside(texts.row(place_name(texts, place), why), shape))
    if counts["refused"] > len(body["rows"]):
        lines.append(texts.say("… and {count} more rows refused", count=counts["refused"] - len(body["rows"])))
    if body.get("unread"):
        lines.append(texts.say("The file could not be read to its end: send what is missing as another file."))
    return Screen(ScreenKind.RECEIPT, "\n".join(lines), (home_option(texts),))


def draw_restock_refused(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """Nothing was imported, why, and what to do."""
    title = texts.say("{sku}: nothing was imported", sku=body["sku"])
    reason = FILE_REASONS.get(str(body["problem"]))
    why = texts.say(reason) if reason else texts.say("The file could not be read.")
    return Screen(ScreenKind.RECEIPT, f"{title}\n{why}", (home_option(texts),))


def place_name(texts: Texts, place: str) -> str:
    """Where a row is: row 17, or a cell's address as it is."""
    word, _, number = place.partition(" ")
    return texts.say("row {number}", number=number) if word == "row" and number.isdigit() else place


def _asked_before(talk: Talk) -> Goods | None:
    return find_asked(conversation_id=talk.conversation_id, submission_id=talk.message)


def _brought(talk: Talk) -> Brought | None:
    """The file, or the lines below the first; None where there is neither. Raises what is wrong with it."""
    file = talk.incoming.file
    if file is not None:
        if _is_too_large(file.size):
            raise FileTooLarge(most_megabytes=MOST_MEGABYTES)
        if file.content is None:
            raise FileNotFetched
        return Brought(file.name, file.content)
    lines = (talk.incoming.text or "").partition("\n")[2]
    if not lines.strip():
        return None
    if talk.incoming.is_formatted:
        raise SignsChanged
    return Brought("pasted.txt", Secret(lines))


def _is_too_large(size: int) -> bool:
    return size > MOST_MEGABYTES * 2**20
