"""The panel's Flask application; until its pages are built it says so, and what can be done meanwhile."""

from __future__ import annotations

import structlog
from flask import Flask, Response
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from core.errors import error_id

log = structlog.get_logger()

FRAME = Markup("""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Keystall</title>
<link rel="stylesheet" href="/admin/static/panel.css">
</head>
<body>
<main>
<p class="mark" aria-hidden="true">K</p>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
""")

TITLE = "管理后台还没有开放"
BODY = Markup("""<p>建立真正的店铺（商家、商品、价格、收款）要等后台完成；在此之前，演示模式里有一家完整的店。</p>
<p>命令行现在可以：为已有的商品导入卡密、核对账目、放行待审核的订单。</p>
<p lang="en">The panel is not built yet. Setting up a real shop (merchant, goods, prices, ways to pay) comes with it;
until then the demo has a whole shop. The command line can import cards for goods that exist, check the books and
release paid orders that wait for a person:</p>
<pre>python run.py demo
python run.py import FILE --batch-of A1
python run.py verify
python run.py review
python run.py --help</pre>
<p><a href="/">去店铺 · To the shop</a></p>""")

MISSING = "这里什么也没有"
FAILED = "出了点问题"
SAID = Markup("""<p>{chinese}</p>
<p lang="en">{english}</p>
<p><a href="/admin/">回到后台首页 · To the panel's first page</a></p>
<p class="id">错误编号 · Error id <code>{error_id}</code></p>""")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def make_app() -> Flask:
    """The application, mounted below /admin by ops."""
    app = Flask(__name__)
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Exception, failed)

    @app.get("/")
    def home() -> Response:
        return drawn(TITLE, BODY)

    return app


def drawn(title: str, body: Markup, status: int = 200) -> Response:
    """One page of the panel with its headers."""
    return Response(FRAME.format(title=title, body=body), status, mimetype="text/html", headers=HEADERS)


def refused(error: HTTPException) -> Response:
    """A page that is not there, or a way to ask that it does not know; the error id is also in the log."""
    status = error.code or 400
    id_ = error_id()
    log.info("refused by the panel", error_id=id_, status=status)
    if status == 404:
        said = ("链接可能抄错了，或者已经失效。", "There is nothing here. The link may be mistyped or no longer valid.")
        return drawn(MISSING, SAID.format(chinese=said[0], english=said[1], error_id=id_), status)
    said = ("这个地址不支持这样的操作，什么都没有改变。", "This address does not do that. Nothing changed.")
    return drawn("不能这样做", SAID.format(chinese=said[0], english=said[1], error_id=id_), status)


def failed(error: Exception) -> Response:
    """A mistake of ours: told with its error id, and no more than that."""
    id_ = error_id()
    log.exception("the panel failed", error_id=id_, exc_info=error)
    said = ("这是我们的错，什么都没有改变。", "The mistake is ours. Nothing changed.")
    return drawn(FAILED, SAID.format(chinese=said[0], english=said[1], error_id=id_), 500)
