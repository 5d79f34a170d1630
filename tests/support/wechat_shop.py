"""A shop of a few lines and a client of a few lines: what the WeChat double is tried with, none of the store's code."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import httpx

from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.crypto import decrypted, encrypted, sha1, xml

APP_ID, SECRET, TOKEN = "wx0123456789abcdef", "app-secret", "callbacktoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"  # not-a-secret
SEND = "/cgi-bin/message/custom/send"


class Shop:
    """A shop of a few lines: `answer` gets the tags of a message and returns the body to send back."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        self.answer = lambda fields: b"success"
        self.status = 200
        handler = type("Bound", (_Handler,), {"shop": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    shop: Shop

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        right = query["signature"] == sha1(TOKEN, query["timestamp"], query["nonce"])
        self._say(200 if right else 403, query["echostr"].encode() if right else b"")

    def do_POST(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = {child.tag: child.text or "" for child in ElementTree.fromstring(body)}
        assert query["signature"] == sha1(TOKEN, query["timestamp"], query["nonce"])
        if "Encrypt" in fields:
            assert query["encrypt_type"] == "aes"
            assert query["msg_signature"] == sha1(TOKEN, query["timestamp"], query["nonce"], fields["Encrypt"])
            inside = ElementTree.fromstring(decrypted(AES_KEY, APP_ID, fields["Encrypt"]))
            fields |= {child.tag: child.text or "" for child in inside}
        self.shop.heard.append(fields)
        self._say(self.shop.status, self.shop.answer(fields))

    def _say(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # WeChat had no patience

    def log_message(self, *_: object) -> None:
        """Quiet."""


def text_reply(fields: dict[str, str], content: str, **changed: object) -> bytes:
    """A passive reply to a message, as a shop would write it in plain mode."""
    tags = {"ToUserName": fields["FromUserName"], "FromUserName": fields["ToUserName"]}
    return xml(tags | {"CreateTime": int(time.time()), "MsgType": "text", "Content": content} | changed).encode()


def sealed_reply(fields: dict[str, str], content: str, token: str = TOKEN) -> bytes:
    """The same in safe mode."""
    sealed = encrypted(AES_KEY, APP_ID, text_reply(fields, content))
    signature = sha1(token, "1772424000", "n1", sealed)
    return xml({"Encrypt": sealed, "MsgSignature": signature, "TimeStamp": 1772424000, "Nonce": "n1"}).encode()


@contextmanager
def api(double: WeChatDouble) -> Iterator["Api"]:
    with httpx.Client(base_url=double.url, trust_env=False, timeout=10) as client:
        yield Api(client)


class Api:
    """A client of a few lines."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.token = ""

    def fetch(self, path: str = "/cgi-bin/token", **more: object) -> str:
        asked = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET} | more
        stable = path.endswith("stable_token")
        answer = (self.http.post(path, json=asked) if stable else self.http.get(path, params=asked)).json()
        self.token = answer.get("access_token", "")
        return self.token or str(answer["errcode"])

    def post(self, path: str, **values: object) -> dict:
        return self.http.post(path, params={"access_token": self.token}, json=values).json()

    def get(self, path: str, **values: object) -> dict:
        return self.http.get(path, params={"access_token": self.token} | values).json()

    def send(self, openid: str, content: str = "hello") -> int:
        return self.post(SEND, touser=openid, msgtype="text", text={"content": content})["errcode"]
