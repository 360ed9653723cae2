"""Nobody grants what they lack, whoever asks for whatever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cutroom_sdk.wire.tokens import CAPABILITIES, TokenRequest
from engine.access.reducer import Issue, Issued, Revoke, decide, init, on_event
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid, NotFound, Rejected, StudioError
from engine.kernel.reducer import Envelope

NOW_MS = 1_000
OPERATOR = Context(actor="operator", human=True, capabilities=frozenset({"*"}), token_id="operator")
ADMIN = Context(actor="ada", capabilities=frozenset({"tokens:admin", "log:read"}), expires_at_ms=9_000)
TENANT = Context(actor="eve", partition="acme/prod", human=True, capabilities=frozenset({"*"}))
PLAIN = TokenRequest(actor="bob", capabilities=("log:read",), expires_at_ms=5_000)


def issue(issuer: Context, asked: TokenRequest) -> Issued:
    envelope = Envelope(at_ms=NOW_MS, actor=issuer.actor, human=issuer.human)
    (issued,) = decide(init("t1"), Issue(asked=asked, sha256="5f" * 32, issuer=issuer), envelope)
    assert isinstance(issued, Issued)
    return issued


def test_who_holds_it_may_give_it() -> None:
    grant = issue(ADMIN, PLAIN).grant
    assert (grant.actor, grant.capabilities, grant.human) == ("bob", ("log:read",), False)
    assert (grant.tenant, grant.env) == ("local", "dev")


@pytest.mark.parametrize(
    ("issuer", "asked", "field"),
    [
        (ADMIN, replace(PLAIN, capabilities=("log:read", "media:read")), "capabilities"),
        (ADMIN, replace(PLAIN, capabilities=("*",)), "capabilities"),
        (ADMIN, replace(PLAIN, human=True), "human"),
        (ADMIN, replace(PLAIN, env="prod"), "env"),
        (ADMIN, replace(PLAIN, expires_at_ms=9_001), "expires_at_ms"),
        (ADMIN, replace(PLAIN, expires_at_ms=None), "expires_at_ms"),
        (TENANT, replace(PLAIN, tenant="local", env="dev"), "tenant"),
        (OPERATOR, replace(PLAIN, actor="engine"), "actor"),
        (OPERATOR, replace(PLAIN, actor="engine:checks"), "actor"),
        (OPERATOR, replace(PLAIN, actor="Engine.run"), "actor"),
        (OPERATOR, replace(PLAIN, actor="operator"), "actor"),
    ],
)
def test_what_an_issuer_lacks_they_cannot_give(issuer: Context, asked: TokenRequest, field: str) -> None:
    with pytest.raises(Forbidden) as refused:
        issue(issuer, asked)
    assert refused.value.extra == {"field": field}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (replace(PLAIN, capabilities=("log:write",)), "capabilities"),
        (replace(PLAIN, capabilities=("log:*",)), "capabilities"),
        (replace(PLAIN, capabilities=()), "capabilities"),
        (replace(PLAIN, actor=""), "actor"),
        (replace(PLAIN, actor="a b"), "actor"),
        (replace(PLAIN, actor="x" * 65), "actor"),
        (replace(PLAIN, tenant="a/b"), "tenant"),
        (replace(PLAIN, env=""), "env"),
        (replace(PLAIN, expires_at_ms=NOW_MS), "expires_at_ms"),
    ],
)
def test_what_is_no_token_is_named(asked: TokenRequest, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        issue(OPERATOR, asked)
    assert refused.value.extra == {"field": field}


def test_an_unknown_capability_is_refused_with_those_there_are() -> None:
    with pytest.raises(Invalid) as refused:
        issue(OPERATOR, replace(PLAIN, capabilities=("log:raed",)))
    assert all(name in refused.value.detail for name in CAPABILITIES)


def test_only_the_operators_own_partition_gives_tokens_for_others() -> None:
    grant = issue(OPERATOR, replace(PLAIN, tenant="acme", env="prod", capabilities=("*",))).grant
    assert (grant.tenant, grant.env) == ("acme", "prod")


def test_a_token_is_issued_once_and_what_was_not_issued_is_not_revoked() -> None:
    issued = on_event(init("t1"), issue(OPERATOR, PLAIN), Envelope(at_ms=NOW_MS, actor="operator")).state
    envelope = Envelope(at_ms=NOW_MS, actor="operator", human=True)
    with pytest.raises(Rejected):
        decide(issued, Issue(asked=PLAIN, sha256="", issuer=OPERATOR), envelope)
    with pytest.raises(NotFound):
        decide(init("t2"), Revoke(), envelope)


names = st.sampled_from(sorted(CAPABILITIES))
contexts = st.builds(
    Context,
    actor=st.just("ada"),
    partition=st.sampled_from(["local/dev", "acme/prod"]),
    human=st.booleans(),
    capabilities=st.frozensets(names, max_size=4),
    expires_at_ms=st.none() | st.integers(2_000, 4_000),
)
requests = st.builds(
    TokenRequest,
    actor=st.sampled_from(["bob", "engine", "operator"]),
    capabilities=st.lists(names, max_size=3).map(tuple),
    human=st.booleans(),
    tenant=st.none() | st.sampled_from(["local", "acme"]),
    env=st.none() | st.sampled_from(["dev", "prod"]),
    expires_at_ms=st.none() | st.integers(500, 4_500),
)


@given(contexts, requests)
def test_a_chain_of_tokens_never_gains_anything(issuer: Context, asked: TokenRequest) -> None:
    try:
        grant = issue(issuer, asked).grant
    except StudioError:
        return
    assert all(issuer.may(one) for one in grant.capabilities)
    assert issuer.human or not grant.human
    place = f"{grant.tenant}/{grant.env}"
    assert place == issuer.partition or (issuer.partition == "local/dev" and issuer.may("*"))
    assert issuer.expires_at_ms is None or (
        grant.expires_at_ms is not None and grant.expires_at_ms <= issuer.expires_at_ms
    )
    assert grant.actor == "bob"
