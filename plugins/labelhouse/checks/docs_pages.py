"""One table's Data Docs page, by Great Expectations' own renderers; nothing from outside is markup to them.

Its views write what they are given into HTML as it is. So every text that came from outside goes in without one
character that HTML or their templates know; those characters return, escaped, when the page is made. Of the markup
that they make, an allow-list is kept. Importing this takes seconds, unless an `Evaluator` was made before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from html.parser import HTMLParser
from typing import Any

from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl
from great_expectations.render.components import RenderedStringTemplateContent
from great_expectations.render.renderer.content_block.validation_results_table_content_block import (
    ValidationResultsTableContentBlockRenderer,
)
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaSectionView
from markupsafe import Markup

from labelhouse.checks.drawings import picture_svg
from labelhouse.checks.results import as_json

#: What HTML, string templates or Jinja could take for their own, and what stands for it meanwhile.
_SPECIAL = "&<>\"'`${}"
_MASK: dict[int, int | None] = {ord(special): 0xE000 + place for place, special in enumerate(_SPECIAL)}
_UNMASK = {0xE000 + place: escape(special) for place, special in enumerate(_SPECIAL)}
#: Stands where a picture will be; no outside text holds these two characters.
_PICTURE = "\ue100{}\ue101"
_MASK |= {0xE100: None, 0xE101: None}
#: Of the results of Great Expectations' own expectations, what holds no value of a row.
_COUNTS = (
    *("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent"),
    *("unexpected_percent_total", "unexpected_percent_nonmissing"),
)
#: More subjects of one check than this are told on the page Data quality only.
_SHOWN_SUBJECTS = 12
_CRASHED = "It could not be evaluated. The message may quote data and is left out."
_TAGS = frozenset(
    (
        *("div", "span", "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "thead", "tbody", "tr"),
        *("th", "td", "strong", "b", "em", "i", "br", "hr", "code", "pre", "small"),
    )
)
_WITHOUT_END = frozenset(("br", "hr"))
#: Whose content is no text.
_DROPPED = frozenset(("script", "style", "template", "noscript"))
_NO_CLASS = re.compile(r"[^\w -]")


def table_page(suite: str, table_name: str, results: Sequence[ExpectationValidationResult]) -> str:
    """What Great Expectations found in one table, as HTML without a script, a style, a link or an address in it."""
    pictures: list[Markup] = []
    safe = [_safe(result, pictures) for result in results]
    met = sum(bool(result.success) for result in safe)
    validation = ExpectationSuiteValidationResult(
        success=met == len(safe),
        results=safe,
        suite_name=suite.translate(_MASK),
        suite_parameters={},
        statistics={
            "evaluated_expectations": len(safe),
            "successful_expectations": met,
            "unsuccessful_expectations": len(safe) - met,
            "success_percent": 100 * met / len(safe) if safe else None,
        },
        meta={"batch_spec": {"data_asset_name": table_name.translate(_MASK)}},
    )
    sections = _renderer().render(validation).to_json_dict()["sections"][:-1]  # the last names versions only
    html = "".join(
        _view().render({"section": _without_scripted(section), "section_loop": {"index": number}})
        for number, section in enumerate(sections, 1)
    )
    text = _Allowed(html).text.translate(_UNMASK)
    for number, picture in enumerate(pictures):
        text = text.replace(_PICTURE.format(number), picture)
    return text


class SentencesTable(ValidationResultsTableContentBlockRenderer):
    """Great Expectations' table of results, and what the file says about each check: its sentence, what to do."""

    @classmethod
    def _get_content_block_fn(cls, expectation_type: str, expectation_config: Any = None) -> Any:  # noqa: ARG003
        make_rows: Any = super()._get_content_block_fn(expectation_type)  # no description: sentences are ours

        def rows_with_sentences(**arguments: Any) -> list[Any]:
            rows: list[list[Any]] = make_rows(**arguments)
            for row in rows:
                own = row[1] if isinstance(row[1], list) else [row[1]]
                row[1] = [*_sentences(arguments["result"]), *own]
            return rows

        return rows_with_sentences


@cache
def _renderer() -> Any:
    table = {"class_name": SentencesTable.__name__, "module_name": __name__}
    columns = {"class_name": "ValidationResultsColumnSectionRenderer", "table_renderer": table}
    return ValidationResultsPageRenderer(column_section_renderer=columns, run_info_at_end=True)


@cache
def _view() -> Any:
    return DefaultJinjaSectionView()


