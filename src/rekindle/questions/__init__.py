"""Ten questions that the model must be able to answer: sentences, figures, numbers, and what was published.

>>> [question.number for question in questions()][:1]
[1]
"""

from rekindle.questions._answer import Answer, Findings, answer_question
from rekindle.questions._page import (
    answer_page,
    facts,
    published_table,
    quantity_cells,
    quantity_table,
    source_table,
    write_answer,
)
from rekindle.questions._published import Beside, cells
from rekindle.questions._quantity import Quantity
from rekindle.questions._question import Published, Question, find_question, questions

__all__ = [
    "Answer",
    "Beside",
    "Findings",
    "Published",
    "Quantity",
    "Question",
    "answer_page",
    "answer_question",
    "cells",
    "facts",
    "find_question",
    "published_table",
    "quantity_cells",
    "quantity_table",
    "questions",
    "source_table",
    "write_answer",
]
