"""Aliyun's and Tencent's SendSms on loopback: signatures worked out again here, required parameters, scripted codes."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

KEY_ID, KEY_SECRET = "key-id-of-the-shop", "sms-canary-9Wd"
APP_ID, SIGN_NAME = "1400006666", "键铺"
TEMPLATES = {
    "SMS_1001": ("order",),
    "SMS_1002": ("code",),
    "SMS_1003": ("order", "code"),
    "1001": ("order",),
    "1002": ("code",),
    "1003": ("order", "code"),
}
LATEST = timedelta(minutes=5)


@dataclass(frozen=True)
class SentText:
    """One message that a provider took."""

    provider: str
    to: str
    template: str
    variables: Mapping[str, str] | list[str]


@dataclass
class SmsDouble:
    """`script` is the code that the next messages are answered with; `hang` and `drop` take it and say nothing."""

    script: str = ""
    texts: list[SentText] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    port: int = 0

    def __post_init__(self) -> None:
        handler = type("Bound", (_Handler,), {"double": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self._server.server_address[1]
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sms double")
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """What the store is told."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End the server and its threads."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def aliyun(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """One call to Aliyun; its failures of a message are HTTP 200, those of a signature are not."""
        if problem := self._acs3_problem(method, path, headers, body):
            return 404 if problem.startswith("InvalidAccessKeyId") else 400, {"Code": problem, "Message": problem}
        query = dict(parse_qsl(urlsplit(path).query))
        action = headers["x-acs-action"]
        if headers["x-acs-version"] != "2017-05-25" or action not in {"SendSms", "QuerySmsTemplate"}:
            return 404, {"Code": "InvalidAction.NotFound", "Message": "no such action"}
        if action == "QuerySmsTemplate":
            known = query.get("TemplateCode", "") in TEMPLATES
            return 200, {"Code": "OK" if known else "isv.SMS_TEMPLATE_ILLEGAL", "TemplateStatus": 1}
        code = self.script or _aliyun_code(query)
        if code == "OK":
            self.texts.append(
                SentText("aliyun", query["PhoneNumbers"], query["TemplateCode"], json.loads(query["TemplateParam"]))
            )
            return 200, {"Code": "OK", "Message": "OK", "BizId": f"biz-{len(self.texts)}", "RequestId": "r"}
        return 200, {"Code": code, "Message": f"{code} for {query.get('PhoneNumbers')}", "RequestId": "r"}

    def _acs3_problem(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
            headers.get("authorization", ""),
        )
        if not found:
            return "IncompleteSignature"
        key_id, names, signature = found.groups()
        if key_id != KEY_ID:
            return "InvalidAccessKeyId.NotFound"
        must = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
        sent_at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if not must <= set(names.split(";")) or abs(datetime.now(UTC) - sent_at) > LATEST:
            return "IncompleteSignature"
        if headers["x-acs-signature-nonce"] in self.nonces or headers["x-acs-content-sha256"] != _sha256(body):
            return "SignatureNonceUsed"
        self.nonces.add(headers["x-acs-signature-nonce"])
        address = urlsplit(path)
        query = "&".join(sorted(f"{_quoted(k)}={_quoted(v)}" for k, v in parse_qsl(address.query, True)))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names.split(";"))
        canonical = "\n".join([method, address.path, query, lines, names, headers["x-acs-content-sha256"]])
        wanted = _hmac(KEY_SECRET.encode(), f"ACS3-HMAC-SHA256\n{_sha256(canonical.encode())}").hex()
        return "" if hmac.compare_digest(wanted, signature) else "SignatureDoesNotMatch"

    def tencent(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """One call to Tencent; every answer is HTTP 200."""
        problem = _tc3_problem(method, path, headers, body)
        if not problem and headers.get("x-tc-version") != "2021-01-11":
            problem = "NoSuchVersion"
        if problem:
            return 200, {"Response": {"Error": {"Code": problem, "Message": problem}, "RequestId": "r"}}
        asked = json.loads(body)
        if headers["x-tc-action"] == "DescribeSmsTemplateList":
            found = [
                {"TemplateId": one, "StatusCode": 0, "International": 0, "ReviewReply": "", "TemplateName": "",
                 "CreateTime": 0, "TemplateContent": ""}
                for one in asked["TemplateIdSet"]
                if str(one) in TEMPLATES
            ]  # fmt: skip
            return 200, {"Response": {"DescribeTemplateStatusSet": found, "RequestId": "r"}}
        code = self.script or _tencent_code(asked)
        if code == "Ok":
            to, template, values = asked["PhoneNumberSet"][0], asked["TemplateId"], asked["TemplateParamSet"]
            self.texts.append(SentText("tencent", to, template, values))
        status = {"SerialNo": f"serial-{len(self.texts)}", "PhoneNumber": "", "Fee": 1, "SessionContext": "",
                  "Code": code, "Message": code, "IsoCode": "CN"}  # fmt: skip
        if code.startswith(("AuthFailure", "InternalError", "RequestLimitExceeded")):
            return 200, {"Response": {"Error": {"Code": code, "Message": code}, "RequestId": "r"}}
        return 200, {"Response": {"SendStatusSet": [status], "RequestId": "r"}}


def _aliyun_code(query: Mapping[str, str]) -> str:
    if not re.fullmatch(r"1[3-9][0-9]{9}", query.get("PhoneNumbers", "")):
        return "isv.MOBILE_NUMBER_ILLEGAL"
    if query.get("SignName") != SIGN_NAME:
        return "isv.SMS_SIGNATURE_ILLEGAL"
    names = TEMPLATES.get(query.get("TemplateCode", ""))
    if names is None:
        return "isv.SMS_TEMPLATE_ILLEGAL"
    given = json.loads(query.get("TemplateParam", "{}"))
    return "OK" if set(given) == set(names) else "isv.TEMPLATE_MISSING_PARAMETERS"


def _tencent_code(asked: Mapping[str, Any]) -> str:
    if not re.fullmatch(r"\+861[3-9][0-9]{9}", next(iter(asked.get("PhoneNumberSet", [])), "")):
        return "InvalidParameterValue.IncorrectPhoneNumber"
    if asked.get("SmsSdkAppId") != APP_ID:
        return "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
    if asked.get("SignName") != SIGN_NAME:
        return "FailedOperation.SignatureIncorrectOrUnapproved"
    names = TEMPLATES.get(asked.get("TemplateId", ""))
    if names is None:
        return "FailedOperation.TemplateIncorrectOrUnapproved"
    right = len(asked.get("TemplateParamSet", [])) == len(names)
    return "Ok" if right else "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"


def _tc3_problem(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    found = re.fullmatch(
        r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/sms/tc3_request, "
        r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
        headers.get("authorization", ""),
    )
    if not found:
        return "AuthFailure.InvalidAuthorization"
    key_id, day, names, signature = found.groups()
    if key_id != KEY_ID:
        return "AuthFailure.SecretIdNotFound"
    stamp = headers["x-tc-timestamp"]
    at = datetime.fromtimestamp(int(stamp), UTC)
    if abs(datetime.now(UTC) - at) > LATEST or day != f"{at:%Y-%m-%d}":
        return "AuthFailure.SignatureExpire"
    if not {"content-type", "host"} <= set(names.split(";")):
        return "AuthFailure.SignatureFailure"
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names.split(";"))
    canonical = "\n".join([method, "/", urlsplit(path).query, lines, names, _sha256(body)])
    text = f"TC3-HMAC-SHA256\n{stamp}\n{day}/sms/tc3_request\n{_sha256(canonical.encode())}"
    key = _hmac(_hmac(_hmac(b"TC3" + KEY_SECRET.encode(), day), "sms"), "tc3_request")
    return "" if hmac.compare_digest(_hmac(key, text).hex(), signature) else "AuthFailure.SignatureFailure"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


class _Handler(BaseHTTPRequestHandler):
    """Tells the providers apart by their headers."""

    double: SmsDouble

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        provider = self.double.tencent if "x-tc-action" in headers else self.double.aliyun
        scripted = self.double.script
        if scripted in {"hang", "drop"}:
            self.double.ended.wait(60 if scripted == "hang" else 0)
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, answer = (503, {}) if scripted == "503" else provider(self.command, self.path, headers, body)
        content = b"<html>busy</html>" if scripted == "503" else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def sms_double() -> Iterator[SmsDouble]:
    """Both providers until the block ends."""
    double = SmsDouble()
    try:
        yield double
    finally:
        double.stop()
