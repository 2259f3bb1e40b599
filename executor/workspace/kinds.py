"""Tell what kind of bytes a file or an output holds.

By its first bytes alone; decodes nothing.
"""

LOOKED_AT = 8192

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"BM", "BMP image"),
    (b"\x00\x00\x01\x00", "icon"),
    (b"%PDF-", "PDF document"),
    (b"PK\x03\x04", "ZIP archive (or a document, a JAR, a wheel)"),
    (b"PK\x05\x06", "empty ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"\x7fELF", "ELF binary"),
    (b"MZ", "Windows binary"),
    (b"\xcf\xfa\xed\xfe", "Mach-O binary"),
    (b"\xca\xfe\xba\xbe", "Java class or Mach-O binary"),
    (b"\x00asm", "WebAssembly module"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"OggS", "Ogg media"),
    (b"ID3", "MP3 audio"),
    (b"fLaC", "FLAC audio"),
    (b"wOFF", "WOFF font"),
    (b"wOF2", "WOFF2 font"),
    (b"!<arch>\n", "static library"),
)
_UTF_16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_TEXT_CONTROLS = b"\t\n\r\f\b\x1b"
_CONTROLS = bytes(set(range(32)) - set(_TEXT_CONTROLS))


def binary_kind(content: bytes) -> str | None:
    """What `content` is, in words, or None if its bytes can be those of a text of single bytes."""
    start = content[:LOOKED_AT]
    if b"\0" not in start and len(start.translate(None, _CONTROLS)) >= 0.7 * len(start):
        return "PDF document" if start.startswith(b"%PDF-") else None
    return None if start.startswith(_UTF_16_BOMS) else signature(content)


def holds_controls(content: bytes) -> bool:
    """Whether there is a control character that no text file has a use for."""
    return len(content.translate(None, _CONTROLS)) < len(content)


def signature(content: bytes) -> str:
    """What `content` is by the bytes at its beginning, 'binary data' for what is not known."""
    start = content[:LOOKED_AT]
    if start.startswith(b"RIFF"):
        return {b"WEBP": "WebP image", b"WAVE": "WAV audio"}.get(start[8:12], "RIFF media")
    if start[257:262] == b"ustar":
        return "tar archive"
    if start[4:8] == b"ftyp":
        return "MP4 or QuickTime media"
    return next((kind for bytes_, kind in _SIGNATURES if start.startswith(bytes_)), "binary data")
