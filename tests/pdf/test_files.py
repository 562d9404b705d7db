"""Names of downloads: no characters that break a header, hide the ending, or name a folder."""

from __future__ import annotations

import pytest

from app.kernel.http.app import Hub
from app.pdf import files


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("note-1-A\r\nSet-Cookie: x.pdf", "note-1-A__Set-Cookie: x.pdf"),
        ("note-\u202efdp.exe\u200b.pdf", "note-fdp.exe.pdf"),
        ("a\x00b\x85c\u2028d\u2029e.pdf", "a_b_c_d_e.pdf"),
        ("../../etc\\x.pdf", ".._.._etc_x.pdf"),
        ("fatura-Ş-卷.pdf", "fatura-Ş-卷.pdf"),
    ],
)
@pytest.mark.usefixtures("each_storage")
def test_a_file_name_is_safe(app: Hub, name: str, safe: str) -> None:
    assert files.safe_file_name(name) == safe
    files.write("x.pdf", b"%PDF")
    with app.test_request_context():
        stored = files.find_file("x.pdf", "0" * 64, name)
        assert stored is not None
        answer = files.send_pdf(stored, download=True)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    answer.close()
