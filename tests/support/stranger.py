"""A small Kalshi client by somebody else: from the public description of the API alone, with nothing of ours.

Written against `requests`, `websockets` and `cryptography`; it knows a base URL, a key id and a PEM file, no more.
"""

import base64
import contextlib
import json
import time

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding
from websockets.sync.client import connect

ROOT = "/trade-api/v2"


class KalshiError(Exception):
    def __init__(self, response):
        super().__init__(f"{response.status_code} {response.text}")
        self.status = response.status_code
        body = response.json()
        error = body["error"] if isinstance(body.get("error"), dict) else body
        self.code = error.get("code", "")


class Kalshi:
    def __init__(self, host, key_id, pem):
        self.host, self.key_id = host, key_id
        self.key = serialization.load_pem_private_key(pem, password=None)
        self.session = requests.Session()

    def headers(self, method, path):
        stamp = str(int(time.time() * 1000))
        text = (stamp + method + path).encode()
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            signature = self.key.sign(text)
        else:
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
            signature = self.key.sign(text, pss, hashes.SHA256())
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    def call(self, method, path, params=None, body=None):
        response = self.session.request(
            method,
            f"http://{self.host}{ROOT}{path}",
            params=params,
            json=body,
            headers=self.headers(method, ROOT + path),
            timeout=5,
        )
        if response.status_code >= 400:
            raise KalshiError(response)
        return response.json() if response.content else None

    def pages(self, path, rows, **params):
        """Every row of a paged listing."""
        found, cursor = [], None
        while True:
            answer = self.call("GET", path, {**params, "cursor": cursor, "limit": 2})
            found += answer[rows]
            cursor = answer.get("cursor")
            if not cursor:
                return found

    def markets(self, **filters):
        return self.pages("/markets", "markets", **filters)

    def book(self, ticker):
        """Best YES bid and best YES ask, as dollars."""
        book = self.call("GET", f"/markets/{ticker}/orderbook")["orderbook_fp"]
        bids, no_bids = ([float(price) for price, _count in book[side]] for side in ("yes_dollars", "no_dollars"))
        return max(bids, default=0.0), round(1 - max(no_bids, default=0.0), 4)

    def order(self, ticker, side, price, count, client_order_id, tif="good_till_canceled", **more):
        body = {
            "ticker": ticker,
            "side": side,
            "price": f"{price:.4f}",
            "count": f"{count:.2f}",
            "client_order_id": client_order_id,
            "time_in_force": tif,
            "self_trade_prevention_type": "taker_at_cross",
        }
        return self.call("POST", "/portfolio/events/orders", body=body | more)

    def cancel(self, order_id, ticker):
        return self.call("DELETE", f"/portfolio/events/orders/{order_id}", {"market_ticker": ticker})

    @contextlib.contextmanager
    def listen(self, *subscriptions):
        """A WebSocket with these subscriptions asked for."""
        path = "/trade-api/ws/v2"
        with connect(f"ws://{self.host}{path}", additional_headers=self.headers("GET", path)) as socket:
            for number, params in enumerate(subscriptions, start=1):
                socket.send(json.dumps({"id": number, "cmd": "subscribe", "params": params}))
            yield socket

    def close(self):
        self.session.close()


class Book:
    """A book kept from the stream, the way the documentation describes it: bids only, on two scales."""

    def __init__(self):
        self.sides, self.seq = {"yes": {}, "no": {}}, 0

    def take(self, message):
        self.seq += 1
        assert message["seq"] == self.seq, "a message was lost"
        told = message["msg"]
        if message["type"] == "orderbook_snapshot":
            for side in self.sides:
                self.sides[side] = {price: float(count) for price, count in told.get(f"{side}_dollars_fp", [])}
        elif message["type"] == "orderbook_delta":
            levels, price = self.sides[told["side"]], told["price_dollars"]
            levels[price] = round(levels.get(price, 0.0) + float(told["delta_fp"]), 2)
            if not levels[price]:
                del levels[price]
