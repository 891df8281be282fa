"""What a user did that cannot work, said in one sentence with the mend."""


class OctavoError(Exception):
    """A fault of the input, not of the program.

    The message is one sentence for a person: what is wrong, and what to do. The command
    line prints it without a traceback and exits with code 2; from Python it is an exception.
    """


class OctavoWarning(UserWarning):
    """What was found wrong and helped itself, in one sentence. The command line prints it and goes on."""


class RanAway(OctavoError):
    """Training came to numbers that are infinite or none, or to a loss far above chance: a result of its settings."""
