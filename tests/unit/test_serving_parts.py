"""The parts of the predict server that need no socket: settings, addresses, messages, self-test."""

import socket

import pytest
from pydantic import ValidationError

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.servers import check_address
from artgrab.images import DecoderFailedError, PictureRefusedError, process_picture
from artgrab.serving import ServingSettings
from artgrab.serving.service import to_message
from artgrab.serving.smoke import smoke_picture
from tests.support.predicting import Brightness


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_SERVING_MAX_PICTURES", "7")
    assert ServingSettings().max_pictures == 7


def test_a_request_that_may_be_sent_must_fit_into_the_queue() -> None:
    with pytest.raises(ValidationError, match="max_queued_pictures must be at least"):
        ServingSettings(max_pictures=65, max_queued_pictures=64)


@pytest.mark.parametrize("listen", ["", "8500", ":8500", "127.0.0.1:", "127.0.0.1:70000", "h:x"])
def test_an_address_that_is_none_is_bad_input(listen: str) -> None:
    with pytest.raises(BadInputError, match=r"--listen: .* is not HOST:PORT"):
        check_address(listen)


def test_a_free_address_is_taken_as_it_is() -> None:
    assert check_address("127.0.0.1:0") == "127.0.0.1"


def test_an_address_of_another_machine_is_told_as_such() -> None:
    with pytest.raises(SurroundingsError, match="choose another"):
        check_address("192.0.2.1:0")


def test_a_port_is_free_again_after_it_was_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first:
        address = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(SurroundingsError, match="in use"):
            check_address(address)
    check_address(address)
    check_address(address)


def test_an_answer_becomes_a_message_with_every_class() -> None:
    message = to_message(Brightness("art", 0.75, {"art": 0.75, "not-art": 0.25}))
    assert (message.label, message.probability, message.error) == ("art", 0.75, "")
    assert {one.label: one.probability for one in message.classes} == {"art": 0.75, "not-art": 0.25}


@pytest.mark.parametrize("error", [PictureRefusedError("svg"), DecoderFailedError("decoder-died")])
def test_a_failure_becomes_one_sentence_that_names_its_reason(error: Exception) -> None:
    message = to_message(error)  # type: ignore[arg-type]  # any kind of error
    assert message.error == f"The picture cannot be read: {error}."
    assert (message.label, message.probability, list(message.classes)) == ("", 0.0, [])


def test_the_picture_of_the_self_test_is_one_that_is_taken() -> None:
    assert process_picture(smoke_picture()).source_format == "png"
