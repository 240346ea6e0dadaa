"""Licences and creators out of Debian's copyright files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.world.licences import CopyrightFile, licence_url

TEXT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2010, 2011 by Ada Alpha <ada@example.org>
           2014 Ben Beta
License: GPL-3+

Files: images/land/*
Copyright: Various
License: public-domain
 They were donated.

Files: images/land/*-sfiera*
 images/land/beach?.jpg
Copyright: (c) 2015 Chris Pickel (sfiera.net)
License: CC-BY-SA-4.0

License: GPL-3+
 This program is free software.
"""


@pytest.mark.parametrize(
    ("path", "code", "creator"),
    [
        ("src/main.c", "GPL-3+", None),
        ("images/land/city1.jpg", "public-domain", None),
        ("images/land/city1-sfiera.jpg", "CC-BY-SA-4.0", "Chris Pickel"),
        ("images/land/beach1.webp", "CC-BY-SA-4.0", "Chris Pickel"),
    ],
)
def test_the_last_paragraph_that_fits_decides(path, code, creator):
    licence = CopyrightFile(TEXT).licence_of(path)
    assert licence is not None
    assert (licence.code, licence.creator) == (code, creator)


def test_a_file_that_no_paragraph_names_has_no_licence():
    assert CopyrightFile("Files: a/*\nCopyright: X\nLicense: MIT\n").licence_of("b/c.png") is None


@pytest.mark.parametrize(
    ("code", "url"),
    [
        ("CC-BY-SA-3.0", "https://creativecommons.org/licenses/by-sa/3.0/"),
        ("CC-BY-2.0", "https://creativecommons.org/licenses/by/2.0/"),
        ("public-domain", "https://creativecommons.org/publicdomain/mark/1.0/"),
        ("GPL-2", "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html"),
    ],
)
def test_a_known_licence_leads_to_its_text(code, url):
    assert licence_url(code) == url


@given(st.lists(st.sampled_from([*TEXT.splitlines(), "", " ", ":", "Files:", "[a", "\t*"])))
def test_any_text_gives_a_licence_or_none(lines):
    licence = CopyrightFile("\n".join(lines)).licence_of("images/land/city1.jpg")
    assert licence is None or licence.code
