"""What all tests share: no clock decides whether a property holds."""

from hypothesis import settings

# A shared machine stops for a second now and then; a deadline would fail a sound example.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
