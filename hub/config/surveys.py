"""`surveys`: name → what is asked. Questions are the shipped ones, some of them by key, or a merchant's own."""

from hub.status import LANGUAGES

from .build import Built, Named
from .problems import instead, listed, quoted
from .questions import SHIPPED, Question, QuestionKind, Survey
from .sections import QuestionShape, SurveyShape
from .settings import Reading, read_settings
from .yaml import ListNode, MapNode, Node, Scalar

MOST_QUESTIONS = 12
MOST_CHARACTERS = 300


def build_surveys(entries: Named, reading: Reading) -> Built[Survey]:
    """The surveys that were read well, and the names of all."""
    built: Built[Survey] = Built()
    for name, (key, node) in entries.items():
        built.names[name] = ""
        shape = read_settings(node, SurveyShape, reading, f"survey '{name}'", place=key.place)
        listed_there = node.get("questions") if isinstance(node, MapNode) else None
        questions = _questions(listed_there, shape, reading) if shape is not None else None
        if shape is None or questions is None:
            continue
        if shape.remind is not None and shape.remind >= shape.open:
            reading.report(node, "bad-value", f"survey '{name}' reminds when it is closed already; 'open' is shorter")
            continue
        built.good[name] = Survey(name, shape.template, shape.open, shape.remind, questions)
    return built


def _questions(node: Node | None, shape: SurveyShape, reading: Reading) -> tuple[Question, ...] | None:
    """None after reporting what is wrong with one of them."""
    if shape.questions is None or not isinstance(node, ListNode):
        return tuple(SHIPPED.values())
    read = [_question(at, each, reading) for at, each in zip(node.items, shape.questions, strict=True)]
    good = [each for each in read if each is not None]
    if len(good) < len(read):
        return None
    keys = [each.key for each in good]
    twice = next((at for at, key in enumerate(keys) if key in keys[:at]), None)
    if twice is not None:
        reading.report(node.items[twice], "bad-value", f"two questions of this survey have the key '{keys[twice]}'")
    elif not any(each.marks for each in good):
        reading.report(node, "bad-value", "a survey needs a question that is answered by choosing, not by words alone")
    elif len(good) > MOST_QUESTIONS:
        reading.report(node, "bad-value", f"a survey has at most {MOST_QUESTIONS} questions")
    else:
        return tuple(good)
    return None


def _question(node: Node, read: "str | QuestionShape", reading: Reading) -> Question | None:
    if isinstance(read, str):
        if read not in SHIPPED:
            meant = instead(read, list(SHIPPED), "a shipped question, or one of your own: {key, kind, text}")
            reading.report(node, "bad-value", f"there is no question {quoted(read)}{meant}")
        return SHIPPED.get(read)
    words = node.get("text") if isinstance(node, MapNode) else None
    for language, said in words if isinstance(words, MapNode) else ():
        if language.text not in LANGUAGES:
            meant = instead(language.text, LANGUAGES, "a language of the pages")
            reading.report(language, "bad-locale", f"questions are asked in {listed(LANGUAGES)}{meant}")
            return None
        if isinstance(said, Scalar) and not 0 < len(said.text.strip()) <= MOST_CHARACTERS:
            reading.report(said, "bad-value", f"a question has 1 to {MOST_CHARACTERS} characters")
            return None
    if not read.text:
        reading.report(
            words if words is not None else node,
            "bad-value",
            "a question needs its text in a language: {en: How was it?}",
        )
        return None
    return Question(read.key, QuestionKind(read.kind), {key: said.strip() for key, said in read.text.items()})
