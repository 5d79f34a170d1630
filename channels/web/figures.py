"""Counts of what the web process did, in the text form that Prometheus reads; they end with the process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)  # seconds


class Figures:
    """Requests by route, method and status; their time; and gauges that are read when asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._buckets: dict[tuple[str, float], int] = defaultdict(int)
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """One answered request."""
        method = method if method in METHODS else "other"
        with self._lock:
            self._requests[route, method, status] += 1
            self._seconds[route] += seconds
            for bound in BUCKETS:
                if seconds <= bound:
                    self._buckets[route, bound] += 1

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A figure that is read whenever somebody asks."""
        self._gauges[name] = (meaning, read)

    def text(self) -> str:
        """All figures in the exposition format 0.0.4."""
        lines = [
            "# HELP keystall_http_requests_total Requests answered.",
            "# TYPE keystall_http_requests_total counter",
        ]
        with self._lock:
            requests, seconds, buckets = dict(self._requests), dict(self._seconds), dict(self._buckets)
        for (route, method, status), count in sorted(requests.items()):
            lines.append(f'keystall_http_requests_total{{route="{route}",method="{method}",status="{status}"}} {count}')
        lines += ["# HELP keystall_http_seconds Time to answer.", "# TYPE keystall_http_seconds histogram"]
        for route, spent in sorted(seconds.items()):
            total = sum(count for (other, _, _), count in requests.items() if other == route)
            lines += [
                f'keystall_http_seconds_bucket{{route="{route}",le="{bound}"}} {buckets.get((route, bound), 0)}'
                for bound in BUCKETS
            ]
            lines += [
                f'keystall_http_seconds_bucket{{route="{route}",le="+Inf"}} {total}',
                f'keystall_http_seconds_sum{{route="{route}"}} {spent:.6f}',
                f'keystall_http_seconds_count{{route="{route}"}} {total}',
            ]
        for name, (meaning, read) in sorted(self._gauges.items()):
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", f"{name} {read():g}"]
        return "\n".join(lines) + "\n"
