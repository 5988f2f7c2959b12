"""What can go wrong and whom it concerns; only a program's `main` turns these into an exit code."""


class VedetteError(Exception):
    """An error whose text is written for the person who has to do something about it."""


class SettingsError(VedetteError):
    """A file or an option says something that can't be used."""


class MessageError(VedetteError):
    """What came in can't be read or can't be attributed; it is counted and dropped."""


class OtherVersionError(MessageError):
    """A message of a version of the contract that this program does not know."""
