"""Text messages through Aliyun or Tencent: an approved template with its variables, and what the answer means.

A text message never carries a card: it names the end of an order's number and a pick-up code, or a code that confirms
the phone itself. Variables are in no log and no repr.
Both providers answer a failure with HTTP 200, so the code in the body is what counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from channels.notify.answers import Problem, later, refused, sent, unknown
from core.config import Config, ConfigError
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret

CONNECT_SECONDS, READ_SECONDS = 5, 10
LIMITED_SECONDS = 3600.0
"""Providers count messages to one number per minute, hour and day without saying which was full."""


@dataclass(frozen=True, slots=True)
class SmsAccount:
    """An account at a provider; `endpoint` is `scheme://host[:port]`, empty for the provider's own."""

    provider: str  # aliyun | tencent
    key_id: str
    key_secret: Secret
    sign_name: str
    app_id: str = ""
    region: str = ""
    endpoint: str = ""

    @property
    def scheme(self) -> str:
        """https, or http to a double on loopback."""
        return urlsplit(self.endpoint).scheme or "https"

    @property
    def host(self) -> str:
        """Host and port of an endpoint of its own; empty otherwise."""
        return urlsplit(self.endpoint).netloc


@dataclass(frozen=True, slots=True)
class TextMessage:
    """An approved template and its variables in their order, for one number (+86…)."""

    to: str = field(repr=False)
    template: str
    variables: Mapping[str, str] = field(repr=False)


class Texter(Protocol):
    """One provider."""

    def send(self, message: TextMessage) -> SendAnswer:
        """Send one message; never raises for what the provider says or does not say."""
        ...

    def try_out(self, template: str) -> SendAnswer:
        """Log in and look a template up, as `doctor` does; SENT means that it may be used."""
        ...


def sms_account(config: Config) -> SmsAccount | None:
    """The settings [sms] with the key behind its reference; None where text messages are off. Raises ConfigError."""
    sms = config.sms
    if not sms.provider:
        return None
    key = config.given_secret(sms.access_key_secret)
    return SmsAccount(sms.provider, sms.access_key_id, key, sms.sign_name, sms.app_id, sms.region, sms.endpoint)


def texter(account: SmsAccount) -> Texter:
    """The wire to the account's provider; its SDK is loaded now. Raises ConfigError for a provider we do not know."""
    if account.provider == "aliyun":
        return AliyunTexter(account)
    if account.provider == "tencent":
        return TencentTexter(account)
    raise ConfigError(f"sms.provider {account.provider!r} must be aliyun or tencent, or empty for none")


