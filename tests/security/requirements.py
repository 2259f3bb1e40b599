"""The behaviours that keep people apart on a maestro, and a maestro off a machine."""

from tests.requirement import DESIGN, SECURITY, Requirement

OF_TEAM_SECURITY: tuple[Requirement, ...] = (
    Requirement("R-KEYS-1", SECURITY, "A person's keys are revoked one by one, and end in time."),
    Requirement("R-KEYS-2", SECURITY, "What came in by a key is closed soon after its end."),
    Requirement("R-MONEY-1", SECURITY, "One person's generations at once are bounded, over all."),
    Requirement("R-MONEY-2", SECURITY, "A person spends no more tokens a day than allowed."),
    Requirement("R-QUOTA-1", SECURITY, "What a person has and sends is counted over all maestros."),
    Requirement("R-QUOTA-2", SECURITY, "Who is at a limit is told which, and when to come back."),
    Requirement("R-QUOTA-3", SECURITY, "Failed attempts are limited, by address and by token."),
    Requirement("R-QUOTA-4", SECURITY, "Who is at a limit does not slow another."),
    Requirement("R-TENANT-1", SECURITY, "What is not one's own answers as what is not there."),
    Requirement("R-TENANT-2", SECURITY, "A cancelled call leaves no reply to the next one."),
    Requirement("R-TENANT-3", SECURITY, "No log, error or row holds a token or a provider's key."),
    Requirement("R-EVIL-1", SECURITY, "A hostile executor harms its own session at most."),
    Requirement("R-EVIL-2", SECURITY, "Each call has exactly one accepted result."),
)

OF_LOCAL_SECURITY: tuple[Requirement, ...] = (
    Requirement("R-SECRET-1", SECURITY, "Secrets leave as placeholders, also in two halves."),
    Requirement("R-SECRET-2", SECURITY, "A secret is put back only where a file is written."),
    Requirement("R-AUDIT-1", SECURITY, "Every order, decision and result is in the audit log."),
    Requirement("R-AUDIT-2", SECURITY, "A line changed, moved or taken away is found by verify."),
    Requirement("R-EVIL-3", SECURITY, "No order of a maestro leads outside, or widens the policy."),
    Requirement("R-EVIL-4", SECURITY, "No frame of a maestro breaks or hangs the executor."),
    Requirement("R-EVIL-5", SECURITY, "The token goes to the maestro alone."),
    Requirement("R-HOSTILE-1", SECURITY, "Before trust nothing of a repository is run or read."),
    Requirement("R-HOSTILE-2", SECURITY, "A model that obeys every file does no harm."),
    Requirement("R-HOSTS-1", SECURITY, "Commands reach the hosts that are allowed, and no other."),
    Requirement("R-HOSTS-2", SECURITY, "What could name two hosts is neither allowed nor reached."),
    Requirement("R-HOSTS-3", SECURITY, "No allowed name leads to an address that is not public."),
    Requirement("R-HOSTS-4", DESIGN, "A refused host is told to the model, and logged."),
    Requirement("R-HOSTS-5", SECURITY, "A project's configuration takes hosts away only."),
    Requirement("R-ALWAYS-1", SECURITY, "A yes for ever covers what it says, and can be undone."),
    Requirement("R-SKEW-1", SECURITY, "Programs of an earlier revision work with these."),
    Requirement("R-SKEW-2", SECURITY, "What a later one says is passed over, or refused in words."),
    Requirement("R-HARD-1", SECURITY, "The executor's memory and token are its own."),
)
