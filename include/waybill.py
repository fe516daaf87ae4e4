"""Check exported files against their manifest, offline: ``python waybill.py verify FILE... MANIFEST``.

For those who receive a file: this one file may be copied alone (which is why it is long). It needs nothing but Python
3.9 or newer; only to check a manifest's signature it needs the packages cryptography and rfc8785.

Exit codes: 0 every file is what the manifest says, 1 one of them is not, 2 something could not be checked.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import unicodedata
import zipfile
import zlib
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VERSION = 1
"""The version of manifests that this tool knows."""

VERIFIED, DIFFERENT, UNCHECKED = 0, 1, 2
"""The exit codes."""

_CHUNK_BYTES = 1024 * 1024
_MANIFEST_BYTES = 64 * 1024 * 1024
"""Longer than a manifest of as many files as an export may have."""

_NAMED = 5
"""How many names a line shows at most."""

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
"""A local file header of a zip up to the name (PKZIP APPNOTE, section 4.3.7)."""

_LOCAL = b"PK\x03\x04"
_UTF8 = 0x800

_EXACT = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""


class Unchecked(Exception):  # noqa: N818 - said of what was given, not of what was found
    """Nothing can be compared; the message says why."""


class Record(NamedTuple):
    """What a manifest says of one file."""

    name: str
    bytes: int
    sha256: str
    crc32: str


class Difference(NamedTuple):
    """In what a file is not what was expected."""

    what: str
    expected: str | int
    found: str | int


class Finding(NamedTuple):
    """What was found of one file, or of one entry of a zip."""

    file: str
    entry: str | None
    record: Record | None
    differences: Sequence[Difference] = ()


class Manifest(NamedTuple):
    """What is needed of a manifest."""

    id: str
    files: Sequence[Record]
    by_name: dict[str, Record]
    content: dict[str, Any]

    def named(self, name: str) -> Record | None:
        """Return the record of that name, however the file system keeps it."""
        return self.by_name.get(_one_way(name))

    def holding(self, sha256: str) -> Record | None:
        """Return the first record of that content."""
        return next((file for file in self.files if file.sha256 == sha256), None)


# Reading a manifest


def read_manifest(path: str) -> Manifest:
    """Read a manifest as the API or the store gives it.

    :raises Unchecked: when it is none, or of a version that this tool does not know.
    """
    content = _json_object(path)
    if "detail" in content and "status" in content:
        raise Unchecked(f"{path} holds an answer of the API, not a manifest: {content['detail']}")
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise Unchecked(f"{path} is of version {version}, and this tool knows {VERSION}: use a newer waybill.py.")
    try:
        if version != VERSION or content["verification"]["verdict"] != "verified":
            raise ValueError  # noqa: TRY301
        files = [_record(file) for file in content["files"]]
        export_id = str(content["id"])
    except (KeyError, TypeError, ValueError):
        raise Unchecked(f"{path} is no manifest of an export, or it is damaged.") from None
    by_name = {_one_way(file.name): file for file in files}
    if not files or len(by_name) < len(files):
        raise Unchecked(f"{path} is damaged: it has no files, or two of one name.")
    return Manifest(export_id, files, by_name, content)


def _json_object(path: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            data = b"".join(_chunks(file, _MANIFEST_BYTES + 1))  # one read would ask for all that memory
    except OSError as error:
        raise Unchecked(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > _MANIFEST_BYTES:
        raise Unchecked(f"{path} is too long for a manifest, which is the last argument: FILE... MANIFEST.")
    try:
        content = json.loads(data, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Unchecked(f"{path} is no manifest, or it is damaged: it is not JSON ({error}). It comes last.") from None
    if not isinstance(content, dict):
        raise Unchecked(f"{path} is no manifest: it is not a JSON object.")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one with a member twice says different things to different readers (RFC 8259, section 4)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member is there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _record(file: dict[str, Any]) -> Record:
    record = Record(file["name"], file["bytes"], file["sha256"], file["crc32"])
    for text, pattern in ((record.name, r".+"), (record.sha256, r"[0-9a-f]{64}"), (record.crc32, r"[0-9a-f]{8}")):
        if not re.fullmatch(pattern, text, re.DOTALL):
            raise ValueError(text)
    if type(record.bytes) is not int or record.bytes < 0:
        raise ValueError(record.bytes)
    return record


def _one_way(name: str) -> str:
    """Return a name in the one of its ways to be written (Unicode, Annex 15) that names are compared in."""
    return unicodedata.normalize("NFC", name)


# Checking files


def check(path: str, manifest: Manifest) -> list[Finding]:
    """Compare a file with its record, or each entry of a zip with its own. The file is read once, in flat memory.

    The record is that of the file's name, else that of its content, else the only one.

    :raises Unchecked: when the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            record = manifest.named(Path(path).name)
            archive = _bundle(file, manifest) if record is None and len(manifest.files) > 1 else None
            if archive is not None:
                return _check_entries(path, file, archive, manifest)
            begin = file.read(_CHUNK_BYTES)
            found = _measure(chain([begin], _chunks(file)))
    except OSError as error:
        raise Unchecked(f"{path} cannot be read: {error.strerror or 'the file system failed'}.") from None
    record = record or manifest.holding(found.sha256) or (manifest.files[0] if len(manifest.files) == 1 else None)
    if record is not None:
        return [Finding(path, None, record, _differences(record, found))]
    what = "a zip that was cut off or damaged" if begin.startswith(_LOCAL) else "another"
    expected = f"one of {_names(file.name for file in manifest.files)}, or the zip of them"
    return [Finding(path, None, None, [Difference("file", expected, f"{what}, sha256 {found.sha256}")])]