MEANINGS: tuple[tuple[str, Problem], ...] = (
    ("isv.BUSINESS_LIMIT_CONTROL", Problem.LIMITED),
    ("isv.DAY_LIMIT_CONTROL", Problem.LIMITED),
    ("isv.MONTH_LIMIT_CONTROL", Problem.LIMITED),
    ("LimitExceeded", Problem.LIMITED),
    ("Throttling", Problem.BUSY),
    ("RequestLimitExceeded", Problem.BUSY),
    ("isp.SYSTEM_ERROR", Problem.NO_ANSWER),
    ("InternalError", Problem.NO_ANSWER),
    ("FailedOperation.FailResolvePacket", Problem.NO_ANSWER),
    ("isv.MOBILE_", Problem.ADDRESS_REFUSED),
    ("isv.BLACK_", Problem.CONTENT_REFUSED),
    ("InvalidParameterValue.IncorrectPhoneNumber", Problem.ADDRESS_REFUSED),
    ("FailedOperation.PhoneNumberInBlacklist", Problem.ADDRESS_REFUSED),
    ("UnsupportedOperation", Problem.ADDRESS_REFUSED),
    ("isv.AMOUNT_NOT_ENOUGH", Problem.NO_MONEY),
    ("isv.OUT_OF_SERVICE", Problem.NO_MONEY),
    ("FailedOperation.InsufficientBalanceInSmsPackage", Problem.NO_MONEY),
    ("isv.SMS_SIGN", Problem.SENDER_REFUSED),
    ("isv.SIGN_", Problem.SENDER_REFUSED),
    ("FailedOperation.SignatureIncorrectOrUnapproved", Problem.SENDER_REFUSED),
    ("isv.SMS_TEMPLATE", Problem.TEMPLATE_REFUSED),
    ("isv.TEMPLATE_", Problem.TEMPLATE_REFUSED),
    ("isv.PARAM_", Problem.TEMPLATE_REFUSED),
    ("isv.INVALID_", Problem.TEMPLATE_REFUSED),
    ("FailedOperation.Template", Problem.TEMPLATE_REFUSED),
    ("InvalidParameterValue.Template", Problem.TEMPLATE_REFUSED),
    ("isv.ACCOUNT_", Problem.LOGIN_REFUSED),
    ("isv.PRODUCT_UN", Problem.LOGIN_REFUSED),
    ("isp.RAM_PERMISSION_DENY", Problem.LOGIN_REFUSED),
    ("InvalidAccessKeyId", Problem.LOGIN_REFUSED),
    ("IncompleteSignature", Problem.LOGIN_REFUSED),
    ("SignatureDoesNotMatch", Problem.LOGIN_REFUSED),
    ("Forbidden", Problem.LOGIN_REFUSED),
    ("AuthFailure", Problem.LOGIN_REFUSED),
    ("UnauthorizedOperation", Problem.LOGIN_REFUSED),
    ("InvalidParameterValue.SdkAppIdNotExist", Problem.LOGIN_REFUSED),
)
"""What the providers' codes mean, by how they begin. A code that is not here is a certain no to this message."""


def meaning(code: str) -> SendAnswer:
    """A provider's code of failure in the store's words."""
    problem = next((problem for start, problem in MEANINGS if code.startswith(start)), Problem.CONTENT_REFUSED)
    if problem is Problem.LIMITED:
        return later(problem, code, seconds=LIMITED_SECONDS)
    if problem is Problem.BUSY:
        return later(problem, code)
    return unknown(problem, code) if problem is Problem.NO_ANSWER else refused(problem, code)


class AliyunTexter:
    """Aliyun's SendSms (2017-05-25), signed with ACS3-HMAC-SHA256 by its SDK."""

    def __init__(self, account: SmsAccount) -> None:
        from alibabacloud_dysmsapi20170525.client import Client
        from alibabacloud_tea_openapi.utils_models import Config as AliyunConfig

        self._account = account
        settings = AliyunConfig(
            access_key_id=account.key_id,
            access_key_secret=account.key_secret.reveal().decode(),
            region_id=account.region or "cn-hangzhou",
            endpoint=account.host or "dysmsapi.aliyuncs.com",
            protocol=account.scheme.upper(),
            connect_timeout=CONNECT_SECONDS * 1000,
            read_timeout=READ_SECONDS * 1000,
        )
        self._client = Client(settings)

    def send(self, message: TextMessage) -> SendAnswer:
        """See `Texter`. A number of mainland China is given without its +86."""
        from alibabacloud_dysmsapi20170525.models import SendSmsRequest

        request = SendSmsRequest(
            phone_numbers=message.to.removeprefix("+86"),
            sign_name=self._account.sign_name,
            template_code=message.template,
            template_param=json.dumps(dict(message.variables), ensure_ascii=False),
        )
        return self._answer(self._client.send_sms_with_options, request)

    def try_out(self, template: str) -> SendAnswer:
        """See `Texter`."""
        from alibabacloud_dysmsapi20170525.models import QuerySmsTemplateRequest

        request = QuerySmsTemplateRequest(template_code=template)
        return self._answer(self._client.query_sms_template_with_options, request)

    def _answer(self, call: Any, request: Any) -> SendAnswer:
        from darabonba.exceptions import DaraException
        from darabonba.runtime import RuntimeOptions
        from Tea.exceptions import UnretryableException

        try:
            body = call(request, RuntimeOptions(autoretry=False, max_attempts=1)).body
        except DaraException as error:
            return meaning(str(error.code)) if error.code else unknown()
        except (UnretryableException, OSError, ValueError) as error:  # no answer, or one that is no JSON
            return _without_answer(error)
        if body.code == "OK":
            return sent(getattr(body, "biz_id", None))
        return meaning(str(body.code)) if body.code else unknown()


