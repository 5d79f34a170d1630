"""`python -m tests.transcripts [CHANNEL…]`: writes docs/conversations/ anew; read it before it is committed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.texts import Phrasebook, Texts
from tests.house.tree import ROOT
from tests.transcripts.masks import Masks
from tests.transcripts.on_telegram import TelegramChat
from tests.transcripts.on_web import WebChat
from tests.transcripts.on_wechat import WeChatChat
from tests.transcripts.paper import Paper
from tests.transcripts.town import Town, cards_of_the_demo, town
from tests.transcripts.walks import binds, on_telegram, on_the_web
from tests.transcripts.wechat_walks import on_wechat

FOLDER = ROOT / "docs" / "conversations"
ABOUT = {
    "zh-CN": (
        "由 `make transcripts` 从运行中的演示店写成，编号、时间和卡密换成了固定的字样。",
        "`▸` 新消息，`✎` 原消息改成了这样；`[ ]` 按钮，`↗` 打开页面，`⧉` 复制，`‹ ›` 页面链接和页面上的字。",
    ),
    "en": (
        "Written by `make transcripts` from a running demo; numbers, times and cards are replaced by steady words.",
        "`▸` a new message, `✎` an older one changed into this; `[ ]` buttons, `↗` opens a page, `⧉` copies,",
        "`‹ ›` links to pages, and what stands on them.",
    ),
}
NAMES = {"telegram": ("Telegram", "Telegram"), "wechat": ("微信公众号", "WeChat"), "web": ("网页聊天", "Web chat")}
"""Each channel in Chinese and in English."""


def main(wanted: Sequence[str]) -> None:
    """All six, or those of some channels, one after the other, from one store."""
    phrasebook = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
    with town() as made:
        for locale in ("zh-CN", "en"):
            texts = phrasebook.texts(locale)
            for channel in (telegram, wechat, web):
                if wanted and channel.__name__ not in wanted:
                    continue
                paper = new_paper(channel.__name__, texts)
                channel(paper, texts, made)
                file = FOLDER / f"{channel.__name__}.{locale}.md"
                paper.write(file)
                print(f"{file.relative_to(ROOT)} written", flush=True)


def new_paper(channel: str, texts: Texts) -> Paper:
    """An empty transcript."""
    masks = Masks(datetime.now(UTC).date(), cards_of_the_demo())
    return Paper(masks, named(channel, texts), ABOUT[texts.locale])


def named(channel: str, texts: Texts) -> str:
    """A channel in the language of the transcript."""
    return NAMES[channel][0 if texts.locale == "zh-CN" else 1]


def telegram(paper: Paper, texts: Texts, made: Town) -> None:
    """A private chat with the bot, at the end bound to WeChat."""
    chat = TelegramChat(paper, texts, made)
    on_telegram(chat)
    other = WeChatChat(paper, texts, made, made.strict)
    other.fan.subscribe()
    other.send("language English" if texts.locale == "en" else "语言 中文")
    other.settle()
    bound(chat, "telegram", other, "wechat")
    other.close()


def wechat(paper: Paper, texts: Texts, made: Town) -> None:
    """Two official accounts, one after the other; at the end the first one, which may speak, bound to the web chat."""
    first, second = (WeChatChat(paper, texts, made, account) for account in (made.strict, made.off))
    on_wechat(first, "strict")
    on_wechat(second, "off")
    other = WebChat(paper, texts, made)
    bound(other, "web", first, "wechat")
    for chat in (first, second, other):
        chat.close()


def web(paper: Paper, texts: Texts, made: Town) -> None:
    """The web chat, at the end bound to Telegram."""
    chat = WebChat(paper, texts, made)
    on_the_web(chat)
    other = TelegramChat(paper, texts, made)
    other.user.start(made.bot)
    other.settle()
    bound(chat, "web", other, "telegram")
    chat.close()


def bound(
    one: WeChatChat | WebChat | TelegramChat, its: str, two: WeChatChat | WebChat | TelegramChat, other: str
) -> None:
    """Bind two chats; from here on it is said in which one something is said."""
    one.place, two.place = named(its, one.texts), named(other, one.texts)
    two.heard(two.fresh())
    binds(one, two)


if __name__ == "__main__":
    main(sys.argv[1:])