def _chunks(file: BinaryIO, length: int = sys.maxsize) -> Iterator[bytes]:
    """Yield the file from where it is, at most so many bytes of it."""
    while chunk := file.read(min(length, _CHUNK_BYTES)):
        yield chunk
        length -= len(chunk)


def _measure(chunks: Iterable[bytes]) -> Record:
    length, crc32, digest = 0, 0, hashlib.sha256()
    for chunk in chunks:
        length += len(chunk)
        crc32 = zlib.crc32(chunk, crc32)
        digest.update(chunk)
    return Record("", length, digest.hexdigest(), f"{crc32:08x}")


def _differences(record: Record, found: Record) -> list[Difference]:
    compared = (
        Difference("bytes", record.bytes, found.bytes),
        Difference("sha256", record.sha256, found.sha256),
        Difference("crc32", record.crc32, found.crc32),
    )
    return [each for each in compared if each.expected != each.found]


def _bundle(file: BinaryIO, manifest: Manifest) -> zipfile.ZipFile | None:
    """Return the zip of several files that the API makes, or None for any other file."""
    if not file.seekable():
        return None
    try:
        archive = zipfile.ZipFile(file)
        if any(manifest.named(info.orig_filename) for info in archive.infolist()):
            return archive
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        pass
    file.seek(0)
    return None


def _check_entries(path: str, file: BinaryIO, archive: zipfile.ZipFile, manifest: Manifest) -> list[Finding]:
    findings: list[Finding] = []
    missing = dict.fromkeys(manifest.files)
    place = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        start = _start(file, info) if info.header_offset == place else None
        if start is None:
            break
        name, record = info.orig_filename, manifest.named(info.orig_filename)
        found = _measure(_chunks(file, info.compress_size))
        differences = [] if record is None else _differences(record, found)
        if record is None:
            differences = [Difference("entry", "only files of the manifest", "one that it does not name")]
        elif record not in missing:
            differences = [Difference("entry", "each file once", "one more of this name")]
        else:
            del missing[record]
        findings.append(Finding(path, name, record, differences))
        place = start + info.compress_size
    if place != archive.start_dir:
        expected = "files as they are, one after the other"
        found_there = f"something else at byte {place}: unpack it and check its files"
        return [Finding(path, None, None, [Difference("zip", expected, found_there)])]
    gone = [Difference("entry", "in the zip", "missing")]
    return findings + [Finding(path, record.name, record, gone) for record in missing]


