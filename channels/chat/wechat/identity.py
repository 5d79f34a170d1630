"""Who somebody is that WeChat sent to a page of ours: asked by the worker, which alone has the app secrets."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from channels.chat.wechat.courier import Apis
from channels.chat.wechat.wire import ApiAway, ApiProblem
from core.connections.chats import chat_account
from core.errors import NotFound
from core.secret import Secret
from core.vault.primitives import SealError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WeChatIdentifier:
    """A `core.ports.Identifier`."""

    apis: Apis

    def identify(self, account_id: int, code: Secret, /) -> str | None:
        """The openid behind a code of an account's authorise page; None where WeChat does not say."""
        try:
            account = chat_account(account_id=account_id)
            return self.apis.of(account).oauth_identity(code.reveal().decode())
        except (NotFound, SealError):
            log.error("an account has no secret to ask WeChat with", account=account_id)
        except ApiProblem as problem:
            log.warning("WeChat does not say who somebody is", account=account_id, code=problem.code)
        except ApiAway as away:
            log.warning("WeChat does not say who somebody is", account=account_id, problem=away.reason)
        return None
