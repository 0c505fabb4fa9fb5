"""huggingface_hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import pytest
from huggingface_hub import AsyncInferenceClient, HfApi, InferenceClient, hf_hub_download
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, http_backoff

from tests.sdks.calls import LIMIT, Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import BROKEN, STALLED, Answer, Server, answer_events, answer_json, answer_text

calls = Calls("huggingface_hub")

COMMIT = "a" * 40

MODEL = {"_id": "1", "id": "o/m", "sha": COMMIT, "private": False, "siblings": [{"rfilename": "a.txt"}], "tags": ["t"]}

QUESTION = [{"role": "user", "content": "Où est-ce ?"}]

COMPLETION: dict[str, Any] = {
    "id": "c1",
    "created": 1,
    "model": "m",
    "system_fingerprint": "f",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Là-bas."}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def api(server: Server) -> HfApi:
    """The hub, where the server is."""
    return HfApi(endpoint=server.url, token="hf_test")


def head(body: bytes, **more: str) -> Answer:
    """Return what the hub says of a file that it has."""
    named = {"ETag": '"e1"', "X-Repo-Commit": COMMIT, "Content-Length": str(len(body)), **more}
    return Answer(200, tuple((name.replace("_", "-"), value) for name, value in named.items()), body)


@contextmanager
def session(**options: Any) -> Iterator[Any]:
    """Have the library use a client of the caller."""
    huggingface_hub.set_client_factory(lambda: httpx.Client(**options))
    try:
        yield get_session()
    finally:
        huggingface_hub.close_session()
        huggingface_hub.set_client_factory(huggingface_hub.utils._http.default_client_factory)


@calls
def constructs(server: Server) -> Any:
    made = get_session()
    return [made.headers, made.timeout, made.follow_redirects, get_session() is made, build_hf_headers(token="hf_test")]


@calls
def model_info(server: Server) -> Any:
    server.answer(answer_json(MODEL))
    return api(server).model_info("o/m", revision="main", files_metadata=True)


@calls
def lists_models(server: Server) -> Any:
    """The next page is named by a Link field."""
    link = f'<{server.url}/api/models?cursor=2>; rel="next"'
    server.answer(answer_json([MODEL], Link=link), answer_json([{**MODEL, "id": "o/n"}]))
    return [model.id for model in api(server).list_models(author="o", limit=5)]


@calls
def whoami(server: Server) -> Any:
    server.answer(answer_json({"name": "ann", "type": "user"}), answer_json({"error": "no"}, 401))
    return [api(server).whoami(), raised(api(server).whoami)]


def refused(status: int, code: str = "") -> Any:
    """A call whose answer is an error."""

    def call(server: Server) -> Any:
        named = {"X_Error_Code": code, "X_Error_Message": f"This is {status}."} if code else {}
        server.answer(answer_json({"error": "Wrong."}, status, X_Request_Id="req", **named))
        return api(server).model_info("o/m")

    call.__name__ = f"refused_with_{status}{code}"
    return call


for status, code in (
    (400, ""),
    (401, ""),
    (401, "RepoNotFound"),
    (403, ""),
    (403, "GatedRepo"),
    (404, ""),
    (404, "RevisionNotFound"),
    (404, "EntryNotFound"),
    (416, ""),
    (429, ""),
    (500, ""),
):
    calls(refused(status, code))


@calls
def downloads(server: Server) -> Any:
    """A file is asked for by HEAD, then by GET, and kept."""
    server.answer(head(b"content"), head(b"content"))
    path = hf_hub_download("o/m", "a.txt", endpoint=server.url, cache_dir="one")
    return [Path(path).relative_to(Path.cwd()).parts[1:], Path(path).read_bytes()]


@calls
def does_not_download_twice(server: Server) -> Any:
    server.answer(head(b"content"))
    return Path(hf_hub_download("o/m", "a.txt", endpoint=server.url, cache_dir="one")).read_bytes()


@calls
def follows_to_the_file(server: Server) -> Any:
    """A redirect inside the hub is followed, and one to another place tells where the file is."""
    moved = Answer(307, (("Location", "/o/m2/resolve/main/b.txt"), ("Content-Length", "0")))
    server.answer(moved, head(b"content"), moved, head(b"content"))
    return Path(hf_hub_download("o/m", "b.txt", endpoint=server.url, cache_dir="two")).read_bytes()


@calls
def tries_a_download_again(server: Server) -> Any:
    """What broke off is asked for once more."""
    broken = Answer(200, (("ETag", '"e1"'), ("Content-Length", "7")), b"con", breaks=True)
    server.answer(head(b"content"), broken, head(b"content"))
    return Path(hf_hub_download("o/m", "c.txt", endpoint=server.url, cache_dir="three")).read_bytes()


@calls
def downloads_all(server: Server) -> Any:
    for name in ("a.txt", "b.txt"):
        server.route("HEAD", f"/o/m/resolve/{COMMIT}/{name}", head(name.encode()))
        server.route("GET", f"/o/m/resolve/{COMMIT}/{name}", head(name.encode()))
    files = [{"rfilename": "a.txt"}, {"rfilename": "b.txt"}]
    server.route("GET", "/api/models/o/m/revision/main", answer_json({**MODEL, "siblings": files}))
    tree = [{"type": "file", "path": name, "size": 5, "oid": "1"} for name in ("a.txt", "b.txt")]
    server.route("GET", f"/api/models/o/m/tree/{COMMIT}", answer_json(tree))
    kept = huggingface_hub.snapshot_download("o/m", endpoint=server.url, cache_dir="four", max_workers=1)
    return sorted(os.listdir(kept))


@calls
def uploads(server: Server) -> Any:
    """A small file goes inside of the commit, as lines of JSON."""
    server.route("GET", "/api/models/o/m", answer_json(MODEL))
    server.route("POST", "/api/validate-yaml", answer_json({"errors": [], "warnings": []}))
    preupload = {"files": [{"path": "a.txt", "uploadMode": "regular", "shouldIgnore": False}]}
    server.route("POST", "/api/models/o/m/preupload/main", answer_json(preupload))
    done = {"commitUrl": f"{server.url}/o/m/commit/{COMMIT}", "commitOid": COMMIT, "success": True}
    server.route("POST", "/api/models/o/m/commit/main", answer_json(done))
    return api(server).upload_file(path_or_fileobj=b"content", path_in_repo="a.txt", repo_id="o/m")


@calls
def creates_and_deletes(server: Server) -> Any:
    server.answer(answer_json({"url": f"{server.url}/o/m", "name": "o/m"}), Answer(200))
    return [str(api(server).create_repo("o/m", private=True)), api(server).delete_repo("o/m")]


@calls
def tries_again(server: Server) -> Any:
    server.answer(answer_text("down", 503), BROKEN, answer_text("ok"))
    return http_backoff("GET", f"{server.url}/x", base_wait_time=0, max_wait_time=0)


@calls
def gives_up(server: Server) -> Any:
    server.answer(BROKEN, BROKEN)
    return http_backoff("GET", f"{server.url}/x", base_wait_time=0, max_retries=1)


@calls
def times_out(server: Server) -> Any:
    server.answer(STALLED)
    return api(server).model_info("o/m", timeout=LIMIT)


@calls
def raises_for_status(server: Server) -> Any:
    server.answer(answer_text("gone", 410))
    return raised(hf_raise_for_status, get_session().get(f"{server.url}/x", params={"token": "hf_secret"}))


@calls
def cannot_connect(server: Server) -> Any:
    return HfApi(endpoint="http://127.0.0.1:1").model_info("o/m")


@calls
def custom_client(server: Server) -> Any:
    """The client that a factory makes is used by all of the library."""
    server.answer(answer_json(MODEL), head(b"content"), head(b"content"))
    with session(headers={"X-Mine": "1"}, follow_redirects=True) as mine:
        info = api(server).model_info("o/m")
        path = hf_hub_download("o/m", "d.txt", endpoint=server.url, cache_dir="five")
        return [info.id, Path(path).read_bytes(), get_session() is mine, mine.is_closed]


@calls
def mock_transport(server: Server) -> Any:
    with session(transport=httpx.MockTransport(lambda request: httpx.Response(200, json=MODEL))):
        return api(server).model_info("o/m")


@calls
def infers(server: Server) -> Any:
    server.answer(answer_json(COMPLETION), answer_json([{"label": "x", "score": 0.5}]))
    with InferenceClient(base_url=server.url, api_key="hf_test") as client:
        chat = client.chat.completions.create(QUESTION, max_tokens=5)
    with InferenceClient(model=f"{server.url}/models/m", headers={"X-Mine": "1"}) as client:
        return [chat, client.text_classification("x")]


@calls
def infers_in_a_stream(server: Server) -> Any:
    pieces = [{**COMPLETION, "choices": [{"index": 0, "delta": {"role": "a", "content": text}}]} for text in "àé"]
    server.answer(answer_events(*pieces, "data: [DONE]\n\n"))
    with InferenceClient(base_url=server.url, api_key="hf_test") as client:
        return list(client.chat_completion(QUESTION, stream=True))


@calls
async def infers_in_a_loop(server: Server) -> Any:
    pieces = [{**COMPLETION, "choices": [{"index": 0, "delta": {"role": "a", "content": text}}]} for text in "àé"]
    server.answer(answer_json(COMPLETION), answer_events(*pieces, "data: [DONE]\n\n"))
    async with AsyncInferenceClient(base_url=server.url, api_key="hf_test") as client:
        whole = await client.chat_completion(QUESTION)
        return [whole, [piece async for piece in await client.chat_completion(QUESTION, stream=True)]]


@calls
def inference_times_out(server: Server) -> Any:
    server.answer(STALLED)
    with InferenceClient(base_url=server.url, timeout=LIMIT) as client:
        return client.chat_completion(QUESTION)


@calls
async def inference_is_refused(server: Server) -> Any:
    server.answer(answer_json({"error": "Overloaded."}, 422))
    async with AsyncInferenceClient(base_url=server.url, api_key="hf_test") as client:
        return await client.chat_completion(QUESTION)


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_huggingface_hub", name)