def _sentences(result: ExpectationValidationResult) -> list[RenderedStringTemplateContent]:
    """Lines for the cell of one expectation; the class of each says what it is."""
    meta, details = _config(result).meta or {}, _details(result)
    lines = [("sentence", meta.get("sentence"))]
    for found in details.get("subjects") or [details]:
        lines += [(name, found.get(name)) for name in ("subject", "finding", "picture")]
    if not result.success:
        lines.append(("what-to-do", meta.get("what_to_do")))
    return [
        RenderedStringTemplateContent(
            content_block_type="string_template",
            string_template={
                "template": "$text",
                "params": {"text": text},
                "tag": "div",
                "styling": {"classes": [name]},
            },
        )
        for name, text in lines
        if text
    ]


def _safe(result: ExpectationValidationResult, pictures: list[Markup]) -> ExpectationValidationResult:
    """A copy that quotes no row and whose texts are no markup. Its pictures go to `pictures`, their places stay."""
    config, details = _config(result), _details(result)
    is_raised = _is_raised(result.exception_info)
    kept = _masked(_without_values(config, result.result or {}))
    if details:
        subjects = details.pop("subjects", None) or ()
        kept["details"] = _safe_details(details, pictures)
        kept["details"]["subjects"] = [_safe_details(each, pictures) for each in subjects[:_SHOWN_SUBJECTS]]
    return ExpectationValidationResult(
        success=result.success,
        expectation_config=ExpectationConfiguration(
            type=config.type, kwargs=_masked(config.kwargs), meta=_masked(dict(config.meta or {}))
        ),
        result={} if is_raised else kept,
        exception_info={
            "raised_exception": is_raised,
            "exception_message": _CRASHED if is_raised else None,
            "exception_traceback": "" if is_raised else None,
        },
        meta={},
    )


def _safe_details(details: Mapping[str, Any], pictures: list[Markup]) -> dict[str, Any]:
    safe: dict[str, Any] = _masked({name: value for name, value in details.items() if name != "picture"})
    if picture := picture_svg(details.get("picture")):
        safe["picture"] = _PICTURE.format(len(pictures))
        pictures.append(picture)
    return safe


def _without_values(config: ExpectationConfiguration, result: Mapping[str, Any]) -> dict[str, Any]:
    """The counts, and of what was observed the numbers; names only where they are names of columns."""
    kept = {name: result[name] for name in _COUNTS if name in result}
    observed = as_json(result.get("observed_value"), names_allowed=_is_of_columns(config))
    return kept if observed is None else kept | {"observed_value": json.loads(observed)}


def _details(result: ExpectationValidationResult) -> dict[str, Any]:
    """What an expectation says besides; only those of this house and those of tables' shapes quote no row there."""
    config = _config(result)
    is_own = not get_expectation_impl(config.type).__module__.startswith("great_expectations.")
    found = (result.result or {}).get("details") if is_own or _is_of_columns(config) else None
    return dict(found or {})


def _config(result: ExpectationValidationResult) -> ExpectationConfiguration:
    assert result.expectation_config, "a result of a validation names its expectation"
    return result.expectation_config


def _is_of_columns(config: ExpectationConfiguration) -> bool:
    return config.type.startswith("expect_table_column")


def _is_raised(info: Mapping[str, Any] | None) -> bool:
    """Whether `exception_info` holds an exception: itself, or one for each metric that failed."""
    return bool(info) and bool((info or {}).get("raised_exception", True))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return value.translate(_MASK)
    if isinstance(value, Mapping):
        return {_masked(name): _masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(each) for each in value]
    return value


def _without_scripted(block: Any) -> Any:
    """A rendered block without what only a script would draw or open: pictures stand for charts."""
    if isinstance(block, Mapping):
        return {name: _without_scripted(each) for name, each in block.items()}
    if isinstance(block, list):
        return [_without_scripted(each) for each in block if not _is_scripted(each)]
    return block


def _is_scripted(block: Any) -> bool:
    return isinstance(block, Mapping) and block.get("content_block_type") in ("graph", "collapse")


class _Allowed(HTMLParser):
    """Keeps text and elements that only arrange it, with nothing but their classes."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._dropped = 0
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """The HTML that is left."""
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropped += 1
        elif tag in _TAGS and not self._dropped:
            classes = _NO_CLASS.sub("", dict(attrs).get("class") or "").strip()
            self._parts.append(f'<{tag} class="{classes}">' if classes else f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropped = max(0, self._dropped - 1)
        elif tag in _TAGS - _WITHOUT_END and not self._dropped:
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            self._parts.append(escape(re.sub(r"\s+", " ", data)))
