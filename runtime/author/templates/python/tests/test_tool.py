import unittest

import tool


class Notes:
    """A host made of a few notes."""

    def __init__(self, **notes: str) -> None:
        self.notes = notes
        self.lines: list[str] = []

    def info(self, line: str) -> None:
        self.lines.append(line)

    def read_text(self, root: str, path: str) -> str:
        return self.notes[path]


class CountTest(unittest.TestCase):
    def test_words_and_title_are_found(self) -> None:
        host = Notes(a="# Бах\n\nдва - слова")
        self.assertEqual(tool.count({"path": "a"}, host), {"title": "Бах", "words": 3})
        self.assertEqual(host.lines, ["a has 18 characters"])

    def test_a_note_without_words_is_a_failure(self) -> None:
        with self.assertRaises(tool.ToolFailure) as raised:
            tool.count({"path": "empty"}, Notes(empty="\n"))
        self.assertEqual(raised.exception.code, "empty_note")
