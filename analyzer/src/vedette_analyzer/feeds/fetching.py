"""Fetches a feed's content into a file: from a URL, if it changed there, or from a file of this machine."""

import errno
import hashlib
import os
import ssl
import stat
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

import certifi
import httpcore
import httpx

from .reaching import Reaching, SourceError, Transport
from .settings import FeedSettings
from .unpacking import unpacked

MAX_REDIRECTS = 4
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
_PART = 2**18
_OK, _NOT_MODIFIED = 200, 304
_LONGEST_TAG = 1_024


class Fetched(NamedTuple):
    """What came: its digest (SHA-256), and what to ask with next time whether it changed."""

    digest: str
    etag: str = ""
    last_modified: str = ""


def fetch(
    feed: FeedSettings, folder: Path, into: BinaryIO, *, etag: str = "", last_modified: str = ""
) -> Fetched | None:
    """Write the content of a feed `into` a file; return `None` where the source says that it is as before.

    `folder` is where relative paths start. Raise `SourceError` where it can't be had.
    """
    limit = feed.max_mib * 2**20
    if feed.url is None:
        return Fetched(_copy(folder / feed.source, into, limit))
    deadline = time.monotonic() + feed.max_seconds
    host = urlsplit(feed.url).hostname
    reaching = Reaching(deadline, host if feed.private else None)
    headers = {"User-Agent": "Vedette", "Accept": "*/*", "Accept-Encoding": "gzip"}
    asked = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers |= {name: value for name, value in asked.items() if value}
    try:
        with httpx.Client(
            transport=Transport(reaching, _trusting(feed.ca and folder / feed.ca)),
            headers=headers,
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
        ) as client:
            answer = _answer(client, feed.url)
            if answer.status_code == _NOT_MODIFIED and (etag or last_modified):
                return None
            if answer.status_code != _OK:
                raise SourceError(f"it answers with an error ({answer.status_code})")
            digest = _keep(_body(answer, limit), into, limit)
            tags = (answer.headers.get(name, "") for name in ("etag", "last-modified"))
            return Fetched(digest, *(tag if len(tag) <= _LONGEST_TAG else "" for tag in tags))
    except (httpcore.TimeoutException, httpx.TimeoutException):
        late = time.monotonic() >= deadline
        raise SourceError(f"not done in {feed.max_seconds} s" if late else "it does not answer") from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise SourceError(_words(error)) from None
    except (httpcore.UnsupportedProtocol, httpx.HTTPError, httpx.InvalidURL):
        raise SourceError("it redirects to what is no address of the web") from None


@cache  # 60 ms, and a file of 300 KiB
def _trusting(ca: Path | None) -> ssl.SSLContext:
    """Return what trusts the system's CAs, Mozilla's, and the operator's for this feed."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    try:
        if ca is not None:
            context.load_verify_locations(ca)
    except OSError as error:  # an ssl.SSLError is one
        raise SourceError(f"{ca}: no certificates to trust: {error.strerror or error}") from None
    return context


def _answer(client: httpx.Client, url: str) -> httpx.Response:
    """Return the answer in the end; each redirect is looked at before it is followed."""
    request = client.build_request("GET", url)
    for _ in range(MAX_REDIRECTS + 1):
        answer = client.send(request, stream=True)
        if answer.next_request is None:
            return answer
        answer.close()
        if request.url.scheme == "https" and answer.next_request.url.scheme != "https":
            raise SourceError("it redirects from https to http")
        request = answer.next_request
    raise SourceError(f"it redirects more than {MAX_REDIRECTS} times")


def _body(answer: httpx.Response, limit: int) -> Iterable[bytes]:
    packed = _bounded(answer.iter_raw(), limit)  # what says nothing when unpacked is still to end
    return unpacked(packed, answer.headers.get("content-encoding", ""))


def _bounded(parts: Iterable[bytes], limit: int) -> Iterable[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > limit:
            raise SourceError(f"larger than {limit >> 20} MiB; 'max_mib' says how large it may be")
        yield part


def _keep(parts: Iterable[bytes], into: BinaryIO, limit: int) -> str:
    digest = hashlib.sha256()
    for part in _bounded(parts, limit):
        digest.update(part)
        into.write(part)
    return digest.hexdigest()


def _copy(path: Path, into: BinaryIO, limit: int) -> str:
    """Copy a file: it may be edited while it is read, and what is kept is what was read."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            return _keep(iter(lambda: file.read(_PART), b""), into, limit)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SourceError(f"{path}: can't be read: {error.strerror}") from None


def _words(error: Exception) -> str:
    """Return what went wrong on the way, as it is known to people who look after servers."""
    cause: object = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({(cause.reason or 'it hangs up').replace('_', ' ').lower()})"
    if isinstance(cause, OSError) and cause.strerror:
        return f"it can't be reached: {cause.strerror}"
    if isinstance(error, httpcore.ProtocolError):
        return "what it answers is cut off, or no HTTP"
    return "it can't be reached"
