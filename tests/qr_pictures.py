"""Reading payment codes back from their pictures, with a decoder that shares nothing with what drew them."""

import io
import re
from xml.etree import ElementTree as ET

import png
import zxingcpp

SVG = "{http://www.w3.org/2000/svg}"


class Read:
    """What a scanner saw: `text`, and `level` of error correction, `version`, and the white `margin` in pixels."""

    def __init__(self, rows: list[bytes]) -> None:
        image = memoryview(b"".join(rows)).cast("B", shape=[len(rows), len(rows[0])])
        (code,) = zxingcpp.read_barcodes(image, zxingcpp.BarcodeFormat.QRCode)
        self.text, self.level, self.rows = code.text, code.ec_level, rows
        self.margin = next(number for number, row in enumerate(rows) if 0 in row)


def read_png(picture: bytes) -> Read:
    _, _, rows, _ = png.Reader(file=io.BytesIO(picture)).asDirect()
    return Read([bytes(255 * value for value in row) for row in rows])


def read_svg(picture: bytes, scale: int = 4) -> Read:
    """The little of SVG that is used: strokes of one unit along rows (M, m, h), and rectangles in a nested viewBox."""
    root = ET.fromstring(picture)
    side = int(root.attrib["viewBox"].split()[2])
    rows = [bytearray(b"\xff" * side * scale) for _ in range(side * scale)]
    (stroke,) = (path for path in root.iter(f"{SVG}path") if "stroke" in path.attrib)
    x = y = 0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", stroke.attrib["d"]):
        if command == "h":
            _fill(rows, x * scale, y * scale, int(first) * scale, scale, 0)
            x += int(first)
        else:
            x = int(first) + (x if command == "m" else 0)
            y = int(float(second)) + (y if command == "m" else 0)
    for nested in root.iter(f"{SVG}svg"):
        _draw_rectangles(rows, nested, scale)
    return Read([bytes(row) for row in rows])


def _draw_rectangles(rows: list[bytearray], nested: ET.Element, scale: int) -> None:
    if nested.find(f"{SVG}rect") is None:
        return
    left, top, width = (int(nested.attrib[name]) * scale for name in ("x", "y", "width"))
    units = int(nested.attrib["viewBox"].split()[2])
    for rect in nested.iter(f"{SVG}rect"):
        x, y, w, h = (round(int(rect.attrib[name]) * width / units) for name in ("x", "y", "width", "height"))
        _fill(rows, left + x, top + y, w, h, {"#000": 0, "#fff": 255}[rect.attrib["fill"]])


def _fill(rows: list[bytearray], x: int, y: int, width: int, height: int, value: int) -> None:
    for row in rows[y : y + height]:
        row[x : x + width] = bytes([value]) * width
