"""The store: objects by key in a folder or a bucket, and one process at a time that collects."""

from artgrab.common.store.store import ObjectInfo, Store

__all__ = ["ObjectInfo", "Store"]
