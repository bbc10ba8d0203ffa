"""A card as the pages that people read: the model card, and its summary."""

from evergreen.record.registry.card import markdown, sections, webpage
from evergreen.record.registry.card.document import Block, Command, Document, Heading, Paragraph, listed, number, plain
from evergreen.record.registry.card.values import Card

SHORT = 300  # characters of a text in the summary


def model_card(card: Card) -> Document:
    """Return the model card, under the headings of Mitchell et al. (2019) and what else a reader asks."""
    people = card.people
    parts: dict[str, list[Block]] = {
        "Details": [*sections.details(card), Heading(3, "Parameters"), *sections.parameters(card)],
        "Intended use": [
            listed(people.intended_use),
            Heading(3, "Users, and who is affected"),
            listed(people.users),
            Heading(3, "Out of scope"),
            listed(people.out_of_scope),
        ],
        "Metrics": sections.metrics(card),
        "Classes": sections.classes(card),
        "Slices": sections.slices(card),
        "The gate": sections.gate(card),
        "Calibration and threshold": sections.calibration(card),
        "Data": sections.data(card),
        "Preprocessing": sections.preprocessing(card),
        "Splits": sections.split(card),
        "Columns": sections.columns(card),
        "Limits": sections.limits(card),
        "Ethics, protected and personal columns": sections.ethics(card),
        "Make it again": [
            Paragraph("The same code on the same rows, trained again in a scratch place and compared:"),
            Command(card.reproduce),
            *sections.origin(card),
        ],
        "Go back to it": [
            Paragraph("Model, package, reference profile and limits together, or nothing:"),
            Command(card.rollback),
        ],
    }
    blocks = [block for title, content in parts.items() for block in (Heading(2, title), *content)]
    return Document(
        title=f"{card.details.name}, version {card.details.version}",
        kind="Model card",
        verdict=card.gate.verdict,
        blocks=(Paragraph(card.details.description), *blocks),
    )


def summary(card: Card) -> str:
    """Return the card in a few lines of Markdown, for the description of a registered version."""
    main = next(iter(card.evaluation.metrics), None)
    lines = [_cut(card.details.description)]
    if main:
        ends = f" ({number(main.low)} to {number(main.high)})" if main.low and main.high else ""
        lines.append(
            f"{main.metric} {number(main.value)}{ends} on {number(card.evaluation.judged)} rows that tuning never saw."
        )
    lines.append(f"The gate: {card.gate.verdict}, {_cut(card.gate.reason)}.")
    lines.append(f"Intended use: {_cut(' '.join(card.people.intended_use)) or 'not stated'}")
    lines.append(f"The whole card: evergreen card {card.details.version}")
    return markdown.items(lines)


def _cut(text: str) -> str:
    flat = plain(text)
    return flat if len(flat) <= SHORT else f"{flat[: SHORT - 1]}…"


def files(card: Card) -> dict[str, bytes]:
    """Return the files that stand beside the run of a registered version, by path."""
    document = model_card(card)
    return {"card/card.md": markdown.render(document).encode(), "card/card.html": webpage.render(document).encode()}
