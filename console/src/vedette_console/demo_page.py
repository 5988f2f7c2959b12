"""The page that the demo's browser shows: its title carries a listed phrase, its body the alerts."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>%s</title>
<style>
  body { font: 15px/1.6 "DejaVu Sans", sans-serif; margin: 3rem; color: #1d2a35; background: #eef2f5; }
  h1 { font-size: 1.4rem; } ol { padding-left: 1.2rem; }
  li { font: 13px/1.7 "DejaVu Sans Mono", monospace; border-left: 4px solid #c62828; background: #fff;
       list-style: none; margin: .4rem 0; padding: .4rem .8rem; }
</style></head>
<body><h1>This page's title carries a listed phrase</h1>
<p>Vedette reads the titles of windows, never pages. What it has alerted about so far:</p><ol></ol>
<script>
  setInterval(async () => {
    const lines = await (await fetch("/alerts")).json();
    document.querySelector("ol").replaceChildren(...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  }, 200);
</script></body></html>
"""


class DemoPage:
    """Serves the page on a free port of 127.0.0.1 while the block lasts."""

    def __init__(self, title: str) -> None:
        """Serve a page of that title."""
        self.alerts: list[str] = []
        self.shown = threading.Event()
        page, self_ = (_PAGE % title).encode(), self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told = len(self_.alerts)
                body = json.dumps(self_.alerts[:told]).encode() if self.path == "/alerts" else page
                self.send_response(200)
                self.send_header(
                    "Content-Type", "application/json" if self.path == "/alerts" else "text/html"
                )
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                if self.path == "/alerts" and told == len(self_.alerts):
                    self_.shown.set()

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 (its name in the base class)
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def add(self, line: str) -> None:
        """Show a line; `shown` is set once the browser has fetched it."""
        self.shown.clear()
        self.alerts.append(line)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="page", daemon=True).start()
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
