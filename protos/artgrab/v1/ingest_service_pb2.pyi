import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_STORED: _ClassVar[Outcome]
    OUTCOME_ALREADY_RECORDED: _ClassVar[Outcome]
    OUTCOME_REJECTED: _ClassVar[Outcome]
    OUTCOME_FAILED: _ClassVar[Outcome]
    OUTCOME_RETRY_LATER: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_STORED: Outcome
OUTCOME_ALREADY_RECORDED: Outcome
OUTCOME_REJECTED: Outcome
OUTCOME_FAILED: Outcome
OUTCOME_RETRY_LATER: Outcome

class IngestRequest(_message.Message):
    __slots__ = ("hello", "batch", "finish")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    batch: Batch
    finish: Finish
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., finish: _Optional[_Union[Finish, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("namespace", "category", "run_id", "token", "filters")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    category: str
    run_id: str
    token: str
    filters: Filters
    def __init__(self, namespace: _Optional[str] = ..., category: _Optional[str] = ..., run_id: _Optional[str] = ..., token: _Optional[str] = ..., filters: _Optional[_Union[Filters, _Mapping]] = ...) -> None: ...

class Filters(_message.Message):
    __slots__ = ("min_side",)
    MIN_SIDE_FIELD_NUMBER: _ClassVar[int]
    min_side: int
    def __init__(self, min_side: _Optional[int] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("candidates",)
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    def __init__(self, candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("candidate_id", "url", "page_url", "source", "query", "partition", "rank", "title", "claimed_width", "claimed_height", "licence", "creator", "page_read", "page_signals", "last_try")
    CANDIDATE_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_WIDTH_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    CREATOR_FIELD_NUMBER: _ClassVar[int]
    PAGE_READ_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIGNALS_FIELD_NUMBER: _ClassVar[int]
    LAST_TRY_FIELD_NUMBER: _ClassVar[int]
    candidate_id: bytes
    url: str
    page_url: str
    source: str
    query: str
    partition: str
    rank: int
    title: str
    claimed_width: int
    claimed_height: int
    licence: Licence
    creator: str
    page_read: bool
    page_signals: _containers.RepeatedScalarFieldContainer[str]
    last_try: bool
    def __init__(self, candidate_id: _Optional[bytes] = ..., url: _Optional[str] = ..., page_url: _Optional[str] = ..., source: _Optional[str] = ..., query: _Optional[str] = ..., partition: _Optional[str] = ..., rank: _Optional[int] = ..., title: _Optional[str] = ..., claimed_width: _Optional[int] = ..., claimed_height: _Optional[int] = ..., licence: _Optional[_Union[Licence, _Mapping]] = ..., creator: _Optional[str] = ..., page_read: _Optional[bool] = ..., page_signals: _Optional[_Iterable[str]] = ..., last_try: _Optional[bool] = ...) -> None: ...

class Licence(_message.Message):
    __slots__ = ("code", "url", "evidence")
    CODE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    code: str
    url: str
    evidence: str
    def __init__(self, code: _Optional[str] = ..., url: _Optional[str] = ..., evidence: _Optional[str] = ...) -> None: ...

class Finish(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class IngestResponse(_message.Message):
    __slots__ = ("welcome", "acks", "credits", "drain")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ACKS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    acks: AckBatch
    credits: Credits
    drain: Drain
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., acks: _Optional[_Union[AckBatch, _Mapping]] = ..., credits: _Optional[_Union[Credits, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("credits",)
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    credits: int
    def __init__(self, credits: _Optional[int] = ...) -> None: ...

class Credits(_message.Message):
    __slots__ = ("candidates",)
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    candidates: int
    def __init__(self, candidates: _Optional[int] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("grace",)
    GRACE_FIELD_NUMBER: _ClassVar[int]
    grace: _duration_pb2.Duration
    def __init__(self, grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AckBatch(_message.Message):
    __slots__ = ("acks",)
    ACKS_FIELD_NUMBER: _ClassVar[int]
    acks: _containers.RepeatedCompositeFieldContainer[Ack]
    def __init__(self, acks: _Optional[_Iterable[_Union[Ack, _Mapping]]] = ...) -> None: ...

class EndRunRequest(_message.Message):
    __slots__ = ("namespace", "category", "run_id", "token", "reason", "problems")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    category: str
    run_id: str
    token: str
    reason: str
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, namespace: _Optional[str] = ..., category: _Optional[str] = ..., run_id: _Optional[str] = ..., token: _Optional[str] = ..., reason: _Optional[str] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class EndRunResponse(_message.Message):
    __slots__ = ("candidates", "stored", "rejected", "failed")
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    candidates: int
    stored: int
    rejected: int
    failed: int
    def __init__(self, candidates: _Optional[int] = ..., stored: _Optional[int] = ..., rejected: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("candidate_id", "outcome", "reason", "retry_after")
    CANDIDATE_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    candidate_id: bytes
    outcome: Outcome
    reason: str
    retry_after: _duration_pb2.Duration
    def __init__(self, candidate_id: _Optional[bytes] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., reason: _Optional[str] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
