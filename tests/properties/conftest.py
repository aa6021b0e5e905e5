"""Properties are tried within no deadline: machines that run tests are busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("labelhouse", deadline=None)
settings.load_profile("labelhouse")
