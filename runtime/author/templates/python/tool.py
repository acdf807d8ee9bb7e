"""{{name}}: the title and the number of words of a note."""

from typing import Protocol, TypedDict


class ToolFailure(Exception):
    """A failure that a flow can decide by: `code` is in snake_case, and stays the same."""

    def __init__(self, code: str, message: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class Host(Protocol):
    """What the tool uses of the host."""

    def info(self, line: str) -> None: ...

    def read_text(self, root: str, path: str) -> str: ...


class Input(TypedDict):
    """What the manifest's input schema allows, and nothing else."""

    path: str


class Output(TypedDict):
    """What the manifest's output schema demands."""

    title: str
    words: int


def count(input: Input, host: Host) -> Output:
    """Counts the words of a note."""
    path = input["path"]
    text = host.read_text("notes", path)
    host.info(f"{path} has {len(text)} characters")
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    if not words:
        raise ToolFailure("empty_note", f"`{path}` has no words")
    headings = [line[2:].strip() for line in text.splitlines() if line.startswith("# ")]
    return {"title": headings[0] if headings else path, "words": len(words)}
