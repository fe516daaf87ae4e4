"""Everything that lies below a prefix, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.core.store import Listed, Lying, Place

if TYPE_CHECKING:
    from collections.abc import Mapping


def listed(client: Any, bucket: str, prefix: str, *, place: Place, limit: int) -> Listed:
    """Return the page that begins at a place; after the objects come the uploads.

    :param prefix: with its slash, or empty
    """
    page = _uploads if place.uploads else _objects
    return page(client, {"Bucket": bucket, "Prefix": prefix}, place, limit)


def _objects(client: Any, where: Mapping[str, str], place: Place, limit: int) -> Listed:
    prefix = where["Prefix"]
    start = {"StartAfter": prefix + place.after} if place.after else {}
    answer = client.list_objects_v2(**where, **start, MaxKeys=limit)
    items = [Lying(item["Key"].removeprefix(prefix), item["LastModified"]) for item in answer.get("Contents", [])]
    more = items and answer.get("IsTruncated")
    return Listed(items, Place(after=items[-1].key) if more else Place(uploads=True))


def _uploads(client: Any, where: Mapping[str, str], place: Place, limit: int) -> Listed:
    # SeaweedFS gives one of the two markers only, and wants the other one left out.
    markers = {"KeyMarker": place.after, "UploadIdMarker": place.after_upload}
    start = {name: value for name, value in markers.items() if value}
    answer = client.list_multipart_uploads(**where, **start, MaxUploads=limit)
    items = [
        Lying(item["Key"].removeprefix(where["Prefix"]), item["Initiated"], item["UploadId"])
        for item in answer.get("Uploads", [])
    ]
    after = Place(
        uploads=True, after=answer.get("NextKeyMarker", ""), after_upload=answer.get("NextUploadIdMarker", "")
    )
    more = items and answer.get("IsTruncated") and after != place
    return Listed(items, after if more else None)
