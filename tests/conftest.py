"""What all tests share: no clock decides whether a property holds, and Ctrl-C can be tested."""

import signal

from hypothesis import settings

# A shared machine stops for a second now and then; a deadline would fail a sound example.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process they
# start after them.
signal.signal(signal.SIGINT, signal.default_int_handler)
