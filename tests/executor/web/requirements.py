"""Name what must hold of pages of the web and of the clipboard.

A part of `tests.requirements`; holds no test.
"""

from tests.requirement import DESIGN, SECURITY, Requirement

OF_THE_WORLD: tuple[Requirement, ...] = (
    Requirement("R-NET-1", SECURITY, "Only addresses of the public network are dialled."),
    Requirement("R-NET-2", SECURITY, "The address that was checked is dialled, at each redirect."),
    Requirement("R-NET-3", DESIGN, "An exact rule of the user's opens a host that is not public."),
    Requirement("R-WEB-1", DESIGN, "A page's text is shown as it is, what is binary by its facts."),
    Requirement("R-WEB-2", DESIGN, "HTML becomes Markdown with its links."),
    Requirement("R-WEB-3", SECURITY, "Size and time of a page are bounded, whatever it claims."),
    Requirement("R-WEB-4", SECURITY, "A redirect leads to no host that was not decided on."),
    Requirement("R-WEB-5", SECURITY, "Fetching sends no cookie or credential, and asks no proxy."),
    Requirement("R-WEB-6", SECURITY, "No spelling of an address leads to a private host."),
    Requirement("R-CLIP-1", DESIGN, "The clipboard is read and written where there is one."),
    Requirement("R-CLIP-2", DESIGN, "Over SSH and in tmux the terminal is handed the text."),
    Requirement("R-CLIP-3", SECURITY, "Reading the clipboard asks in every mode."),
)
