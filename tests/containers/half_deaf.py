"""A server that is ready, and hangs up on everything else that it is asked, or, told `well`, answers it.

It runs in a container of Python alone: tests/containers/retries.py.
"""

import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every method alike."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answer with nothing, or hang up once the request was read."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/readyz" or sys.argv[1:] == ["well"]:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the names that the library asks for


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
