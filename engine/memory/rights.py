"""What a caller may do with memory. It comes from the bearer token alone: nothing that is said in a body adds to it."""

from dataclasses import dataclass
from typing import Final

from cutroom_sdk.wire.memory import Tier, UpperTier
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden
from engine.memory.reducer import TIERS

SCOPED: Final = (
    "memory:scoped"  # what a signed capability gives at the border; no token can be issued with it
)
LOWER: Final[tuple[Tier, ...]] = ("session", "project")
TARGETS: Final[tuple[UpperTier, ...]] = ("project", "team", "curated")


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Where a caller may read, write and promote to. `workspace`, `project`: there alone; None: in any of the partition.

    `require_review`: a promotion takes evidence that a person has looked at it.
    """

    read_tiers: frozenset[Tier] = frozenset()
    write_tiers: frozenset[Tier] = frozenset()
    promote_targets: frozenset[UpperTier] = frozenset()
    require_review: bool = True
    workspace: str | None = None
    project: str | None = None
    run_id: str | None = None

    def reaches(self, workspace: str | None, project: str | None) -> bool:
        """Tell whether a place lies where these rights are good; None stands for every one."""
        return self.workspace in (None, workspace) and self.project in (None, project)

    def reads(self, tier: Tier, workspace: str | None, project: str | None) -> bool:
        """Tell whether a tier may be read in a place."""
        return tier in self.read_tiers and self.reaches(workspace, project)

    def sees(self, tier: Tier, workspace: str | None, project: str | None) -> bool:
        """Tell whether what is in a tier of a place may be read: the team's belongs to a workspace, what is curated to all.

        None stands for every workspace or project.
        """
        return self.reads(
            tier,
            self.workspace if tier == "curated" else workspace,
            project if tier in LOWER else self.project,
        )

    def check_change(self, tier: Tier, workspace: str, project: str) -> None:
        """Check that what is in a tier may be demoted and deleted: by who may write it, or take things up to it.

        Raises:
            Forbidden: it may not.
        """
        if tier in self.promote_targets:
            self.check_place(workspace, project)
        else:
            self.check_write(tier, workspace, project)

    def check_write(self, tier: Tier, workspace: str, project: str) -> None:
        """Check that a tier may be written in a place.

        Raises:
            Forbidden: it may not.
        """
        if tier not in self.write_tiers:
            wanted = "memory:write" if tier in LOWER else f"memory:write and memory:promote:{tier}"
            raise Forbidden(f"to write the tier {tier} takes {wanted}, which the token lacks", tier=tier)
        self.check_place(workspace, project)

    def check_target(self, tier: UpperTier, workspace: str, project: str) -> None:
        """Check that something of a place may be promoted to a tier.

        Raises:
            Forbidden: it may not.
        """
        if tier not in self.promote_targets:
            wanted = "memory:write" if tier == "project" else f"memory:promote:{tier}"
            raise Forbidden(f"to promote to the tier {tier} takes {wanted}, which the token lacks", tier=tier)
        self.check_place(workspace, project)

    def check_place(self, workspace: str, project: str) -> None:
        """Check that a place lies where these rights are good.

        Raises:
            Forbidden: it does not.
        """
        if not self.reaches(workspace, project):
            raise Forbidden(
                f"the capability is good in {self.workspace or 'any workspace'}/{self.project or 'any project'} alone"
            )

    def within(self, other: "Rights") -> "Rights":
        """Return what both allow: nobody grants what they lack."""
        return Rights(
            read_tiers=self.read_tiers & other.read_tiers,
            write_tiers=self.write_tiers & other.write_tiers,
            promote_targets=self.promote_targets & other.promote_targets,
            require_review=self.require_review or other.require_review,
            workspace=other.workspace if self.workspace is None else self.workspace,
            project=other.project if self.project is None else self.project,
            run_id=other.run_id if self.run_id is None else self.run_id,
        )


def of_token(context: Context) -> Rights:
    """Return the rights of an ordinary token: `memory:read`, `memory:write`, `memory:promote:<tier>`.

    Writing covers the tiers session and project, and moving things up to the second; a person with such a token needs no
    review by another, a program does.
    """
    writes = context.may("memory:write")
    above: set[UpperTier] = set()
    if context.may("memory:promote:team"):
        above.add("team")
    if context.may("memory:promote:curated"):
        above.add("curated")
    return Rights(
        read_tiers=frozenset(TIERS) if context.may("memory:read") else frozenset(),
        # A program puts nothing into the upper tiers unseen: it puts below, and has it promoted.
        write_tiers=frozenset((*LOWER, *(above if context.human else ()))) if writes else frozenset(),
        promote_targets=frozenset({"project", *above} if writes else above),
        require_review=not context.human,
    )
