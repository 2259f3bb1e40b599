"""The behaviours that keep people apart on a team's maestro."""

from tests.requirement import SECURITY, Requirement

OF_TEAM_SECURITY: tuple[Requirement, ...] = (
    Requirement("R-KEYS-1", SECURITY, "A person's keys are revoked one by one, and end in time."),
    Requirement("R-KEYS-2", SECURITY, "What came in by a key is closed soon after its end."),
    Requirement("R-MONEY-1", SECURITY, "One person's generations at once are bounded, over all."),
    Requirement("R-MONEY-2", SECURITY, "A person spends no more tokens a day than allowed."),
    Requirement("R-QUOTA-1", SECURITY, "What a person has and sends is counted over all maestros."),
    Requirement("R-QUOTA-2", SECURITY, "Who is at a limit is told which, and when to come back."),
    Requirement("R-QUOTA-3", SECURITY, "Failed attempts are limited, by address and by token."),
    Requirement("R-TENANT-1", SECURITY, "What is not one's own answers as what is not there."),
    Requirement("R-TENANT-2", SECURITY, "A cancelled call leaves no reply to the next one."),
    Requirement("R-TENANT-3", SECURITY, "No log, error or row holds a token or a provider's key."),
    Requirement("R-EVIL-1", SECURITY, "A hostile executor harms its own session at most."),
    Requirement("R-EVIL-2", SECURITY, "Each call has exactly one accepted result."),
)
