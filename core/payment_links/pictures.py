"""Payment codes as pictures, for the screen, for mail and for paper.

Both standards ask for error correction M and no more, so that a code stays as small as it can be (EPC069-12, section 2; Swiss
Implementation Guidelines for the QR-bill, 5.4 and 6.4). The Swiss code has the Swiss cross of 7 mm in the middle of its 46 mm.
"""

import io
from math import ceil

import png as png_files  # type: ignore[import-untyped]
import segno

from .account import NotPossible
from .port import QrPayload, QrStandard

_LARGEST_VERSION = {QrStandard.EPC: 13, QrStandard.SWISS: 25}
_QUIET_MODULES = 4  # ISO/IEC 18004
_SWISS_MM, _SWISS_QUIET_MM = 46, 5
# The guidelines' own drawing of the cross in 36ths of a millimetre: white square of 7 mm, black one of 6 mm, the two bars of the cross.
_SWISS_SIDE = 36 * _SWISS_MM
_CROSS = ((252, 252, "#fff"), (216, 216, "#000"), (42, 140, "#fff"), (140, 42, "#fff"))


def svg(payload: QrPayload) -> bytes:
    """The code as an SVG document of its own, with its white margin, one unit a module; the size is set where it is placed: a Swiss code
    measures 46 mm without its margin. Raises NotPossible when the content is too long for the standard."""
    code = _code(payload)
    border = _border(payload, code)
    out = io.BytesIO()
    code.save(out, kind="svg", border=border, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None, nl=False)
    cross = _svg_cross(_modules(code), border) if payload.standard is QrStandard.SWISS else ""
    return out.getvalue().decode().replace("</svg>", f"{cross}</svg>").encode()


def png(payload: QrPayload, scale: int = 8) -> bytes:
    """The code as a black-and-white PNG with its white margin, `scale` pixels a module. Raises NotPossible as `svg` does."""
    code = _code(payload)
    border = _border(payload, code)
    rows = [bytearray(not dark for dark in row) for row in code.matrix_iter(scale=scale, border=border)]
    if payload.standard is QrStandard.SWISS:
        _stamp_cross(rows, _modules(code) * scale, border * scale)
    out = io.BytesIO()
    png_files.Writer(len(rows), len(rows), greyscale=True, bitdepth=1).write(out, rows)
    return out.getvalue()


def _code(payload: QrPayload) -> segno.QRCode:
    code = segno.make_qr(payload.text.encode(), error="m", boost_error=False)
    if int(code.version) > _LARGEST_VERSION[payload.standard]:
        raise NotPossible(f"the payment code would be larger than version {_LARGEST_VERSION[payload.standard]} of QR codes")
    return code


def _modules(code: segno.QRCode) -> int:
    return int(code.symbol_size(scale=1, border=0)[0])


def _border(payload: QrPayload, code: segno.QRCode) -> int:
    """The white margin in modules: for a Swiss code at least 5 mm at its size of 46 mm (the guidelines, 6.4)."""
    return (
        max(_QUIET_MODULES, ceil(_SWISS_QUIET_MM * _modules(code) / _SWISS_MM)) if payload.standard is QrStandard.SWISS else _QUIET_MODULES
    )


def _svg_cross(modules: int, border: int) -> str:
    bars = "".join(
        f'<rect x="{(_SWISS_SIDE - width) // 2}" y="{(_SWISS_SIDE - height) // 2}" width="{width}" height="{height}" fill="{colour}"/>'
        for width, height, colour in _CROSS
    )
    return f'<svg x="{border}" y="{border}" width="{modules}" height="{modules}" viewBox="0 0 {_SWISS_SIDE} {_SWISS_SIDE}">{bars}</svg>'


def _stamp_cross(rows: list[bytearray], side: int, border: int) -> None:
    """Draw the cross over the pixels; `side` is that of the code without its margin."""
    for width, height, colour in _CROSS:
        left, top = (side * (_SWISS_SIDE - length) // (2 * _SWISS_SIDE) for length in (width, height))
        bar = bytes([colour == "#fff"]) * (side - 2 * left)
        for row in rows[border + top : border + side - top]:
            row[border + left : border + side - left] = bar
