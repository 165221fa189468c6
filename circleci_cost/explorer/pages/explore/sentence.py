"""The sentence of the chart: what the canvas shows, in words."""

from circleci_cost.explorer.chart_sentences import change_sentence
from circleci_cost.explorer.pages.explore.figures import Figures
from circleci_cost.explorer.periods import before_words
from circleci_cost.text.amounts import WIDE, percent
from circleci_cost.text.plain import cut

_NAME = 60


def sentence_of(figures: Figures) -> str:
    """How the figure changed, and which group is the largest."""
    state, metric = figures.state, figures.state.metric
    sentence = _change(figures)
    largest = next((row for row in figures.groups.rows if not row.rest), None)
    value = metric.of(largest.amount) if largest else None
    if largest is None or not state.by or value is None:
        return sentence
    name = cut(" · ".join(largest.values), _NAME)
    if metric.is_sum and figures.total:
        return f"{sentence} The largest part is {name} with {percent(WIDE.divide(value, figures.total))}."
    return f"{sentence} The highest is {name} with {metric.text(value)}."


def _change(figures: Figures) -> str:
    metric, change = figures.state.metric, figures.change
    subject = metric.words.capitalize()
    if figures.unknown:
        return f"{subject} is not known: {figures.unknown}."
    if figures.is_cut and figures.before:
        # Not the amount of the card: that is of all days, these are the complete ones.
        subject = f"{subject} of {figures.before.compared.current}"
    return change_sentence(
        subject,
        change[0] if change else figures.total,
        change[1] if change else None,
        unit=metric.unit,
        against=before_words(figures.before.compared) if figures.before else "",
        withheld=_within(figures.withheld or ""),
    )


def _within(sentence: str) -> str:
    """A sentence as a part of another one."""
    return f"{sentence[:1].lower()}{sentence[1:].removesuffix('.')}"
