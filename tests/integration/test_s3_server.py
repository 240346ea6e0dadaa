"""The S3 server of the tests lives as long as it should, and leaves the machine as it was."""

from threading import Thread

from tests.support.s3 import BUCKET, s3_server


def test_a_server_that_is_killed_leaves_no_socket_behind() -> None:
    with s3_server() as server:
        assert server.socket_files(), "the server has its sockets elsewhere now"
    assert not server.socket_files()


def test_a_server_that_was_started_again_by_a_thread_outlives_the_thread() -> None:
    with s3_server() as server:
        server.kill()
        starting = Thread(target=server.start)
        starting.start()
        starting.join()
        assert server.client().list_buckets()["Buckets"]


def test_a_server_that_was_started_again_has_what_was_stored() -> None:
    with s3_server() as server:
        server.client().put_object(Bucket=BUCKET, Key="a", Body=b"1")
        for _ in range(3):
            server.kill()
            server.start()
            assert server.client().get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"1"
