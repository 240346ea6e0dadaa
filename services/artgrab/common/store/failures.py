"""What a failing store says, in words that name what to change.

obstore gives errors as text: the message of the object_store crate, an S3 server's XML and the
crate's debug form. Only what is recognised of it reaches a message, so that no answer of a server
(a StringToSign, for one) gets into a log.
"""

import os
import re

from obstore.exceptions import NotFoundError

from artgrab.common.errors import SurroundingsError

_STATUS = re.compile(r"status code: (\d{3})|\bstatus: (\d{3}),")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>")
_ERRNO = re.compile(r"\(os error (\d{1,3})\)|\bOs \{\s*code: (\d{1,3}),")
_TRANSPORT = re.compile(r"\bkind: (Connect|Request|Timeout|Interrupted|Unknown|Decode)\b")

_BUCKET_RIGHTS = "list, get, put and delete"
_SAYS = {
    "AccessDenied": f"the credentials may not do this; they need {_BUCKET_RIGHTS} in the bucket",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION to it",
    "ExpiredToken": "the session's credentials have expired; get new ones",
    "InvalidAccessKeyId": "the access key is not known there; check AWS_ACCESS_KEY_ID, "
    "AWS_PROFILE or the credentials file",
    "InvalidToken": "the session token is not valid there; check AWS_SESSION_TOKEN",
    "NotImplemented": "this kind of server lacks something artgrab needs; it must know conditional "
    "puts (If-None-Match) and multipart uploads",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION to it",
    "QuotaExceeded": "the quota of the bucket is full; make room, then run the same again",
    "RequestTimeTooSkewed": "the clock of this machine and the server's differ by more than the "
    "server allows; set the clock",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key; check "
    "AWS_SECRET_ACCESS_KEY, AWS_PROFILE or the credentials file",
    "XMinioStorageFull": "the server's disk is full; make room, then run the same again",
}
"""By error code of S3 (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and MinIO."""

_DISK = {
    "No space left on device": "the disk is full; make room, then run the same again",
    "Disk quota exceeded": "the disk quota is full; make room, then run the same again",
    "File too large": "a file may not grow that large here; raise the limit (ulimit -f), then run "
    "the same again",
    "Read-only file system": "the file system is read-only; choose another with --store",
    "Permission denied": "this user may not; change the folder's owner or mode, or choose another "
    "with --store",
    "Is a directory": "a folder is in the way",
    "Not a directory": "a file is in the way",
}
"""By what the system calls it."""

_PASSING_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504})


def is_missing(error: BaseException) -> bool:
    """Tell whether an error says that the key, and no more than the key, is not there."""
    missing = isinstance(error, (NotFoundError, FileNotFoundError))
    return missing and _code(error) != "NoSuchBucket"


def is_conflict(error: BaseException) -> bool:
    """Tell whether two conditional puts met: neither has decided anything (409 of S3)."""
    return _status(error) == 409


def is_passing(error: BaseException) -> bool:
    """Tell whether the same request may go well in a moment."""
    status = _status(error)
    return status in _PASSING_STATUS if status else _TRANSPORT.search(str(error)) is not None


def store_failure(error: BaseException, *, uri: str, key: str = "") -> SurroundingsError:
    """Return the error for people that an error of obstore stands for."""
    where = f"store {uri}, key {key}" if key else f"store {uri}"
    return SurroundingsError(f"{where}: {_explanation(error, uri)}")


def system_error_text(number: int) -> str:
    """Return what to do about an error number of the system, else what the system calls it."""
    name = os.strerror(number)
    return _DISK.get(name, name)


def _explanation(error: BaseException, uri: str) -> str:
    code, status = _code(error), _status(error)
    if code == "NoSuchBucket":
        bucket = uri.removeprefix("s3://").partition("/")[0]
        return f"there is no bucket {bucket}; make it (aws s3 mb s3://{bucket}), or name another"
    if code in _SAYS:
        return f"{_SAYS[code]} ({code})"
    if status:
        return _of_status(status, code)
    if _TRANSPORT.search(str(error)):
        return _of_transport(str(error))
    number = _errno(error)
    return system_error_text(number) if number else _first_line(error)


def _of_status(status: int, code: str) -> str:
    said = f"{status} {code}".strip()
    if status in (401, 403):
        return f"the server refuses the credentials ({said}); they need {_BUCKET_RIGHTS}"
    if status == 404:
        return "nothing of S3 answers there (404); check AWS_ENDPOINT_URL"
    if status == 507:
        return "the server is full (507); make room, then run the same again"
    if 300 <= status < 400:
        return f"the server sends us elsewhere ({said}); check AWS_REGION and AWS_ENDPOINT_URL"
    if status >= 500:
        return f"the server failed ({said}); try again later"
    return f"the server refuses this ({said})"


def _of_transport(text: str) -> str:
    if "dns error" in text:
        why = "its name is not known"
    elif "InvalidContentType" in text:
        why = "it does not speak TLS; does AWS_ENDPOINT_URL begin with http://?"
    elif "InvalidCertificate" in text:
        why = "its certificate is not trusted; set AWS_CA_BUNDLE to its authority's"
    elif (number := _number(_ERRNO.search(text))) != 0:
        why = os.strerror(number)
    elif "kind: Timeout" in text or "TimedOut" in text:
        why = "it does not answer in time"
    else:
        why = "the connection broke"
    return f"the server cannot be reached ({why}); check AWS_ENDPOINT_URL and the network"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _code(error: BaseException) -> str:
    found = _CODE.search(str(error))
    return found[1] if found else ""


def _status(error: BaseException) -> int:
    return _number(_STATUS.search(str(error)))


def _errno(error: BaseException) -> int:
    return _number(_ERRNO.search(str(error)))


def _number(found: re.Match[str] | None) -> int:
    return int(next(group for group in found.groups() if group)) if found else 0
