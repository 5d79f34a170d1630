"""The memberships that the demo's merchants sell: goods of their own, without cards."""

from __future__ import annotations

from dataclasses import dataclass

from core.members.periods import Unit

Words = dict[str, str]


@dataclass(frozen=True)
class DemoPlan:
    """A membership as goods of its merchant: one SKU, which gives `count` units, at a price in fen."""

    merchant: str
    code: str
    sku: str
    names: Words
    sku_names: Words
    summary: Words
    redeem: Words
    refund: Words
    count: int
    unit: Unit
    price_minor: int


PLANS = (
    DemoPlan(
        merchant="other",
        code="sea-salt-member",
        sku="F1",
        names={"zh-CN": "海盐会员", "en": "Sea Salt membership"},
        sku_names={"zh-CN": "海盐会员 1 个月", "en": "Sea Salt membership, 1 month"},
        summary={
            "zh-CN": "本店自己的会员，付款后立即生效，按自然月计算：1 月 31 日开通，2 月最后一天到期，"
            "再续一个月到 3 月 31 日。",
            "en": "Our own membership, from the moment you pay, by months of the calendar: begun on 31 January it"
            " ends on the last day of February, and with one month more on 31 March.",
        },
        redeem={
            "zh-CN": "无需兑换。发送“会员”可查看到期时间；到期前续费，时长接在到期日之后。",
            "en": "Nothing to redeem. Send “member” to see until when; renewed before its end, it is added to the end.",
        },
        refund={
            "zh-CN": "开通后 7 天内可联系我们退款，退款后会员时长相应扣回。",
            "en": "Within 7 days you may ask for your money back; the time is then taken off.",
        },
        count=1,
        unit=Unit.MONTH,
        price_minor=1200,
    ),
)