def _start(file: BinaryIO, info: zipfile.ZipInfo) -> int | None:
    """Go to an entry's content; None where the entry is not as the API stores it.

    What a program unpacks that trusts the local headers is then what one unpacks that trusts the directory.
    """
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        return None
    signature, _, flags, method, *_ = fields = _LOCAL_HEADER.unpack(header)
    name_length, extra_length = map(int, fields[-2:])
    name = file.read(name_length)
    file.read(extra_length)
    same = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace") == info.orig_filename == info.filename
    as_it_is = method == info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
    if signature != _LOCAL or flags & ~_UTF8 or not same or not as_it_is:
        return None
    return info.header_offset + _LOCAL_HEADER.size + name_length + extra_length


# Checking signatures


class Signature(NamedTuple):
    """What was found of a manifest's signature: a word of :data:`SIGNATURES`, and more about it."""

    state: str
    more: str = ""


SIGNATURES = {
    "verified": "signature verified",
    "none": "not signed",
    "not_checked": "signature not checked",
    "missing": "NOT SIGNED",
    "wrong": "SIGNATURE NOT VERIFIED",
}
_NOT_GOOD = {"missing", "wrong"}


def check_signature(manifest: Manifest, keys_path: str | None, *, required: bool) -> Signature:
    """Check who vouches for a manifest: Ed25519 over all the rest of it in the canonical form of RFC 8785.

    :param keys_path: a public key as PEM or JWK, or a JWK Set
    :raises Unchecked: when the keys cannot be read, or a package is missing.
    """
    keys = {} if keys_path is None else _public_keys(keys_path)
    given = manifest.content.get("signature")
    if given is None:
        return Signature("missing" if required else "none")
    if not keys:
        return Signature("not_checked", "no --public-key was given")
    try:
        algorithm, key_id = str(given["algorithm"]), str(given["key_id"])
        value = base64.b64decode(given["value"], validate=True)
    except (KeyError, TypeError, ValueError):
        return Signature("wrong", "it is damaged")
    if algorithm != "Ed25519" or key_id not in keys:
        return Signature("wrong", f"it is by another key ({algorithm}, {key_id})")
    if not _is_signed(manifest.content, keys[key_id], value):
        return Signature("wrong", "the manifest was changed after it was signed")
    return Signature("verified", f"by the key {key_id}")


def _is_signed(content: dict[str, Any], key: bytes, value: bytes) -> bool:
    try:
        import rfc8785
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise Unchecked("To check a signature, install the packages cryptography and rfc8785.") from None
    rest = {name: member for name, member in content.items() if name != "signature"}
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(value, rfc8785.dumps(_exact(rest)))
    except (InvalidSignature, ValueError):  # the second: what has no canonical form was never signed
        return False
    return True


