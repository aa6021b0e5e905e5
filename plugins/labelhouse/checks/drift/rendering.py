"""What Data Docs show of a drift: a sentence with its statistic and threshold, and the findings with their pictures.

Names of subjects and categories are data: they are parameters of Great Expectations' templates or text of a picture,
and whoever writes the page escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from great_expectations.render.components import (
    RenderedContentBlockContainer,
    RenderedGraphContent,
    RenderedStringTemplateContent,
)

from labelhouse.checks.drift.findings import STATISTIC_NAMES
from labelhouse.checks.pictures import vega_lite

#: Subjects that are shown of a check; the number of the others is said.
SHOWN_SUBJECTS = 8


def prescribed(arguments: Mapping[str, Any], sentence: str | None) -> list[RenderedStringTemplateContent]:
    """What is expected.

    Args:
        arguments: of the expectation, defaults filled in.
        sentence: as its file says it; None where there is none.
    """
    template = (
        "$sentence $statistic of $column at most $threshold, or by chance with p above $highest_p_value; "
        "of at least $least_reference_count values in the reference and $least_current_count in the current window."
    )
    names = ("column", "threshold", "least_reference_count", "least_current_count")
    params = {name: str(arguments.get(name)) for name in names} | {
        "sentence": sentence or "",
        "statistic": STATISTIC_NAMES.get(arguments["statistic"], arguments["statistic"]),
        "highest_p_value": f"{arguments['highest_p_value']:.2g}",
    }
    return [_text(template, params)]


def observed(details: Mapping[str, Any]) -> RenderedContentBlockContainer:
    """What was found, those that drift first.

    Args:
        details: of the result: `subjects`, as `Judged.details` makes them, those that matter most first.
    """
    subjects = details.get("subjects", ())
    blocks: list[Any] = []
    for subject in subjects[:SHOWN_SUBJECTS]:
        blocks.append(_text("$finding", {"finding": subject["finding"]}))
        if isinstance(subject["picture"], Mapping):  # whoever draws otherwise puts something else there
            styling = {"classes": ["col-6", "mt-2"], "parent": {"styles": {"list-style-type": "none"}}}
            blocks.append(RenderedGraphContent(graph=vega_lite(subject["picture"]), styling=styling))
    if len(subjects) > SHOWN_SUBJECTS:
        blocks.append(_text("And $count others.", {"count": str(len(subjects) - SHOWN_SUBJECTS)}))
    if not subjects:
        blocks.append(_text("There are no values.", {}))
    return RenderedContentBlockContainer(content_blocks=blocks)


def _text(template: str, params: dict[str, str]) -> RenderedStringTemplateContent:
    return RenderedStringTemplateContent(
        content_block_type="string_template", string_template={"template": template, "params": params}
    )
