"""Scripts, styles and icons: read once, served from memory under names that change with their content.

A request is looked up in a dictionary, never on the disk, so no path in it can lead anywhere.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from starlette.responses import Response

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
#: After a login, so no shared cache may keep them.
_FOREVER = "private, max-age=31536000, immutable"
_AN_HOUR = "private, max-age=3600"
_making = Lock()


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    cache_control: str

    def response(self) -> Response:
        return Response(self.body, media_type=self.media_type, headers={"Cache-Control": self.cache_control})


class StaticFiles:
    """The files of one folder, and the Vega runtime."""

    def __init__(self, folder: Path) -> None:
        self._names: dict[str, str] = {}
        self._files: dict[str, _File] = {}
        for path in sorted(folder.iterdir()):
            # a symlink could lead out of the folder
            if path.is_file() and not path.is_symlink() and path.suffix in _MEDIA_TYPES:
                body, media_type = path.read_bytes(), _MEDIA_TYPES[path.suffix]
                hashed = f"{path.stem}.{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"
                self._names[path.name] = hashed
                self._files[hashed] = _File(body, media_type, _FOREVER)
                self._files[path.name] = _File(body, media_type, _AN_HOUR)  # Airflow's navigation asks for these

    def name(self, file: str) -> str:
        """The name to link `file` by."""
        return self._names[file]

    @cached_property
    def runtime_name(self) -> str:
        """The name of the Vega runtime: its content is a function of this package's version."""
        return f"vega-{version('vl-convert-python')}.js"

    def response(self, name: str) -> Response | None:
        """The file that a page linked as `name`, or None. Blocks while the runtime is made, once."""
        if name == self.runtime_name:
            with _making:
                return _File(vega_runtime(), "text/javascript", _FOREVER).response()
        file = self._files.get(name)
        return file.response() if file else None


@cache
def vega_runtime() -> bytes:
    """Vega, Vega-Lite and Vega-Embed as one script that needs nothing else.

    Made in a process of its own (a second or two): bundling takes 120 MB that an api-server would never give back.
    """
    program = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
