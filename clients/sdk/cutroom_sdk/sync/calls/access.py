# Made by `just specs` from cutroom_sdk/calls/access.py; change that one.
"""Tokens, and windows of a browser."""

from cutroom_sdk.places import conditions, filled
from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.tokens import Entered, EnterRequest, IssuedToken, Ticket, Token, TokenRequest


class AccessCalls(Connection):
    """Who may do what."""

    def issue_token(self, asked: TokenRequest, *, idempotency_key: str | None = None) -> IssuedToken:
        """Issue a token; the answer shows its secret, this once."""
        return self.post("/v1/tokens", asked, IssuedToken, idempotency_key=idempotency_key)

    def tokens(self) -> list[Token]:
        """Return the tokens that were issued here and are not revoked, oldest first."""
        return self.every("/v1/tokens", Token)

    def revoke_token(self, token_id: str, *, idempotency_key: str | None = None) -> Token:
        """End a token and all that it opened; return it as it was. Revoking it again changes nothing."""
        headers = conditions(idempotency_key=idempotency_key)
        return self.ask("DELETE", filled("/v1/tokens/{id}", token_id), Token, headers=headers)

    def ticket(self) -> Ticket:
        """Return a ticket that lets a window of a browser in with this client's token: once, within 30 seconds."""
        return self.post("/v1/tickets", {}, Ticket)

    def enter(self, ticket: str) -> Entered:
        """Spend a ticket as a browser's page does; the cookie stays with this client."""
        return self.post("/v1/enter", EnterRequest(ticket=ticket), Entered)