class TencentTexter:
    """Tencent Cloud's SendSms (2021-01-11), signed with TC3-HMAC-SHA256 by its SDK."""

    def __init__(self, account: SmsAccount) -> None:
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile
        from tencentcloud.sms.v20210111.sms_client import SmsClient

        self._account = account
        wire = HttpProfile(
            protocol=account.scheme,
            endpoint=account.host or "sms.tencentcloudapi.com",
            reqTimeout=CONNECT_SECONDS + READ_SECONDS,
        )
        login = Credential(account.key_id, account.key_secret.reveal().decode())
        self._client = SmsClient(login, account.region or "ap-guangzhou", ClientProfile(httpProfile=wire))

    def send(self, message: TextMessage) -> SendAnswer:
        """See `Texter`."""
        from tencentcloud.sms.v20210111.models import SendSmsRequest

        request = SendSmsRequest()
        request.PhoneNumberSet = [message.to]
        request.SmsSdkAppId = self._account.app_id
        request.SignName = self._account.sign_name
        request.TemplateId = message.template
        request.TemplateParamSet = list(message.variables.values())
        answer = self._call(self._client.SendSms, request)
        if isinstance(answer, SendAnswer):
            return answer
        status = next(iter(answer.SendStatusSet or []), None)
        if status is None:
            return unknown()
        return sent(status.SerialNo) if status.Code == "Ok" else meaning(str(status.Code))

    def try_out(self, template: str) -> SendAnswer:
        """See `Texter`."""
        from tencentcloud.sms.v20210111.models import DescribeSmsTemplateListRequest

        if not template.isdigit():
            return refused(Problem.TEMPLATE_REFUSED)
        request = DescribeSmsTemplateListRequest()
        request.International = 0
        request.TemplateIdSet = [int(template)]
        answer = self._call(self._client.DescribeSmsTemplateList, request)
        if isinstance(answer, SendAnswer):
            return answer
        found = next(iter(answer.DescribeTemplateStatusSet or []), None)
        is_approved = found is not None and found.StatusCode == 0
        return SendAnswer(SendOutcome.SENT) if is_approved else refused(Problem.TEMPLATE_REFUSED)

    def _call(self, call: Any, request: Any) -> Any:
        """The response, or the answer that there is instead of one."""
        from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

        try:
            return call(request)
        except TencentCloudSDKException as error:
            code = str(error.code or "")
            return _without_answer(error) if code.endswith("NetworkError") or not code else meaning(code)
        except (OSError, ValueError) as error:  # the answer broke off, or is no JSON
            return _without_answer(error)


def _without_answer(error: BaseException) -> SendAnswer:
    """Whether the message certainly never left: no connection was made, or its certificate did not fit."""
    from requests.exceptions import ConnectTimeout, SSLError
    from urllib3.exceptions import NameResolutionError, NewConnectionError

    for cause in _causes(error):
        if isinstance(cause, SSLError):
            return refused(Problem.NOT_TRUSTED)
        if isinstance(cause, ConnectTimeout | NewConnectionError | NameResolutionError):
            return later(Problem.UNREACHABLE)
    return unknown()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps; the SDKs keep the first one in three different places."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "inner_exception", None), getattr(one, "reason", None)]
        waiting += [cause for cause in (*inner, *one.args) if isinstance(cause, BaseException)]
