"""A callback's XML as a flat table of its tags, read so that no body can cost time, files or a traceback.

wechatpy reads with xmltodict: it builds whatever tree it is sent, makes a list of a repeated tag (on which its own code
falls) and lets expat's and Unicode's errors through. Here expat is driven directly, and stopped at the first sign of a
body that is no message of WeChat.
"""

from __future__ import annotations

from xml.parsers import expat

from channels.chat.wechat.refused import Junk, JunkKind

LARGEST = 64 * 1024
DEEPEST = 6  # <xml><SendPicsInfo><PicList><item><PicMd5Sum> is the deepest that is documented
POPUP = "SubscribeMsgPopupEvent"
ACCEPTED = f"{POPUP}/accepted"  # the templates of the notices that were agreed to, with commas between them
MOST_TAGS = 200  # the richest event has some thirty


class _Reader:
    """Collects the tags right below `<xml>`, and those one step deeper under `Outer/Inner`."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.path: list[str] = []
        self.tags = 0
        self.text: list[str] = []
        self.notice: dict[str, str] = {}
        self.accepted: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        self.tags += 1
        if len(self.path) > DEEPEST:
            raise Junk(JunkKind.NESTED)
        if self.tags > MOST_TAGS:
            raise Junk(JunkKind.CROWDED)
        if len(self.path) == 1 and name != "xml":
            raise Junk(JunkKind.XML)
        if len(self.path) == 2 and name in self.found:
            raise Junk(JunkKind.DUPLICATE)
        if len(self.path) == 2:
            self.found[name] = ""
        self.text = []

    def end(self, name: str) -> None:
        if len(self.path) in {2, 3}:
            self.found["/".join(self.path[1:])] = "".join(self.text)
        if self.path[1:3] == [POPUP, "List"]:
            self._note_consent(name)
        self.path.pop()
        self.text = []

    def _note_consent(self, name: str) -> None:
        """A consent to a notice: a list of a template and what was answered, for each that was asked about."""
        if len(self.path) == 4:
            self.notice[name] = "".join(self.text)
            return
        if self.notice.get("SubscribeStatusString") == "accept":
            self.accepted.append(self.notice.get("TemplateId", ""))
            self.found[ACCEPTED] = ",".join(self.accepted)
        self.notice = {}

    def data(self, text: str) -> None:
        self.text.append(text)

    def doctype(self, *_declared: object) -> None:
        raise Junk(JunkKind.DOCTYPE)


def fields_of(body: bytes) -> dict[str, str]:
    """The tags of a body and their text; those of a group as `ScanCodeInfo/ScanResult`. Raises `Junk`, nothing else."""
    if len(body) > LARGEST:
        raise Junk(JunkKind.TOO_LARGE)
    if not body.strip():
        raise Junk(JunkKind.EMPTY)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise Junk(JunkKind.ENCODING) from None
    reader = _Reader()
    # The encoding is ours to say: a declaration inside the body would let it choose how it is read.
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.EntityDeclHandler = reader.doctype
    parser.buffer_text = True
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise Junk(JunkKind.XML) from None
    return reader.found
