"""What secrets look like: the shapes that vendors give their keys, tokens, private keys, cards, and what people write.

A rule finds a span and says of what kind it is. Where a rule has a group named `secret`, that is the span.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Final, NamedTuple

CHANCE: Final = "high_entropy"
KINDS: Final = (
    "api_key", "card", "credential_url", "email", "high_entropy", "jwt", "password", "phone", "private_key", "token"
)  # fmt: skip
MARK: Final = re.compile(rf"\[redacted:(?:{'|'.join(KINDS)})\]")  # of these kinds alone: nothing hides in one
ENTROPY_MIN: Final = 3.6  # bits a character; words in any language stay below
CARD_DIGITS: Final = range(13, 20)  # ISO/IEC 7812
PHONE_DIGITS: Final = range(8, 16)  # E.164 has at most 15


class Rule(NamedTuple):
    """One shape. `holds` looks at the span a second time, where a pattern alone would find too much."""

    kind: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = lambda _: True


def _key(pattern: str, kind: str = "api_key") -> Rule:
    return Rule(kind, re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])"))


def luhn(digits: str) -> bool:
    """Tell whether digits end in the check digit of ISO/IEC 7812-1.

    >>> luhn("4242424242424242"), luhn("4242424242424241")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(text: str) -> bool:
    """Tell whether a span is a card's number: as many digits as cards have, an issuer's beginning, the check digit."""
    digits = re.sub(r"\D", "", text)
    return len(digits) in CARD_DIGITS and digits[0] in "23456" and len(set(digits)) > 1 and luhn(digits)


def is_phone(text: str) -> bool:
    """Tell whether a span has as many digits as numbers of telephones have."""
    return len(re.sub(r"\D", "", text)) in PHONE_DIGITS


def entropy(text: str) -> float:
    """Return Shannon's entropy of a text's characters, in bits a character.

    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)
    """
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values()) + 0.0


def is_chance(text: str) -> bool:
    """Tell whether a word looks like chance: all of capitals, small letters and digits, and they change often.

    Names in CamelCase change seldom, hashes in hex and ids in base 32 lack a class: those are no secrets.
    """
    classes = ["d" if one.isdigit() else "u" if one.isupper() else "l" for one in text if one.isalnum()]
    if len(set(classes)) < 3 or classes.count("d") < 2:
        return False
    changes = sum(one != other for one, other in pairwise(classes))
    return changes / len(classes) >= 0.4 and entropy(text) >= ENTROPY_MIN


def is_value(text: str) -> bool:
    """Tell whether what stands after `password:` and the like is one, rather than the next word of a sentence."""
    if text.startswith(("[secret ", "$", "<", "{")):
        return False
    return len(text) >= 16 or any(not one.isalpha() for one in text.rstrip(".,:;!?"))


_NAMES: Final = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|credential|api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?key|auth[_-]?token|"
    r"client[_-]?secret|private[_-]?key|account[_-]?key|signing[_-]?key|encryption[_-]?key"
)
SECRETS: Final[tuple[Rule, ...]] = (
    Rule(
        "private_key",
        # Without an end it reaches to the end of the text: half a key is one too.
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?!-----END )[\s\S])*(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    Rule("private_key", re.compile(r"PuTTY-User-Key-File-\d[\s\S]*?(?:Private-MAC: ?[0-9a-f]+|\Z)")),
    _key(r"AGE-SECRET-KEY-1[0-9A-Z]{50,}", "private_key"),
    _key(r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*", "jwt"),
    _key(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){4}", "jwt"),  # encrypted ones have five parts (RFC 7516)
    _key(r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}"),  # Amazon
    _key(r"gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255}"),
    _key(r"gl(?:pat|dt|rt|cbt|ptt|ft|agent|oas|soat)-[A-Za-z0-9_.-]{20,}"),  # GitLab
    _key(r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}"),  # Slack
    _key(r"https?:/{2}hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}", "credential_url"),
    _key(r"https?:/{2}(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}", "credential_url"),
    _key(r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"),  # Google
    _key(r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}"),  # Stripe
    _key(
        r"sk-(?:proj-|svcacct-|admin-|ant-(?:api|admin)\d\d-|or-v1-|lf-)?[A-Za-z0-9_-]{20,}"
    ),  # OpenAI, Anthropic, ...
    _key(r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),  # SendGrid
    _key(r"(?:SK|AC)[0-9a-f]{32}|key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}"),  # Twilio, Mailgun, Mailchimp
    _key(r"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|rubygems_[0-9a-f]{40,}|dckr_pat_[A-Za-z0-9_-]{20,}"),
    _key(
        r"hf_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{40,}"
    ),
    _key(
        r"do[opr]_v1_[0-9a-f]{40,}|hvs\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24}|dp\.(?:pt|st|ct)\.[A-Za-z0-9]{30,}"
    ),
    _key(r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{40,}"),
    _key(r"lin_api_[A-Za-z0-9]{30,}|(?:ntn|secret)_[A-Za-z0-9]{30,}|PMAK-[0-9a-f]{24}-[0-9a-f]{30,}"),
    _key(r"dapi[0-9a-f]{32}|HRKU-[A-Za-z0-9_-]{30,}|glsa_[A-Za-z0-9]{30,}_[0-9a-f]{8}|NRAK-[A-Z0-9]{27}"),
    _key(
        r"sl\.[A-Za-z0-9_-]{60,}|figd_[A-Za-z0-9_-]{30,}|ATATT3[A-Za-z0-9_=-]{50,}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"
    ),
    _key(
        r"\d{8,10}:[A-Za-z0-9_-]{35}|[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}", "token"
    ),  # Telegram, Discord
    _key(r"cutroom_[A-Za-z0-9_-]{20,}|(?:window|memory)\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]{20,}", "token"),
    Rule(
        "credential_url",
        re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,20}://(?P<secret>[^\s/:@]{0,100}:[^\s/@]{1,200})@"),
    ),
    Rule(
        "credential_url",
        re.compile(r"(?i)[?&](?:sig|signature|x-amz-signature|access_token)=(?P<secret>[\w%.+/=-]{16,})"),
    ),
    Rule("token", re.compile(r"(?i)\b(?:bearer|basic|negotiate)\s+(?P<secret>[A-Za-z0-9._~+/-]{16,}=*)")),
    Rule(
        "password",
        re.compile(
            rf"""(?i)(?<![a-z])(?:{_NAMES})["'`]?(?:\s*(?:[:=]|=>|:=)\s*|\s+is\s+)["'`]?"""
            r"(?P<secret>[^\s\"'`,;)}\]]{6,512})"
        ),
        is_value,
    ),
    Rule("card", re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]\d)(?!\d)"), is_card),
    Rule(CHANCE, re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,512}={0,2}"), is_chance),
)
CONTACTS: Final[tuple[Rule, ...]] = (
    Rule("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")),
    Rule("phone", re.compile(r"(?<![\w+])(?:\+|00)\d(?:[ ()./-]{0,2}\d){7,14}(?!\d)"), is_phone),
    Rule("phone", re.compile(r"(?<![\w+.-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"), is_phone),
    Rule(
        "phone",
        re.compile(r"(?<![\w+.-])\(?0\d{2,4}\)?[ /.-]{1,2}\d{2,4}(?:[ -]?\d{2,4}){1,3}(?![\w-])"),
        is_phone,
    ),
)
