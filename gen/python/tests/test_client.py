"""Tests the client with threads. scripts/compat has the complete tables."""

from __future__ import annotations

import json
import unittest
from typing import Any

from pfxrecryption import (
    AppliedError,
    Client,
    ConnectionFailedError,
    GraphError,
    MalformedAnswerError,
    NoEntityTagError,
    PfxRecryptionRequest,
    TokenError,
    UnknownOutcomeError,
)
from pfxrecryption import answer
from support import BREAK, HTTP, NEW, OBJECT, Call, Reply, client, error, serve

OK = Reply()
MADE = Reply(201)
GONE = Reply(204)


def patch(c: Client) -> object:
    return c.patch("sample", {"status": 7})


def patch_if(c: Client) -> object:
    return c.patch("sample", {"status": 7}, if_match='"1"')


def get(c: Client) -> object:
    return c.get("sample")


def create(c: Client) -> object:
    return c.create(NEW)


def insert(c: Client) -> object:
    return c.upsert("sample", NEW, insert_only=True)


def remove(c: Client) -> object:
    c.delete("sample")
    return None


class Retries(unittest.TestCase):
    """A request is sent again only if that cannot apply it twice."""

    rows: dict[str, tuple[Call, list[Reply], str, int]] = {
        "get 429": (get, [error(429), OK], "ok", 2),
        "create 429, 503": (create, [error(429), error(503), MADE], "ok", 3),
        "patch 503": (patch, [error(503), OK], "ok", 2),
        "delete 429": (remove, [error(429), GONE], "ok", 2),
        "get 429 always": (get, [error(429)], "429", 5),
        "get broken, 504": (get, [BREAK, error(504), OK], "ok", 3),
        "get 500": (get, [error(500), OK], "500", 1),
        "patch broken": (patch, [BREAK, OK], "unknown", 1),
        "patch 502": (patch, [error(502), OK], "unknown", 1),
        "patch 500": (patch, [error(500), OK], "unknown", 1),
        "patch if, broken, 504": (patch_if, [BREAK, error(504), OK], "ok", 3),
        "patch if, broken, 412": (patch_if, [BREAK, error(412)], "unknown", 2),
        "patch if, 503, 412": (patch_if, [error(503), error(412)], "412", 2),
        "insert broken": (insert, [BREAK, MADE], "ok", 2),
        "insert broken, 412": (insert, [BREAK, error(412)], "unknown", 2),
        "create broken": (create, [BREAK, MADE], "unknown", 1),
        "delete broken": (remove, [BREAK, GONE], "unknown", 1),
        "get 412": (get, [error(412), OK], "412", 1),
        "patch 404": (patch, [error(404), OK], "404", 1),
    }

    def test_rows(self) -> None:
        for name, (call, replies, want, requests) in self.rows.items():
            with self.subTest(name), serve(*replies) as (url, sent), client(url) as (c, _):
                self.assertEqual(outcome(call, c), want)
                self.assertEqual(len(sent), requests)
                self.assertEqual(len({s.headers["client-request-id"] for s in sent}), 1)
                self.assertEqual(len({(s.method, s.body) for s in sent}), 1)

    def test_refused_connection_is_retried(self) -> None:
        with client("http://127.0.0.1:1/beta", tries=2) as (c, slept):
            self.assertRaises(ConnectionFailedError, patch, c)
            self.assertEqual(len(slept), 1)

    def test_retry_after(self) -> None:
        date = "Fri, 02 Jan 2026 03:04:05 GMT"
        rows = {"7": 7.0, "Fri, 02 Jan 2026 03:04:14 GMT": 9.0, "Friday, 02-Jan-26 03:04:14 GMT": 9.0, "Fri Jan  2 03:04:14 2026": 9.0}
        for value, want in rows.items():
            with self.subTest(value), serve(error(429, Date=date, Retry_After=value), OK) as (url, _), client(url) as (c, slept):
                get(c)
                self.assertEqual(slept, [want])
        for value in ("61", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"):
            with self.subTest(value), serve(error(429, Date=date, Retry_After=value)) as (url, sent), client(url) as (c, slept):
                self.assertEqual((outcome(get, c), len(sent), slept), ("429", 1, []))
        for value in ("soon", "-1", "1.5", "Thu, 01 Jan 2026 00:00:00 GMT"):
            with self.subTest(value), serve(error(429, Date=date, Retry_After=value), OK) as (url, _), client(url) as (c, slept):
                get(c)
                self.assertLess(slept[0], 0.2)

    def test_timeout(self) -> None:
        with serve(OK) as (url, _), client(url, tries=1, timeout=0.000001) as (c, _):
            self.assertEqual(outcome(get, c), "connection")


def outcome(call: Call, c: Client) -> str:
    try:
        call(c)
    except GraphError as err:
        return str(err.status)
    except UnknownOutcomeError:
        return "unknown"
    except ConnectionFailedError:
        return "connection"
    return "ok"


class Members(unittest.TestCase):
    def test_absent_null_and_value(self) -> None:
        rows: list[tuple[Any, bytes]] = [
            ({}, b"{}"),
            ({"eTag": None}, b'{"eTag":null}'),
            ({"status": 0, "isDeleted": False, "thumbprint": "ü"}, '{"status":0,"isDeleted":false,"thumbprint":"ü"}'.encode()),
        ]
        for value, body in rows:
            with serve(OK) as (url, sent), client(url) as (c, _):
                c.patch("sample", value, if_match='"0"')
                self.assertEqual(sent[0].body, body)
                self.assertEqual(sent[0].headers["if-match"], '"0"')
                self.assertEqual(sent[0].headers["prefer"], "return=representation")
                self.assertEqual(sent[0].headers["authorization"], "Bearer token")

    def test_values_outside_json_are_not_sent(self) -> None:
        values: list[Any] = [{"thumbprint": "\ud83d"}, {"status": float("nan")}]
        for value in values:
            with serve(OK) as (url, sent), client(url) as (c, _):
                self.assertRaises(ValueError, c.patch, "sample", value)
                self.assertEqual(sent, [])

    def test_invalid_keys_are_not_sent(self) -> None:
        with serve(OK) as (url, sent), client(url) as (c, _):
            for id in ("", ".", "..", "a/b", "a?b", "a\n", "x" * 129):
                self.assertRaises(ValueError, c.get, id)
                self.assertRaises(ValueError, c.delete, id)
            self.assertRaises(ValueError, c.patch, "sample", {}, if_match="")
            self.assertEqual(sent, [])


class Answers(unittest.TestCase):
    def test_without_the_object(self) -> None:
        with serve(GONE, Reply(headers={"ETag": '"2"'})) as (url, sent), client(url) as (c, _):
            self.assertEqual(c.patch("sample", {}).etag, '"2"')
            self.assertEqual([s.method for s in sent], ["PATCH", "GET"])
        with serve(GONE, error(404)) as (url, _), client(url) as (c, _):
            self.assertRaises(AppliedError, patch, c)

    def test_malformed(self) -> None:
        rows: list[Any] = [[], b"{", {**OBJECT, "status": 6.5}, {**OBJECT, "status": True}, {**OBJECT, "id": ".."}, b"\xff", b"\xef\xbb\xbf{}"]
        for body in rows:
            with self.subTest(body=body), serve(Reply(body=body)) as (url, sent), client(url) as (c, _):
                self.assertRaises(MalformedAnswerError, get, c)
                self.assertRaises(UnknownOutcomeError, patch, c)
                self.assertEqual(len(sent), 2)
        large = json.dumps(OBJECT).encode() + b" " * (1 << 20)
        with serve(Reply(body=large)) as (url, _), client(url) as (c, _):
            self.assertRaises(MalformedAnswerError, get, c)

    def test_a_wrong_base_url_is_not_a_missing_object(self) -> None:
        rows = {"notFound": error(404, "ResourceNotFound"), "noAPI": error(404, "InvalidVersion")}
        for kind, reply in rows.items():
            with serve(reply) as (url, _), client(url) as (c, _):
                with self.assertRaises(GraphError) as caught:
                    get(c)
                self.assertEqual(caught.exception.kind, kind)

    def test_redirects_are_not_followed(self) -> None:
        with serve(Reply(307, {"Location": "/elsewhere"}, b"")) as (url, sent), client(url) as (c, _):
            self.assertEqual((outcome(get, c), len(sent)), ("307", 1))


class Updates(unittest.TestCase):
    def test_conflict_restarts_from_the_current_object(self) -> None:
        newer = Reply(headers={"ETag": '"2"'}, body={**OBJECT, "status": 8})
        with serve(OK, error(412), newer) as (url, sent), client(url) as (c, _):
            c.update("sample", lambda draft: draft.update({"status": draft["status"] + 1, "eTag": None}))
            self.assertEqual([s.method for s in sent], ["GET", "PATCH", "GET", "PATCH"])
            self.assertEqual(json.loads(sent[3].body), {"status": 9, "eTag": None})
            self.assertEqual(sent[3].headers["if-match"], '"2"')

    def test_no_change_sends_nothing(self) -> None:
        with serve(OK) as (url, sent), client(url) as (c, _):
            c.update("sample", lambda draft: None)
            self.assertEqual(len(sent), 1)

    def test_invalid_changes_are_not_sent(self) -> None:
        changes: list[Any] = [lambda draft: draft.pop("status"), lambda draft: draft.update(id="other")]
        for change in changes:
            with serve(OK) as (url, sent), client(url) as (c, _):
                self.assertRaises(ValueError, c.update, "sample", change)
                self.assertEqual(len(sent), 1)

    def test_error_of_the_change_is_raised(self) -> None:
        def change(draft: Any) -> None:
            raise KeyError("enough")

        with serve(OK) as (url, _), client(url) as (c, _):
            self.assertRaises(KeyError, c.update, "sample", change)

    def test_needs_an_entity_tag(self) -> None:
        with serve(Reply(headers={})) as (url, _), client(url) as (c, _):
            self.assertEqual(c.get("sample").etag, "")
            self.assertRaises(NoEntityTagError, c.update, "sample", lambda draft: draft.update({"status": 0}))


class Lists(unittest.TestCase):
    def page(self, objects: list[Any], link: str | None = None) -> Reply:
        return Reply(body={"value": objects} | ({"@odata.nextLink": link} if link is not None else {}))

    def test_options_and_pages(self) -> None:
        with serve(self.page([OBJECT])) as (url, sent), client(url) as (c, _):
            self.assertEqual(list(c.list(filter="status eq 6", select=["id", "status"], top=2)), [OBJECT])
            self.assertEqual(sent[0].path, "/beta/pfxRecryptionRequests?$filter=status%20eq%206&$select=id%2Cstatus&$top=2")

    def test_next_link_to_another_server(self) -> None:
        with serve(OK) as (url, sent), client(url) as (c, _):
            rows = ["http://127.0.0.2:1/beta/x", url + "2/x", url + "/../x", url + "/%2e%2e/x", "/beta/x", url.replace("//", "//me@") + "/x"]
            for link in rows:
                with self.subTest(link):
                    self.assertRaises(MalformedAnswerError, c._core._follow, link)

    def test_repeated_next_link(self) -> None:
        replies: list[Reply] = [self.page([])]
        with serve(*replies) as (url, sent), client(url) as (c, _):
            replies[0].body["@odata.nextLink"] = f"{url}/pfxRecryptionRequests?a"
            with self.assertRaises(MalformedAnswerError):
                list(c.list())
            self.assertEqual(len(sent), 2)


class Tokens(unittest.TestCase):
    def test_a_refused_token_is_replaced_once(self) -> None:
        asked: list[str | None] = []

        def get_token(refused: str | None) -> str:
            asked.append(refused)
            return f"t{len(asked)}"

        with serve(error(401), OK) as (url, sent), client(url, get_token=get_token) as (c, _):
            get(c)
            get(c)
            self.assertEqual(asked, [None, "t1"])
            self.assertEqual([s.headers["authorization"] for s in sent], ["Bearer t1", "Bearer t2", "Bearer t2"])
        with serve(error(401)) as (url, sent), client(url, get_token=get_token) as (c, _):
            self.assertEqual((outcome(get, c), len(sent)), ("401", 2))

    def test_error_of_get_token(self) -> None:
        def get_token(refused: str | None) -> str:
            raise OSError("no token today")

        with serve(OK) as (url, sent), client(url, get_token=get_token) as (c, _):
            self.assertRaisesRegex(TokenError, "get_token failed: no token today", get, c)
            self.assertEqual(sent, [])

    def test_options(self) -> None:
        url = "http://127.0.0.1/beta"
        self.assertRaises(TypeError, Client, url)
        self.assertRaises(TypeError, Client, url, token="t", get_token=lambda _: "t")
        for token in ("", "a b", "a\r\nx: y", "ü"):
            self.assertRaises(ValueError, Client, url, token=token)
        for base in ("", "ftp://x", "http://", "http://me@x/beta", "http://x?y", "http://x#y"):
            self.assertRaises(ValueError, Client, base, token="t")
        self.assertRaises(ValueError, Client, url, token="t", tries=0)


def tearDownModule() -> None:
    HTTP.close()


class Checks(unittest.TestCase):
    """Every member of the document is checked in responses."""

    def test_all_are_checked(self) -> None:
        self.assertEqual(list(answer._CHECKS), list(PfxRecryptionRequest.__annotations__))


if __name__ == "__main__":
    unittest.main()
