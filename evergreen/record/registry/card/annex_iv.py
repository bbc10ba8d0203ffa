"""The same evidence under the headings of Annex IV of Regulation (EU) 2024/1689, and what only a person can add.

It claims nothing: whether a system is of high risk, and whether it conforms, is for people to say.
"""

from evergreen.record.registry.card import sections
from evergreen.record.registry.card.document import Block, Command, Document, Heading, Paragraph, ToDo, listed
from evergreen.record.registry.card.values import Card

KIND = "Evidence for technical documentation (Regulation (EU) 2024/1689, Annex IV)"
DISCLAIMER = (
    "This page puts what was recorded of one model version under the headings of Annex IV. It is no technical "
    "documentation by itself, and it claims no conformity: a model is a part of a system, and the rest of the system, "
    "its risks and its oversight are not recorded here. What a person has to add is marked."
)


def annex_iv(card: Card) -> Document:
    """Return the page with the nine sections of Annex IV."""
    parts = {
        "1. General description of the AI system": _general(card),
        "2. Elements of the AI system and the process for its development": _elements(card),
        "3. Monitoring, functioning and control of the AI system": _control(card),
        "4. Appropriateness of the performance metrics": _appropriateness(card),
        "5. Risk management system (Article 9)": _risks(card),
        "6. Relevant changes made through the lifecycle": _changes(card),
        "7. Harmonised standards applied": _standards(),
        "8. EU declaration of conformity (Article 47)": _declaration(),
        "9. Evaluation of the performance after placing on the market (Article 72)": _afterwards(card),
    }
    blocks = [block for title, content in parts.items() for block in (Heading(2, title), *content)]
    return Document(
        title=f"{card.details.name}, version {card.details.version}",
        kind=KIND,
        verdict="",
        blocks=(Paragraph(DISCLAIMER), *blocks),
    )


def _general(card: Card) -> list[Block]:
    return [
        Heading(3, "(a) Intended purpose, provider and version"),
        Paragraph(card.details.description),
        listed(card.people.intended_use),
        *_asked(card, "intended_use", "what the system is intended for, in which persons and in which setting."),
        Paragraph("Out of scope:"),
        listed(card.people.out_of_scope),
        *sections.details(card),
        ToDo("the name of the provider of the system, and how this version relates to earlier ones in its use."),
        Heading(3, "(b) to (d) Interaction with other hardware and software, versions, forms of supply"),
        Paragraph("The model answers over HTTP, in batches from files, and from its package, with these packages:"),
        *sections.origin(card),
        ToDo("the systems that ask it and that act on its answers, and the forms in which the system is supplied."),
        Heading(3, "(e) to (h) Hardware, product, user interface, instructions for use"),
        ToDo("the hardware it runs on, the product it is part of, its user interface, and the instructions for use."),
    ]


def _elements(card: Card) -> list[Block]:
    return [
        Heading(3, "(a), (b) Methods and steps of development, and the design of the model"),
        *sections.preprocessing(card),
        Paragraph(f"The search chose the family {card.details.family}, with:"),
        *sections.parameters(card),
        *sections.calibration(card),
        ToDo("why these columns and this target were chosen, what is assumed of persons concerned, and trade-offs."),
        Heading(3, "(c) System architecture and computational resources"),
        ToDo("how the parts of the system build on each other, and the resources used to develop, train and test it."),
        Heading(3, "(d) Data: provenance, scope, characteristics, labelling and cleaning"),
        *sections.data(card),
        *sections.columns(card),
        ToDo("how the data were obtained and selected, how labels came about, and who is missing from them."),
        Heading(3, "(e) Human oversight (Article 14)"),
        *_decided(card),
        ToDo("the measures by which people oversee the answers in use, and how they can interpret and overrule them."),
        Heading(3, "(f) Pre-determined changes"),
        Paragraph(
            "A retrained model is judged by the gate under the policy of the project's parameters before it replaces "
            "this one; each promotion and rollback is an entry of the ledger."
        ),
        ToDo("which changes were determined beforehand, and how compliance is kept through them."),
        Heading(3, "(g) Validation and testing"),
        *sections.split(card),
        *sections.metrics(card),
        Heading(4, "Classes"),
        *sections.classes(card),
        Heading(4, "Slices"),
        *sections.slices(card),
        Heading(4, "Checks of the gate"),
        *sections.gate(card),
        ToDo("test reports dated and signed by the responsible persons."),
        Heading(3, "(h) Cybersecurity"),
        Paragraph("Files of the model are checked against digests before any of them is read; none is a pickle."),
        ToDo("the cybersecurity measures of the system around it."),
    ]


def _decided(card: Card) -> list[Block]:
    return [Paragraph("Who decided about this version, as the ledger says:"), *sections.decisions(card)]


def _control(card: Card) -> list[Block]:
    return [
        Paragraph("Capabilities and limitations:"),
        *sections.limits(card),
        Paragraph("Persons and groups:"),
        *sections.ethics(card),
        *_asked(card, "limitations", "where it is known to fail, and the accuracy for specific persons or groups."),
        *_asked(card, "ethics", "foreseeable unintended outcomes, and risks to health, safety and fundamental rights."),
        Paragraph("Users:"),
        listed(card.people.users),
        ToDo("the human oversight that is needed, and what input data has to be like."),
    ]


def _appropriateness(card: Card) -> list[Block]:
    names = ", ".join(one.metric for one in card.evaluation.metrics)
    return [
        Paragraph(f"The gate judged by {card.gate.metric}. Measured beside it: {names}."),
        ToDo("why these metrics are appropriate for this system, and what an error of either kind means to a person."),
    ]


def _risks(card: Card) -> list[Block]:
    return [
        Paragraph("No risk management system is recorded here. What people say of harm:"),
        listed(card.people.ethics),
        ToDo("the risk management system in accordance with Article 9."),
    ]


def _changes(card: Card) -> list[Block]:
    before = card.details.predecessor
    came = "It replaced no earlier version." if before is None else f"It was promoted over version {before}."
    return [
        Paragraph(f"{came} Every version, decision and reason of the model:"),
        Command("evergreen history"),
        Paragraph("How to make this version again, and how to go back to it:"),
        Command(card.reproduce),
        Command(card.rollback),
        ToDo("changes to the system other than to this model."),
    ]


def _standards() -> list[Block]:
    return [
        Paragraph("None is recorded."),
        ToDo(
            "the harmonised standards applied in full or in part, or else the solutions adopted to meet the "
            "requirements of Chapter III, Section 2, and other standards and specifications applied."
        ),
    ]


def _declaration() -> list[Block]:
    return [
        Paragraph("This page is none, and none is recorded."),
        ToDo("a copy of the EU declaration of conformity, where one is drawn up."),
    ]


def _afterwards(card: Card) -> list[Block]:
    return [
        Paragraph(
            "Windows of rows in use are monitored for drift, and for performance once labels are known "
            f"(after {card.data.label_delay_days} days); what was seen is in:"
        ),
        Command("evergreen history"),
        ToDo("the post-market monitoring plan of Article 72(3)."),
    ]


def _asked(card: Card, name: str, what: str) -> list[Block]:
    """Return the request for what nobody has said."""
    return [ToDo(what)] if name in card.missing else []
