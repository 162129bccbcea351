"""Markdown that is expensive for careless parsers: a generator per class, `HOSTILE[name](n)` is about n characters.

The classes are those of CommonMark's reference parser (nested brackets, emphasis runs, backticks, quotes, references,
autolinks, entities, raw HTML) and those that our own steps add (bare addresses, marks, nests under many lines).
"""

from collections.abc import Callable

Generator = Callable[[int], str]


def repeated(unit: str) -> Generator:
    return lambda n: (unit * (n // len(unit) + 1))[:n]


def nested(before: str, middle: str, after: str) -> Generator:
    def generate(n: int) -> str:
        depth = max(1, (n - len(middle)) // (len(before) + len(after)))
        return before * depth + middle + after * depth

    return generate


def numbered(line: Callable[[int], str]) -> Generator:
    def generate(n: int) -> str:
        parts: list[str] = []
        size = 0
        while size < n:
            parts.append(line(len(parts)))
            size += len(parts[-1])
        return "".join(parts)[:n]

    return generate


def under(nest: str, line: str) -> Generator:
    """A deep nest on the first line, then lines that belong to it by laziness."""
    return lambda n: nest * (n // 2 // len(nest)) + "a\n" + line * (n // 2 // len(line))


_REPEATED = (
    "*a ", "**a ", "*a _b ", "a* ", "**a *a ", "_", "*", "*a", "_a", "~~a ", "~a", "*`a`",
    "[a", "a]", "[", "[a](b", "![", "![a](", "*a [b ", "[ (](", "[](", "[a](<b", '[a](b "', "[a](http://b) ", "[a][b]",
    "`", "` a", "`a`", "> ", ">", "> a\n", ">" * 50 + " a\n", "- > ", "- ", "* ", "1. ", "- a\n", "-\n", "- a\n\n",
    "- a\n* b\n", "[a]: u\n", "[a]: b 'c\n", "<http://a", "<", "<http://a>", "<a@b>", "<a@", "mailto:a@",
    "http://a ", "http://a.", "http://a)))) ", "http://a.b)", "http://a.b([", "http://", "www.", "www.a.b ",
    "&quot;", "&", "&#", "&#0;", "<a", "<a b='", "<!--", "<?", "<![CDATA[", "<!A ", "<b>", "</", "<b>\n", "<div>\n\n",
    "\\*", "\\", "a\\\n", "a\n", " ", "\t", "-\t", "\n", "# a\n", "#", "a\n-\n", "---\n", "```\n", "~~~ a\n",
    "    a\n", "    a\n\nb\n", "a|b\n-|-\n", "[^a]", "a", "\u0301", "a\u0301\u200d", "👩‍👩‍👧 ",
    "مرحبا ", '"', "{|", "'\"--...",
)  # fmt: skip

HOSTILE: dict[str, Generator] = {
    **{f"repeated {unit!r}": repeated(unit) for unit in _REPEATED},
    **{
        f"lines {line!r} under {nest!r}": under(nest, line)
        for nest in ("> ", ">", "- ", "* ", "1. ", "- > ")
        for line in ("a\n", "> a\n", "- a\n", " a\n")
    },
    "rule of three": lambda n: "a**b" + "c* " * (n // 3),
    "nested emphasis": nested("*a **a ", "b", " a** a*"),
    "nested del": nested("~~a ", "b", " a~~"),
    "nested brackets": nested("[", "a", "]"),
    "nested images": nested("![", "a", "](b)"),
    "nested links": nested("[", "a", "](http://b)"),
    "open destination": lambda n: "[a](" + "(" * n,
    "balanced destination": lambda n: "[a](" + "(" * (n // 2) + ")" * (n // 2),
    "growing backticks": numbered(lambda i: "e" + "`" * (i % 120 + 1)),
    "indented lists": numbered(lambda i: " " * (2 * min(i, 60)) + "- a\n"),
    "blank lines in a list": lambda n: "- a\n" + "\n" * n + "b",
    "definitions": numbered(lambda i: f"[{i}]: u\n"),
    "open titles": numbered(lambda i: f"[{i}]: http://{i} '\n"),
    "reference bomb": lambda n: "[a]: http://x.org/" + "x" * (n // 2) + "\n\n" + "[a]" * (n // 6),
    "short references": lambda n: "[a]: http://x\n\n" + "[a]" * (n // 3),
    "long label": lambda n: "[" + "a" * n + "]: /u",
    "dots of an address": lambda n: "http://a" + "." * n,
    "brackets of an address": lambda n: "http://a.b/" + "(" * (n // 2) + ")" * (n // 2),
    "underscores of an address": lambda n: "http://a.b/" + "_b" * (n // 2),
    "long entity": lambda n: "&" + "a" * n,
    "attributes": lambda n: "<a " + "b=c " * (n // 4),
    "comment of dashes": lambda n: "a <!-" + "-" * n,
    "inner spaces": lambda n: "a" + " " * n + "b",
    "long heading": lambda n: "a\n" * (n // 2) + "=",
    "table": lambda n: "|" * (n // 3) + "\n" + "|-" * (n // 3),
    "blank code": lambda n: "```\n" + "\n" * n + "a",
}
