"""Ways to compress a file: one file each, named as the compression is."""

from include.core.compression import Compression
from include.core.registry import Registry

COMPRESSIONS: Registry[Compression] = Registry("include.compressions", Compression)  # type: ignore[type-abstract]
