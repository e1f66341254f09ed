"""A mailbox to read by IMAP (RFC 3501, the little that reading bounces needs)."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from hub.clock import Clock
from hub.plugin.sandbox import Entry, Ledger

from ._sandbox_tls import Authority, authority
from ._sandbox_wire import Gone, Wire, listening

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class ImapCommand(Entry):
    """One command as it came in, without its tag; of LOGIN only the word."""

    line: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in the mailbox."""

    uid: int
    at: datetime
    content: bytes


class ImapSandbox:
    """The server. `append` puts a mail into its one folder."""

    def __init__(
        self,
        *,
        clock: Clock,
        username: str,
        password: str,
        mode: str = "none",
        folder: str = "INBOX",
        validity: int = 7,
    ) -> None:
        self.commands: Ledger[ImapCommand] = Ledger()
        self.letters: list[Letter] = []
        self.marked: set[int] = set()
        """UIDs of mails that somebody fetched without PEEK."""
        self.validity = validity
        self.mode = mode
        self.port = 0
        self.silent = False
        """True: it takes connections and says nothing."""
        self._clock = clock
        self._account = (username, password)
        self._folder = folder
        self._wires: set[Wire] = set()
        self._authority: Authority | None = None

    @property
    def ca_file(self) -> Path:
        if self._authority is None:
            raise LookupError("this server speaks no TLS")
        return self._authority.ca_file

    def append(self, content: bytes) -> int:
        """A mail arrives; its UID."""
        uid = len(self.letters) + 1
        self.letters.append(Letter(uid, self._clock.now(), content))
        return uid

    @contextlib.asynccontextmanager
    async def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve while the block runs; gives `imap://host:port`."""
        with contextlib.ExitStack() as stack:
            if self.mode != "none":
                self._authority = stack.enter_context(authority())
            implicit = self._authority.context if self._authority and self.mode == "tls" else None
            async with listening(self._talk, self._wires, host, port, implicit) as self.port:
                yield f"{'imaps' if implicit else 'imap'}://{host}:{self.port}"

    async def _talk(self, wire: Wire) -> None:
        if self.silent:
            await wire.hang()
        wire.write(b"* OK sandbox ready\r\n")
        signed_in = False
        while True:
            tag, words, rest = _command(await wire.line())
            self.commands.record(
                ImapCommand(self._clock.now(), words if words == "LOGIN" else f"{words} {rest}".strip())
            )
            if words == "LOGOUT":
                wire.write(f"* BYE\r\n{tag} OK bye\r\n".encode())
                raise Gone
            if words == "STARTTLS" and self._authority is not None and not wire.secure:
                wire.write(f"{tag} OK go ahead\r\n".encode())
                await wire.start_tls(self._authority.context)
                continue
            if words == "LOGIN":
                signed_in = tuple(_quoted(rest)) == self._account
                wire.write(f"{tag} {'OK' if signed_in else 'NO'} LOGIN\r\n".encode())
                continue
            untagged, tagged = self._answer(words, rest, signed_in, wire.secure)
            wire.write(untagged + f"{tag} {tagged}\r\n".encode())

    def _answer(self, words: str, rest: str, signed_in: bool, secure: bool) -> tuple[bytes, str]:
        """(untagged answer, what the tagged line says)."""
        if words == "CAPABILITY":
            starttls = b" STARTTLS" if self._authority and not secure else b""
            return b"* CAPABILITY IMAP4rev1" + starttls + b"\r\n", "OK done"
        if not signed_in:
            return b"", "NO sign in first"
        match words:
            case "SELECT" | "EXAMINE":
                return self._open(_quoted(rest))
            case "UID SEARCH":
                return self._search(rest)
            case "UID FETCH":
                return self._fetch(rest)
        return b"", "OK done" if words == "NOOP" else "BAD unknown"

    def _open(self, names: list[str]) -> tuple[bytes, str]:
        if names != [self._folder]:
            return b"", "NO no such folder"
        head = f"* {len(self.letters)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n"
        return f"{head}* OK [UIDNEXT {len(self.letters) + 1}] next\r\n".encode(), "OK [READ-ONLY] open"

    def _search(self, rest: str) -> tuple[bytes, str]:
        if after := re.fullmatch(r"UID (\d+):\*", rest):
            # `*` is the newest, whatever stands before it
            found = [each for each in self.letters if each.uid >= int(after[1])] or self.letters[-1:]
        elif since := re.fullmatch(r"SINCE (\d+)-(\w{3})-(\d{4})", rest):
            day = date(int(since[3]), MONTHS.index(since[2]) + 1, int(since[1]))
            found = [each for each in self.letters if each.at.date() >= day]
        else:
            return b"", "BAD search"
        return " ".join(["* SEARCH", *(str(each.uid) for each in found)]).encode() + b"\r\n", "OK done"

    def _fetch(self, rest: str) -> tuple[bytes, str]:
        wish = re.fullmatch(r"(\d+) \(BODY(\.PEEK)?\[\]<0\.(\d+)>\)", rest)
        if wish is None:
            return b"", "BAD fetch"
        letter = next((each for each in self.letters if each.uid == int(wish[1])), None)
        if letter is None:
            return b"", "OK done"
        if not wish[2]:
            self.marked.add(letter.uid)
        content = letter.content[: int(wish[3])]
        head = f"* {letter.uid} FETCH (UID {letter.uid} BODY[]<0> {{{len(content)}}}\r\n".encode()
        return head + content + b")\r\n", "OK done"


def _command(line: bytes) -> tuple[str, str, str]:
    tag, _, rest = line.decode(errors="replace").strip().partition(" ")
    words, _, rest = rest.partition(" ")
    if words.upper() == "UID":
        more, _, rest = rest.partition(" ")
        words = f"UID {more}"
    return tag, words.upper(), rest


def _quoted(text: str) -> list[str]:
    """The arguments of a command: quoted strings and atoms."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', text)
    return [re.sub(r"\\(.)", r"\1", quoted) if quoted else atom for quoted, atom in found]
