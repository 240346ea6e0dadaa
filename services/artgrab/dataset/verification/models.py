"""Models, and the features that are cached for the next one."""

from artgrab.dataset.verification.findings import Findings
from artgrab.dataset.verification.reads import Named
from artgrab.dataset.verification.types import Flaw, Kind
from artgrab.model.documents import MARKER, ModelInfo, content_digest, read_info


def verify_model(findings: Findings, prefix: str) -> None:
    """Verify the model at a prefix; one that a kill left is only noted."""
    keys = findings.keys(prefix)
    marker = f"{prefix}/{MARKER}"
    if marker not in keys:
        findings.report.unfinished.append(prefix)
        return
    found: list[ModelInfo] = []
    if not findings.document(
        marker,
        Kind.MODEL,
        lambda: found.append(read_info(findings.store, prefix)),
        place=prefix,
    ):
        return
    (info,) = found
    if info.input_key != prefix.rpartition("/")[2] or _content(info) != info.content_sha256:
        findings.bad(marker, Kind.MODEL, Flaw.CORRUPT, "its digests do not agree", place=prefix)
    findings.check(
        Named(f"{prefix}/{name}", digest, Kind.MODEL, prefix) for name, digest in info.files.items()
    )
    known = {marker, *(f"{prefix}/{name}" for name in info.files)}
    findings.foreign((key for key in keys if key not in known), kind=Kind.MODEL, place=prefix)


def _content(info: ModelInfo) -> str:
    try:
        return content_digest(info.files)
    except KeyError:
        return ""


def verify_features(findings: Findings, prefix: str) -> None:
    """Verify the cache of features: the name of each object is the digest of its bytes."""
    names = [(key, key.rpartition("/")[2].partition(".")) for key in findings.keys(prefix)]
    findings.foreign(
        (key for key, (digest, _, end) in names if not _is_feature(digest, end)),
        kind=Kind.FEATURES,
        place=prefix,
    )
    findings.check(
        Named(key, digest, Kind.FEATURES, prefix)
        for key, (digest, _, end) in names
        if _is_feature(digest, end)
    )


def _is_feature(digest: str, end: str) -> bool:
    return len(digest) == 64 and end == "safetensors"
