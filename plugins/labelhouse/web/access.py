"""Asks Airflow who is there. The only file of the pages that knows Airflow."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import get_user
from fastapi import HTTPException
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from labelhouse.web.guard import Standing

_BEARER = HTTPBearer(auto_error=False)


class AirflowAccess:
    """Airflow's session cookie or bearer token, judged by its auth manager.

    Whoever may see Airflow's plugins may read: the navigation entries come from the same permission. Airflow has no
    permission for names of people, so they are for the role Admin, as the simple auth manager and FAB know it; under
    another auth manager nobody sees them.
    """

    async def standing(self, request: Request) -> Standing:
        """What Airflow says about the sender; any doubt about a token makes it unknown."""
        try:
            user = await get_user(request, None, await _BEARER(request))
        except HTTPException:
            return Standing.UNKNOWN
        # some auth managers ask a database
        may_read = await run_in_threadpool(
            get_auth_manager().is_authorized_view, access_view=AccessView.PLUGINS, user=user
        )
        if not may_read:
            return Standing.WITHOUT_ROLE
        return Standing.ADMIN if await run_in_threadpool(_is_admin, user) else Standing.READER

    def login_url(self) -> str:
        """The login of whichever auth manager is configured."""
        return get_auth_manager().get_url_login()


def _is_admin(user: Any) -> bool:
    """Whether a user has the role Admin: the one role of the simple auth manager, or one of FAB's."""
    roles = getattr(user, "roles", None) or ()
    names = [getattr(user, "role", None), *(getattr(role, "name", None) for role in roles)]
    return any(isinstance(name, str) and name.lower() == "admin" for name in names)
