"""A tiny exchange on loopback that does one thing as the real one does: it charges token buckets, and answers 429.

Reads have one bucket; single writes that name a shard above 0 have the bucket of that shard; batches are billed by the
item from the common one. 429 comes with a body and without any header that says how long to wait. Written apart from
the client's own buckets and from the local exchange's, so that it can disagree with both.
"""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BASIC = {"read": (200.0, 600.0), "write": (100.0, 100.0)}  # tokens a second, tokens when full
HALF = {"read": (100.0, 300.0), "write": (50.0, 50.0)}  # what is left beside a stranger who takes as much as we


class Buckets:
    def __init__(self, rates):
        self._rates, self._states, self._lock = rates, {}, threading.Lock()

    def take(self, name, tokens):
        per_s, capacity = self._rates[name.partition(":")[0]]
        with self._lock:
            now_s = time.monotonic()
            level, at_s = self._states.get(name, (capacity, now_s))
            level = min(capacity, level + (now_s - at_s) * per_s)
            fits = level >= tokens
            self._states[name] = (level - tokens if fits else level, now_s)
        return fits


class MeteredExchange(ThreadingHTTPServer):
    """`taken` and `refused` count calls by what they are: read, create, cancel, batch. Used as a context manager."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, rates):
        super().__init__(("127.0.0.1", 0), _Call)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/trade-api/v2"
        self.buckets, self.taken, self.refused = Buckets(rates), Counter(), Counter()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """A program that was killed leaves its connection half said."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: MeteredExchange

    def do_GET(self):
        self._charge("read", "read", 10, {"balance": 0, "balance_dollars": "1", "portfolio_value": 0, "updated_ts": 1})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "orders" in body:
            placed = [_placed(order) for order in body["orders"]]
            self._charge("batch", "write", 10 * len(placed), {"orders": placed})
        else:
            self._charge("create", _bucket(body["exchange_index"]), 10, _placed(body))

    def do_DELETE(self):
        parts = urlsplit(self.path)
        shard = int(parse_qs(parts.query)["exchange_index"][0])
        answer = {"order_id": parts.path.rpartition("/")[2], "reduced_by": "1.00", "ts_ms": 1}
        self._charge("cancel", _bucket(shard), 2, answer)

    def _charge(self, what, bucket, tokens, answer):
        fits = self.server.buckets.take(bucket, tokens)
        (self.server.taken if fits else self.server.refused)[what] += 1
        body = json.dumps(answer if fits else {"error": "too many requests"}).encode()
        self.send_response_only(200 if fits else 429)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_what):
        pass


def _bucket(shard):
    return f"write:{shard}" if shard > 0 else "write"


def _placed(order):
    return {
        "order_id": "x",
        "client_order_id": order["client_order_id"],
        "fill_count": "0.00",
        "remaining_count": order["count"],
        "ts_ms": 1,
    }
