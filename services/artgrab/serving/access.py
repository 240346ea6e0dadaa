"""What guards the service: TLS and tokens, as its settings name their files."""

from dataclasses import dataclass
from typing import Any, Self

import structlog

from artgrab.common.certificates import server_credentials
from artgrab.common.endpoints import is_loopback
from artgrab.common.servers import listen_endpoint
from artgrab.serving.admissions import Admissions
from artgrab.serving.settings import ServingSettings

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Access:
    """How callers must come."""

    credentials: Any
    """grpc.ServerCredentials; None without TLS."""
    admissions: Admissions | None
    """None where everybody may ask."""

    @classmethod
    def of(cls, settings: ServingSettings) -> Self:
        """Read the files; warn where others than this machine can call and nothing guards.

        Raises:
            BadInputError: certificate, key or tokens are none.
        """
        pair, tokens = settings.tls_pair, settings.tokens_file
        access = cls(
            server_credentials(*pair) if pair else None,
            Admissions(tokens) if tokens else None,
        )
        if not is_loopback(listen_endpoint(settings.listen).host):
            access._warn(settings.listen)
        return access

    def _warn(self, listen: str) -> None:
        if self.credentials is None:
            how = "set ARTGRAB_SERVING_TLS_CERTIFICATE_FILE and _TLS_KEY_FILE"
            _logger.warning("others can reach this server without TLS", listen=listen, unless=how)
        if self.admissions is None:
            how = "set ARTGRAB_SERVING_TOKENS_FILE"
            _logger.warning("others need no token to ask", listen=listen, unless=how)
