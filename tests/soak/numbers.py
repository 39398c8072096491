"""`python -m tests.soak.numbers --numbers 1000000`: legal numbers keep every digit, for minutes.

In: how many numbers, and the seed. Out: a line for each tenth. A number has up to 38 digits and a power of
ten from -130 to 125, written in one of the ways that DynamoDB and people do. It ends at the first that is
another one after it was decoded, encoded, written to JSON, read from it, or sent to boto3 and back.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from fractions import Fraction

from rules_engine import exact_json
from rules_engine.attribute_value import decode, encode, from_boto, to_boto
from rules_engine.errors import AttributeValueError
from rules_engine.index.numbers import exact, number_in


def legal_number(rng: random.Random) -> str:
    """The text of a number that DynamoDB can hold."""
    count = rng.choice((1, 2, 3, rng.randint(1, 38), 37, 38))
    digits = str(rng.randint(1, 9)) + "".join(rng.choices("0123456789", k=count - 1))
    digits = digits.rstrip("0") or "1"
    magnitude = rng.choice((0, 1, 2, -1, -2, 37, 38, rng.randint(-130, 125), -130, 125))
    sign = rng.choice(("", "", "-"))
    form = rng.randrange(4)
    if form == 0:
        point = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
        return f"{sign}{point}{rng.choice('eE')}{rng.choice(('', '+')) if magnitude >= 0 else ''}{magnitude}"
    if form == 1:
        return f"{sign}{digits}E{magnitude - len(digits) + 1}"
    whole = magnitude + 1
    if whole <= 0:
        return f"{sign}0.{'0' * -whole}{digits}"
    padded = digits.ljust(whole, "0")
    if form == 2 or len(padded) == whole:
        return f"{sign}{padded[:whole]}" + (f".{padded[whole:]}" if len(padded) > whole else "")
    return f"{sign}{padded[:whole]}.{padded[whole:]}"


ILLEGAL = (
    "NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "1_000",
    "1,5",
    "0x10",
    "٣",
    "\uff11",
    "1e",
    "e1",
    "",
    ".",
    "-",
    "+",
    " 1",
    "1 ",
    "1\n",
    "--1",
    "1.2.3",
    "1e5.5",
    "1e126",
    "1e-131",
    "9" * 39,
    "½",
    "1\u0661",
    "1e٣",
    "0b1",
    "1L",
    "1d",
    "\u22121",
)


def value_of(text: str) -> Fraction:
    """The number that a text stands for, by arithmetic of its own."""
    mantissa, _, power = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    number = Fraction(int((whole + fraction) or "0")) * Fraction(10) ** (int(power or "0") - len(fraction))
    return -number if mantissa.startswith("-") else number


def check(text: str) -> None:
    wanted = value_of(text)
    number = decode({"N": text})
    assert Fraction(number) == wanted, "decoded"
    written = encode(number)
    assert value_of(written["N"]) == wanted, "encoded"
    assert Fraction(decode(written)) == wanted, "decoded again"
    assert from_boto(to_boto(written)) == written, "through boto3"
    json_text = exact_json.dumps(number)
    assert value_of(json_text) == wanted, "written to JSON"
    assert Fraction(exact_json.loads(json_text)) == wanted, "read from JSON"
    assert Fraction(exact(number_in(text))) == wanted, "in the index"


def check_illegal(text: str) -> None:
    try:
        decode({"N": text})
    except AttributeValueError:
        return
    raise AssertionError("taken for a number")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    rng = random.Random(options.seed)
    for text in ILLEGAL:
        check_illegal(text)
    for number in range(1, options.numbers + 1):
        text = legal_number(rng)
        try:
            check(text)
        except BaseException:
            sys.stderr.write(f"the number {text!r}\n")
            raise
        if number % max(options.numbers // 10, 1) == 0:
            sys.stdout.write(f"{number:,} numbers exact after {time.monotonic() - started:.0f} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
