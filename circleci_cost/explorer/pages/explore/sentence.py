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
    change = figures.change
    sentence = change_sentence(
        metric.words.capitalize(),
        change[0] if change else figures.total,
        change[1] if change else None,
        unit=metric.unit,
        against=before_words(figures.before.compared) if figures.before else "",
        withheld=figures.withheld or "",
    )
    largest = next((row for row in figures.groups.rows if not row.rest), None)
    value = metric.of(largest.amount) if largest else None
    if largest is None or not state.by or value is None:
        return sentence
    name = cut(" · ".join(largest.values), _NAME)
    if metric.is_sum and figures.total:
        return f"{sentence} The largest part is {name} with {percent(WIDE.divide(value, figures.total))}."
    return f"{sentence} The highest is {name} with {metric.text(value)}."
