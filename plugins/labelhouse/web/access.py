"""Asks Airflow who is there. The only file of the pages that knows Airflow."""

from __future__ import annotations

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

    Whoever may see Airflow's plugins may read: the navigation entries come from the same permission. Viewer, Op
    and Admin read the same here, because no names of workers are kept.
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
        return Standing.READER if may_read else Standing.WITHOUT_ROLE

    def login_url(self) -> str:
        """The login of whichever auth manager is configured."""
        return get_auth_manager().get_url_login()
