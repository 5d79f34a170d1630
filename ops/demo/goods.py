"""What the demo store sells: texts, prices and costs; figures near those that such goods have in China in 2026."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.catalog.fields import BuyerField, FieldFormat
from core.catalog.rules import ProductKind
from core.catalog.service import Category

Words = dict[str, str]


@dataclass(frozen=True)
class DemoSku:
    """One variant, its prices in CNY: retail in fen, costs in 10⁻⁶ of a yuan along brand1 → agent1 → dist1 → demo."""

    code: str
    names: Words
    axes: dict[str, str]
    price_minor: int
    hop_costs_micro: tuple[int, int, int]
    trim: bool = True
    case_sensitive: bool = True
    fields: tuple[BuyerField, ...] = ()


@dataclass(frozen=True)
class DemoProduct:
    """One product with what the product page says."""

    code: str
    category: Category
    issuer: str
    issuer_names: Words
    names: Words
    summary: Words
    redeem: Words
    refund: Words
    aliases: str
    skus: tuple[DemoSku, ...]
    kind: ProductKind = ProductKind.CARD_KEY


@dataclass(frozen=True)
class DemoFile:
    """One file to import: whose cards of which SKU; `supplier` None: own stock of `merchant`."""

    name: str
    sku: str
    merchant: str | None = None
    supplier: str | None = None
    terms: str | None = None
    unit_cost_micro: int = 0


@dataclass(frozen=True)
class DemoListing:
    """What a merchant beside the default one sells: a SKU code at a price in fen."""

    merchant: str
    sku: str
    price_minor: int


@dataclass(frozen=True)
class DemoParty:
    """A party of the demo; the fee is what the platform takes, in hundredths of a percent."""

    code: str
    kind: str
    names: Words
    is_default: bool = False
    fee_basis_points: int = field(default=0)


PARTIES = (
    DemoParty("platform", "platform", {"zh-CN": "Keystall 平台", "en": "Keystall platform"}),
    DemoParty("demo", "merchant", {"zh-CN": "星橙数卡", "en": "Star Orange Cards"}, True, 100),
    DemoParty("other", "merchant", {"zh-CN": "海盐数卡", "en": "Sea Salt Cards"}, False, 100),
    DemoParty("brand1", "supplier", {"zh-CN": "源头品牌一号", "en": "Brand One"}),
    DemoParty("agent1", "supplier", {"zh-CN": "一级代理", "en": "First Agent"}),
    DemoParty("dist1", "supplier", {"zh-CN": "二级分销", "en": "Second Distributor"}),
)

CHAIN = ("brand1", "agent1", "dist1", "demo")
"""Who sells to whom: each one offers every SKU to the next."""

CREDIT_LIMIT_MINOR = 100_000_000
"""1,000,000.00 CNY on each hop."""

UNUSED_ONLY = {
    "zh-CN": "卡密一经展示即视为交付，不支持无理由退换。"
    "卡密无效或已被使用，请在收到后 24 小时内联系我们，核实后补发或原路退款。",
    "en": "A key counts as delivered once it is shown and cannot be returned for no reason. If it is invalid or was"
    " used already, tell us within 24 hours: once checked, you get another one or your money back.",
}

PRODUCTS = (
    DemoProduct(
        code="tencent-video-vip",
        category=Category.VIDEO,
        issuer="tencent-video",
        issuer_names={"zh-CN": "腾讯视频", "en": "Tencent Video"},
        names={"zh-CN": "腾讯视频 VIP", "en": "Tencent Video VIP"},
        summary={
            "zh-CN": "手机、平板、电脑可用（不含电视端），可与现有会员时长叠加。",
            "en": "For phone, tablet and computer (not for TV); adds to the time you have.",
        },
        redeem={
            "zh-CN": "1. 打开腾讯视频 App，登录自己的账号。\n2. 进入“个人中心”→“VIP 会员”→“兑换中心”。\n"
            "3. 输入卡密并确认，会员时长立即到账。",
            "en": "1. Open the Tencent Video app and sign in.\n2. Go to Me, then VIP, then Redeem.\n"
            "3. Enter the key and confirm: the time is added at once.",
        },
        refund=UNUSED_ONLY,
        aliases="腾讯 鹅厂 企鹅影视 tengxun txsp v.qq.com 追剧",
        skus=(
            DemoSku(
                "A1",
                {"zh-CN": "腾讯视频 VIP 月卡", "en": "Tencent Video VIP, 1 month"},
                {"period": "month"},
                1990,
                (15_000_000, 15_600_000, 16_200_000),
            ),
        ),
    ),
    DemoProduct(
        code="iqiyi-gold",
        category=Category.VIDEO,
        issuer="iqiyi",
        issuer_names={"zh-CN": "爱奇艺", "en": "iQIYI"},
        names={"zh-CN": "爱奇艺黄金会员", "en": "iQIYI Gold membership"},
        summary={
            "zh-CN": "手机、平板、电脑可用，热播剧抢先看。激活码配 PIN，一次兑换三个月。",
            "en": "For phone, tablet and computer, with early episodes. One code with a PIN gives three months.",
        },
        redeem={
            "zh-CN": "1. 登录爱奇艺 App 或 vip.iqiyi.com。\n2. 打开“我的”→“激活码兑换”。\n"
            "3. 填入激活码和 PIN，确认后立即生效。",
            "en": "1. Sign in to the iQIYI app or vip.iqiyi.com.\n2. Open Me, then Redeem a code.\n"
            "3. Enter code and PIN; it works at once.",
        },
        refund=UNUSED_ONLY,
        aliases="奇艺 iqy 黄金vip 追剧",
        skus=(
            DemoSku(
                "A2",
                {"zh-CN": "爱奇艺黄金会员 季卡", "en": "iQIYI Gold, 3 months"},
                {"period": "quarter"},
                4990,
                (39_000_000, 40_500_000, 42_000_000),
            ),
        ),
    ),
    DemoProduct(
        code="steam-wallet-us",
        category=Category.GAMES,
        issuer="steam",
        issuer_names={"zh-CN": "Steam", "en": "Steam"},
        names={"zh-CN": "Steam 钱包充值码", "en": "Steam Wallet Code"},
        summary={
            "zh-CN": "仅限美区账号。充值码存入 Steam 钱包，可买游戏、DLC 和市场物品。",
            "en": "For accounts of the US region only. The code adds to the Steam Wallet: games, DLC, market items.",
        },
        redeem={
            "zh-CN": "1. 登录 Steam，确认账号地区为美国。\n2. 打开 store.steampowered.com/account/redeemwalletcode。\n"
            "3. 输入充值码，余额立即到账。",
            "en": "1. Sign in to Steam with an account of the US region.\n"
            "2. Open store.steampowered.com/account/redeemwalletcode.\n3. Enter the code: the money is there at once.",
        },
        refund=UNUSED_ONLY,
        aliases="蒸汽 蒸汽平台 steam充值卡 游戏 点卡 美元 usd 美区",
        skus=(
            DemoSku(
                "B1",
                {"zh-CN": "Steam 50 美元充值码（美区）", "en": "Steam 50 USD (US)"},
                {"region": "US", "face_value": "50 USD"},
                35900,
                (335_000_000, 340_000_000, 345_000_000),
                case_sensitive=False,
            ),
        ),
    ),
    DemoProduct(
        code="jd-ecard",
        category=Category.SHOPPING,
        issuer="jd",
        issuer_names={"zh-CN": "京东", "en": "JD.com"},
        names={"zh-CN": "京东 E 卡", "en": "JD e-card"},
        summary={
            "zh-CN": "京东自营商品通用，可多张叠加，36 个月内有效。",
            "en": "Pays for goods that JD.com sells itself; several cards add up; valid for 36 months.",
        },
        redeem={
            "zh-CN": "1. 打开京东 App →“我的”→“礼品卡”。\n2. 点“绑定新卡”，输入密码（卡号无需填写）。\n"
            "3. 结算时选择“礼品卡”抵扣。",
            "en": "1. In the JD app open Me, then Gift cards.\n"
            "2. Choose Bind a card and enter the password (no number).\n3. Choose Gift card when you pay.",
        },
        refund=UNUSED_ONLY,
        aliases="京东卡 jingdong 礼品卡 购物卡 ecard",
        skus=(
            DemoSku(
                "C1",
                {"zh-CN": "京东 E 卡 100 元", "en": "JD e-card 100 CNY"},
                {"face_value": "100 CNY"},
                9850,
                (95_000_000, 95_500_000, 96_000_000),
            ),
        ),
    ),
    DemoProduct(
        code="ink-notes-pro",
        category=Category.SOFTWARE,
        issuer="ink-notes",
        issuer_names={"zh-CN": "墨笺笔记", "en": "Ink Notes"},
        names={"zh-CN": "墨笺笔记 专业版", "en": "Ink Notes Pro"},
        summary={
            "zh-CN": "软件授权，附专用账号：一行内依次为邮箱、密码、激活串，原样复制即可。"
            "一年有效，Windows 和 macOS 通用。",
            "en": "A licence with its own account: one line with e-mail, password and activation text, to be copied"
            " as it stands. One year, for Windows and macOS.",
        },
        redeem={
            "zh-CN": "1. 安装墨笺笔记并打开登录页。\n2. 用“----”分开的第一段邮箱、第二段密码登录。\n"
            "3. 在“授权”页粘贴第三段激活串。请勿修改账号邮箱。",
            "en": "1. Install Ink Notes and open its sign-in page.\n"
            "2. Sign in with the first part of the line (e-mail) and the second (password).\n"
            "3. Paste the third part under Licence. Please keep the account's e-mail.",
        },
        refund={
            "zh-CN": "账号首次登录前可申请更换；登录后 7 天内如授权失效，按剩余天数退款。",
            "en": "Exchanged before the first sign-in. If the licence fails within 7 days after it, you get the money"
            " for the days that are left.",
        },
        aliases="软件 授权 账号 成品号 笔记 notes license licence",
        skus=(
            DemoSku(
                "D1",
                {"zh-CN": "墨笺笔记 专业版 年授权（带账号）", "en": "Ink Notes Pro, 1 year, with account"},
                {"period": "year"},
                2990,
                (18_000_000, 19_500_000, 21_000_000),
                trim=False,
            ),
        ),
    ),
    DemoProduct(
        code="qq-music-green",
        category=Category.MUSIC,
        issuer="qq-music",
        issuer_names={"zh-CN": "QQ 音乐", "en": "QQ Music"},
        names={"zh-CN": "QQ 音乐绿钻代充", "en": "QQ Music Green Diamond, topped up for you"},
        summary={
            "zh-CN": "人工登录您的账号代充，一般 10 分钟内完成，完成后发放充值凭证号。",
            "en": "A person signs in to your account and tops it up, within 10 minutes as a rule; you get a receipt.",
        },
        redeem={
            "zh-CN": "1. 充值完成后重新登录 QQ 音乐，即可看到会员时长。\n2. 请及时修改密码。\n3. 有疑问请提供凭证号。",
            "en": "1. Once it is done, sign in to QQ Music again.\n2. Please change your password then.\n"
            "3. If anything is wrong, name the receipt's number.",
        },
        refund={
            "zh-CN": "充值前可申请退款；充值完成后不支持退换。",
            "en": "Money back until it is topped up, not after.",
        },
        aliases="绿钻 代充 qq音乐 yinyue music",
        skus=(
            DemoSku(
                "E1",
                {"zh-CN": "QQ 音乐绿钻 月卡（代充）", "en": "QQ Music, 1 month, topped up for you"},
                {"period": "month"},
                1290,
                (9_000_000, 9_500_000, 10_000_000),
                fields=(
                    BuyerField("account", {"zh-CN": "QQ 号", "en": "QQ number"}, FieldFormat.DIGITS, is_secret=False),
                    BuyerField("password", {"zh-CN": "QQ 密码", "en": "Password"}, FieldFormat.TEXT, is_secret=True),
                ),
            ),
        ),
        kind=ProductKind.MANUAL_TOP_UP,
    ),
)

LISTINGS_OF_OTHERS = (DemoListing("other", "A2", 4790),)

FILES = (
    DemoFile("tencent_video_month_2029.csv", "A1", supplier="brand1", terms="consigned"),
    DemoFile("iqiyi_quarter_2028.tsv", "A2", supplier="brand1", terms="consigned"),
    DemoFile("steam_50_usd.txt", "B1", unit_cost_micro=342_000_000),
    DemoFile("jd_ecard_100.xlsx", "C1", unit_cost_micro=96_000_000),
    DemoFile("notes_pro_accounts.txt", "D1", supplier="brand1", terms="consigned"),
    DemoFile("top_up_receipts.txt", "E1", unit_cost_micro=10_000_000),
    DemoFile("iqiyi_quarter_other.txt", "A2", merchant="other", unit_cost_micro=41_000_000),
)
"""Own stock of the merchant for three SKUs, consigned by brand1 for three: those are sold along the whole chain."""
