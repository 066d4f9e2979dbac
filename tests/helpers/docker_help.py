# SPDX-License-Identifier: Apache-2.0
"""Which commands and flags docker's client says it has."""
import re, subprocess


def flags_of(client, left_out, *words):
    """(COMMAND, {FLAG: LETTER or None}) of each command that begins with WORDS, in the order of the help."""
    text = subprocess.run([client, *words, "--help"], capture_output=True, text=True, timeout=60).stdout
    groups = re.findall(r"(?m)^  (\w[\w-]*)\*?  ", text.split("Global Options:")[0] if not words else text)
    for group in groups:
        if " ".join([*words, group]) not in left_out:
            yield from flags_of(client, left_out, *words, group)
    if not groups:
        yield " ".join(words), {m[2]: m[1] for m in re.finditer(r"(?m)^  (?:-(\w),|   ) (--[\w-]+)", text)}


def is_given(flag, letter, words):
    """Whether the words of command lines have it."""
    return any(w.split("=")[0] == flag or letter and re.match(f"-[a-zA-Z]*{letter}", w) for w in words)
