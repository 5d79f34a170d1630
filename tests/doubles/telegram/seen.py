"""A chat as its person sees it now: what the bot's answers became on the phone."""

from dataclasses import dataclass
from typing import Any

from tests.doubles.telegram import markup
from tests.doubles.telegram.world import StoredFile, World


@dataclass(frozen=True, slots=True)
class Button:
    """One button under a message; exactly one of its purposes is set."""

    label: str
    data: str | None = None
    url: str | None = None
    copies: str | None = None
    pays: bool = False
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One message. `text` is the text or the caption, without markup."""

    id: int
    chat_id: int
    from_bot: bool
    text: str
    buttons: tuple[tuple[Button, ...], ...]
    entities: tuple[dict[str, Any], ...]
    document: StoredFile | None
    photo: StoredFile | None
    is_edited: bool
    is_protected: bool
    is_silent: bool
    has_preview: bool
    wire: dict[str, Any]
    """The message as the Bot API shows it."""

    @property
    def labels(self) -> list[str]:
        """The words on all buttons, row by row."""
        return [button.label for row in self.buttons for button in row]

    @property
    def codes(self) -> list[str]:
        """What stands in `<code>` and `<pre>`: a tap copies it."""
        return [markup.part(self.text, entity) for entity in self.entities if entity["type"] in {"code", "pre"}]

    @property
    def copied(self) -> list[str]:
        """What the copy buttons copy."""
        return [button.copies for row in self.buttons for button in row if button.copies is not None]

    @property
    def links(self) -> list[str]:
        """The addresses under buttons."""
        return [button.url for row in self.buttons for button in row if button.url is not None]

    def button(self, what: str) -> Button | None:
        """The button with this label or these data, else the only one whose label contains it."""
        buttons = [button for row in self.buttons for button in row]
        for button in buttons:
            if what in {button.label, button.data}:
                return button
        near = [button for button in buttons if what and what in button.label]
        return near[0] if len(near) == 1 else None


def seen(world: World, message: dict[str, Any], bot_id: int) -> Seen:
    """The message as a person sees it."""
    document = message.get("document")
    photo = message.get("photo")
    text = message.get("text", message.get("caption", ""))
    links = any(entity["type"] == "text_link" for entity in message.get("entities", ())) or "://" in text
    return Seen(
        id=message["message_id"],
        chat_id=message["chat"]["id"],
        from_bot=message["from"]["id"] == bot_id,
        text=text,
        buttons=tuple(
            tuple(_button(button) for button in row)
            for row in message.get("reply_markup", {}).get("inline_keyboard", ())
        ),
        entities=tuple(message.get("entities", message.get("caption_entities", ()))),
        document=world.files.get(document["file_id"]) if document else None,
        photo=world.files.get(photo[-1]["file_id"]) if photo else None,
        is_edited="edit_date" in message,
        is_protected=message.get("has_protected_content", False),
        is_silent=message.get("_silent", False),
        has_preview=links and not message.get("link_preview_options", {}).get("is_disabled", False),
        wire={name: value for name, value in message.items() if not name.startswith("_")},
    )


def _button(given: dict[str, Any]) -> Button:
    return Button(
        given["text"],
        given.get("callback_data"),
        given.get("url"),
        given.get("copy_text", {}).get("text"),
        given.get("pay", False),
        given.get("style"),
    )


def described(messages: list[Seen]) -> str:
    """A chat as lines, for what a failed test says."""
    lines = []
    for message in messages:
        who = "bot" if message.from_bot else "person"
        lines.append(f"{message.id} {who}: {message.text or sorted(message.wire)!r}")
        lines += [f"      [{'] ['.join(button.label for button in row)}]" for row in message.buttons]
    return "\n".join(lines) or "(no messages)"
