"""The envelope: headers, parts, attachments, and that no value can add a header."""

from datetime import datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_cases import Words, letter
from puntual.core.channels.addresses import UnusableAddress, mail_address
from puntual.core.channels.email import Attachment, InlineImage, as_wire, needs_utf8, recipient_of

HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version", "Content-Type",
]  # fmt: skip


def parsed(message):
    return message_from_bytes(as_wire(message), policy=policy.default)


def lines_of(message, part: str) -> list[str]:
    return message.get_body((part,)).get_content().splitlines()


def test_what_a_mail_program_reads_is_what_was_written() -> None:
    seen = parsed(letter(recipient_name="Núñez, Ana", reply_to="Lucía <lucia@ibarra.example>", language="es"))
    assert seen["From"] == "Talleres Ibarra <cobros@ibarra.example>"
    assert seen["To"].addresses[0].display_name == "Núñez, Ana"
    assert seen["Reply-To"] == "Lucía <lucia@ibarra.example>"
    assert seen["Subject"] == "Factura F-1: 1.250,00 €"
    assert seen["Date"] == "Tue, 13 May 2025 09:30:00 +0000"
    assert seen["Content-Language"] == "es"
    assert seen.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in seen.iter_parts()] == ["text/plain", "text/html"]
    assert lines_of(seen, "plain") == Words().text.splitlines()
    assert lines_of(seen, "html") == Words().html.splitlines()


def test_a_conversation_has_one_root_and_the_mail_says_that_a_machine_wrote_it() -> None:
    seen = parsed(letter())
    assert seen["Message-ID"] == "<key1@ibarra.example>"
    assert seen["In-Reply-To"] == seen["References"] == "<customer1@ibarra.example>"
    assert seen["Auto-Submitted"] == "auto-generated"
    assert seen["X-Auto-Response-Suppress"] is None


def test_the_same_message_is_the_same_bytes_in_seven_bits_and_short_lines() -> None:
    wire = as_wire(letter())
    assert wire == as_wire(letter())
    assert wire.isascii()
    assert max(map(len, wire.split(b"\r\n"))) <= 78
    assert b"\n" not in wire.replace(b"\r\n", b"")


def test_attachments_go_along_whole_with_safe_names() -> None:
    content = bytes(range(256)) * 50
    files = (Attachment("../F/2025:1 ñ.pdf", content), Attachment("\r\n", b"x", "text/calendar"))
    seen = parsed(letter(attachments=files))
    assert seen.get_content_type() == "multipart/mixed"
    first, second = seen.iter_attachments()
    assert (first.get_filename(), first.get_content_type(), first.get_content()) == ("_F_2025_1_ñ.pdf", "application/pdf", content)
    assert (second.get_filename(), second.get_content_type()) == ("file", "text/calendar")
    assert lines_of(seen, "plain") == Words().text.splitlines()


def test_a_picture_stands_beside_the_html_that_shows_it() -> None:
    shown, other = (InlineImage(f"{name}.1@ibarra.example", f"{name}.png", b"\x89PNG") for name in ("qr", "other"))
    words = Words(html=f'<p><img src="cid:{shown.content_id}" alt="QR"></p>')
    plain = parsed(letter(words, images=[shown, other]))
    kinds = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert [part.get_content_type() for part in plain.walk()] == kinds
    (image,) = [part for part in plain.walk() if part.get_content_maintype() == "image"]
    assert (image["Content-ID"], image.get_content_disposition(), image.get_filename()) == ("<qr.1@ibarra.example>", "inline", "qr.png")
    assert image.get_content() == b"\x89PNG"
    mixed = parsed(letter(words, images=[shown], attachments=[Attachment("F-1.pdf", b"pdf")]))
    assert [part.get_content_type() for part in mixed.walk()] == ["multipart/mixed", *kinds, "application/pdf"]
    assert [part.get_filename() for part in mixed.iter_attachments()] == ["F-1.pdf"]
    boundaries = [part.get_boundary() for part in mixed.walk() if part.is_multipart()]
    assert len(set(boundaries)) == 3


def test_the_name_of_a_picture_is_checked_because_we_make_it() -> None:
    bad = InlineImage("qr@a>\r\nX: y", "qr.png", b"")
    with pytest.raises(ValueError):
        letter(Words(html=f"cid:{bad.content_id}"), images=[bad])


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ana@nunez.example", "ana@nunez.example"),
        ('"Ana, S.L." <ana@nunez.example>', "ana@nunez.example"),
        ("Ana, S.L. <ana@nunez.example>", "ana@nunez.example"),
        ("ana@Ñandú.example", "ana@xn--and-6ma2c.example"),
        ("o'brien+tag@a-b.example", "o'brien+tag@a-b.example"),
        ("josé@nunez.example", "josé@nunez.example"),
    ],
)
def test_addresses_as_people_write_them(text: str, spec: str) -> None:
    assert mail_address(text).addr_spec == spec


@pytest.mark.parametrize(
    "text",
    [
        *("", "ana", "ana@", "@nunez.example", "ana@nunez", "ana@@nunez.example", "a b@nunez.example", "a..b@nunez.example"),
        *(".a@nunez.example", "ana@nunez..example", "ana@-x-.example", "ana@nunez.example, eva@nunez.example"),
        *("ana@" + "a" * 64 + ".example", "a@b.example\r\nBcc: c@d.example"),
    ],
)
def test_what_is_no_address_is_said_before_anything_is_sent(text: str) -> None:
    with pytest.raises(UnusableAddress):
        letter(recipient=text)


def test_only_letters_before_the_at_need_an_international_server() -> None:
    assert not needs_utf8(letter(recipient="ana@ñandú.example", recipient_name="Ñ"))
    international = letter(recipient="josé@ñandú.example")
    assert needs_utf8(international)
    assert "josé@xn--and-6ma2c.example".encode() in as_wire(international)


@given(name=st.text(max_size=60), subject=st.text(max_size=200), language=st.text(max_size=10), filename=st.text(max_size=60))
def test_no_value_adds_a_header_or_a_recipient(name: str, subject: str, language: str, filename: str) -> None:
    message = letter(
        Words(subject=subject + "\r\nBcc: eve@evil.example"),
        recipient_name=name + "\nBcc: eve@evil.example",
        language=language + "\r\nX-Evil: 1",
        attachments=[Attachment(filename + '\r\n"; X-Evil: 1', b"pdf")],
    )
    seen = parsed(message)
    assert sorted(seen.keys()) == sorted([*HEADERS, "Content-Language"])
    assert [address.addr_spec for address in seen["To"].addresses] == ["ana@nunez.example"] == [recipient_of(message).addr_spec]
    assert set(next(seen.iter_attachments()).keys()) == {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}


def test_ids_and_dates_are_checked_because_we_make_them() -> None:
    for bad in ({"message_id": "<a@b>\r\nX: y"}, {"thread_id": "no id"}, {"date": datetime(2025, 5, 13)}):
        with pytest.raises(ValueError):
            letter(**bad)
