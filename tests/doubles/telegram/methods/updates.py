"""How a bot gets its updates: long polling or a webhook, never both."""

import asyncio
from typing import Any

from tests.doubles.telegram.errors import ApiError, Breach, conflict
from tests.doubles.telegram.mailbox import Webhook
from tests.doubles.telegram.schema import schema
from tests.doubles.telegram.world import BotAccount, World

LONGEST_POLL = 50
WEBHOOK_IS_SET = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"


def _allow(bot: BotAccount, values: dict[str, Any]) -> None:
    """Keep which kinds are wanted; the real server passes over unknown names, which are typing errors all the same."""
    if "allowed_updates" in values:
        for kind in values["allowed_updates"]:
            if kind not in schema()["updates"]:
                raise Breach(f"there is no update {kind}")
        bot.mailbox.allowed = list(values["allowed_updates"])


async def get_updates(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """getUpdates: waits for the first update; a later call ends this one with a conflict."""
    box = bot.mailbox
    with world.lock:
        if box.webhook.url:
            raise conflict(WEBHOOK_IS_SET)
        _allow(bot, values)
        box.poll += 1
        mine = box.poll
        box.ended_by = OTHER_POLL
        box.confirm_before(values.get("offset", 0))
        world.signal.notify()
    loop = asyncio.get_running_loop()
    end = loop.time() + min(values.get("timeout", 0), LONGEST_POLL)
    while True:
        with world.lock:
            since = world.signal.version
            if box.poll != mine:
                raise conflict(box.ended_by)
            if world.is_out:
                raise ApiError(502, "Bad Gateway")
            found = (box.again + box.pending)[: values.get("limit", 100)]
            if found or loop.time() >= end:
                box.again = [update for update in box.again if update not in found]
                return found
        await world.signal.news(since, end - loop.time())


def set_webhook(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """setWebhook: ends a poll that waits; an empty address removes the webhook."""
    box = bot.mailbox
    _allow(bot, values)
    if values.get("drop_pending_updates"):
        box.pending.clear()
    if not values["url"] and not box.webhook.url:
        return True
    box.webhook = Webhook(
        values["url"],
        values.get("secret_token"),
        values.get("max_connections", 40),
        values.get("ip_address"),
    )
    box.poll += 1
    box.ended_by = "terminated by setWebhook request"
    world.signal.notify()
    return True


def delete_webhook(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """deleteWebhook."""
    return set_webhook(world, bot, values | {"url": ""})


def webhook_state(_world: World, bot: BotAccount, _values: dict[str, Any]) -> Any:
    """getWebhookInfo."""
    box, hook = bot.mailbox, bot.mailbox.webhook
    told: dict[str, Any] = {
        "url": hook.url, "has_custom_certificate": False, "pending_update_count": len(box.pending),
    }  # fmt: skip
    if hook.url:
        told["max_connections"] = hook.most_connections
        told["ip_address"] = hook.ip_address or "127.0.0.1"
    if hook.last_error:
        told |= {"last_error_date": hook.last_error_at, "last_error_message": hook.last_error}
    if box.allowed:
        told["allowed_updates"] = box.allowed
    return told


METHODS = {"setWebhook": set_webhook, "deleteWebhook": delete_webhook, "getWebhookInfo": webhook_state}
