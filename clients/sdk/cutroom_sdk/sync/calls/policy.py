# Made by `just specs` from cutroom_sdk/calls/policy.py; change that one.
"""Approvals and policy: what waits for a decision, who may decide, and what would be allowed."""

from typing import Any

from cutroom_sdk.places import conditions, filled, given
from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.approvals import (
    Approval,
    ApproveAllAnswer,
    ApproveAllRequest,
    ApproveRequest,
    Delegation,
    DelegationRequest,
    DenyRequest,
)
from cutroom_sdk.wire.policy import SimulateAnswer, SimulateRequest


class PolicyCalls(Connection):
    """Leave to do something."""

    def simulate_policy(
        self, asked: SimulateRequest, *, idempotency_key: str | None = None
    ) -> SimulateAnswer:
        """Return what would become of a call of a tool; nothing is called."""
        return self.post("/v1/policy/simulate", asked, SimulateAnswer, idempotency_key=idempotency_key)

    def approve_all(
        self, mission_id: str, reason: str, *, idempotency_key: str | None = None
    ) -> ApproveAllAnswer:
        """Grant the reviews of a mission that wait now; return them, and those left."""
        path = filled("/v1/missions/{id}/approve-all", mission_id)
        asked = ApproveAllRequest(reason=reason)
        return self.post(path, asked, ApproveAllAnswer, idempotency_key=idempotency_key)

    def delegate(self, asked: DelegationRequest, *, idempotency_key: str | None = None) -> Delegation:
        """Have somebody decide in one's own place."""
        return self.post("/v1/delegations", asked, Delegation, idempotency_key=idempotency_key)

    def delegations(self) -> list[Delegation]:
        """Return who decides in whose place, and who did."""
        return self.every("/v1/delegations", Delegation)

    def delegation(self, delegation_id: str) -> Delegation:
        """Return one delegation."""
        return self.get(filled("/v1/delegations/{id}", delegation_id), Delegation)

    def revoke_delegation(self, delegation_id: str, *, idempotency_key: str | None = None) -> Delegation:
        """End a delegation; return it."""
        path = filled("/v1/delegations/{id}", delegation_id)
        headers = conditions(idempotency_key=idempotency_key)
        return self.ask("DELETE", path, Delegation, headers=headers)

    def approvals(self, *, state: str | None = None) -> list[Approval]:
        """Return approvals, those of one state if it is named."""
        return self.every("/v1/approvals", Approval, given({"state": state}))

    def approval(self, approval_id: str) -> Approval:
        """Return one approval."""
        return self.get(filled("/v1/approvals/{id}", approval_id), Approval)

    def approve(
        self, approval: Approval, *, reason: str = "", idempotency_key: str | None = None
    ) -> Approval:
        """Say yes to exactly what `approval` shows."""
        asked = ApproveRequest(reason=reason, subject_hash=approval.subject_hash)
        path = filled("/v1/approvals/{id}/approve", approval.approval_id)
        return self.post(path, asked, Approval, idempotency_key=idempotency_key)

    def deny(
        self,
        approval: Approval,
        *,
        reason: str = "",
        amend: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Approval:
        """Say no to exactly what `approval` shows; `amend` is what to do otherwise in the next attempt."""
        asked = DenyRequest(reason=reason, subject_hash=approval.subject_hash, amend=amend or {})
        path = filled("/v1/approvals/{id}/deny", approval.approval_id)
        return self.post(path, asked, Approval, idempotency_key=idempotency_key)
