"""The S3 server of the tests leaves the machine as it was."""

from tests.support.s3 import s3_server


def test_a_server_that_is_killed_leaves_no_socket_behind() -> None:
    with s3_server() as server:
        assert server.socket_files(), "the server has its sockets elsewhere now"
    assert not server.socket_files()
