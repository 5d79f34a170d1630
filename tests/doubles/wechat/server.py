"""Serves the API and the page in a thread of its own until it is stopped."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from tests.doubles.serving import ServingThread
from tests.doubles.wechat.api import Api


class Server(ServingThread):
    """One address for every host of WeChat."""

    def __init__(self, api: Api) -> None:
        super().__init__("wechat-double")
        self._api = api

    def start(self, host: str, port: int, routes: Sequence[BaseRoute]) -> str:
        """Returns the address once requests are answered."""
        verbs = ["GET", "POST"]
        api = [Route(f"/{top}/{{path:path}}", self._api.handle, methods=verbs) for top in ("cgi-bin", "sns")]
        return self.serve(host, port, Starlette(routes=[*routes, *api]))
