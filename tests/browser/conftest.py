"""A site and a browser, made once for all tests of this folder."""

import pytest
from browsers import find_programs, open_browser
from sites import shared_site


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of a site with every kind of page. Only for looking."""
    find_programs()  # before the work, so that it is said at once what is missing
    return shared_site(tmp_path_factory)[1]


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium. Where there is none, the tests fail and say what to do."""
    with open_browser() as found:
        yield found
