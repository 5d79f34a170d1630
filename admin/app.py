"""The panel's Flask application; until its pages are built it says so, and where the work is done meanwhile."""

from __future__ import annotations

from flask import Flask, Response

PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Keystall</title>
<link rel="stylesheet" href="/admin/static/panel.css">
</head>
<body>
<main>
<p class="mark" aria-hidden="true">K</p>
<h1>管理后台还没有开放</h1>
<p>商品、库存与订单目前用命令行管理。</p>
<p lang="en">The panel is not built yet. Goods, stock and orders are managed from the command line for now:</p>
<pre>python run.py --help
python run.py import FILE --batch-of A1
python run.py verify</pre>
<p><a href="/">去店铺 · To the shop</a></p>
</main>
</body>
</html>
"""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def make_app() -> Flask:
    """The application, mounted below /admin by ops."""
    app = Flask(__name__)

    @app.get("/")
    def home() -> Response:
        return Response(PAGE, mimetype="text/html", headers=HEADERS)

    return app