def _exact(value: Any) -> Any:
    """Return JSON content as the API shows it; the store's copy has long integers as numbers."""
    if isinstance(value, dict):
        return {name: _exact(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return str(value) if isinstance(value, int) and abs(value) > _EXACT else value


_SPKI = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 public key in DER (RFC 8410, section 10.1)."""


def _public_keys(path: str) -> dict[str, bytes]:
    """Return keys by their thumbprints (RFC 7638): what a file calls them does not count."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        pem = re.search(r"-----BEGIN PUBLIC KEY-----(.+?)-----END PUBLIC KEY-----", text, re.DOTALL)
        found = [base64.b64decode(pem[1])] if pem else [_SPKI + key for key in _jwks(json.loads(text))]
    except OSError as error:
        raise Unchecked(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = []
    keys = [der[len(_SPKI) :] for der in found if der.startswith(_SPKI) and len(der) == len(_SPKI) + 32]
    if not keys:
        raise Unchecked(f"{path} holds no Ed25519 public key, as PEM, JWK or JWK Set.")
    return {_thumbprint(key): key for key in keys}


def _jwks(given: dict[str, Any]) -> Iterator[bytes]:
    for key in given.get("keys", [given]):
        if key["kty"] == "OKP" and key["crv"] == "Ed25519":
            yield base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))


def _thumbprint(key: bytes) -> str:
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key)}
    return _base64url(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# Telling


class Report(NamedTuple):
    """What is told in the end."""

    export: str | None
    findings: Sequence[Finding]
    not_given: Sequence[str]
    errors: Sequence[str]
    signature: Signature | None = None

    @property
    def code(self) -> int:
        """The exit code."""
        if any(each.differences for each in self.findings) or (self.signature and self.signature.state in _NOT_GOOD):
            return DIFFERENT
        return UNCHECKED if self.errors else VERIFIED

    def lines(self) -> Iterator[str]:
        """Say it to people: a line for each file."""
        yield from map(_line, self.findings)
        if self.findings and self.not_given:
            yield f"Not given, so not checked: {_names(self.not_given)}"
        if self.signature:
            more = f": {self.signature.more}" if self.signature.more else ""
            yield f"Manifest: {SIGNATURES[self.signature.state]}{more}"
        yield from self.errors

    def json(self) -> str:
        """Say it to programs."""
        told = {
            "verified": self.code == VERIFIED,
            "export": self.export,
            "files": [_told(finding) for finding in self.findings],
            "not_given": self.not_given,
            "signature": self.signature._asdict() if self.signature else None,
            "errors": self.errors,
        }
        return json.dumps(told, indent=2)


def verify(paths: Sequence[str], manifest_path: str, *, keys_path: str | None = None, required: bool = False) -> Report:
    """Check files against a manifest, and the manifest's signature with the keys, if it must have one or has one."""
    try:
        manifest = read_manifest(manifest_path)
    except Unchecked as error:
        return Report(None, [], [], [str(error)])
    findings: list[Finding] = []
    errors: list[str] = []
    for path in paths:
        try:
            findings += check(path, manifest)
        except Unchecked as error:
            errors.append(str(error))
    signature = None
    try:
        signature = check_signature(manifest, keys_path, required=required)
    except Unchecked as error:
        errors.append(str(error))
    seen = {finding.record for finding in findings}
    not_given = [file.name for file in manifest.files if file not in seen]
    return Report(manifest.id, findings, not_given, errors, signature)


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _NAMED
    return ", ".join(listed[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _line(finding: Finding) -> str:
    shown = finding.file if finding.entry is None else f"{finding.file}: {finding.entry}"
    if finding.record is None or finding.differences:
        told = "; ".join(f"{what}: expected {expected}, found {found}" for what, expected, found in finding.differences)
        return f"{shown}: NOT VERIFIED: {told}"
    record = finding.record
    alias = "" if finding.entry or Path(finding.file).name == record.name else f" as {record.name}"
    return f"{shown}: verified{alias}: {record.bytes} bytes, sha256 {record.sha256}"


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "entry": finding.entry,
        "name": finding.record.name if finding.record else None,
        "verified": not finding.differences,
        "differences": [difference._asdict() for difference in finding.differences],
    }


def _say(text: str) -> None:
    """Write a line to whatever terminal there is; what names hold cannot steer it."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(shown.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def main(given: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="waybill", description="Check exported files against their manifest.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("verify", help="compare length, SHA-256 and CRC-32 with the manifest's")
    command.add_argument("file", nargs="+", metavar="FILE", help="a file of the export, or the zip of all its files")
    command.add_argument("manifest", metavar="MANIFEST", help="what GET /exports/{id}/manifest answered")
    command.add_argument("--json", action="store_true", help="tell programs instead of people")
    command.add_argument("--public-key", metavar="FILE", help="check the manifest's signature: a PEM, JWK or JWK Set")
    command.add_argument("--require-signature", action="store_true", help="fail where the manifest is not signed")
    arguments = parser.parse_args(given)
    if arguments.require_signature and not arguments.public_key:
        command.error("--require-signature needs --public-key.")
    keys, required = arguments.public_key, arguments.require_signature
    report = verify(arguments.file, arguments.manifest, keys_path=keys, required=required)
    if arguments.json:
        sys.stdout.write(report.json() + "\n")
    else:
        for line in report.lines():
            _say(line)
    return report.code


if __name__ == "__main__":
    sys.exit(main())
