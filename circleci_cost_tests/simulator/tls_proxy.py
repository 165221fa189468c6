"""A reverse proxy as people put it before the simulator: TLS to the client, plain HTTP and a header behind it."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from circleci_cost_tests.notify.mailbox import server_tls

# Of one connection, not of what is passed on.
_OF_THE_CONNECTION = {"connection", "content-length", "transfer-encoding"}


@contextmanager
def tls_before(port: int) -> Iterator[str]:
    """Serve what listens on a port of this machine with TLS; yields `https://localhost:…`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _passing_on_to(port)) as server:
        server.socket = server_tls().wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def trusting(certificate: str) -> ssl.SSLContext:
    """What a client verifies the proxy with."""
    return ssl.create_default_context(cafile=certificate)


def _passing_on_to(port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Passes a request on, with the scheme that the client used, and the answer back."""

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            behind = HTTPConnection("127.0.0.1", port, timeout=60)
            behind.request(self.command, self.path, body, {**headers, "X-Forwarded-Proto": "https"})
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OF_THE_CONNECTION:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _pass_on

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing on stderr."""

    return Handler
